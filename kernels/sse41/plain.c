/*
 * plain.c - codes that index a table, on SSE4.1; 2 to 6 bits with 8-bit integers.
 *
 * One xmm holds 4 rows x 4 columns of bytes, so a panel is four quarters:
 *
 *     codes   --shift, mask, or-->  indices   one byte each
 *     indices --pshufb, blends-->   levels    bytes
 *     levels, x --pmaddubsw----->   pair sums 4 rows x 2, 16 bit
 *             --pmaddwd 1------->   dots      4 rows, 32 bit
 *     dots * (sx * s)  --------->   sums      4 rows, float
 *
 * dot.h says how signs get into pmaddubsw, and why it does not saturate.
 */
#include "kernels/prefetch.h"
#include "kernels/sse41/dot.h"
#include "kernels/sse41/plain.h"
#include "kernels/sse41/scales.h"

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const unsigned bits, const int scaled)
{
    const int seven = bits <= 4; /* bits of a level */
    const uint8_t *tile = a->w.codes + p * a->w.groups * 64 * bits;
    const uint8_t *scales = scaled ? a->w.scales + p * a->w.groups * PANEL : NULL;
    const int8_t *x = a->x;
    __m128i table[4];
    __m128 sum[4] = {_mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps()};
    tables_of(table, a->w.levels->i8, offset_of(seven));
    for (size_t g = 0; g < a->w.groups; g++, tile += 64 * bits, x += GROUP) {
        spread xs;
        spread_of(&xs, x, seven);
        prefetch(tile, bits, a->prefetch);
        const __m128i start = _mm_set1_epi32(start_of(a, 2 * g, seven) + start_of(a, 2 * g + 1, seven));
        const __m128 sx = _mm_set1_ps(a->sx[g]);
        for (unsigned quarter = 0; quarter < 4; quarter++) {
            __m128i dot = start;
#pragma GCC unroll 8
            for (unsigned t = 0; t < 8; t++)
                dot = add_step(dot, level_of(tile + 16 * quarter, bits, t, table), &xs, t, seven);
            __m128 s = scaled ? _mm_mul_ps(sx, byte_scales(scales + g * PANEL + 4 * quarter)) : sx;
            sum[quarter] = _mm_add_ps(sum[quarter], _mm_mul_ps(_mm_cvtepi32_ps(dot), s));
        }
    }
    for (unsigned quarter = 0; quarter < 4; quarter++)
        _mm_storeu_ps(y + 4 * quarter, sum[quarter]);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_p##bits##_i8_sse41_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                  \
    {                                                                                                                  \
        for (size_t p = p0; p < p1; p++)                                                                               \
            a->w.scales ? gemv(a, p, a->y + (p - p0) * PANEL, bits, 1) : gemv(a, p, a->y + (p - p0) * PANEL, bits, 0); \
    }

WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
