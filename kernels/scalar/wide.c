/*
 * wide.c - codes of 7 to 9 bits with integers of 16 bits, as defined.
 *
 *     code  --table-->  level      dot[lane / 4] = sum of level * x      acc += (float)dot * (sx * s)
 *
 * Bound: |dot| <= 32 * 16383 * 4095 < 2^31.
 */
#include "kernels/codec.h"

#include <string.h>

static inline void gemv(const lsq_gemv_args *a, size_t p0, size_t p1, unsigned bits)
{
    const lsq_tiles *w = &a->w;
    const int16_t *x = a->x;
    memset(a->y, 0, (p1 - p0) * PANEL * sizeof(float));
    for (size_t p = p0; p < p1; p++)
        for (size_t g = 0; g < w->groups; g++) {
            size_t tile = p * w->groups + g;
            uint16_t code[STEPS][LANES];
            int32_t dot[PANEL] = {0};
            lsq_tile_codes(w->codes + tile * 64 * bits, bits, code);
            for (unsigned t = 0; t < STEPS; t++)
                for (unsigned lane = 0; lane < LANES; lane++)
                    dot[lane / 4] += w->levels->i16[code[t][lane]] * x[g * GROUP + 4 * t + lane % 4];
            for (unsigned r = 0; r < PANEL; r++) {
                float s[2];
                lsq_tile_scale(w, tile, r, 0, s);
                a->y[(p - p0) * PANEL + r] += (float)dot[r] * (a->sx[g] * s[0]);
            }
        }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_p##bits##_i16_scalar_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                \
    {                                                                                                                  \
        gemv(a, p0, p1, bits);                                                                                         \
    }

WIDTH(7)
WIDTH(8)
WIDTH(9)
