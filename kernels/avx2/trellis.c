/*
 * trellis.c - trellis codes with 8-bit integers, on AVX2; 1 to 6 bits.
 *
 *     up to 3 bits: levels + 64 (trellis.h), x  --maddubs-->  pair sums, too large by 64 of x; two steps added, that taken off
 *     from 4 bits:  x or -x, as the level's sign is  ------>  maddubs with magnitudes   8 rows x 2, 16 bit
 *     pair sums, multipliers of the rows  --madd, add------>  dots * multipliers        8 rows, 32 bit; without them madd 1
 *             --float, * sx------------------------------->  sums                      8 rows; in integers up to here
 *
 * Levels up to 3 bits have 7 bits: a pair sum with 64 is at most 2 * 127 * 127 < 2^15, two of them may wrap, and without their 64 they are
 * back within 4 * 63 * 127 < 2^15. A pair sum of magnitudes is at most 2 * 127 * 127. |dot| <= 16 * 127 * 127 and a multiplier
 * is at most 255: two products stay under 2^27.
 */
#include "kernels/avx2/scales.h"
#include "kernels/avx2/trellis.h"
#include "kernels/prefetch.h"

enum { BLOCK = 32 }; /* groups whose x is prepared at once */

/* What a group's steps need besides x. Up to 3 bits: 64 times x, two columns and two steps added, each pair of steps 4 bytes; else -x. */
INLINE __m256i beside(const int32_t *x, const unsigned bits)
{
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)x);
    if (bits >= 4)
        return _mm256_sub_epi8(_mm256_setzero_si256(), v);
    v = _mm256_maddubs_epi16(_mm256_set1_epi8(64), v);
    return _mm256_add_epi16(v, _mm256_bsrli_epi128(v, 8)); /* steps 0 and 2, 1 and 3; 4 and 6, 5 and 7 */
}

INLINE __m256i dword(const int32_t *x)
{
    return _mm256_set1_epi32(*x);
}

/* Half a tile: dots of 8 rows times their multipliers m[] for columns [0, 16) and [16, 32). */
INLINE __m256i half_tile(const uint8_t *tile, unsigned half, const unsigned bits, const unsigned states,
                         const __m256i table[4], const int32_t *x, const int32_t *other, const __m256i m[2])
{
    const unsigned width = first_width(bits), slots = 8 / width;
    __m256i sum = _mm256_setzero_si256();
#pragma GCC unroll 4
    for (unsigned v = 0; v < width; v++) {
        where at[STEPS];
        vector_indices(tile, half, bits, states, v, at);
#pragma GCC unroll 8
        for (unsigned i = 0; i < slots; i++) {
            unsigned t = slots * v + i;
            __m256i pairs;
            if (bits >= 4) { /* with signs the other way round */
                pairs = _mm256_maddubs_epi16(lookup(table, bits, t, &at[i]),
                                             blend(dword(x + t), dword(other + t), at[i].positive));
            } else {
                if (t % 4 >= 2)
                    continue;
                pairs = _mm256_maddubs_epi16(lookup(table, bits, t, &at[i]), dword(x + t));
                pairs = _mm256_add_epi16(
                    pairs, _mm256_maddubs_epi16(lookup(table, bits, t + 2, &at[i + 2]), dword(x + t + 2)));
                pairs = _mm256_sub_epi16(pairs, dword(other + t));
            }
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, m[t / 4]));
        }
    }
    return sum;
}

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const unsigned bits, const unsigned states)
{
    const int bytes = a->w.scale == LSQ_SCALE_BYTE32;
    size_t tile = p * a->w.groups, within = p % CHAIN * a->w.groups;
    const int32_t *x = a->x;
    uint8_t copy[COPY];
    int32_t other[BLOCK * STEPS];
    __m256i table[4];
    __m256 sum[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    tables_of(a->w.levels, bits, 64, table);
    const multiplier_maker maker = multipliers_of(&a->w, p);
    for (size_t g = 0; g < a->w.groups; g++, tile++, within++, x += STEPS) {
        if (g % BLOCK == 0)
            for (size_t i = 0; i < BLOCK && g + i < a->w.groups; i++)
                _mm256_storeu_si256((__m256i *)(void *)(other + STEPS * i), beside(x + STEPS * i, bits));
        const uint8_t *codes = readable(&a->w, tile, within, bits, copy);
        prefetch(a->w.codes + tile * 64 * bits, bits, a->prefetch);
        __m256i all = bytes ? _mm256_setzero_si256() : multipliers(&a->w, tile, &maker);
        const __m256 sx = _mm256_set1_ps(a->sx[g]);
#pragma GCC unroll 2
        for (unsigned half = 0; half < 2; half++) {
            __m256i m[2] = {_mm256_set1_epi16(1), _mm256_set1_epi16(1)};
            __m256 s = sx;
            if (bytes) {
                s = _mm256_mul_ps(sx, byte_scales(a->w.scales + tile * 16 + 8 * half));
            } else {
                m[0] = multipliers_at(all, half, 0, 1);
                m[1] = multipliers_at(all, half, 1, 1);
            }
            __m256i d = half_tile(codes, half, bits, states, table, x, other + g % BLOCK * STEPS, m);
            s = _mm256_mul_ps(_mm256_cvtepi32_ps(d), s);
            sum[half] = bits >= 4 ? _mm256_sub_ps(sum[half], s) : _mm256_add_ps(sum[half], s);
        }
    }
    _mm256_storeu_ps(y, sum[0]);
    _mm256_storeu_ps(y + 8, sum[1]);
}

INLINE void rows(const lsq_gemv_args *a, size_t p0, size_t p1, const unsigned bits)
{
    float *y = a->y;
    for (size_t p = p0; p < p1; p++, y += PANEL)
        switch (a->w.states) {
        case 4:
            gemv(a, p, y, bits, 4);
            break;
        case 8:
            gemv(a, p, y, bits, 8);
            break;
        case 16:
            gemv(a, p, y, bits, 16);
            break;
        default:
            gemv(a, p, y, bits, 64);
        }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_t##bits##_i8_avx2_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                   \
    {                                                                                                                  \
        rows(a, p0, p1, bits);                                                                                         \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
