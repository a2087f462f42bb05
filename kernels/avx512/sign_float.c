/*
 * sign_float.c - signs with floats, on AVX-512.
 *
 * The codes of a tile are one zmm, 16 rows x 4 columns of bytes, with bit t for step t. So half a byte has the signs of
 * four columns, each four apart from the next, and all that these columns can come to is a vector:
 *
 *     x of four columns  --xor signs, add-->  table     all sixteen sums of x and -x
 *     codes  --shift----->  indices    16 rows, of which vpermps sees the lowest four bits
 *     indices  --vpermps-->  --add-->  dots      16 rows, float
 *     dots * s  ------------------->  sums      16 rows, float
 *
 * A table costs more than a look-up, so four panels share it. Eight sums of four columns a tile: no result is rounded
 * more than 10 + k / 32 times (see LSQ_ACT_FLOAT in lsq.h).
 */
#include "kernels/avx512/bits.h"
#include "kernels/avx512/scales.h"
#include "kernels/codec.h"
#include "kernels/prefetch.h"

enum { TOGETHER = 4 };

/* x where bit `bit` of the lane's number is 1, -x where it is 0. */
INLINE __m512 either(unsigned bit, float x)
{
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i minus = _mm512_andnot_si512(_mm512_slli_epi32(lane, 31 - bit), _mm512_set1_epi32(INT32_MIN));
    return _mm512_castsi512_ps(_mm512_xor_si512(minus, _mm512_castps_si512(_mm512_set1_ps(x))));
}

/* Of the columns x[0], x[4], x[8], x[12]. */
INLINE __m512 sums_of(const float *x)
{
    return _mm512_add_ps(_mm512_add_ps(either(0, x[0]), either(1, x[4])),
                         _mm512_add_ps(either(2, x[8]), either(3, x[12])));
}

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const unsigned panels)
{
    const size_t groups = a->w.groups;
    const float *x = a->x;
    __m512 sum[TOGETHER];
    for (unsigned i = 0; i < panels; i++)
        sum[i] = _mm512_setzero_ps();
    for (size_t g = 0; g < groups; g++, x += GROUP) {
        __m512i codes[TOGETHER];
        __m512 dot[TOGETHER];
        for (unsigned i = 0; i < panels; i++) {
            const uint8_t *tile = a->w.codes + ((p + i) * groups + g) * 64;
            prefetch(tile, 1, a->prefetch);
            codes[i] = load(tile, 0);
            dot[i] = _mm512_setzero_ps();
        }
#pragma GCC unroll 8
        for (unsigned half = 0; half < 8;
             half++) { /* of a byte: column half / 2 of steps 4 (half % 2) to 4 (half % 2) + 3 */
            const __m512 table = sums_of(x + half % 2 * 16 + half / 2);
            for (unsigned i = 0; i < panels; i++)
                dot[i] = _mm512_add_ps(dot[i], _mm512_permutexvar_ps(_mm512_srli_epi32(codes[i], 4 * half), table));
        }
        for (unsigned i = 0; i < panels; i++)
            if (a->w.scales)
                sum[i] = _mm512_fmadd_ps(dot[i], byte_scales(a->w.scales + ((p + i) * groups + g) * 16), sum[i]);
            else
                sum[i] = _mm512_add_ps(sum[i], dot[i]);
    }
    for (unsigned i = 0; i < panels; i++)
        _mm512_storeu_ps(y + i * PANEL, sum[i]);
}

void lsq_gemv_b1_f32_avx512_r1(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    float *y = a->y;
    size_t p = p0;
    for (; p + TOGETHER <= p1; p += TOGETHER, y += TOGETHER * PANEL)
        gemv(a, p, y, TOGETHER);
    for (; p < p1; p++, y += PANEL)
        gemv(a, p, y, 1);
}
