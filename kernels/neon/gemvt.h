/*
 * gemvt.h - what transposed products with integers have in common, for every NEON level: the vector, anew for each tile.
 *
 *     x, scales  --* ------------->  v       16 rows
 *     v          --rounding.h----->  q       16 rows, for each half of the columns
 *
 * From the scales to q it is a long way, through a division; so vectors of several tiles are made one right after the other, where
 * they overlap, before the first of them is used.
 */
#ifndef LSQ_KERNELS_NEON_GEMVT_H
#define LSQ_KERNELS_NEON_GEMVT_H

#include "kernels/neon/rounding.h"
#include "kernels/neon/scales.h"

enum { AHEAD = 8 /* tiles */ };

/* The vector of a panel for half the columns of a tile. */
typedef struct half_vector {
    int16x8_t q[2];    /* integers of 8 bits are all in the first one */
    float32x2_t scale; /* in lane 0 */
} half_vector;

/* x * s as integers. */
INLINE half_vector rounded_half(const float32x4_t x[4], const float32x4_t s[4], const int wide)
{
    half_vector to;
    float32x4_t v[4];
    for (unsigned i = 0; i < 4; i++)
        v[i] = vmulq_f32(x[i], s[i]);
    const scaling by = scaling_of(magnitudes(v, 4), wide ? 4095.0f : 127.0f);
    to.q[0] = wide ? rounded16(v, &by) : vreinterpretq_s16_s8(rounded8(v, &by));
    to.q[1] = wide ? rounded16(v + 2, &by) : to.q[0];
    to.scale = by.scale;
    return to;
}

/* Both halves of a tile. The scales are asked for in either case, so that the compiler leaves those out that nobody needs. */
INLINE void round_tile(half_vector to[2], const lsq_tiles *w, size_t tile, uint8x16_t steps, const float32x4_t x[4],
                       const int wide)
{
    float32x4_t s[2][4];
    if (w->scale == LSQ_SCALE_NIBBLE16) {
        float_scales(w, tile, steps, s);
        to[0] = rounded_half(x, s[0], wide);
        to[1] = rounded_half(x, s[1], wide);
    } else {
        float_scales(w, tile, steps, s);
        to[0] = to[1] = rounded_half(x, s[0], wide);
    }
}

/* The vectors of panel p for tiles from group g on, `AHEAD` of them or up to g1. Returns how many. */
INLINE size_t round_tiles(half_vector to[2 * AHEAD], const lsq_gemvt_args *a, size_t p, size_t g, size_t g1,
                          const int wide)
{
    const lsq_tiles *w = &a->w;
    const size_t n = g1 - g < AHEAD ? g1 - g : AHEAD;
    const uint8x16_t steps = steps_of(w, p);
    float32x4_t x[4];
    for (unsigned i = 0; i < 4; i++)
        x[i] = vld1q_f32(a->x + p * PANEL + 4 * i);
    if (w->scales) {
        for (size_t i = 0; i < n; i++)
            round_tile(&to[2 * i], w, p * w->groups + g + i, steps, x, wide);
    } else {
        const float32x4_t one = vdupq_n_f32(1), ones[4] = {one, one, one, one};
        const half_vector same = rounded_half(x, ones, wide);
        for (size_t i = 0; i < 2 * n; i++)
            to[i] = same;
    }
    return n;
}

/* Four more columns. */
INLINE void add_to(float *y, float32x4_t dot, float32x2_t scale)
{
    vst1q_f32(y, vaddq_f32(vld1q_f32(y), vmulq_lane_f32(dot, scale, 0)));
}

/*
 * Dots of 8 bits begin with the bits of 1.5 * 2^23, and so are floats already when they end: |dot| < 2^18. That is exact, and takes
 * an addition where a conversion would wait for the one unit that has it.
 */
INLINE int32x4_t dot_start(void)
{
    return vdupq_n_s32(0x4b400000);
}

INLINE float32x4_t dot_end(int32x4_t dot)
{
    return vsubq_f32(vreinterpretq_f32_s32(dot), vdupq_n_f32(0x1.8p23f));
}

#endif
