/*
 * plain_encode.c - weights into codes that index a table, on NEON: 16 rows are four vectors.
 *
 *     y = x * inverse  --fcmge with the first seven thresholds, counted-->  the upper three bits of the rank
 *                      --ld1 of tree[2^d - 1 + rank], fcmge-->              one bit after the other
 *     importance * (x - scale * level)^2  --fadd-->  error      column after column
 *
 * The first 2^d - 1 thresholds of the tree divide all others into 2^d parts, so how many of them are reached is the rank among the parts.
 */
#include "kernels/neon/inverse.h"

#include <arm_neon.h>

enum { QUARTER = 4 /* rows in a vector */ };

INLINE float32x4_t entries(const float *table, uint32x4_t rank)
{
    float32x4_t v = vdupq_n_f32(table[vgetq_lane_u32(rank, 0)]);
    v = vld1q_lane_f32(table + vgetq_lane_u32(rank, 1), v, 1);
    v = vld1q_lane_f32(table + vgetq_lane_u32(rank, 2), v, 2);
    return vld1q_lane_f32(table + vgetq_lane_u32(rank, 3), v, 3);
}

INLINE uint32x4_t ranks_of(const float *tree, const unsigned bits, float32x4_t y)
{
    const unsigned counted = bits < 3 ? bits : 3;
    uint32x4_t rank = vdupq_n_u32(0);
    for (unsigned i = 0; i < (1u << counted) - 1; i++)
        rank = vsubq_u32(rank, vcgeq_f32(y, vdupq_n_f32(tree[i])));
    for (unsigned d = counted; d < bits; d++)
        rank = vsubq_u32(vaddq_u32(rank, rank), vcgeq_f32(y, entries(tree + (1u << d) - 1, rank)));
    return rank;
}

INLINE void measure(const lsq_encode_args *a, const unsigned bits)
{
    for (size_t i = 0; i < a->tries * PANEL; i += QUARTER) {
        const float32x4_t scale = vld1q_f32(a->scale + i), inverse = inverse_of(scale);
        float32x4_t sum = vdupq_n_f32(0);
        for (size_t at = i % PANEL; at < TILE; at += PANEL) {
            const float32x4_t x = vld1q_f32(a->x + at);
            const uint32x4_t rank = ranks_of(a->coder->tree, bits, vmulq_f32(x, inverse));
            const float32x4_t error = vsubq_f32(x, vmulq_f32(scale, entries(a->coder->level, rank)));
            sum = vaddq_f32(sum, vmulq_f32(vld1q_f32(a->importance + at), vmulq_f32(error, error)));
        }
        vst1q_f32(a->error + i, sum);
    }
}

INLINE void encode(const lsq_encode_args *a, const unsigned bits)
{
    for (size_t i = 0; i < PANEL; i += QUARTER) {
        const float32x4_t inverse = inverse_of(vld1q_f32(a->scale + i));
        for (size_t at = i; at < TILE; at += PANEL)
            vst1_u16(a->rank + at, vmovn_u32(ranks_of(a->coder->tree, bits, vmulq_f32(vld1q_f32(a->x + at), inverse))));
    }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_measure_p##bits##_f32_neon_r1(const lsq_encode_args *a)                                                   \
    {                                                                                                                  \
        measure(a, bits);                                                                                              \
    }                                                                                                                  \
    void lsq_encode_p##bits##_f32_neon_r1(const lsq_encode_args *a)                                                    \
    {                                                                                                                  \
        encode(a, bits);                                                                                               \
    }

WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
WIDTH(7)
WIDTH(8)
WIDTH(9)
