/*
 * scales.h - byte scales as floats, nibbles as integers, for every NEON level.
 */
#ifndef LSQ_KERNELS_NEON_SCALES_H
#define LSQ_KERNELS_NEON_SCALES_H

#include "kernels/neon/bits.h"

/* Of 16 rows: bits of half floats, once the sign has moved from bit 7 to bit 15 and the rest to 12..6. */
INLINE void byte_scales(const uint8_t *scales, float32x4_t s[4])
{
    const uint16x8_t mask = vdupq_n_u16(0x9fc0); /* not the copies of the sign */
    int8x16_t bytes = vld1q_s8((const int8_t *)scales);
    float16x8_t low = vreinterpretq_f16_u16(vandq_u16(vreinterpretq_u16_s16(vshll_n_s8(vget_low_s8(bytes), 6)), mask)),
                high = vreinterpretq_f16_u16(vandq_u16(vreinterpretq_u16_s16(vshll_high_n_s8(bytes, 6)), mask));
    s[0] = vcvt_f32_f16(vget_low_f16(low));
    s[1] = vcvt_high_f32_f16(low);
    s[2] = vcvt_f32_f16(vget_low_f16(high));
    s[3] = vcvt_high_f32_f16(high);
}

/* The same times sx. */
INLINE void row_scales(const uint8_t *scales, float32x4_t sx, float32x4_t s[4])
{
    byte_scales(scales, s);
    for (unsigned quarter = 0; quarter < 4; quarter++)
        s[quarter] = vmulq_f32(sx, s[quarter]);
}

/* ---- Of the trellis formats, which have either ---- */

/* The choice of multipliers of 16 rows, above where nibbles will be. */
INLINE uint8x16_t steps_of(const lsq_tiles *w, size_t p)
{
    return masked(down(vld1q_u8(w->rows + p * PANEL), 2), 0x30);
}

/* Bytes of 16 rows as 32 bits. */
INLINE void widen(uint8x16_t m, unsigned with_sign, int32x4_t to[4])
{
    if (with_sign) {
        const int8x16_t s = vreinterpretq_s8_u8(m);
        const int16x8_t lower = vmovl_s8(vget_low_s8(s)), upper = vmovl_high_s8(s);
        to[0] = vmovl_s16(vget_low_s16(lower));
        to[1] = vmovl_high_s16(lower);
        to[2] = vmovl_s16(vget_low_s16(upper));
        to[3] = vmovl_high_s16(upper);
        return;
    }
    uint16x8_t low = vmovl_u8(vget_low_u8(m)), high = vmovl_high_u8(m);
    to[0] = vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(low)));
    to[1] = vreinterpretq_s32_u32(vmovl_high_u16(low));
    to[2] = vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(high)));
    to[3] = vreinterpretq_s32_u32(vmovl_high_u16(high));
}

/* The multipliers of 16 rows for columns [0, 16) and [16, 32). */
INLINE void multipliers(const lsq_tiles *w, size_t tile, uint8x16_t steps, int32x4_t m[2][4])
{
    const uint8x16x4_t all = vld1q_u8_x4(lsq_multipliers[w->mirrored][0]);
    uint8x16_t both, upper;
    if (w->scale == LSQ_SCALE_NIBBLE16) {
        both = vld1q_u8(w->scales + tile * 16);
        upper = vsriq_n_u8(steps, both, 4);
    } else { /* rows 0..7 in the low nibbles */
        uint8x8_t eight = vld1_u8(w->scales + tile * 8);
        both = vcombine_u8(eight, vshr_n_u8(eight, 4));
        upper = merge(0x0f, both, steps);
    }
    widen(vqtbl4q_u8(all, merge(0x0f, both, steps)), w->mirrored, m[0]);
    widen(vqtbl4q_u8(all, upper), w->mirrored, m[1]);
}

/* The scales of 16 rows as floats, for columns [0, 16) and [16, 32). */
INLINE void float_scales(const lsq_tiles *w, size_t tile, uint8x16_t steps, float32x4_t s[2][4])
{
    if (w->scale == LSQ_SCALE_BYTE32) {
        byte_scales(w->scales + tile * 16, s[0]);
        byte_scales(w->scales + tile * 16, s[1]);
    } else {
        int32x4_t m[2][4];
        multipliers(w, tile, steps, m);
        for (unsigned i = 0; i < 8; i++)
            s[i / 4][i % 4] = vcvtq_f32_s32(m[i / 4][i % 4]);
    }
}

#endif
