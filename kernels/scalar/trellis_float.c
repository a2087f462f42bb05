/*
 * trellis_float.c - trellis codes with floats, as defined: tile after tile, step after step, lane after lane.
 *
 *     index  --table-->  level      two dots a row, over columns 0..15 and 16..31, each times its scale
 */
#include "kernels/scalar/trellis.h"

#include <string.h>

static inline void gemv(const lsq_gemv_args *a, size_t p0, size_t p1, unsigned bits)
{
    const lsq_tiles *w = &a->w;
    const float *x = a->x;
    memset(a->y, 0, (p1 - p0) * PANEL * sizeof(float));
    for (size_t p = p0; p < p1; p++)
        for (size_t g = 0; g < w->groups; g++) {
            uint16_t index[STEPS][LANES];
            float dot[2][PANEL] = {{0}}, s[PANEL][2];
            tile_indices(w, bits, p * w->groups + g, index);
            for (unsigned t = 0; t < STEPS; t++)
                for (unsigned lane = 0; lane < LANES; lane++)
                    dot[t / 4][lane / 4] += w->levels->f32[index[t][lane]] * x[g * GROUP + 4 * t + lane % 4];
            scales_of(w, p, g, s);
            for (unsigned r = 0; r < PANEL; r++)
                a->y[(p - p0) * PANEL + r] += dot[0][r] * s[r][0] + dot[1][r] * s[r][1];
        }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_t##bits##_f32_scalar_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                \
    {                                                                                                                  \
        gemv(a, p0, p1, bits);                                                                                         \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
