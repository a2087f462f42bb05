/*
 * gemm_float.c - decoded weights times columns in strips of 16, on SSE4.1.
 *
 *     weight of a row, x of a row of B in a quad  --mul, add-->  sums of 4 rows x 8 columns in registers, 4 in the last odd quad
 *     these, after 64 rows of B  ---------------------------->  added to the sums in memory
 *
 * Bound: a product is rounded once, its sum 64 times, then once more for each 64 rows of B: at most k / 4 + 60 times.
 */
#include "kernels/kernel.h"

#include <smmintrin.h>

enum { DEPTH = 64, ROWS = 4 };

/* Four rows of the weights, times `quads` neighbouring quads of a strip. */
INLINE void block(float *sums, const float *weight, size_t ld, const float *x, size_t depth, const int first,
                  const unsigned quads)
{
    __m128 sum[ROWS][2];
    for (unsigned r = 0; r < ROWS; r++)
        for (unsigned v = 0; v < quads; v++)
            sum[r][v] = _mm_setzero_ps();
    for (size_t c = 0; c < depth; c++, x += STRIP)
        for (unsigned r = 0; r < ROWS; r++) {
            const __m128 w = _mm_set1_ps(weight[r * ld + c]);
            for (unsigned v = 0; v < quads; v++)
                sum[r][v] = _mm_add_ps(sum[r][v], _mm_mul_ps(w, _mm_load_ps(x + QUAD * v)));
        }
    for (unsigned r = 0; r < ROWS; r++)
        for (unsigned v = 0; v < quads; v++) {
            float *to = sums + r * STRIP + QUAD * v;
            _mm_store_ps(to, first ? sum[r][v] : _mm_add_ps(_mm_load_ps(to), sum[r][v]));
        }
}

INLINE void panel(float *sums, const float *weight, size_t ld, const float *x, const int first, const unsigned quads)
{
    for (size_t c = 0; c < ld; c += DEPTH)
        for (unsigned r = 0; r < PANEL; r += ROWS)
            block(sums + r * STRIP, weight + r * ld + c, ld, x + c * STRIP, ld - c < DEPTH ? ld - c : DEPTH,
                  first && c == 0, quads);
}

void lsq_gemm_e32_f32_sse41_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    (void)p; /* weights of any panel are alike */
    const size_t ld = (g1 - g0) * GROUP;
    for (size_t q = 0; q < a->quads; q += 2) {
        const size_t strip = q / 4, column = q % 4 * QUAD;
        float *sums = a->sums + strip * PANEL * STRIP + column;
        const float *x = (const float *)a->x + (strip * a->w.groups + g0) * GROUP * STRIP + column;
        if (q + 2 <= a->quads)
            panel(sums, a->levels, ld, x, g0 == 0, 2);
        else
            panel(sums, a->levels, ld, x, g0 == 0, 1);
    }
}
