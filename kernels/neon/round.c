/*
 * round.c - the vector of a product as integers, on NEON.
 *
 *     32 floats  --rounding.h-->  2 x 16 bytes, or 4 x 8 of 16 bits; side by side with other lanes, step after step
 *
 *     bytes  ------min 0--------->  those below zero
 *     both   --saddlp, addp------>  {sums of both halves, sums below zero of both}, 16 bit
 *            --saddlp, * -128, -1->  bias, negative
 *
 * Bounds as in scalar/round.c; a sum of 16 is at most 2032.
 */
#include "kernels/neon/rounding.h"

#include "kernels/codec.h"

/* {bias, bias, negative, negative} of the halves. */
INLINE int32x4_t sums_of(const int8x16_t q[2])
{
    const int32x4_t factors = {-128, -128, -1, -1};
    const int8x16_t zero = vdupq_n_s8(0);
    const int16x8_t all = vpaddq_s16(vpaddlq_s8(q[0]), vpaddlq_s8(q[1])),
                    below = vpaddq_s16(vpaddlq_s8(vminq_s8(q[0], zero)), vpaddlq_s8(vminq_s8(q[1], zero)));
    return vmulq_s32(vpaddlq_s16(vpaddq_s16(all, below)), factors);
}

/* Two neighbours, `lanes` apart. */
INLINE void store_two(int32_t *to, size_t lanes, int32x2_t v)
{
    if (lanes == 1) {
        vst1_s32(to, v);
    } else {
        vst1_lane_s32(to, v, 0);
        vst1_lane_s32(to + lanes, v, 1);
    }
}

/* The four steps of half a group. */
INLINE void store_bytes(int8_t *to, size_t lanes, int8x16_t q)
{
    const int32x4_t step = vreinterpretq_s32_s8(q);
    if (lanes == 1) {
        vst1q_s8(to, q);
    } else {
        vst1q_lane_s32((void *)to, step, 0);
        vst1q_lane_s32((void *)(to + 4 * lanes), step, 1);
        vst1q_lane_s32((void *)(to + 8 * lanes), step, 2);
        vst1q_lane_s32((void *)(to + 12 * lanes), step, 3);
    }
}

void lsq_round_x_i8_neon_r1(const lsq_round_args *a)
{
    const size_t lanes = a->lanes;
    int8_t *to = a->q;
    for (size_t g = 0; g < a->groups; g++, to += GROUP * lanes) {
        float32x4_t x[8];
        int8x16_t q[2];
        for (unsigned i = 0; i < 8; i++)
            x[i] = vld1q_f32(a->x + g * GROUP + 4 * i);
        const scaling s = scaling_of(magnitudes(x, 8), 127.0f);
        vst1_lane_f32(a->sx + g * lanes, s.scale, 0);
        for (unsigned half = 0; half < 2; half++) {
            q[half] = rounded8(x + 4 * half, &s);
            store_bytes(to + GROUP / 2 * half * lanes, lanes, q[half]);
        }
        const int32x4_t sums = sums_of(q);
        store_two(a->bias + g * 2 * lanes, lanes, vget_low_s32(sums));
        store_two(a->negative + g * 2 * lanes, lanes, vget_high_s32(sums));
    }
}

void lsq_round_x_i16_neon_r1(const lsq_round_args *a)
{
    const size_t lanes = a->lanes;
    int16_t *to = a->q;
    for (size_t g = 0; g < a->groups; g++, to += GROUP * lanes) {
        float32x4_t x[8];
        for (unsigned i = 0; i < 8; i++)
            x[i] = vld1q_f32(a->x + g * GROUP + 4 * i);
        const scaling s = scaling_of(magnitudes(x, 8), 4095.0f);
        vst1_lane_f32(a->sx + g * lanes, s.scale, 0);
        for (unsigned i = 0; i < 4; i++) {
            const int16x8_t q = rounded16(x + 2 * i, &s);
            vst1_s16(to + 8 * i * lanes, vget_low_s16(q));
            vst1_s16(to + (8 * i + 4) * lanes, vget_high_s16(q));
        }
    }
}
