/*
 * gemvt_float.c - decoded weights of 16 rows, transposed, times a vector, as defined: row after row, then once into y.
 */
#include "kernels/codec.h"

void lsq_gemvt_e32_f32_scalar_r1(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)
{
    const size_t columns = (g1 - g0) * GROUP;
    const float *weight = a->levels, *x = a->x + p * PANEL;
    float *y = a->y + g0 * GROUP;
    for (size_t c0 = 0; c0 < columns; c0 += GROUP) {
        float sum[GROUP] = {0};
        for (unsigned r = 0; r < PANEL; r++)
            for (unsigned c = 0; c < GROUP; c++)
                sum[c] += weight[r * columns + c0 + c] * x[r];
        for (unsigned c = 0; c < GROUP; c++)
            y[c0 + c] += sum[c];
    }
}
