/*
 * trellis_float.c - trellis codes with floats, on AVX-512 with VBMI; 1 to 6 bits.
 *
 *     levels (trellis.h), bytes  --shift, convert-->  16 rows of one column, float  --fma with x-->  dots
 */
#include "kernels/avx512icl/trellis.h"
#include "kernels/prefetch.h"

/* Column c of each dword of signed bytes, as floats. */
INLINE __m512 column(__m512i level, unsigned c)
{
    return _mm512_cvtepi32_ps(_mm512_srai_epi32(c < 3 ? _mm512_slli_epi32(level, 24 - 8 * c) : level, 24));
}

/* Exact: two dots for each 16 columns, so that no sum is longer than k / 4 (see LSQ_ACT_FLOAT in lsq.h). */
INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const unsigned bits, const unsigned states)
{
    const __m512i multiplier_table = _mm512_loadu_si512(lsq_multipliers);
    const table t = table_of(a->w.levels, bits);
    panel n;
    start(&n, &a->w, p, bits, a->w.scale == LSQ_SCALE_NIBBLE32 ? 8 : 16);
    const float *x = a->x;
    for (size_t g = 0; g < a->w.groups; g++, x += GROUP) {
        __m512i index[STEPS], m[2];
        __m512 dot[2][2] = {{_mm512_setzero_ps(), _mm512_setzero_ps()}, {_mm512_setzero_ps(), _mm512_setzero_ps()}};
        prefetch(n.tile, bits, a->prefetch);
        tile_indices(n.tile, bits, states, n.history, index);
        n.tile += 64 * bits;
#pragma GCC unroll 8
        for (unsigned step = 0; step < STEPS; step++) {
            __m512i level = lookup(&t, bits, index[step]);
            for (unsigned c = 0; c < 4; c++)
                dot[step / 4][c % 2] =
                    _mm512_fmadd_ps(column(level, c), _mm512_set1_ps(x[4 * step + c]), dot[step / 4][c % 2]);
        }
        __m512 low = _mm512_add_ps(dot[0][0], dot[0][1]), high = _mm512_add_ps(dot[1][0], dot[1][1]);
        if (a->w.scale == LSQ_SCALE_BYTE32) {
            low = _mm512_mul_ps(_mm512_add_ps(low, high), next_byte_scales(&n));
        } else {
            next_multipliers(&n, &a->w, multiplier_table, m);
            low = _mm512_mul_ps(low, _mm512_cvtepi32_ps(m[0]));
            low = _mm512_fmadd_ps(high, _mm512_cvtepi32_ps(m[1]), low);
        }
        n.sum = _mm512_add_ps(n.sum, low);
    }
    _mm512_storeu_ps(y, n.sum);
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
    void lsq_gemv_t##bits##_f32_avx512icl_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                             \
    {                                                                                                                  \
        rows(a, p0, p1, bits);                                                                                         \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
