/*
 * inverse.h - what a weight is multiplied with to be in units of the levels.
 */
#ifndef LSQ_KERNELS_NEON_INVERSE_H
#define LSQ_KERNELS_NEON_INVERSE_H

#include "kernels/kernel.h"

#include <arm_neon.h>

/* 1 / scale, 0 for 0. */
INLINE float32x4_t inverse_of(float32x4_t scale)
{
    const uint32x4_t none = vceqzq_f32(scale);
    const float32x4_t one = vdupq_n_f32(1);
    float32x4_t divisor = vbslq_f32(none, one, scale);
    __asm__("" : "+w"(divisor)); /* clang would divide by zero in lanes whose quotient is not wanted */
    return vbslq_f32(none, vdupq_n_f32(0), vdivq_f32(one, divisor));
}

#endif
