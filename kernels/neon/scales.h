/*
 * scales.h - byte scales as floats, for every NEON level.
 */
#ifndef LSQ_KERNELS_NEON_SCALES_H
#define LSQ_KERNELS_NEON_SCALES_H

#include <arm_neon.h>
#include <stdint.h>

/* The byte scales of 4 rows, widened: sign and seven bits of a float, less 2^-7. */
static inline float32x4_t byte_scales(int32x4_t scales)
{
    uint32x4_t b = vreinterpretq_u32_s32(vshlq_n_s32(scales, 19));
    const uint32x4_t least = vdupq_n_u32(0x3c000000); /* 2^-7 */
    uint32x4_t magnitude = vorrq_u32(vandq_u32(b, vdupq_n_u32(0x03f80000)), least);
    float32x4_t s = vsubq_f32(vreinterpretq_f32_u32(magnitude), vreinterpretq_f32_u32(least));
    return vreinterpretq_f32_u32(veorq_u32(vreinterpretq_u32_f32(s), vandq_u32(b, vdupq_n_u32(0x80000000))));
}

/* The byte scales of 16 rows, times sx. */
static inline void row_scales(const uint8_t *scales, float32x4_t sx, float32x4_t s[4])
{
    int8x16_t bytes = vld1q_s8((const int8_t *)scales);
    int16x8_t low = vmovl_s8(vget_low_s8(bytes)), high = vmovl_s8(vget_high_s8(bytes));
    s[0] = vmulq_f32(sx, byte_scales(vmovl_s16(vget_low_s16(low))));
    s[1] = vmulq_f32(sx, byte_scales(vmovl_s16(vget_high_s16(low))));
    s[2] = vmulq_f32(sx, byte_scales(vmovl_s16(vget_low_s16(high))));
    s[3] = vmulq_f32(sx, byte_scales(vmovl_s16(vget_high_s16(high))));
}

#endif
