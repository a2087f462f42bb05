/*
 * scales.h - byte scales as floats, for every NEON level.
 */
#ifndef LSQ_KERNELS_NEON_SCALES_H
#define LSQ_KERNELS_NEON_SCALES_H

#include "kernels/kernel.h"

#include <arm_neon.h>

/* The byte scales of 4 rows, widened to 16 bits and moved up by 6: bits of a half float, but for copies of the sign. */
INLINE float32x4_t byte_scales(int16x4_t moved)
{
    return vcvt_f32_f16(vreinterpret_f16_u16(vand_u16(vreinterpret_u16_s16(moved), vdup_n_u16(0x9fc0))));
}

/* The byte scales of 16 rows, times sx. */
INLINE void row_scales(const uint8_t *scales, float32x4_t sx, float32x4_t s[4])
{
    int8x16_t bytes = vld1q_s8((const int8_t *)scales);
    int16x8_t low = vshll_n_s8(vget_low_s8(bytes), 6), high = vshll_n_s8(vget_high_s8(bytes), 6);
    s[0] = vmulq_f32(sx, byte_scales(vget_low_s16(low)));
    s[1] = vmulq_f32(sx, byte_scales(vget_high_s16(low)));
    s[2] = vmulq_f32(sx, byte_scales(vget_low_s16(high)));
    s[3] = vmulq_f32(sx, byte_scales(vget_high_s16(high)));
}

#endif
