/*
 * wide_gemm.c - codes of 7 to 9 bits times columns in fours, with integers of 16 bits, on AVX-512 with VBMI and VNNI.
 *
 *     codes  --wide_levels.h--> levels    rows 0, 1 of each four, and rows 2, 3: a step of 16 rows, once for 2, 3, 4 or 8 columns
 *     levels  --vpdpwssd--->    dots      of a column each, two dwords a row; x is one broadcast qword of four
 *     pairs added, * (sx * s) -> sums     of a column each, 16 rows, float
 *
 * Bounds as in wide.c.
 */
#include "kernels/avx512/scales.h"
#include "kernels/avx512icl/assembly.h"
#include "kernels/avx512icl/quads.h"
#include "kernels/avx512icl/wide_levels.h"
#include "kernels/codec.h"

INLINE void multiply(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, size_t column, const plane planes[2],
                     const unsigned bits, const unsigned columns)
{
    const size_t groups = a->w.groups;
    const uint8_t *tile = a->w.codes + (p * groups + g0) * 64 * bits;
    const uint8_t *scales = a->w.scales ? a->w.scales + (p * groups + g0) * 16 : tile;
    block b = block_at(a, column, g0, sizeof(int16_t));
    __m512 sum[BLOCK_MAX];
    sums_before(&b, g0, columns, sum);
    for (size_t g = g0; g < g1; g++, tile += 64 * bits, scales += 16, next_group(&b, sizeof(int16_t))) {
        const int64_t *x = b.x;
        __m512i dot01[BLOCK_MAX], dot23[BLOCK_MAX];
        ask_ahead(&b, tile, bits, scales);
        for (unsigned j = 0; j < columns; j++)
            dot01[j] = dot23[j] = _mm512_setzero_si512();
#pragma GCC unroll 8
        for (unsigned t = 0; t < STEPS; t++) {
            __m512i level[2];
            levels_of_step(planes, tile, bits, t, level);
            for (unsigned j = 0; j < columns; j++) {
                const __m512i xt = _mm512_set1_epi64(x[place_of(j, groups, STEPS) + t * QUAD]);
                dot01[j] = dot2(dot01[j], level[0], xt);
                dot23[j] = dot2(dot23[j], level[1], xt);
            }
        }
        const __m512 s = a->w.scales ? byte_scales(scales) : _mm512_set1_ps(1);
        for (unsigned j = 0; j < columns; j++) {
            const __m512i dot = pairs_added(dot01[j], dot23[j]);
            const __m512 scale = _mm512_mul_ps(_mm512_set1_ps(b.sx[place_of(j, groups, 1)]), s);
            sum[j] = _mm512_add_ps(sum[j], _mm512_mul_ps(_mm512_cvtepi32_ps(dot), scale));
        }
    }
    store_sums(&b, columns, sum);
}

INLINE void gemm(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, const unsigned bits)
{
    plane planes[2];
    planes_of(planes, a->w.levels->i16, bits);
    for (size_t done = 0, some; done < a->columns; done += some) {
        some = block_for(a->columns - done, 5);
        if (some == 8)
            multiply(a, p, g0, g1, done, planes, bits, 8);
        else if (some == 4)
            multiply(a, p, g0, g1, done, planes, bits, 4);
        else if (some == 3)
            multiply(a, p, g0, g1, done, planes, bits, 3);
        else
            multiply(a, p, g0, g1, done, planes, bits, 2);
    }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemm_p##bits##_i16_avx512icl_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)                   \
    {                                                                                                                  \
        gemm(a, p, g0, g1, bits);                                                                                      \
    }

WIDTH(7)
WIDTH(8)
WIDTH(9)
