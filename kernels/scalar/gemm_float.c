/*
 * gemm_float.c - decoded weights times columns in strips of 16, as defined: a sum for each group, then the groups one after the other, so
 * that a result is rounded 32 + k / 32 times and not k times.
 */
#include "kernels/codec.h"

void lsq_gemm_e32_f32_scalar_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    (void)p; /* weights of any panel are alike */
    const size_t columns = (g1 - g0) * GROUP, k = a->w.groups * GROUP;
    for (size_t b = 0; b < (a->quads * QUAD + STRIP - 1) / STRIP; b++)
        for (unsigned r = 0; r < PANEL; r++) {
            float *sums = a->sums + (b * PANEL + r) * STRIP;
            for (unsigned j = 0; j < STRIP && g0 == 0; j++)
                sums[j] = 0;
            for (size_t g = g0; g < g1; g++) {
                const float *weight = (const float *)a->levels + r * columns + (g - g0) * GROUP;
                const float *x = (const float *)a->x + (b * k + g * GROUP) * STRIP;
                float sum[STRIP] = {0};
                for (unsigned c = 0; c < GROUP; c++)
                    for (unsigned j = 0; j < STRIP; j++)
                        sum[j] += weight[c] * x[c * STRIP + j];
                for (unsigned j = 0; j < STRIP; j++)
                    sums[j] += sum[j];
            }
        }
}
