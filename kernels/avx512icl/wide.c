/*
 * wide.c - codes of 7 to 9 bits with integers of 16 bits, on AVX-512 with VBMI and VNNI.
 *
 *     codes  --wide_levels.h--> levels    two vectors of 8 rows: rows 0, 1 and rows 2, 3 of each four
 *     levels  --vpdpwssd--->    dots      two dwords a row; x is one broadcast qword of four
 *     pairs added, * (sx * s) -> sums     16 rows, float
 *
 * Bound: |dot| <= 32 * 16383 * 4095 < 2^31.
 */
#include "kernels/avx512/scales.h"
#include "kernels/avx512icl/assembly.h"
#include "kernels/avx512icl/wide_levels.h"
#include "kernels/prefetch.h"

#include <immintrin.h>

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const plane planes[2], const unsigned bits)
{
    const uint8_t *tile = a->w.codes + p * a->w.groups * 64 * bits;
    const uint8_t *scales = a->w.scales ? a->w.scales + p * a->w.groups * 16 : tile;
    const int64_t *x = a->x;
    __m512 sum = _mm512_setzero_ps();
    for (size_t g = 0; g < a->w.groups; g++, tile += 64 * bits, x += 8) {
        prefetch_far(tile, bits, a->prefetch);
        prefetch(scales + g * 16, 1, a->prefetch / 16);
        __m512i dot01 = _mm512_setzero_si512(), dot23 = dot01;
#pragma GCC unroll 8
        for (unsigned step = 0; step < 8; step++) {
            const __m512i xt = _mm512_set1_epi64(x[step]);
            __m512i level[2];
            levels_of_step(planes, tile, bits, step, level);
            dot01 = dot2(dot01, level[0], xt);
            dot23 = dot2(dot23, level[1], xt);
        }
        __m512 s = _mm512_set1_ps(a->sx[g]), d = _mm512_cvtepi32_ps(pairs_added(dot01, dot23));
        if (a->w.scales)
            s = _mm512_mul_ps(s, byte_scales(scales + g * 16));
        sum = _mm512_add_ps(sum, _mm512_mul_ps(d, s));
    }
    _mm512_storeu_ps(y, sum);
}

INLINE void rows(const lsq_gemv_args *a, size_t p0, size_t p1, const unsigned bits)
{
    plane planes[2];
    planes_of(planes, a->w.levels->i16, bits);
    for (size_t p = p0; p < p1; p++)
        gemv(a, p, a->y + (p - p0) * PANEL, planes, bits);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_p##bits##_i16_avx512icl_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                             \
    {                                                                                                                  \
        rows(a, p0, p1, bits);                                                                                         \
    }

WIDTH(7)
WIDTH(8)
WIDTH(9)
