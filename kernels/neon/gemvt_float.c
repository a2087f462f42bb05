/*
 * gemvt_float.c - decoded weights of 16 rows, transposed, times a vector, on NEON.
 *
 *     weights    --fmla by lane-->  sums    32 columns of a row after the other, in eight registers
 *     sums       --add----------->  y
 *
 * Each of the 16 rows rounds a sum once.
 */
#include "kernels/kernel.h"

#include <arm_neon.h>

enum { VECTORS = GROUP / 4 };

/* Adds four rows of a group, `apart` from each other. */
INLINE void add_rows(float32x4_t sum[VECTORS], const float *weight, size_t apart, float32x4_t x)
{
#pragma GCC unroll 8
    for (unsigned i = 0; i < VECTORS; i++)
        sum[i] = vfmaq_laneq_f32(sum[i], vld1q_f32(weight + 4 * i), x, 0);
#pragma GCC unroll 8
    for (unsigned i = 0; i < VECTORS; i++)
        sum[i] = vfmaq_laneq_f32(sum[i], vld1q_f32(weight + apart + 4 * i), x, 1);
#pragma GCC unroll 8
    for (unsigned i = 0; i < VECTORS; i++)
        sum[i] = vfmaq_laneq_f32(sum[i], vld1q_f32(weight + 2 * apart + 4 * i), x, 2);
#pragma GCC unroll 8
    for (unsigned i = 0; i < VECTORS; i++)
        sum[i] = vfmaq_laneq_f32(sum[i], vld1q_f32(weight + 3 * apart + 4 * i), x, 3);
}

void lsq_gemvt_e32_f32_neon_r1(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)
{
    const size_t columns = (g1 - g0) * GROUP;
    const float *weight = a->levels, *x = a->x + p * PANEL;
    float *y = a->y + g0 * GROUP;
    for (size_t c = 0; c < columns; c += GROUP) {
        float32x4_t sum[VECTORS];
        for (unsigned i = 0; i < VECTORS; i++)
            sum[i] = vdupq_n_f32(0);
#pragma GCC unroll 1
        for (unsigned r = 0; r < PANEL; r += 4)
            add_rows(sum, weight + r * columns + c, columns, vld1q_f32(x + r));
        for (unsigned i = 0; i < VECTORS; i++)
            vst1q_f32(y + c + 4 * i, vaddq_f32(vld1q_f32(y + c + 4 * i), sum[i]));
    }
}
