/*
 * scales.h - byte scales as floats, for every NEON level.
 */
#ifndef LSQ_KERNELS_NEON_SCALES_H
#define LSQ_KERNELS_NEON_SCALES_H

#include "kernels/kernel.h"

#include <arm_neon.h>

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

#endif
