/*
 * gemvt.h - levels of 16 rows, transposed, times a vector, as defined.
 *
 *     x * scales of half a group  --round-->  q[16], amax / L      level, q  --sum over rows-->  dot      y += dot * (amax / L)
 *
 * Bounds: 8 bits: |dot| <= 16 * 127 * 127 < 2^18. 16 bits: |dot| <= 16 * 16383 * 4095 < 2^31.
 */
#ifndef LSQ_KERNELS_SCALAR_GEMVT_H
#define LSQ_KERNELS_SCALAR_GEMVT_H

#include "kernels/codec.h"
#include "kernels/scalar/rounding.h"

/* The vector of a panel for columns 16 half .. 16 half + 15 of a tile: integers and their scale. */
static float round_for(const lsq_gemvt_args *a, size_t p, size_t g, unsigned half, float limit, int32_t q[PANEL])
{
    float v[PANEL], inverse;
    for (unsigned r = 0; r < PANEL; r++) {
        float s[2];
        lsq_tile_scale(&a->w, p * a->w.groups + g, r, a->w.rows[p * PANEL + r], s);
        v[r] = a->x[p * PANEL + r] * s[half];
    }
    const float scale = scale_of(v, PANEL, limit, &inverse);
    round_all(v, PANEL, inverse, q);
    return scale;
}

/* What tile (p, g) adds to y. */
static void add_tile(const lsq_gemvt_args *a, size_t p, size_t g, int16_t level[STEPS][LANES], float limit)
{
    for (unsigned half = 0; half < 2; half++) {
        int32_t q[PANEL];
        const float scale = round_for(a, p, g, half, limit, q);
        for (unsigned c = GROUP / 2 * half; c < GROUP / 2 * (half + 1); c++) {
            int32_t dot = 0;
            for (unsigned r = 0; r < PANEL; r++)
                dot += q[r] * level[c / 4][4 * r + c % 4];
            a->y[g * GROUP + c] += (float)dot * scale;
        }
    }
}

#endif
