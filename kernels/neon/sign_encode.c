/*
 * sign_encode.c - weights into signs, on NEON: 16 rows are four vectors.
 *
 *     x * inverse  --fcmge with 0-->  -1 where it is 0 or more  --narrowed, shifted-->  1, 16 bit
 */
#include "kernels/neon/inverse.h"

#include <arm_neon.h>

enum { QUARTER = 4 /* rows in a vector */ };

void lsq_encode_b1_f32_neon_r1(const lsq_encode_args *a)
{
    for (size_t i = 0; i < PANEL; i += QUARTER) {
        const float32x4_t inverse = inverse_of(vld1q_f32(a->scale + i));
        for (size_t at = i; at < TILE; at += PANEL) {
            const uint32x4_t plus = vcgezq_f32(vmulq_f32(vld1q_f32(a->x + at), inverse));
            vst1_u16(a->rank + at, vshr_n_u16(vmovn_u32(plus), 15));
        }
    }
}
