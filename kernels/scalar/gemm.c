/*
 * gemm.c - expanded levels times columns in fours, as defined: group after group, row after row, column after column.
 *
 *     dot of each half of a group = sum of level * x      acc += as in gemv (kernel.h), by the kind of scale
 *
 * Bounds: as in plain.c, trellis.c and wide.c.
 */
#include "kernels/codec.h"

/* The sum of one row and column after a group whose two dots and scales are there. */
static float added(float sum, int nibbles, const int32_t dot[2], const float s[2], float sx)
{
    if (nibbles)
        return sum + (float)(dot[0] * (int32_t)s[0] + dot[1] * (int32_t)s[1]) * sx;
    return sum + (float)(dot[0] + dot[1]) * (sx * s[0]);
}

/* Both dots of a row and a column: level points at the row's first column, x at the column's first value. */
static inline void dots8(const int8_t *level, const int8_t *x, int32_t dot[2])
{
    dot[0] = dot[1] = 0;
    for (unsigned c = 0; c < GROUP; c++)
        dot[c / 16] += level[c / 4 * LANES + c % 4] * x[c / 4 * 4 * QUAD + c % 4];
}

static inline void dots16(const int16_t *level, const int16_t *x, int32_t dot[2])
{
    dot[0] = dot[1] = 0;
    for (unsigned c = 0; c < GROUP; c++)
        dot[c / 16] += level[c / 4 * LANES + c % 4] * x[c / 4 * 4 * QUAD + c % 4];
}

static inline void gemm(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, const int wide)
{
    const lsq_tiles *w = &a->w;
    const int nibbles = w->scale == LSQ_SCALE_NIBBLE32 || w->scale == LSQ_SCALE_NIBBLE16;
    for (size_t g = g0; g < g1; g++)
        for (unsigned r = 0; r < PANEL; r++) {
            const size_t level = (g - g0) * TILE + 4 * r;
            float s[2];
            lsq_tile_scale(w, p * w->groups + g, r, w->rows[p * PANEL + r], s);
            for (size_t column = 0; column < QUAD * a->quads; column++) {
                const size_t q = column / QUAD, j = column % QUAD, at = q * w->groups + g;
                const size_t x = at * STEPS * 4 * QUAD + 4 * j;
                int32_t dot[2];
                float *sum = &a->sums[column * PANEL + r];
                if (wide)
                    dots16((const int16_t *)a->levels + level, (const int16_t *)a->x + x, dot);
                else
                    dots8((const int8_t *)a->levels + level, (const int8_t *)a->x + x, dot);
                *sum = added(g ? *sum : 0.0f, nibbles, dot, s, a->sx[at * QUAD + j]);
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
