/*
 * plain.c - codes that index a table, on NEON with SDOT; 2 to 6 bits.
 *
 * One q register holds 4 rows x 4 columns of bytes, so a panel is four quarters:
 *
 *     codes   --shift, mask, merge-->  indices   one byte each
 *     indices --tbl of 1, 2 or 4---->  levels    signed bytes
 *     levels  --sdot by lane-------->  dots      4 rows, 32 bit; 16 bytes of x are four steps
 *     dots * (sx * s)  ------------->  sums      4 rows, float
 */
#include "kernels/kernel.h"
#include "kernels/neon/scales.h"

#include <arm_neon.h>

INLINE uint8x16_t load(const uint8_t *tile, unsigned vector, unsigned quarter)
{
    return vld1q_u8(tile + 64 * vector + 16 * quarter);
}

/* Each byte's bits moved down, or up. */
INLINE uint8x16_t down(uint8x16_t v, int bits)
{
    return bits ? vshlq_u8(v, vdupq_n_s8((int8_t)-bits)) : v;
}

INLINE uint8x16_t masked(uint8x16_t v, uint8_t mask)
{
    return vandq_u8(v, vdupq_n_u8(mask));
}

/* Indices of step t; see codec.h for where the bits are. */
INLINE uint8x16_t indices(const uint8_t *tile, unsigned quarter, unsigned bits, unsigned t)
{
    if (bits == 2)
        return masked(down(load(tile, t / 4, quarter), (int)(t % 4) * 2), 3);
    if (bits == 3) { /* merged for two slots at a time, two bits and one in each half of a byte */
        int v = (int)t / 4, slot = (int)t % 4;
        uint8x16_t two = masked(down(load(tile, (unsigned)v, quarter), slot % 2 * 2), 0x33);
        uint8x16_t one = masked(down(load(tile, 2, quarter), slot % 2 ? v : v - 2), 0x44);
        return masked(down(vorrq_u8(two, one), slot / 2 * 4), 7);
    }
    int j = (int)t / 2, slot = (int)t % 2;
    uint8x16_t codes = load(tile, (unsigned)j, quarter), four = slot ? vshrq_n_u8(codes, 4) : masked(codes, 15);
    if (bits == 4)
        return four;
    if (bits == 5)
        return vorrq_u8(four, masked(down(load(tile, 4, quarter), slot ? j : j - 4), 0x10));
    return vorrq_u8(four, masked(down(load(tile, 4 + (unsigned)j / 2, quarter), j % 2 * 2 - (slot ? 0 : 4)), 0x30));
}

INLINE int8x16_t levels(const int8x16x4_t *table, unsigned bits, uint8x16_t index)
{
    if (bits <= 4)
        return vqtbl1q_s8(table->val[0], index);
    if (bits == 5)
        return vqtbl2q_s8((int8x16x2_t){{table->val[0], table->val[1]}}, index);
    return vqtbl4q_s8(*table, index);
}

INLINE void gemv(const lsq_gemv_args *a, size_t p, const unsigned bits, const int scaled)
{
    const size_t groups = a->w.groups;
    const uint8_t *tile = a->w.codes + p * groups * 64 * bits, *scales = scaled ? a->w.scales + p * groups * 16 : NULL;
    const int8_t *x = a->x;
    int8x16x4_t table;
    for (unsigned i = 0; i < 4; i++)
        table.val[i] = vld1q_s8(a->w.levels->i8 + 16 * i);
    float32x4_t sum[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};
    for (size_t g = 0; g < groups; g++, tile += 64 * bits, x += GROUP) {
        const int8x16_t x0 = vld1q_s8(x), x1 = vld1q_s8(x + 16);
        float32x4_t sx = vdupq_n_f32(a->sx[g]), s[4] = {sx, sx, sx, sx};
        if (scaled)
            row_scales(scales + g * 16, sx, s);
        for (unsigned quarter = 0; quarter < 4; quarter++) {
            int32x4_t dot = vdupq_n_s32(0);
            dot = vdotq_laneq_s32(dot, levels(&table, bits, indices(tile, quarter, bits, 0)), x0, 0);
            dot = vdotq_laneq_s32(dot, levels(&table, bits, indices(tile, quarter, bits, 1)), x0, 1);
            dot = vdotq_laneq_s32(dot, levels(&table, bits, indices(tile, quarter, bits, 2)), x0, 2);
            dot = vdotq_laneq_s32(dot, levels(&table, bits, indices(tile, quarter, bits, 3)), x0, 3);
            dot = vdotq_laneq_s32(dot, levels(&table, bits, indices(tile, quarter, bits, 4)), x1, 0);
            dot = vdotq_laneq_s32(dot, levels(&table, bits, indices(tile, quarter, bits, 5)), x1, 1);
            dot = vdotq_laneq_s32(dot, levels(&table, bits, indices(tile, quarter, bits, 6)), x1, 2);
            dot = vdotq_laneq_s32(dot, levels(&table, bits, indices(tile, quarter, bits, 7)), x1, 3);
            sum[quarter] = vaddq_f32(sum[quarter], vmulq_f32(vcvtq_f32_s32(dot), s[quarter]));
        }
    }
    for (unsigned quarter = 0; quarter < 4; quarter++)
        vst1q_f32(a->y + 4 * quarter, sum[quarter]);
}

INLINE void rows(const lsq_gemv_args *a, size_t p0, size_t p1, const unsigned bits)
{
    lsq_gemv_args rest = *a;
    for (size_t p = p0; p < p1; p++, rest.y += PANEL)
        rest.w.scales ? gemv(&rest, p, bits, 1) : gemv(&rest, p, bits, 0);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_p##bits##_i8_neondot_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                \
    {                                                                                                                  \
        rows(a, p0, p1, bits);                                                                                         \
    }

WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
