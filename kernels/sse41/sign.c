/*
 * sign.c - signs with 8-bit integers, on SSE4.1.
 *
 * A code is 1 for x and 0 for -x, so a dot is twice the sum of x where codes are 1, less the sum of all x. Four xmm
 * hold all codes of a tile, 4 rows x 4 columns of bytes each with bit t for step t; of two steps, one has 1 where the
 * other has 2:
 *
 *     codes  --shift by 0, 2, 4, 6-->  steps 2 i and 2 i + 1 in bits 0 and 1
 *            --and 1--->  0 or 1   --pmaddubsw-->  the sum of x where codes are 1      4 rows x 2, 16 bit
 *            --and 2--->  0 or 2   --pmaddubsw-->  twice that
 *     both   --pmaddwd 1-------->  dots            4 rows, 32 bit, once a tile; less the sum of x
 *     dots * (sx * s)  --------->  sums            4 rows, float
 *
 * A pair sum of 16 bits is at most 4 * 2 * 2 * 127 < 2^11, both added, the first twice, at most 2^12.
 */
#include "kernels/prefetch.h"
#include "kernels/sse41/dot.h"
#include "kernels/sse41/scales.h"

INLINE __m128i quarter_dot(const uint8_t *quarter, const spread *x, __m128i start)
{
    const __m128i codes = load(quarter, 0);
    __m128i once = _mm_setzero_si128(), twice = once;
#pragma GCC unroll 4
    for (unsigned t = 0; t < STEPS; t += 2) {
        const __m128i pair = down(codes, (int)t);
        once = _mm_add_epi16(once, _mm_maddubs_epi16(masked(pair, 1), x->x[t]));
        twice = _mm_add_epi16(twice, _mm_maddubs_epi16(masked(pair, 2), x->x[t + 1]));
    }
    const __m128i pairs = _mm_add_epi16(twice, _mm_add_epi16(once, once));
    return _mm_add_epi32(start, _mm_madd_epi16(pairs, _mm_set1_epi16(1)));
}

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const int scaled)
{
    const uint8_t *tile = a->w.codes + p * a->w.groups * 64;
    const uint8_t *scales = scaled ? a->w.scales + p * a->w.groups * PANEL : NULL;
    const int8_t *x = a->x;
    __m128 sum[4] = {_mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps()};
    for (size_t g = 0; g < a->w.groups; g++, tile += 64, x += GROUP) {
        spread xs;
        spread_of(&xs, x, 1);
        prefetch(tile, 1, a->prefetch);
        const __m128i start = _mm_set1_epi32((a->bias[2 * g] + a->bias[2 * g + 1]) / 128); /* exact */
        const __m128 sx = _mm_set1_ps(a->sx[g]);
        for (unsigned quarter = 0; quarter < 4; quarter++) {
            const __m128 d = _mm_cvtepi32_ps(quarter_dot(tile + 16 * quarter, &xs, start));
            const __m128 s = scaled ? _mm_mul_ps(sx, byte_scales(scales + g * PANEL + 4 * quarter)) : sx;
            sum[quarter] = _mm_add_ps(sum[quarter], _mm_mul_ps(d, s));
        }
    }
    for (unsigned quarter = 0; quarter < 4; quarter++)
        _mm_storeu_ps(y + 4 * quarter, sum[quarter]);
}

void lsq_gemv_b1_i8_sse41_r1(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    float *y = a->y;
    for (size_t p = p0; p < p1; p++, y += PANEL)
        a->w.scales ? gemv(a, p, y, 1) : gemv(a, p, y, 0);
}
