/*
 * dot.h - levels times x with 8-bit integers: with SDOT where the level has it, with products of 16 bits elsewhere.
 *
 *     sdot by lane:  4 rows x 4 columns of levels, 16 bytes of x are four steps  -->  4 rows, 32 bit
 *
 *     smull, smlal:  the same, x is a step in every dword  -->  products of 2 or 4 steps, 16 bit
 *     sadalp ----->  2 rows x 2 pairs of columns, 32 bit; added up once a group
 *
 * Bounds of 16 bits: up to 16 levels are at most 63, and the products of four steps 4 * 63 * 127 = 32004 < 2^15; other levels are
 * at most 127, and those of two steps 2 * 127 * 127 = 32258 < 2^15.
 */
#ifndef LSQ_KERNELS_NEON_DOT_H
#define LSQ_KERNELS_NEON_DOT_H

#include "kernels/codec.h"

#include <arm_neon.h>

#ifdef __ARM_FEATURE_DOTPROD

/* The x of a group. */
typedef struct columns {
    int8x16_t half[2];
} columns;

INLINE columns columns_of(const int8_t *x)
{
    return (columns){{vld1q_s8(x), vld1q_s8(x + 16)}};
}

/* Dots of 4 rows. */
typedef struct four_dots {
    int32x4_t rows;
} four_dots;

/* Adds the products of 16 columns; `first`: to nothing. `small`: there are up to 16 levels. */
INLINE void add_half(four_dots *d, const int first, const uint8x16_t level[4], const columns *x, unsigned half,
                     const int small)
{
    (void)small;
    if (first)
        d->rows = vdupq_n_s32(0);
    d->rows = vdotq_laneq_s32(d->rows, vreinterpretq_s8_u8(level[0]), x->half[half], 0);
    d->rows = vdotq_laneq_s32(d->rows, vreinterpretq_s8_u8(level[1]), x->half[half], 1);
    d->rows = vdotq_laneq_s32(d->rows, vreinterpretq_s8_u8(level[2]), x->half[half], 2);
    d->rows = vdotq_laneq_s32(d->rows, vreinterpretq_s8_u8(level[3]), x->half[half], 3);
}

INLINE int32x4_t rows_of(const four_dots *d)
{
    return d->rows;
}

#else

typedef struct columns {
    int8x16_t step[STEPS];
} columns;

INLINE columns columns_of(const int8_t *x)
{
    const int32x4_t low = vreinterpretq_s32_s8(vld1q_s8(x)), high = vreinterpretq_s32_s8(vld1q_s8(x + 16));
    return (columns){{
        vreinterpretq_s8_s32(vdupq_laneq_s32(low, 0)),
        vreinterpretq_s8_s32(vdupq_laneq_s32(low, 1)),
        vreinterpretq_s8_s32(vdupq_laneq_s32(low, 2)),
        vreinterpretq_s8_s32(vdupq_laneq_s32(low, 3)),
        vreinterpretq_s8_s32(vdupq_laneq_s32(high, 0)),
        vreinterpretq_s8_s32(vdupq_laneq_s32(high, 1)),
        vreinterpretq_s8_s32(vdupq_laneq_s32(high, 2)),
        vreinterpretq_s8_s32(vdupq_laneq_s32(high, 3)),
    }};
}

typedef struct four_dots {
    int32x4_t rows01, rows23;
} four_dots;

/* Products of a step, or of more. */
typedef struct products {
    int16x8_t rows01, rows23;
} products;

INLINE products multiply(uint8x16_t level, int8x16_t xt)
{
    int8x16_t l = vreinterpretq_s8_u8(level);
    return (products){vmull_s8(vget_low_s8(l), vget_low_s8(xt)), vmull_high_s8(l, xt)};
}

INLINE products multiply_add(products p, uint8x16_t level, int8x16_t xt)
{
    int8x16_t l = vreinterpretq_s8_u8(level);
    return (products){vmlal_s8(p.rows01, vget_low_s8(l), vget_low_s8(xt)), vmlal_high_s8(p.rows23, l, xt)};
}

INLINE void add_products(four_dots *d, const int first, products p)
{
    d->rows01 = first ? vpaddlq_s16(p.rows01) : vpadalq_s16(d->rows01, p.rows01);
    d->rows23 = first ? vpaddlq_s16(p.rows23) : vpadalq_s16(d->rows23, p.rows23);
}

INLINE void add_half(four_dots *d, const int first, const uint8x16_t level[4], const columns *x, unsigned half,
                     const int small)
{
    const int8x16_t *xt = x->step + 4 * half;
    products p = multiply_add(multiply(level[0], xt[0]), level[1], xt[1]);
    if (!small)
        add_products(d, first, p);
    p = small ? multiply_add(p, level[2], xt[2]) : multiply(level[2], xt[2]);
    add_products(d, first && small, multiply_add(p, level[3], xt[3]));
}

INLINE int32x4_t rows_of(const four_dots *d)
{
    return vpaddq_s32(d->rows01, d->rows23);
}

#endif

#endif
