/*
 * gemvt_float.c - decoded weights of 16 rows, transposed, times a vector, on SSE4.1.
 *
 *     weights of a row * x[row]  --add-->  sums     32 columns in eight xmm, row after row, then once into y
 */
#include "kernels/kernel.h"

#include <smmintrin.h>

void lsq_gemvt_e32_f32_sse41_r1(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)
{
    enum { VECTORS = GROUP / 4 };
    const size_t columns = (g1 - g0) * GROUP;
    const float *weight = a->levels, *x = a->x + p * PANEL;
    float *y = a->y + g0 * GROUP;
    for (size_t c = 0; c < columns; c += GROUP, weight += GROUP, y += GROUP) {
        __m128 sum[VECTORS];
        for (unsigned i = 0; i < VECTORS; i++)
            sum[i] = _mm_setzero_ps();
        for (unsigned r = 0; r < PANEL; r++) {
            const __m128 xr = _mm_set1_ps(x[r]);
#pragma GCC unroll 8
            for (unsigned i = 0; i < VECTORS; i++)
                sum[i] = _mm_add_ps(sum[i], _mm_mul_ps(_mm_load_ps(weight + r * columns + 4 * i), xr));
        }
        for (unsigned i = 0; i < VECTORS; i++)
            _mm_store_ps(y + 4 * i, _mm_add_ps(_mm_load_ps(y + 4 * i), sum[i]));
    }
}
