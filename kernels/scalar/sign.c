/*
 * sign.c - signs with 8-bit integers, as defined: tile after tile, step after step, lane after lane.
 *
 *     code  -->  x or -x      dot[lane / 4] = sum      acc += (float)dot * (sx * s)
 *
 * Bound: |dot| <= 32 * 127 < 2^12.
 */
#include "kernels/codec.h"

#include <string.h>

void lsq_gemv_b1_i8_scalar_r1(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    const lsq_tiles *w = &a->w;
    const int8_t *x = a->x;
    memset(a->y, 0, (p1 - p0) * PANEL * sizeof(float));
    for (size_t p = p0; p < p1; p++)
        for (size_t g = 0; g < w->groups; g++) {
            uint16_t code[STEPS][LANES];
            int32_t dot[PANEL] = {0};
            lsq_tile_codes(w->codes + (p * w->groups + g) * 64, 1, code);
            for (unsigned t = 0; t < STEPS; t++)
                for (unsigned lane = 0; lane < LANES; lane++) /* signs have no pattern: a product, not a branch */
                    dot[lane / 4] += (2 * code[t][lane] - 1) * x[g * GROUP + 4 * t + lane % 4];
            for (unsigned r = 0; r < PANEL; r++) {
                float s[2];
                lsq_tile_scale(w, p * w->groups + g, r, 0, s);
                a->y[(p - p0) * PANEL + r] += (float)dot[r] * (a->sx[g] * s[0]);
            }
        }
}
