/*
 * floats.h - bytes to floats, on NEON: a table of floats is four tables of bytes.
 *
 *     bytes 3, 2 (and 1, 0)  --zip-->  16 bits  --zip, with zeros below or bytes 1, 0-->  4 columns of a row, float
 *
 * Integers of up to 8 bits are floats whose lower halves are zero: two tables will do.
 */
#ifndef LSQ_KERNELS_NEON_FLOATS_H
#define LSQ_KERNELS_NEON_FLOATS_H

#include "kernels/neon/lookup.h"

INLINE void float_tables(table t[4], const float *levels, const unsigned bits)
{
    for (unsigned i = 0; i < (bits > 4 ? 1u << (bits - 4) : 1); i++) {
        uint8x16x4_t all = vld4q_u8((const uint8_t *)(const void *)(levels + 16 * i));
        for (unsigned b = 0; b < 4; b++)
            t[b].part[i / 4].val[i % 4] = all.val[b];
    }
    for (unsigned b = 0; b < 4; b++)
        second_of_two(&t[b], bits);
}

/* Four rows, 4 columns each, from their bytes; `halves`: bytes 0 and 1 are zero. */
INLINE void floats_of(uint8x16_t byte0, uint8x16_t byte1, uint8x16_t byte2, uint8x16_t byte3, const int halves,
                      float32x4_t row[4])
{
    uint16x8_t low01 = vdupq_n_u16(0), low23 = low01, high01 = vreinterpretq_u16_u8(vzip1q_u8(byte2, byte3)),
               high23 = vreinterpretq_u16_u8(vzip2q_u8(byte2, byte3));
    if (!halves) {
        low01 = vreinterpretq_u16_u8(vzip1q_u8(byte0, byte1));
        low23 = vreinterpretq_u16_u8(vzip2q_u8(byte0, byte1));
    }
    row[0] = vreinterpretq_f32_u16(vzip1q_u16(low01, high01));
    row[1] = vreinterpretq_f32_u16(vzip2q_u16(low01, high01));
    row[2] = vreinterpretq_f32_u16(vzip1q_u16(low23, high23));
    row[3] = vreinterpretq_f32_u16(vzip2q_u16(low23, high23));
}

/* Four rows from integers of 16 bits. */
INLINE void floats_of_integers(uint8x16_t low, uint8x16_t high, float32x4_t row[4])
{
    int16x8_t rows01 = vreinterpretq_s16_u8(vzip1q_u8(low, high)), rows23 = vreinterpretq_s16_u8(vzip2q_u8(low, high));
    row[0] = vcvtq_f32_s32(vmovl_s16(vget_low_s16(rows01)));
    row[1] = vcvtq_f32_s32(vmovl_high_s16(rows01));
    row[2] = vcvtq_f32_s32(vmovl_s16(vget_low_s16(rows23)));
    row[3] = vcvtq_f32_s32(vmovl_high_s16(rows23));
}

/* Levels of four steps that are integers of up to 8 bits: step by step, row by row. */
INLINE void half_of_halves(const table t[4], const unsigned bits, const unsigned second, const uint8x16_t index[4],
                           float32x4_t level[4][4])
{
    uint8x16_t byte2[4], byte3[4];
    lookup(t[2].part, bits, second, 1, 4, index, byte2);
    lookup(t[3].part, bits, second, 1, 4, index, byte3);
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; i++)
        floats_of(byte2[i], byte2[i], byte2[i], byte3[i], 1, level[i]);
}

/* Adds the products of 16 columns, or starts with them: 4 columns of each of 4 rows. */
INLINE void add_columns(float32x4_t dot[4], const int first, float32x4_t level[4][4], const float *x)
{
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; i++) {
        float32x4_t xt = vld1q_f32(x + 4 * i);
#pragma GCC unroll 4
        for (unsigned r = 0; r < 4; r++)
            dot[r] = first && i == 0 ? vmulq_f32(level[i][r], xt) : vfmaq_f32(dot[r], level[i][r], xt);
    }
}

INLINE float32x4_t row_sums(const float32x4_t dot[4])
{
    return vpaddq_f32(vpaddq_f32(dot[0], dot[1]), vpaddq_f32(dot[2], dot[3]));
}

/* Writes 16 columns of 4 rows. */
INLINE void store_half(float *out, size_t ld, float32x4_t level[4][4], float32x4_t s)
{
#pragma GCC unroll 4
    for (unsigned r = 0; r < 4; r++)
#pragma GCC unroll 4
        for (unsigned i = 0; i < 4; i++)
            vst1q_f32(out + r * ld + 4 * i, vmulq_n_f32(level[i][r], s[r]));
}

#endif
