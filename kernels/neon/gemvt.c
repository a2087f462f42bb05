/*
 * gemvt.c - expanded levels of 16 rows, transposed, times a vector, on NEON.
 *
 * Levels of 8 bits, a step of 16 rows x 4 columns in four registers of 4 rows:
 *
 *     q          --zip------------->  each of 4 rows in every byte of its dword; the same for four steps
 *     levels, q  --smull, smlal---->  products of 2 or 4 rows, 16 bit; a row is 4 neighbouring columns
 *                --saddl, add------>  dots    4 columns, 32 bit
 *
 * Levels of 16 bits, in eight registers of 2 rows:
 *
 *     levels, q  --smlal by lane--->  dots    4 columns, 32 bit
 *
 * Bounds of 16 bits as in dot.h: 4 * 63 * 127 < 2^15 for small levels, 2 * 127 * 127 < 2^15 for others; of 32 bits as in scalar/gemvt.c.
 */
#include "kernels/neon/gemvt.h"

/* ---- 8 bits ---- */

/* The rows of each register of a step, four times each. */
INLINE void spread(int8x16_t q, int8x16_t rows[4])
{
    const int16x8_t low = vreinterpretq_s16_s8(vzip1q_s8(q, q)), high = vreinterpretq_s16_s8(vzip2q_s8(q, q));
    rows[0] = vreinterpretq_s8_s16(vzip1q_s16(low, low));
    rows[1] = vreinterpretq_s8_s16(vzip2q_s16(low, low));
    rows[2] = vreinterpretq_s8_s16(vzip1q_s16(high, high));
    rows[3] = vreinterpretq_s8_s16(vzip2q_s16(high, high));
}

/* Products of two rows each, and their sums. */
typedef struct products {
    int16x8_t rows01, rows23;
} products;

INLINE products multiply(int8x16_t level, int8x16_t rows)
{
    return (products){vmull_s8(vget_low_s8(level), vget_low_s8(rows)), vmull_high_s8(level, rows)};
}

INLINE products multiply_add(products p, int8x16_t level, int8x16_t rows)
{
    return (products){vmlal_s8(p.rows01, vget_low_s8(level), vget_low_s8(rows)), vmlal_high_s8(p.rows23, level, rows)};
}

/* Adds up the rows. */
INLINE int32x4_t columns_of(products p)
{
    return vaddq_s32(vaddl_s16(vget_low_s16(p.rows01), vget_low_s16(p.rows23)), vaddl_high_s16(p.rows01, p.rows23));
}

/* The dots of a step. `small`: levels are at most 63. */
INLINE int32x4_t dots_of(const int8_t *level, const int8x16_t rows[4], const int small)
{
    int32x4_t dot = dot_start();
    products p = multiply_add(multiply(vld1q_s8(level), rows[0]), vld1q_s8(level + 16), rows[1]);
    if (!small)
        dot = vaddq_s32(dot, columns_of(p));
    p = small ? multiply_add(p, vld1q_s8(level + 32), rows[2]) : multiply(vld1q_s8(level + 32), rows[2]);
    return vaddq_s32(dot, columns_of(multiply_add(p, vld1q_s8(level + 48), rows[3])));
}

/* Half a tile. */
INLINE void add_half8(float *y, const int8_t *level, const half_vector *v, const int small)
{
    int8x16_t rows[4];
    int32x4_t dot[4];
    spread(vreinterpretq_s8_s16(v->q[0]), rows);
#pragma GCC unroll 4
    for (unsigned t = 0; t < 4; t++)
        dot[t] = dots_of(level + LANES * t, rows, small);
#pragma GCC unroll 4
    for (unsigned t = 0; t < 4; t++)
        add_to(y + 4 * t, dot_end(dot[t]), v->scale);
}

INLINE void gemvt8(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1, const int small)
{
    const int8_t *level = a->levels;
    float *y = a->y + g0 * GROUP;
    for (size_t g = g0, n; g < g1; g += n) {
        half_vector v[2 * AHEAD];
        n = round_tiles(v, a, p, g, g1, 0);
        for (size_t i = 0; i < 2 * n; i++, y += GROUP / 2, level += TILE / 2)
            add_half8(y, level, &v[i], small);
    }
}

void lsq_gemvt_e8_i8_neon_r1(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)
{
    a->largest <= 63 ? gemvt8(a, p, g0, g1, 1) : gemvt8(a, p, g0, g1, 0);
}

/* ---- 16 bits ---- */

/* Adds 8 rows of a step; `first`: to nothing. */
INLINE int32x4_t add_rows(int32x4_t dot, const int first, const int16_t *level, int16x8_t q)
{
    const int16x8_t rows01 = vld1q_s16(level), rows23 = vld1q_s16(level + 8), rows45 = vld1q_s16(level + 16),
                    rows67 = vld1q_s16(level + 24);
    dot = first ? vmull_laneq_s16(vget_low_s16(rows01), q, 0) : vmlal_laneq_s16(dot, vget_low_s16(rows01), q, 0);
    dot = vmlal_high_laneq_s16(dot, rows01, q, 1);
    dot = vmlal_laneq_s16(dot, vget_low_s16(rows23), q, 2);
    dot = vmlal_high_laneq_s16(dot, rows23, q, 3);
    dot = vmlal_laneq_s16(dot, vget_low_s16(rows45), q, 4);
    dot = vmlal_high_laneq_s16(dot, rows45, q, 5);
    dot = vmlal_laneq_s16(dot, vget_low_s16(rows67), q, 6);
    return vmlal_high_laneq_s16(dot, rows67, q, 7);
}

INLINE void add_half16(float *y, const int16_t *level, const half_vector *v)
{
    int32x4_t dot[4];
#pragma GCC unroll 4
    for (unsigned t = 0; t < 4; t++) {
        dot[t] = add_rows(vdupq_n_s32(0), 1, level + LANES * t, v->q[0]);
        dot[t] = add_rows(dot[t], 0, level + LANES * t + LANES / 2, v->q[1]);
    }
#pragma GCC unroll 4
    for (unsigned t = 0; t < 4; t++)
        add_to(y + 4 * t, vcvtq_f32_s32(dot[t]), v->scale);
}

void lsq_gemvt_e16_i16_neon_r1(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)
{
    const int16_t *level = a->levels;
    float *y = a->y + g0 * GROUP;
    for (size_t g = g0, n; g < g1; g += n) {
        half_vector v[2 * AHEAD];
        n = round_tiles(v, a, p, g, g1, 1);
        for (size_t i = 0; i < 2 * n; i++, y += GROUP / 2, level += TILE / 2)
            add_half16(y, level, &v[i]);
    }
}
