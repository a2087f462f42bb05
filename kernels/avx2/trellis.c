/*
 * trellis.c - trellis codes with 8-bit integers, on AVX2; 1 to 6 bits.
 *
 *     up to 3 bits: levels + 64 (trellis.h), x  --maddubs-->  pair sums, too large by 64 of x; two steps added, that taken off
 *     from 4 bits:  magnitudes, psignb of x  ----maddubs--->  pair sums                   8 rows x 2, 16 bit; signs turned
 *     pair sums, multipliers of the rows  ------madd, add-->  dots * multipliers          8 rows, 32 bit; without them madd 1
 *             --float, * sx-------------------------------->  sums                        8 rows; in integers up to here
 *
 * Levels up to 3 bits have 7 bits: a pair sum with 64 is at most 2 * 127 * 127 < 2^15; two of them may wrap, and are back within
 * 4 * 63 * 127 < 2^15 without their 64. A pair sum of magnitudes is at most 2 * 127 * 127. |dot| <= 16 * 127 * 127 and a multiplier
 * is at most 255: two products stay under 2^27.
 */
#include "kernels/avx2/scales.h"
#include "kernels/avx2/trellis.h"
#include "kernels/prefetch.h"

enum { BLOCK = 32 }; /* groups whose offsets are made at once */

/* What pair sums of levels + 64 are too large by, of a group: 64 times x, two columns and two steps added; 4 bytes for two steps. */
INLINE __m256i offsets(const int32_t *x)
{
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)x);
    v = _mm256_maddubs_epi16(_mm256_set1_epi8(64), v);
    return _mm256_add_epi16(v, _mm256_bsrli_epi128(v, 8)); /* steps 0 and 2, 1 and 3; 4 and 6, 5 and 7 */
}

INLINE __m256i dword(const int32_t *x)
{
    return _mm256_set1_epi32(*x);
}

/* Half a tile: dots of 8 rows times their multipliers m[] for columns [0, 16) and [16, 32); up to 3 bits. */
INLINE __m256i half_of_levels(const uint8_t *tile, unsigned half, const unsigned bits, const unsigned states,
                              const __m256i table[4], const int32_t *x, const int32_t *offset, const __m256i m[2])
{
    where at[STEPS];
    __m256i sum = _mm256_setzero_si256();
    for (unsigned v = 0; v < first_width(bits); v++)
        vector_indices(tile, half, bits, states, v, at + 8 / first_width(bits) * v);
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; i++) {
        unsigned t = i + i / 2 * 2; /* 0 1 4 5 */
        __m256i pairs = _mm256_maddubs_epi16(lookup(table, bits, t, &at[t]), dword(x + t));
        pairs = _mm256_add_epi16(pairs, _mm256_maddubs_epi16(lookup(table, bits, t + 2, &at[t + 2]), dword(x + t + 2)));
        pairs = _mm256_sub_epi16(pairs, dword(offset + t));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, m[t / 4]));
    }
    return sum;
}

/* The same from 4 bits on, but the negative of it: psignb turns x where the level is positive. */
INLINE __m256i half_of_magnitudes(const uint8_t *tile, unsigned half, const unsigned bits, const unsigned states,
                                  const __m256i table[4], const int32_t *x, const __m256i m[2])
{
    __m256i sum = _mm256_setzero_si256();
#pragma GCC unroll 4
    for (unsigned v = 0; v < 4; v++) {
        where at[2];
        vector_indices(tile, half, bits, states, v, at);
#pragma GCC unroll 2
        for (unsigned i = 0; i < 2; i++) {
            unsigned t = 2 * v + i;
            __m256i pairs =
                _mm256_maddubs_epi16(lookup(table, bits, t, &at[i]), _mm256_sign_epi8(dword(x + t), at[i].positive));
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, m[t / 4]));
        }
    }
    return sum;
}

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, unsigned bits, unsigned states)
{
    const int bytes = a->w.scale == LSQ_SCALE_BYTE32;
    size_t tile = p * a->w.groups, within = p % CHAIN * a->w.groups;
    const int32_t *x = a->x;
    uint8_t copy[COPY];
    int32_t offset[BLOCK * STEPS];
    __m256i table[4];
    __m256 sum[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    tables_of(a->w.levels, bits, 64, 0, table);
    const multiplier_maker maker = multipliers_of(&a->w, p);
    for (size_t g = 0; g < a->w.groups; g++, tile++, within++, x += STEPS) {
        if (bits < 4 && g % BLOCK == 0)
            for (size_t i = 0; i < BLOCK && g + i < a->w.groups; i++)
                _mm256_storeu_si256((__m256i *)(void *)(offset + STEPS * i), offsets(x + STEPS * i));
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
                m[0] = multipliers_at(&a->w, all, half, 0, 1);
                m[1] = multipliers_at(&a->w, all, half, 1, 1);
            }
            __m256i d = bits >= 4 ? half_of_magnitudes(codes, half, bits, states, table, x, m)
                                  : half_of_levels(codes, half, bits, states, table, x, offset + g % BLOCK * STEPS, m);
            s = _mm256_mul_ps(_mm256_cvtepi32_ps(d), s);
            sum[half] = bits >= 4 ? _mm256_sub_ps(sum[half], s) : _mm256_add_ps(sum[half], s);
        }
    }
    _mm256_storeu_ps(y, sum[0]);
    _mm256_storeu_ps(y + 8, sum[1]);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_t##bits##_i8_avx2_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                   \
    {                                                                                                                  \
        panels(a, p0, p1, bits, gemv);                                                                                 \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
