/*
 * sign_float.c - signs with floats, on SSE4.1.
 *
 * The codes of a quarter are one xmm, 4 rows x 4 columns of bytes with bit t for step t, so that each row has its 32
 * columns in a dword. From the highest bit down:
 *
 *     ~codes  --and-->  the sign of this column    4 rows; then a bit to the left
 *     x, sign  --xor, add-->  dots      4 rows, float; x is one broadcast float
 *     dots * s  ----------->  sums      4 rows, float
 *
 * A result is rounded 33 + k / 32 times (see LSQ_ACT_FLOAT in lsq.h).
 */
#include "kernels/prefetch.h"
#include "kernels/sse41/scales.h"

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y)
{
    const uint8_t *tile = a->w.codes + p * a->w.groups * 64;
    const float *x = a->x;
    __m128 sum[4] = {_mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps()};
    for (size_t g = 0; g < a->w.groups; g++, tile += 64, x += GROUP) {
        __m128 dot[4] = {_mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps()};
        __m128i minus[4];
        prefetch(tile, 1, a->prefetch);
        for (unsigned quarter = 0; quarter < 4; quarter++)
            minus[quarter] = _mm_xor_si128(load(tile + 16 * quarter, 0), _mm_set1_epi32(-1));
        for (unsigned bit = GROUP; bit-- > 0;) { /* of step bit % 8 */
            const __m128 xt = _mm_set1_ps(x[bit % 8 * 4 + bit / 8]);
#pragma GCC unroll 4
            for (unsigned quarter = 0; quarter < 4; quarter++) {
                const __m128 sign = _mm_and_ps(_mm_castsi128_ps(minus[quarter]), _mm_set1_ps(-0.0f));
                dot[quarter] = _mm_add_ps(dot[quarter], _mm_xor_ps(sign, xt));
                minus[quarter] = _mm_add_epi32(minus[quarter], minus[quarter]);
            }
        }
        for (unsigned quarter = 0; quarter < 4; quarter++) {
            if (a->w.scales)
                dot[quarter] =
                    _mm_mul_ps(dot[quarter], byte_scales(a->w.scales + (p * a->w.groups + g) * PANEL + 4 * quarter));
            sum[quarter] = _mm_add_ps(sum[quarter], dot[quarter]);
        }
    }
    for (unsigned quarter = 0; quarter < 4; quarter++)
        _mm_storeu_ps(y + 4 * quarter, sum[quarter]);
}

void lsq_gemv_b1_f32_sse41_r1(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    float *y = a->y;
    for (size_t p = p0; p < p1; p++, y += PANEL)
        gemv(a, p, y);
}
