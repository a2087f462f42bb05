/*
 * wide.c - codes of 7 to 9 bits with integers of 16 bits, on NEON.
 *
 * A level of 16 bits is looked up as two bytes, each from its own table of up to 512, 64 at a time: tbl gives zero where an index
 * is past its 64, so the parts are or-ed together.
 *
 *     codes  --shift, mask-->  indices    4 rows x 4 columns of bytes
 *     indices  --tbl, or---->  low and high bytes of levels
 *     low, high  --zip------>  levels     4 columns of a row, 16 bit
 *     levels  --smlal------->  dots       4 columns of a row, 32 bit; added up once a group
 *     dots * (sx * s)  ----->  sums       4 rows, float
 *
 * Bound: |dot| <= 32 * 16383 * 4095 < 2^31.
 */
#include "kernels/kernel.h"
#include "kernels/neon/scales.h"

#include <arm_neon.h>

/* Low and high bytes of levels, 64 a part. */
typedef struct table {
    uint8x16x4_t low[8], high[8];
} table;

static void table_of(table *t, const int16_t *levels, unsigned bits)
{
    for (unsigned i = 0; i < 1u << (bits - 6); i++)
        for (unsigned j = 0; j < 4; j++) {
            uint8x16x2_t both = vld2q_u8((const uint8_t *)(const void *)(levels + 64 * i + 16 * j));
            t->low[i].val[j] = both.val[0];
            t->high[i].val[j] = both.val[1];
        }
}

INLINE uint8x16_t load(const uint8_t *tile, unsigned vector, unsigned quarter)
{
    return vld1q_u8(tile + 64 * vector + 16 * quarter);
}

/* Bits [from, from + count) of each byte, moved to bit `to`. */
INLINE uint8x16_t field(uint8x16_t v, unsigned from, unsigned count, unsigned to)
{
    v = vandq_u8(vshlq_u8(v, vdupq_n_s8((int8_t) - (int)from)), vdupq_n_u8((uint8_t)((1 << count) - 1)));
    return vshlq_u8(v, vdupq_n_s8((int8_t)to));
}

/* The low eight bits of the codes of step t. */
INLINE uint8x16_t codes(const uint8_t *tile, unsigned quarter, const unsigned bits, unsigned t)
{
    if (bits > 7)
        return load(tile, t, quarter);
    unsigned j = t / 2, slot = t % 2; /* four bits, two at 4 s + 2 (j % 2), one at 4 s + j */
    uint8x16_t code = field(load(tile, j, quarter), 4 * slot, 4, 0);
    code = vorrq_u8(code, field(load(tile, 4 + j / 2, quarter), 4 * slot + j % 2 * 2, 2, 4));
    return vorrq_u8(code, field(load(tile, 6, quarter), 4 * slot + j, 1, 6));
}

/* `count` parts, of which the first belongs to index 0. */
INLINE uint8x16_t lookup(const uint8x16x4_t *part, unsigned count, uint8x16_t index)
{
    uint8x16_t level = vqtbl4q_u8(part[0], index);
    for (unsigned i = 1; i < count; i++)
        level = vorrq_u8(level, vqtbl4q_u8(part[i], vsubq_u8(index, vdupq_n_u8((uint8_t)(64 * i)))));
    return level;
}

INLINE uint8x16_t bytes(const uint8x16x4_t *part, const unsigned bits, uint8x16_t index, uint8x16_t bit8)
{
    uint8x16_t level = lookup(part, bits == 7 ? 2 : 4, index);
    return bits == 9 ? vbslq_u8(bit8, lookup(part + 4, 4, index), level) : level;
}

/* Dots of the 4 rows of a quarter of a tile. */
INLINE int32x4_t dots(const uint8_t *tile, unsigned quarter, const unsigned bits, const table *t, const int16_t *x)
{
    int32x4_t dot[4] = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
    for (unsigned step = 0; step < 8; step++) {
        uint8x16_t index = codes(tile, quarter, bits, step), bit8 = vdupq_n_u8(0);
        if (bits == 9)
            bit8 = vtstq_u8(load(tile, 8, quarter), vdupq_n_u8((uint8_t)(1 << step)));
        uint8x16_t low = bytes(t->low, bits, index, bit8), high = bytes(t->high, bits, index, bit8);
        int16x8_t rows01 = vreinterpretq_s16_u8(vzip1q_u8(low, high)),
                  rows23 = vreinterpretq_s16_u8(vzip2q_u8(low, high));
        int16x4_t xt = vld1_s16(x + 4 * step);
        dot[0] = vmlal_s16(dot[0], vget_low_s16(rows01), xt);
        dot[1] = vmlal_s16(dot[1], vget_high_s16(rows01), xt);
        dot[2] = vmlal_s16(dot[2], vget_low_s16(rows23), xt);
        dot[3] = vmlal_s16(dot[3], vget_high_s16(rows23), xt);
    }
    return vpaddq_s32(vpaddq_s32(dot[0], dot[1]), vpaddq_s32(dot[2], dot[3]));
}

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const table *t, const unsigned bits)
{
    const uint8_t *tile = a->w.codes + p * a->w.groups * 64 * bits;
    const int16_t *x = a->x;
    float32x4_t sum[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};
    for (size_t g = 0; g < a->w.groups; g++, tile += 64 * bits, x += GROUP) {
        float32x4_t sx = vdupq_n_f32(a->sx[g]), s[4] = {sx, sx, sx, sx};
        if (a->w.scales)
            row_scales(a->w.scales + (p * a->w.groups + g) * 16, sx, s);
        for (unsigned quarter = 0; quarter < 4; quarter++) {
            float32x4_t d = vcvtq_f32_s32(dots(tile, quarter, bits, t, x));
            sum[quarter] = vaddq_f32(sum[quarter], vmulq_f32(d, s[quarter]));
        }
    }
    for (unsigned quarter = 0; quarter < 4; quarter++)
        vst1q_f32(y + 4 * quarter, sum[quarter]);
}

INLINE void rows(const lsq_gemv_args *a, size_t p0, size_t p1, const unsigned bits)
{
    table t;
    table_of(&t, a->w.levels->i16, bits);
    for (size_t p = p0; p < p1; p++)
        gemv(a, p, a->y + (p - p0) * PANEL, &t, bits);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_p##bits##_i16_neon_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                  \
    {                                                                                                                  \
        rows(a, p0, p1, bits);                                                                                         \
    }

WIDTH(7)
WIDTH(8)
WIDTH(9)
