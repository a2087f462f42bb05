/*
 * trellis.c - trellis codes with 8-bit integers, as defined: tile after tile, step after step, lane after lane.
 *
 *     index  --table-->  level      two dots a row, over columns 0..15 and 16..31; their scales as the format has it
 *
 * Bounds: 16 products stay under 16 * 127 * 127 < 2^18; times a multiplier of 8 bits, and two of them, under 2^27.
 */
#include "kernels/scalar/trellis.h"

#include <string.h>

static inline void gemv(const lsq_gemv_args *a, size_t p0, size_t p1, unsigned bits)
{
    const lsq_tiles *w = &a->w;
    const int8_t *level = w->levels->i8, *x = a->x;
    memset(a->y, 0, (p1 - p0) * PANEL * sizeof(float));
    for (size_t p = p0; p < p1; p++)
        for (size_t g = 0; g < w->groups; g++) {
            uint16_t index[STEPS][LANES];
            int32_t dot[2][PANEL] = {{0}};
            float s[PANEL][2], *y = a->y + (p - p0) * PANEL;
            tile_indices(w, bits, p * w->groups + g, index);
            for (unsigned t = 0; t < STEPS; t++)
                for (unsigned lane = 0; lane < LANES; lane++)
                    dot[t / 4][lane / 4] += level[index[t][lane]] * x[g * GROUP + 4 * t + lane % 4];
            scales_of(w, p, g, s);
            for (unsigned r = 0; r < PANEL; r++)
                if (w->scale == LSQ_SCALE_BYTE32)
                    y[r] += (float)(dot[0][r] + dot[1][r]) * (a->sx[g] * s[r][0]);
                else
                    y[r] += (float)(dot[0][r] * (int32_t)s[r][0] + dot[1][r] * (int32_t)s[r][1]) * a->sx[g];
        }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_t##bits##_i8_scalar_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                 \
    {                                                                                                                  \
        gemv(a, p0, p1, bits);                                                                                         \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
