/*
 * gemm.c - expanded levels times columns in fours, as defined: quad after quad, group after group.
 *
 *     dot of each half of a group = sum of level * x      acc += as in gemv (kernel.h), by the kind of scale
 *
 * Bounds: as in plain.c, trellis.c and wide.c.
 */
#include "kernels/codec.h"

/* One more group for one row and column, whose two dots are there. */
static float added(float sum, const lsq_tiles *w, size_t p, size_t g, unsigned r, const int32_t dot[2], float sx)
{
    float s[2];
    lsq_tile_scale(w, p * w->groups + g, r, w->rows[p * PANEL + r], s);
    if (w->scale == LSQ_SCALE_NIBBLE32 || w->scale == LSQ_SCALE_NIBBLE16)
        return sum + (float)(dot[0] * (int32_t)s[0] + dot[1] * (int32_t)s[1]) * sx;
    return sum + (float)(dot[0] + dot[1]) * (sx * s[0]);
}

static inline void gemm(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, const int wide)
{
    for (size_t q = 0; q < a->quads; q++)
        for (size_t g = g0; g < g1; g++) {
            const size_t at = q * a->w.groups + g, levels = (g - g0) * TILE, x = at * STEPS * 16;
            for (unsigned j = 0; j < QUAD; j++)
                for (unsigned r = 0; r < PANEL; r++) {
                    int32_t dot[2] = {0, 0};
                    float *sum = &a->sums[(q * QUAD + j) * PANEL + r];
                    for (unsigned c = 0; c < GROUP; c++) {
                        const size_t i = levels + c / 4 * LANES + 4 * r + c % 4, k = x + c / 4 * 16 + 4 * j + c % 4;
                        dot[c / 16] += wide ? ((const int16_t *)a->levels)[i] * ((const int16_t *)a->x)[k]
                                            : ((const int8_t *)a->levels)[i] * ((const int8_t *)a->x)[k];
                    }
                    *sum = added(g ? *sum : 0.0f, &a->w, p, g, r, dot, a->sx[at * QUAD + j]);
                }
        }
}

void lsq_gemm_e8_i8_scalar_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    gemm(a, p, g0, g1, 0);
}

void lsq_gemm_e16_i16_scalar_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    gemm(a, p, g0, g1, 1);
}
