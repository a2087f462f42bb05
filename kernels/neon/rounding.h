/*
 * rounding.h - floats as integers under one scale, half to even, for every NEON level.
 *
 *     floats      --abs, umax, umaxp-------->  bits of amax, in every lane
 *     amax, L     --one fdiv---------------->  amax / L, L / amax
 *     floats      --* (L / amax)------------>  |v| <= L, up to two roundings
 *     v           --+ 1.5 * 2^23, uzp1------>  integers, the lower 16 or 8 bits of the sum
 *
 * As in scalar/rounding.h, bit by bit. Finite floats raise neither invalid nor divide by zero, nor do products of them that became
 * infinite: what is divided by lies in [2^-100, FLT_MAX], infinities stay infinite, and what counts as zero is masked in the end.
 */
#ifndef LSQ_KERNELS_NEON_ROUNDING_H
#define LSQ_KERNELS_NEON_ROUNDING_H

#include "kernels/kernel.h"

#include <arm_neon.h>

/* The largest magnitude in each lane of n vectors, a power of two up to 8, as bits. */
INLINE uint32x4_t magnitudes(const float32x4_t *v, const unsigned n)
{
    uint32x4_t m[8];
    for (unsigned i = 0; i < n; i++)
        m[i] = vreinterpretq_u32_f32(vabsq_f32(v[i]));
    for (unsigned half = n / 2; half; half /= 2)
        for (unsigned i = 0; i < half; i++)
            m[i] = vmaxq_u32(m[i], m[i + half]);
    return m[0];
}

typedef struct scaling {
    float32x2_t scale;   /* in lane 0 */
    float32x2_t factors; /* L / amax in lane 1 */
    uint32x4_t usable;   /* zeros if everything counts as zero */
} scaling;

INLINE scaling scaling_of(uint32x4_t largest, const float limit)
{
    const uint32x4_t tiny = vdupq_n_u32((127 - 100) << 23), finite = vdupq_n_u32(0x7f7fffff);
    largest = vpmaxq_u32(largest, largest);
    largest = vpmaxq_u32(largest, largest);
    const uint32x4_t clamped = vminq_u32(vmaxq_u32(largest, tiny), finite);
    const float32x2_t amax = vreinterpret_f32_u32(vget_low_u32(clamped)), l = vdup_n_f32(limit);
    scaling s;
    s.usable = vceqq_u32(largest, clamped);
    s.factors = vdiv_f32(vzip1_f32(amax, l), vzip1_f32(l, amax));
    const uint32x2_t beyond = vcgt_u32(vget_low_u32(largest), vget_low_u32(finite)), nan = vdup_n_u32(0x7fc00000);
    s.scale = vbsl_f32(vget_low_u32(s.usable), s.factors, vreinterpret_f32_u32(vand_u32(beyond, nan)));
    return s;
}

/* Eight integers, not masked yet. */
INLINE int16x8_t rounded(const float32x4_t v[2], const scaling *s)
{
    const float32x4_t magic = vdupq_n_f32(0x1.8p23f);
    return vuzp1q_s16(vreinterpretq_s16_f32(vaddq_f32(vmulq_lane_f32(v[0], s->factors, 1), magic)),
                      vreinterpretq_s16_f32(vaddq_f32(vmulq_lane_f32(v[1], s->factors, 1), magic)));
}

INLINE int16x8_t rounded16(const float32x4_t v[2], const scaling *s)
{
    return vandq_s16(rounded(v, s), vreinterpretq_s16_u32(s->usable));
}

INLINE int8x16_t rounded8(const float32x4_t v[4], const scaling *s)
{
    return vandq_s8(vuzp1q_s8(vreinterpretq_s8_s16(rounded(v, s)), vreinterpretq_s8_s16(rounded(v + 2, s))),
                    vreinterpretq_s8_u32(s->usable));
}

#endif
