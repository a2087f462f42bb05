/*
 * gemvt_float.c - decoded weights of 16 rows, transposed, times a vector, on AVX-512: 16 columns in a zmm.
 *
 *     weights of a row  --fma with its x, a broadcast-->  sums of rows 0..7, of rows 8..15  --added-->  added to y
 *
 * The 16 x stay in registers; two sums for each of two vectors let four FMAs be on their way, besides those of the next columns.
 */
#include "kernels/codec.h"

#include <immintrin.h>

void lsq_gemvt_e32_f32_avx512_r1(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)
{
    const size_t columns = (g1 - g0) * GROUP;
    const float *weight = a->levels;
    float *y = a->y + g0 * GROUP;
    __m512 x[PANEL];
    for (unsigned r = 0; r < PANEL; r++)
        x[r] = _mm512_set1_ps(a->x[p * PANEL + r]);
    for (size_t c = 0; c < columns; c += GROUP) {
        __m512 sum[2][2];
#pragma GCC unroll 8
        for (unsigned r = 0; r < PANEL / 2; r++)
#pragma GCC unroll 4
            for (unsigned i = 0; i < 4; i++) {
                const unsigned row = r + PANEL / 2 * (i / 2), v = i % 2;
                const __m512 w = _mm512_load_ps(weight + row * columns + c + 16 * v);
                sum[v][i / 2] = r ? _mm512_fmadd_ps(w, x[row], sum[v][i / 2]) : _mm512_mul_ps(w, x[row]);
            }
        for (unsigned v = 0; v < 2; v++) {
            float *to = y + c + 16 * v;
            _mm512_store_ps(to, _mm512_add_ps(_mm512_load_ps(to), _mm512_add_ps(sum[v][0], sum[v][1])));
        }
    }
}
