/*
 * plain.c - codes that index a table, on AVX2: 2 to 6 bits with 8-bit integers.
 *
 * One ymm holds 8 rows x 4 columns of bytes, so a panel is a low and a high half. Two steps are decoded together:
 *
 *     codes   --shift, mask, merge-->  indices   one byte each
 *     indices --pshufb, blends------>  levels    signed bytes
 *     levels, x --maddubs----------->  pair sums 8 rows x 2, 16 bit
 *             --madd 1-------------->  dots      8 rows, 32 bit
 *     dots * (sx * s)  ------------->  sums      8 rows, float
 *
 * dot.h says how signs get into maddubs, and why it does not saturate.
 */
#include "kernels/avx2/bits.h"
#include "kernels/avx2/dot.h"
#include "kernels/avx2/scales.h"
#include "kernels/kernel.h"
#include "kernels/prefetch.h"

#include <immintrin.h>

INLINE __m256i lookup(__m256i table, __m256i index)
{
    return _mm256_shuffle_epi8(table, index);
}

INLINE __m256i blend(__m256i a, __m256i b, __m256i by)
{
    return _mm256_blendv_epi8(a, b, by);
}

/* The steps that are decoded together: neighbours, but with 3 bits one and the next but one. */
INLINE unsigned step_of(unsigned pair, const unsigned bits, unsigned which)
{
    return bits == 3 ? pair / 2 * 4 + pair % 2 + 2 * which : 2 * pair + which;
}

/*
 * Levels of two steps. pshufb looks at the low four bits of a byte, and wants bit 7 clear.
 *
 * 2 bits: both codes are one index of four bits, for two tables. 3 bits: both are merged at once, in two halves of a byte whose bits
 * 3 and 7 are clear, so that nothing needs to be masked again.
 */
INLINE void two_levels(const uint8_t *tile, unsigned half, const unsigned bits, unsigned pair, const __m256i table[4],
                       __m256i level[2])
{
    if (bits == 2) {
        __m256i index = masked(down(load(tile, pair / 2, half), (int)(pair % 2) * 4), 15);
        level[0] = lookup(table[0], index);
        level[1] = lookup(table[1], index);
    } else if (bits == 3) {
        const int v = (int)pair / 2, slot = (int)pair % 2;
        __m256i two = masked(down(load(tile, (unsigned)v, half), 2 * slot), 0x33);
        __m256i one = masked(down(load(tile, 2, half), slot ? v : v - 2), 0x44);
        __m256i index = _mm256_or_si256(two, one);
        level[0] = lookup(table[0], index);
        level[1] = lookup(table[0], down(index, 4));
    } else {
        const int v = (int)pair;
        for (int slot = 0; slot < 2; slot++) {
            __m256i index = masked(down(load(tile, pair, half), slot * 4), 15);
            level[slot] = lookup(table[0], index);
            if (bits == 4)
                continue;
            const int at =
                slot * 4 + (bits == 5 ? v : v % 2 * 2) - 7; /* where bit 4 is, from bit 7, which blends ask */
            __m256i plane = load(tile, bits == 5 ? 4 : 4 + pair / 2, half);
            level[slot] = blend(level[slot], lookup(table[1], index), down(plane, at));
            if (bits == 6) {
                __m256i above = blend(lookup(table[2], index), lookup(table[3], index), down(plane, at));
                level[slot] = blend(level[slot], above, down(plane, at + 1));
            }
        }
    }
}

/* Tables of 16 unsigned or signed levels; shorter ones repeat, so that every one of them is there. */
INLINE void tables_of(const lsq_levels *levels, const unsigned bits, const int seven, __m256i table[4])
{
    for (unsigned i = 0; i < 4; i++) {
        __m128i part = _mm_loadu_si128((const __m128i *)(const void *)(levels->i8 + 16 * i));
        if (bits == 2 && i == 1) /* by bits 2 and 3 of the index */
            part = _mm_shuffle_epi8(part, _mm_setr_epi8(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3));
        table[i] = _mm256_broadcastsi128_si256(_mm_add_epi8(part, _mm_set1_epi8((char)offset_of(seven))));
    }
}

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const unsigned bits, const int scaled)
{
    const int seven = bits <= 4; /* bits of a level */
    const size_t groups = a->w.groups;
    const uint8_t *tile = a->w.codes + p * groups * 64 * bits, *scales = scaled ? a->w.scales + p * groups * 16 : NULL;
    const int32_t *x = a->x;
    __m256i table[4];
    tables_of(a->w.levels, bits, seven, table);
    __m256 sum[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    for (size_t g = 0; g < groups; g++, tile += 64 * bits, x += GROUP / 4) {
        const __m256i start = _mm256_set1_epi32(start_of(a, 2 * g, seven) + start_of(a, 2 * g + 1, seven));
        __m256i dot[2] = {start, start};
        prefetch(tile, bits, a->prefetch);
#pragma GCC unroll 4
        for (unsigned pair = 0; pair < 4; pair++) {
            const __m256i x0 = _mm256_set1_epi32(x[step_of(pair, bits, 0)]);
            const __m256i x1 = _mm256_set1_epi32(x[step_of(pair, bits, 1)]);
            for (unsigned half = 0; half < 2; half++) {
                __m256i level[2];
                two_levels(tile, half, bits, pair, table, level);
                dot[half] = add_step(dot[half], level[0], x0, seven);
                dot[half] = add_step(dot[half], level[1], x1, seven);
            }
        }
        const __m256 sx = _mm256_set1_ps(a->sx[g]);
        for (unsigned half = 0; half < 2; half++) {
            __m256 s = scaled ? _mm256_mul_ps(sx, byte_scales(scales + g * 16 + half * 8)) : sx;
            sum[half] = _mm256_add_ps(sum[half], _mm256_mul_ps(_mm256_cvtepi32_ps(dot[half]), s));
        }
    }
    _mm256_storeu_ps(y, sum[0]);
    _mm256_storeu_ps(y + 8, sum[1]);
}

INLINE void rows(const lsq_gemv_args *a, size_t p0, size_t p1, const unsigned bits)
{
    float *y = a->y;
    for (size_t p = p0; p < p1; p++, y += PANEL)
        a->w.scales ? gemv(a, p, y, bits, 1) : gemv(a, p, y, bits, 0);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_p##bits##_i8_avx2_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                   \
    {                                                                                                                  \
        rows(a, p0, p1, bits);                                                                                         \
    }

WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
