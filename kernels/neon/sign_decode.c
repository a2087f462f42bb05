/*
 * sign_decode.c - signs into floats, on NEON.
 *
 *     codes of a row, a word  --dup, ushl-->  those of 4 columns in the highest bits
 *     row * s, where that bit is 0 with the other sign  -->  4 columns, float, eight times
 */
#include "kernels/neon/scales.h"

INLINE void store_row(float *out, float scale, uint32x4_t codes)
{
    static const int32_t up[4] = {31, 23, 15, 7}; /* bit 0 of each byte */
    const uint32x4_t value = vreinterpretq_u32_f32(vdupq_n_f32(scale)), sign = vdupq_n_u32(1u << 31);
#pragma GCC unroll 8
    for (int t = 0; t < 8; t++) {
        const uint32x4_t bits = vshlq_u32(codes, vsubq_s32(vld1q_s32(up), vdupq_n_s32(t)));
        vst1q_f32(out + 4 * t, vreinterpretq_f32_u32(veorq_u32(value, vbicq_u32(sign, bits))));
    }
}

void lsq_decode_b1_f32_neon_r1(const lsq_decode_args *a, size_t p, size_t g0, size_t g1)
{
    const float32x4_t one = vdupq_n_f32(1);
    float32x4_t s[4] = {one, one, one, one};
    for (size_t g = g0; g < g1; g++) {
        const size_t n = p * a->w.groups + g;
        if (a->w.scales)
            byte_scales(a->w.scales + n * 16, s);
        for (unsigned quarter = a->r0 / 4; quarter < a->r1 / 4; quarter++) {
            const float32x4_t by = vmulq_f32(vld1q_f32(a->row + 4 * quarter), s[quarter]);
            const uint32x4_t codes = vreinterpretq_u32_u8(load(a->w.codes + n * 64, 0, quarter));
            float *out = a->out + (4 * quarter - a->r0) * a->ld + (g - g0) * GROUP;
#pragma GCC unroll 4
            for (unsigned r = 0; r < 4; r++)
                store_row(out + r * a->ld, by[r], vdupq_n_u32(codes[r]));
        }
    }
}
