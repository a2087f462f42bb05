/*
 * gemm_float.c - decoded weights times columns in strips of 16, on AVX2.
 *
 *     x of a row of B: one or two ymm of a strip, weight of a row broadcast  --fma-->  sums of up to 6 rows x 16 columns in registers
 *     these, after 64 rows of B  ------------------------------------------>  added to the sums in memory
 *
 * Twelve sums, two x and one weight fill the registers, and are more than the eight that keep two multipliers of latency 4 busy.
 * A strip's last vector is left out where no column of it is wanted.
 *
 * Bound: a sum is rounded 64 times, then once more for each 64 rows of B: at most k / 4 + 60 times.
 */
#include "kernels/kernel.h"

#include <immintrin.h>

enum { DEPTH = 64 };

/* `rows` rows of a block of k_block columns of the weights, times `vectors` of a strip. */
INLINE void block(float *sums, const float *weight, size_t ld, const float *x, size_t depth, const int first,
                  const unsigned rows, const unsigned vectors)
{
    __m256 sum[8][2];
    for (unsigned r = 0; r < rows; r++)
        for (unsigned v = 0; v < vectors; v++)
            sum[r][v] = _mm256_setzero_ps();
    for (size_t c = 0; c < depth; c++) {
        __m256 xc[2];
        for (unsigned v = 0; v < vectors; v++)
            xc[v] = _mm256_load_ps(x + c * STRIP + 8 * v);
        for (unsigned r = 0; r < rows; r++) {
            const __m256 w = _mm256_broadcast_ss(weight + r * ld + c);
            for (unsigned v = 0; v < vectors; v++)
                sum[r][v] = _mm256_fmadd_ps(w, xc[v], sum[r][v]);
        }
    }
    for (unsigned r = 0; r < rows; r++)
        for (unsigned v = 0; v < vectors; v++) {
            float *to = sums + r * STRIP + 8 * v;
            _mm256_store_ps(to, first ? sum[r][v] : _mm256_add_ps(_mm256_load_ps(to), sum[r][v]));
        }
}

INLINE void strip(float *sums, const float *weight, size_t ld, const float *x, const int first, const unsigned vectors)
{
    for (size_t c = 0; c < ld; c += DEPTH) {
        const size_t depth = ld - c < DEPTH ? ld - c : DEPTH;
        const float *w = weight + c, *xc = x + c * STRIP;
        const int none = first && c == 0;
        if (vectors == 2) {
            block(sums, w, ld, xc, depth, none, 6, 2);
            block(sums + 6 * STRIP, w + 6 * ld, ld, xc, depth, none, 5, 2);
            block(sums + 11 * STRIP, w + 11 * ld, ld, xc, depth, none, 5, 2);
        } else {
            block(sums, w, ld, xc, depth, none, 8, 1);
            block(sums + 8 * STRIP, w + 8 * ld, ld, xc, depth, none, 8, 1);
        }
    }
}

void lsq_gemm_e32_f32_avx2_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    (void)p; /* weights of any panel are alike */
    const size_t ld = (g1 - g0) * GROUP, vectors = (a->quads + 1) / 2;
    for (size_t v = 0; v < vectors; v += 2) {
        float *sums = a->sums + v / 2 * PANEL * STRIP;
        const float *x = (const float *)a->x + (v / 2 * a->w.groups + g0) * GROUP * STRIP;
        if (v + 2 <= vectors)
            strip(sums, a->levels, ld, x, g0 == 0, 2);
        else
            strip(sums, a->levels, ld, x, g0 == 0, 1);
    }
}
