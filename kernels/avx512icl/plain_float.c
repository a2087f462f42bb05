/*
 * plain_float.c - codes of 7 to 9 bits with floats, on AVX-512 with VBMI; narrower ones are as fast without (kernels/avx512).
 *
 *     codes  --planes.h-->  levels       four vectors: rows 0, 4, 8, 12 with 4 columns in each lane, rows 1, 5, .., and so on
 *     levels  --fma with x--->  dots     the same; x is one broadcast of four floats
 *     columns of a lane added, * s  -->  sums     16 rows, float
 *
 * Every dot is over a single column of a step, so that no sum is longer than k / 4 (see LSQ_ACT_FLOAT in lsq.h).
 */
#include "kernels/avx512/scales.h"
#include "kernels/avx512icl/planes.h"
#include "kernels/prefetch.h"

/* The sums of four lanes of each, in the order of rows. */
INLINE __m512 rows_of(const __m512 dot[4])
{
    __m512 a = _mm512_add_ps(_mm512_unpacklo_ps(dot[0], dot[1]), _mm512_unpackhi_ps(dot[0], dot[1]));
    __m512 b = _mm512_add_ps(_mm512_unpacklo_ps(dot[2], dot[3]), _mm512_unpackhi_ps(dot[2], dot[3]));
    return _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x44), _mm512_shuffle_ps(a, b, 0xee));
}

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const plane_table *table, const unsigned bits,
                 const unsigned planes)
{
    const uint8_t *tile = a->w.codes + p * a->w.groups * 64 * bits;
    const float *x = a->x;
    __m512 sum = _mm512_setzero_ps();
    for (size_t g = 0; g < a->w.groups; g++, tile += 64 * bits, x += GROUP) {
        __m512 dot[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps()};
        prefetch(tile, bits, a->prefetch);
#pragma GCC unroll 8
        for (unsigned step = 0; step < 8; step++) {
            __m512 level[4], xt = _mm512_broadcast_f32x4(_mm_loadu_ps(x + 4 * step));
            wide_index index = index_of(tile, bits, step);
            levels_of(table, bits, planes, &index, level);
#pragma GCC unroll 4
            for (unsigned i = 0; i < 4; i++)
                dot[i] = _mm512_fmadd_ps(level[i], xt, dot[i]);
        }
        __m512 all = rows_of(dot);
        if (a->w.scales)
            sum = _mm512_fmadd_ps(all, byte_scales(a->w.scales + (p * a->w.groups + g) * 16), sum);
        else
            sum = _mm512_add_ps(sum, all);
    }
    _mm512_storeu_ps(y, sum);
}

INLINE void rows(const lsq_gemv_args *a, size_t p0, size_t p1, const unsigned bits, const unsigned planes)
{
    plane_table table;
    plane_table_of(&table, a->w.levels, bits, planes);
    float *y = a->y;
    for (size_t p = p0; p < p1; p++, y += PANEL)
        gemv(a, p, y, &table, bits, planes);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_p##bits##_f32_avx512icl_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                             \
    {                                                                                                                  \
        a->w.levels->unit == 1 ? rows(a, p0, p1, bits, 2) : rows(a, p0, p1, bits, 4);                                  \
    }

WIDTH(7)
WIDTH(8)
WIDTH(9)
