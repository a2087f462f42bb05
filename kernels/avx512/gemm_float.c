/*
 * gemm_float.c - decoded weights times columns in strips of 16, on AVX-512: a strip is a zmm.
 *
 *     x of column c of W, 16 columns of B  --fma with the weight of each row, a broadcast-->  16 sums, a row each
 *     16 sums  --after 64 columns of W-->  added to what is there
 *
 * So a result is rounded once for each column of a part and once for each part, of which there are at most k / 32: that is 33 times if k is
 * 32, and beyond at most 64 + k / 32 <= k / 4 + 60 times. Sixteen chains are enough for two FMAs a cycle of four cycles each.
 */
#include "kernels/codec.h"

#include <immintrin.h>

enum { PART = 64 };

/* Adds the products of `columns` columns; rows of weights are `row` apart. */
INLINE void part(float *sums, const float *weight, size_t row, const float *x, size_t columns, int first)
{
    const float *w0 = weight, *w4 = weight + 4 * row, *w8 = weight + 8 * row, *w12 = weight + 12 * row;
    __m512 sum[PANEL];
    for (unsigned r = 0; r < PANEL; r++)
        sum[r] = _mm512_setzero_ps();
    for (const float *end = x + columns * STRIP; x < end; x += STRIP) {
        const __m512 xc = _mm512_load_ps(x);
        const float *const four[PANEL / 4] = {w0++, w4++, w8++, w12++};
#pragma GCC unroll 16
        for (unsigned r = 0; r < PANEL; r++)
            sum[r] = _mm512_fmadd_ps(_mm512_set1_ps(four[r / 4][r % 4 * row]), xc, sum[r]);
        /* Four pointers stay four: compilers would make an address of each row, which are too many for the registers. */
        __asm__("" : "+r"(w0), "+r"(w4), "+r"(w8), "+r"(w12));
    }
    for (unsigned r = 0; r < PANEL; r++) {
        if (!first)
            sum[r] = _mm512_add_ps(_mm512_load_ps(sums + r * STRIP), sum[r]);
        _mm512_store_ps(sums + r * STRIP, sum[r]);
    }
}

void lsq_gemm_e32_f32_avx512_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    (void)p; /* weights of any panel are alike */
    const size_t columns = (g1 - g0) * GROUP, k = a->w.groups * GROUP;
    for (size_t b = 0; b < (a->quads * QUAD + STRIP - 1) / STRIP; b++)
        for (size_t c = 0; c < columns; c += PART) {
            const size_t left = columns - c;
            part(a->sums + b * PANEL * STRIP, (const float *)a->levels + c, columns,
                 (const float *)a->x + (b * k + g0 * GROUP + c) * STRIP, left < PART ? left : PART, g0 + c == 0);
        }
}
