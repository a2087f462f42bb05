/*
 * gemvt_float.c - decoded weights of 16 rows, transposed, times a vector, on AVX2.
 *
 *     weights of a row, x[row]  --fma-->  sums     32 columns in four ymm, row after row, then once into y
 */
#include "kernels/kernel.h"

#include <immintrin.h>

void lsq_gemvt_e32_f32_avx2_r1(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)
{
    enum { VECTORS = GROUP / 8 };
    const size_t columns = (g1 - g0) * GROUP;
    const float *weight = a->levels, *x = a->x + p * PANEL;
    float *y = a->y + g0 * GROUP;
    for (size_t c = 0; c < columns; c += GROUP, weight += GROUP, y += GROUP) {
        __m256 sum[VECTORS];
        for (unsigned i = 0; i < VECTORS; i++)
            sum[i] = _mm256_setzero_ps();
        const float *from = weight;
#pragma GCC unroll 4
        for (unsigned r = 0; r < PANEL; r++, from += columns) {
            const __m256 xr = _mm256_broadcast_ss(x + r);
            for (unsigned i = 0; i < VECTORS; i++)
                sum[i] = _mm256_fmadd_ps(_mm256_load_ps(from + 8 * i), xr, sum[i]);
        }
        for (unsigned i = 0; i < VECTORS; i++)
            _mm256_store_ps(y + 8 * i, _mm256_add_ps(_mm256_load_ps(y + 8 * i), sum[i]));
    }
}
