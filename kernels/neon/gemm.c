/*
 * gemm.c - expanded levels times columns in fours, on NEON.
 *
 * Levels of 8 bits, two columns at once, whose x of a group are 16 registers (dot.h):
 *
 *     levels, x  --smull, smlal, sadalp-->  dots    4 rows, 32 bit
 *     dots  --gemm.h-------------------->  sums    4 rows, float
 *
 * Levels of 16 bits, 8 rows of up to 8 columns at once:
 *
 *     levels  --ld4------------------->  a column of W, 8 rows
 *     levels, x  --smlal by lane------>  dots    4 rows, 32 bit
 *
 * Bounds as in dot.h, plain.h, trellis_dot.h and wide.c.
 */
#include "kernels/neon/gemm.h"

#include "kernels/neon/dot.h"

/* ---- 8 bits ---- */

/* The group's x of column j of a quad, in every dword. */
INLINE columns column_of(const int32x4_t x[STEPS], const unsigned j)
{
    columns c;
#pragma GCC unroll 8
    for (unsigned t = 0; t < STEPS; t++)
        c.step[t] = vreinterpretq_s8_s32(vdupq_n_s32(x[t][j]));
    return c;
}

/* Keeps the compiler from making copies of the lower halves before the loop, for which there are no registers. */
INLINE columns held(const columns *c)
{
    columns to;
#pragma GCC unroll 8
    for (unsigned t = 0; t < STEPS; t++) {
        int8x16_t x = c->step[t];
        __asm__("" : "+w"(x));
        to.step[t] = x;
    }
    return to;
}

/* One more group of columns j and j + 1 of a quad. `small`: there are up to 16 levels. */
INLINE void add_pair(float *sums, const uint8_t *levels, const int32x4_t x[STEPS], float32x4_t sx,
                     const group_scales *s, const unsigned j, const int small, const enum kind kind)
{
    const columns even = column_of(x, j), odd = column_of(x, j + 1);
#pragma GCC unroll 1
    for (unsigned quarter = 0; quarter < 4; quarter++) {
        const uint8_t *from = levels + 16 * quarter;
        int32x4_t rows[2][2];
        four_dots d[2];
#pragma GCC unroll 2
        for (unsigned half = 0; half < 2; half++) {
            uint8x16_t level[4];
            for (unsigned i = 0; i < 4; i++)
                level[i] = load(from, 4 * half + i, 0);
#pragma GCC unroll 2
            for (unsigned i = 0; i < 2; i++) {
                const columns c = held(i ? &odd : &even);
                add_half(&d[i], half == 0 || kind == HALVES, level, &c, half, small);
                if (half == 1 || kind == HALVES)
                    rows[i][kind == HALVES ? half : 0] = rows_of(&d[i]);
            }
            from = after(vreinterpretq_f32_s32(d[1].rows23), from);
        }
#pragma GCC unroll 2
        for (unsigned i = 0; i < 2; i++)
            add_group(sums + (j + i) * PANEL + 4 * quarter, rows[i][0], rows[i][kind == HALVES], sx[j + i], s, quarter,
                      kind);
    }
}

INLINE void all_quads8(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, const int small, const enum kind kind)
{
    for (size_t q = 0; q < a->quads; q++) {
        const uint8_t *level = a->levels;
        float *sums = a->sums + q * QUAD * PANEL;
        for (size_t g = g0; g < g1; g++, level += TILE) {
            const size_t at = q * a->w.groups + g;
            const int8_t *from = (const int8_t *)a->x + at * STEPS * 16;
            const float32x4_t sx = vld1q_f32(a->sx + at * QUAD);
            int32x4_t x[STEPS];
            group_scales s;
            if (q == 0)
                prefetch_block(a, p, g0, g1, g);
            scales_of(&s, &a->w, p, g, kind);
            for (unsigned t = 0; t < STEPS; t++)
                x[t] = vreinterpretq_s32_s8(vld1q_s8(from + 16 * t));
            add_pair(sums, level, x, sx, &s, 0, small, kind);
            add_pair(sums, level, x, sx, &s, 2, small, kind);
        }
    }
}

INLINE void gemm8(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, const int small)
{
    if (g0 == 0)
        clear_sums(a);
    switch (kind_of(&a->w)) {
    case NONE:
        all_quads8(a, p, g0, g1, small, NONE);
        break;
    case BYTES:
        all_quads8(a, p, g0, g1, small, BYTES);
        break;
    case NIBBLES:
        all_quads8(a, p, g0, g1, small, NIBBLES);
        break;
    case HALVES:
        all_quads8(a, p, g0, g1, small, HALVES);
    }
}

