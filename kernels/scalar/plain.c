/*
 * plain.c - codes that index a table, as defined: tile after tile, step after step, lane after lane.
 *
 *     code  --table-->  level      dot[lane / 4] = sum of level * x      acc += (float)dot * (sx * s)
 *
 * Bound: |dot| <= 32 * 127 * 127 < 2^20.
 */
#include "kernels/codec.h"

#include <string.h>

/* s of each row of a tile. */
static inline void scales_of(const lsq_tiles *w, size_t tile, float s[PANEL])
{
    for (unsigned r = 0; r < PANEL; r++) {
        float both[2];
        lsq_tile_scale(w, tile, r, 0, both);
        s[r] = both[0];
    }
}

static inline void gemv_int8(const lsq_gemv_args *a, size_t p0, size_t p1, unsigned bits)
{
    const lsq_tiles *w = &a->w;
    const int8_t *x = a->x;
    memset(a->y, 0, (p1 - p0) * PANEL * sizeof(float));
    for (size_t p = p0; p < p1; p++)
        for (size_t g = 0; g < w->groups; g++) {
            uint16_t code[STEPS][LANES];
            int32_t dot[PANEL] = {0};
            float s[PANEL];
            lsq_tile_codes(w->codes + (p * w->groups + g) * 64 * bits, bits, code);
            for (unsigned t = 0; t < STEPS; t++)
                for (unsigned lane = 0; lane < LANES; lane++)
                    dot[lane / 4] += w->levels->i8[code[t][lane]] * x[g * GROUP + 4 * t + lane % 4];
            scales_of(w, p * w->groups + g, s);
            for (unsigned r = 0; r < PANEL; r++)
                a->y[(p - p0) * PANEL + r] += (float)dot[r] * (a->sx[g] * s[r]);
        }
}

static inline void gemv_float(const lsq_gemv_args *a, size_t p0, size_t p1, unsigned bits)
{
    const lsq_tiles *w = &a->w;
    const float *x = a->x;
    memset(a->y, 0, (p1 - p0) * PANEL * sizeof(float));
    for (size_t p = p0; p < p1; p++)
        for (size_t g = 0; g < w->groups; g++) {
            uint16_t code[STEPS][LANES];
            float dot[PANEL] = {0}, s[PANEL];
            lsq_tile_codes(w->codes + (p * w->groups + g) * 64 * bits, bits, code);
            for (unsigned t = 0; t < STEPS; t++)
                for (unsigned lane = 0; lane < LANES; lane++)
                    dot[lane / 4] += w->levels->f32[code[t][lane]] * x[g * GROUP + 4 * t + lane % 4];
            scales_of(w, p * w->groups + g, s);
            for (unsigned r = 0; r < PANEL; r++)
                a->y[(p - p0) * PANEL + r] += dot[r] * s[r];
        }
}

static inline void decode(const lsq_decode_args *a, size_t p, size_t g0, size_t g1, unsigned bits)
{
    const lsq_tiles *w = &a->w;
    size_t ld = GROUP * (g1 - g0);
    for (size_t g = g0; g < g1; g++) {
        uint16_t code[STEPS][LANES];
        float s[PANEL];
        lsq_tile_codes(w->codes + (p * w->groups + g) * 64 * bits, bits, code);
        scales_of(w, p * w->groups + g, s);
        for (unsigned t = 0; t < STEPS; t++)
            for (unsigned lane = 0; lane < LANES; lane++)
                a->out[lane / 4 * ld + (g - g0) * GROUP + 4 * t + lane % 4] =
                    a->row[lane / 4] * s[lane / 4] * w->levels->f32[code[t][lane]];
    }
}

/* The rows of a width. */
#define INT8(bits)                                                                                                     \
    void lsq_gemv_p##bits##_i8_scalar_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                 \
    {                                                                                                                  \
        gemv_int8(a, p0, p1, bits);                                                                                    \
    }

#define FLOAT(bits)                                                                                                    \
    void lsq_gemv_p##bits##_f32_scalar_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                \
    {                                                                                                                  \
        gemv_float(a, p0, p1, bits);                                                                                   \
    }                                                                                                                  \
    void lsq_decode_p##bits##_f32_scalar_r1(const lsq_decode_args *a, size_t p, size_t g0, size_t g1)                  \
    {                                                                                                                  \
        decode(a, p, g0, g1, bits);                                                                                    \
    }

INT8(2)
INT8(3)
INT8(4)
INT8(5)
INT8(6)

FLOAT(2)
FLOAT(3)
FLOAT(4)
FLOAT(5)
FLOAT(6)
FLOAT(7)
FLOAT(8)
FLOAT(9)
