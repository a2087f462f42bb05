/*
 * gemm_float.c - decoded weights times columns in strips of 16, on NEON.
 *
 *     weights    4 columns of W, of 4 or 8 rows       x    a row of the strip, 4 columns of B in each of up to 4 registers
 *
 *     x, weights  --fmla by lane-->  sums of up to 64 columns of W    4 rows x 16 or 12 columns, or 8 rows x 8 or 4
 *     these       --add----------->  sums in memory
 *
 * Up to 16 sums in registers: more than the latency of two fmla units asks for. What begins anew after 64 columns is rounded 64 times
 * there and k / 64 + 1 times in memory, or k / 32 if groups come one by one: no more than k / 4 + 60, for any k.
 */
#include "kernels/kernel.h"

#include <arm_neon.h>

enum { RUN = 2 * GROUP /* columns of W that are summed up in registers */ };

/* Adds a column of W, lane `lane` of the weights, times its row of the strip. */
INLINE void add_column(float32x4_t sum[8][4], const float32x4_t weight[8], const float *x, const unsigned rows,
                       const unsigned quads, const unsigned lane)
{
    float32x4_t xt[4];
    for (unsigned q = 0; q < quads; q++)
        xt[q] = vld1q_f32(x + QUAD * q);
    for (unsigned r = 0; r < rows; r++)
        for (unsigned q = 0; q < quads; q++)
            sum[r][q] = vfmaq_n_f32(sum[r][q], xt[q], weight[r][lane]);
}

/* n columns of W, `ld` between its rows, for some rows of the panel and the first quads of a strip. */
INLINE void add_block(float *sums, const float *weight, size_t ld, size_t n, const float *x, const unsigned rows,
                      const unsigned quads)
{
    float32x4_t sum[8][4];
    for (unsigned r = 0; r < rows; r++)
        for (unsigned q = 0; q < quads; q++)
            sum[r][q] = vdupq_n_f32(0);
    for (size_t c = 0; c < n; c += 4, x += 4 * STRIP) {
        float32x4_t w[8];
        for (unsigned r = 0; r < rows; r++)
            w[r] = vld1q_f32(weight + r * ld + c);
        add_column(sum, w, x, rows, quads, 0);
        add_column(sum, w, x + STRIP, rows, quads, 1);
        add_column(sum, w, x + 2 * STRIP, rows, quads, 2);
        add_column(sum, w, x + 3 * STRIP, rows, quads, 3);
    }
    for (unsigned r = 0; r < rows; r++)
        for (unsigned q = 0; q < quads; q++) {
            float *to = sums + r * STRIP + QUAD * q;
            vst1q_f32(to, vaddq_f32(vld1q_f32(to), sum[r][q]));
        }
}

/* The first quads of a strip. */
INLINE void strip(float *sums, const float *weight, const float *x, size_t columns, const unsigned quads)
{
    const unsigned rows = quads <= 2 ? 8 : 4;
    for (size_t c = 0; c < columns; c += RUN) {
        const size_t n = columns - c < RUN ? columns - c : RUN;
#pragma GCC unroll 1
        for (unsigned r = 0; r < PANEL; r += rows)
            add_block(sums + r * STRIP, weight + r * columns + c, columns, n, x + c * STRIP, rows, quads);
    }
}

void lsq_gemm_e32_f32_neon_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    (void)p; /* weights of any panel are alike */
    const size_t columns = (g1 - g0) * GROUP, apart = a->w.groups * GROUP * STRIP;
    const float *x = (const float *)a->x + g0 * GROUP * STRIP;
    float *sums = a->sums;
    for (size_t q = 0; q < a->quads; q += 4, x += apart, sums += PANEL * STRIP) {
        for (unsigned i = 0; i < PANEL * STRIP && g0 == 0; i += 4)
            vst1q_f32(sums + i, vdupq_n_f32(0));
        switch (a->quads - q) {
        case 1:
            strip(sums, a->levels, x, columns, 1);
            break;
        case 2:
            strip(sums, a->levels, x, columns, 2);
            break;
        case 3:
            strip(sums, a->levels, x, columns, 3);
            break;
        default:
            strip(sums, a->levels, x, columns, 4);
        }
    }
}