void lsq_gemm_e8_i8_neon_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    a->largest <= 63 ? gemm8(a, p, g0, g1, 1) : gemm8(a, p, g0, g1, 0);
}

/* ---- 16 bits ---- */

/* Dots of 8 rows. */
typedef struct eight_dots {
    int32x4_t low, high;
} eight_dots;

/* Adds 4 columns of W for 8 rows and two columns of x, which are 4 values each. */
INLINE void add_two(eight_dots dot[2], int16x8x4_t level, int16x8_t x)
{
    dot[0].low = vmlal_laneq_s16(dot[0].low, vget_low_s16(level.val[0]), x, 0);
    dot[0].high = vmlal_high_laneq_s16(dot[0].high, level.val[0], x, 0);
    dot[1].low = vmlal_laneq_s16(dot[1].low, vget_low_s16(level.val[0]), x, 4);
    dot[1].high = vmlal_high_laneq_s16(dot[1].high, level.val[0], x, 4);
    dot[0].low = vmlal_laneq_s16(dot[0].low, vget_low_s16(level.val[1]), x, 1);
    dot[0].high = vmlal_high_laneq_s16(dot[0].high, level.val[1], x, 1);
    dot[1].low = vmlal_laneq_s16(dot[1].low, vget_low_s16(level.val[1]), x, 5);
    dot[1].high = vmlal_high_laneq_s16(dot[1].high, level.val[1], x, 5);
    dot[0].low = vmlal_laneq_s16(dot[0].low, vget_low_s16(level.val[2]), x, 2);
    dot[0].high = vmlal_high_laneq_s16(dot[0].high, level.val[2], x, 2);
    dot[1].low = vmlal_laneq_s16(dot[1].low, vget_low_s16(level.val[2]), x, 6);
    dot[1].high = vmlal_high_laneq_s16(dot[1].high, level.val[2], x, 6);
    dot[0].low = vmlal_laneq_s16(dot[0].low, vget_low_s16(level.val[3]), x, 3);
    dot[0].high = vmlal_high_laneq_s16(dot[0].high, level.val[3], x, 3);
    dot[1].low = vmlal_laneq_s16(dot[1].low, vget_low_s16(level.val[3]), x, 7);
    dot[1].high = vmlal_high_laneq_s16(dot[1].high, level.val[3], x, 7);
}

/* Quads from q on. */
INLINE void block16(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, size_t q, const unsigned quads,
                    const enum kind kind)
{
    const size_t groups = a->w.groups, apart = groups * STEPS * 16;
    const int16_t *level = a->levels, *x = (const int16_t *)a->x + q * apart + g0 * STEPS * 16;
    const float *sx = a->sx + (q * groups + g0) * QUAD;
    for (size_t g = g0; g < g1; g++, level += TILE, x += STEPS * 16, sx += QUAD) {
        group_scales s;
        if (q == 0)
            prefetch_block(a, p, g0, g1, g);
        scales_of(&s, &a->w, p, g, kind);
#pragma GCC unroll 1
        for (unsigned half = 0; half < 2; half++) { /* of the rows */
            eight_dots dot[2 * QUAD];
            float *sums = a->sums + q * QUAD * PANEL + 8 * half;
            for (unsigned j = 0; j < quads * QUAD; j++)
                dot[j].low = dot[j].high = vdupq_n_s32(0);
#pragma GCC unroll 1
            for (unsigned t = 0; t < STEPS; t++) {
                const int16x8x4_t l = vld4q_s16(level + LANES * t + 32 * half);
#pragma GCC unroll 4
                for (unsigned j = 0; j < quads * QUAD; j += 2)
                    add_two(dot + j, l, vld1q_s16(x + j / QUAD * apart + 16 * t + j % QUAD * 4));
            }
#pragma GCC unroll 8
            for (unsigned j = 0; j < quads * QUAD; j++) {
                const float by = sx[j / QUAD * groups * QUAD + j % QUAD];
                add_group(sums + j * PANEL, dot[j].low, dot[j].low, by, &s, 2 * half, kind);
                add_group(sums + j * PANEL + 4, dot[j].high, dot[j].high, by, &s, 2 * half + 1, kind);
            }
        }
    }
}

INLINE void all_quads16(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, const enum kind kind)
{
    size_t q = 0;
    for (; q + 2 <= a->quads; q += 2)
        block16(a, p, g0, g1, q, 2, kind);
    if (q < a->quads)
        block16(a, p, g0, g1, q, 1, kind);
}

void lsq_gemm_e16_i16_neon_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    if (g0 == 0)
        clear_sums(a);
    a->w.scales ? all_quads16(a, p, g0, g1, BYTES) : all_quads16(a, p, g0, g1, NONE);
}
