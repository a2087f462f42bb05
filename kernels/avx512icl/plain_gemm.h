/*
 * plain_gemm.h - codes that index a table times columns in fours, on AVX-512 with VBMI and VNNI; 1 to 6 bits.
 *
 *     codes  --levels.h-->      levels    + 128, unsigned: a step of 16 rows, once for 2, 3, 4 or 8 columns
 *     levels   --vpdpbusd--->   dots      of a column each, 16 rows, 32 bit; x is one broadcast dword
 *     dots * (sx * s)  ------>  sums      of a column each, 16 rows, float
 *
 * For each column a tile takes ten cycles of the units that multiply, eight for dots and two for scales, and what decodes runs beside
 * them: eight columns are as fast as any number of them is with levels that are there already. Bounds as in plain.c.
 */
#ifndef LSQ_KERNELS_AVX512ICL_PLAIN_GEMM_H
#define LSQ_KERNELS_AVX512ICL_PLAIN_GEMM_H

#include "kernels/avx512/scales.h"
#include "kernels/avx512icl/assembly.h"
#include "kernels/avx512icl/levels.h"
#include "kernels/avx512icl/quads.h"
#include "kernels/codec.h"

INLINE void multiply(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, size_t column, const tables *table,
                     const unsigned bits, const unsigned columns)
{
    const size_t groups = a->w.groups;
    const uint8_t *tile = a->w.codes + (p * groups + g0) * 64 * bits;
    const uint8_t *scales = a->w.scales ? a->w.scales + (p * groups + g0) * 16 : tile;
    block b = block_at(a, column, g0, sizeof(int8_t));
    __m512 sum[BLOCK_MAX];
    sums_before(&b, g0, columns, sum);
    for (size_t g = g0; g < g1; g++, tile += 64 * bits, scales += 16, next_group(&b, sizeof(int8_t))) {
        const int32_t *x = b.x;
        __m512i dot[BLOCK_MAX];
        ask_ahead(&b, tile, bits, scales);
        for (unsigned j = 0; j < columns; j++) {
            const int32_t *bias = b.bias + place_of(j, groups, 2);
            dot[j] = _mm512_add_epi32(_mm512_set1_epi32(bias[0]), _mm512_set1_epi32(bias[QUAD]));
        }
#pragma GCC unroll 8
        for (unsigned t = 0; t < STEPS; t++) {
            const __m512i level = levels(table, tile, bits, t);
            for (unsigned j = 0; j < columns; j++)
                dot[j] = dot4(dot[j], level, x + place_of(j, groups, STEPS) + t * QUAD);
        }
        const __m512 s = a->w.scales ? byte_scales(scales) : _mm512_set1_ps(1);
        for (unsigned j = 0; j < columns; j++) {
            const __m512 scale = _mm512_mul_ps(_mm512_set1_ps(b.sx[place_of(j, groups, 1)]), s);
            sum[j] = _mm512_add_ps(sum[j], _mm512_mul_ps(_mm512_cvtepi32_ps(dot[j]), scale));
        }
    }
    store_sums(&b, columns, sum);
}

INLINE void gemm(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, const tables *table, const unsigned bits)
{
    for (size_t done = 0, some; done < a->columns; done += some) {
        some = block_for(a->columns - done, 7);
        if (some == 8)
            multiply(a, p, g0, g1, done, table, bits, 8);
        else if (some == 4)
            multiply(a, p, g0, g1, done, table, bits, 4);
        else if (some == 3)
            multiply(a, p, g0, g1, done, table, bits, 3);
        else
            multiply(a, p, g0, g1, done, table, bits, 2);
    }
}

#endif
