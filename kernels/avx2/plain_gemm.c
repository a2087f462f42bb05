/*
 * plain_gemm.c - codes that index a table times columns in fours, on AVX2; 2 to 4 bits with 8-bit integers.
 *
 * Half a panel after the other, so that dots of four columns stay in registers:
 *
 *     codes  --plain.h-->         levels    + 64, unsigned: two steps of 8 rows, once for 2, 3 or 4 columns
 *     levels, x  --maddubs-->     pair sums 8 rows x 2, 16 bit
 *                --madd 1, add--> dots      of a column each, 8 rows, 32 bit
 *     dots * (sx * s)  -------->  sums      of a column each, 8 rows, float; in memory
 *
 * Bounds as in dot.h. Levels of 8 bits, of wider codes, would have signs moved for each column: expanding them is faster.
 */
#include "kernels/avx2/dot.h"
#include "kernels/avx2/plain.h"
#include "kernels/avx2/scales.h"
#include "kernels/prefetch.h"

/* The dots of eight rows of a tile, with x and bias of the first column. */
INLINE void half_dots(const uint8_t *tile, unsigned half, const int32_t *x, const int32_t *bias, const unsigned bits,
                      const __m256i table[4], const unsigned columns, __m256i dot[QUAD])
{
    for (unsigned j = 0; j < columns; j++)
        dot[j] = _mm256_set1_epi32((bias[j] + bias[QUAD + j]) / 2);
#pragma GCC unroll 4
    for (unsigned pair = 0; pair < 4; pair++) {
        __m256i level[2];
        two_levels(tile, half, bits, pair, table, level);
        for (unsigned j = 0; j < columns; j++) {
            for (unsigned i = 0; i < 2; i++)
                dot[j] = add_step(dot[j], level[i], _mm256_set1_epi32(x[step_of(pair, bits, i) * QUAD + j]), 1);
            __asm__("" : "+x"(dot[j])); /* here and now: sums in any other order need more registers than there are */
        }
    }
}

INLINE void multiply(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, size_t column, const unsigned bits,
                     const unsigned columns)
{
    const size_t first = (column / QUAD * a->w.groups + g0) * QUAD, prefetched = column ? 0 : a->prefetch;
    const int32_t *x = (const int32_t *)a->x + first * STEPS, *bias = a->bias + first * 2;
    const float *sx = a->sx + first;
    const uint8_t *codes = a->w.codes + (p * a->w.groups + g0) * 64 * bits;
    float *sums = a->sums + column * PANEL;
    __m256i table[4];
    tables_of(a->w.levels, bits, offset_of(1), table);
    for (unsigned i = 0; g0 == 0 && i < columns * PANEL; i += 8)
        _mm256_store_ps(sums + i, _mm256_setzero_ps());
    for (size_t g = g0; g < g1; g++, codes += 64 * bits, x += STEPS * QUAD, bias += 2 * QUAD, sx += QUAD) {
        if (prefetched) /* for columns behind the first ones codes are in a cache */
            prefetch_far(codes, bits, prefetched);
        for (unsigned half = 0; half < 2; half++) {
            __m256i dot[QUAD];
            half_dots(codes, half, x, bias, bits, table, columns, dot);
            const __m256 s = half_scales(&a->w, p * a->w.groups + g, half);
            for (unsigned j = 0; j < columns; j++) {
                float *sum = sums + j * PANEL + 8 * half;
                const __m256 scale = _mm256_mul_ps(_mm256_set1_ps(sx[j]), s);
                const __m256 product = _mm256_mul_ps(_mm256_cvtepi32_ps(dot[j]), scale);
                _mm256_store_ps(sum, _mm256_add_ps(_mm256_load_ps(sum), product));
            }
        }
    }
}

INLINE void gemm(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, const unsigned bits)
{
    for (size_t done = 0; done < a->columns; done += QUAD)
        if (a->columns - done > 3)
            multiply(a, p, g0, g1, done, bits, 4);
        else if (a->columns - done == 3)
            multiply(a, p, g0, g1, done, bits, 3);
        else
            multiply(a, p, g0, g1, done, bits, 2);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemm_p##bits##_i8_avx2_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)                         \
    {                                                                                                                  \
        gemm(a, p, g0, g1, bits);                                                                                      \
    }

WIDTH(2)
WIDTH(3)
WIDTH(4)
