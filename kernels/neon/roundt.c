/*
 * roundt.c - columns that lie side by side as integers, on NEON: a column in each lane, a quad after the other.
 *
 *     32 rows of a group  --abs, umax-->  amax  --2 fdiv-->  amax / L, L / amax        a column each
 *     4 rows  --* (L / amax), + 1.5 * 2^23-->  integers  --uzp1, uzp1, tbl-->  a step  byte 4 j + c of column j
 *             -----------------------------------------  --xtn, st4--------->  a step  in words
 *     steps, and those below zero  --saddlp, sadalp, addp-->  sums of half a group
 *
 * Bounds and exceptions as in rounding.h; a lane of 16 bits adds up to 8 bytes.
 */
#include "kernels/neon/rounding.h"

typedef struct column_scales {
    float32x4_t scale, inverse;
    uint32x4_t usable; /* zeros where everything counts as zero */
} column_scales;

INLINE column_scales scales_of(const float *x, size_t ld, const float limit)
{
    const uint32x4_t tiny = vdupq_n_u32((127 - 100) << 23), finite = vdupq_n_u32(0x7f7fffff),
                     nan = vdupq_n_u32(0x7fc00000);
    uint32x4_t largest = vdupq_n_u32(0);
    for (unsigned c = 0; c < GROUP; c++)
        largest = vmaxq_u32(largest, vreinterpretq_u32_f32(vabsq_f32(vld1q_f32(x + c * ld))));
    const uint32x4_t clamped = vminq_u32(vmaxq_u32(largest, tiny), finite);
    const float32x4_t amax = vreinterpretq_f32_u32(clamped), l = vdupq_n_f32(limit);
    column_scales s = {.inverse = vdivq_f32(l, amax), .usable = vceqq_u32(largest, clamped)};
    const uint32x4_t without = vandq_u32(vcgtq_u32(largest, finite), nan);
    s.scale = vbslq_f32(s.usable, vdivq_f32(amax, l), vreinterpretq_f32_u32(without));
    return s;
}

/* A row: integers in the lower halves of lanes. */
INLINE uint32x4_t row_of(const float *x, const column_scales *s)
{
    const float32x4_t shifted = vaddq_f32(vmulq_f32(vld1q_f32(x), s->inverse), vdupq_n_f32(0x1.8p23f));
    return vandq_u32(vreinterpretq_u32_f32(shifted), s->usable);
}

INLINE int8x16_t step_of_bytes(const float *x, size_t ld, const column_scales *s)
{
    static const uint8_t by_column[16] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
    const uint16x8_t row01 = vuzp1q_u16(vreinterpretq_u16_u32(row_of(x, s)), vreinterpretq_u16_u32(row_of(x + ld, s))),
                     row23 = vuzp1q_u16(vreinterpretq_u16_u32(row_of(x + 2 * ld, s)),
                                        vreinterpretq_u16_u32(row_of(x + 3 * ld, s)));
    const uint8x16_t rows = vuzp1q_u8(vreinterpretq_u8_u16(row01), vreinterpretq_u8_u16(row23));
    return vreinterpretq_s8_u8(vqtbl1q_u8(rows, vld1q_u8(by_column)));
}

/* A quad of a group: of this number, among all groups of all quads. */
INLINE void round_bytes(const lsq_roundt_args *a, size_t quad, const float *x)
{
    const column_scales s = scales_of(x, a->ld, 127.0f);
    vst1q_f32(a->sx + quad * QUAD, s.scale);
    for (size_t half = 0; half < 2; half++) {
        const size_t at = (2 * quad + half) * QUAD;
        int16x8_t all = vdupq_n_s16(0), below = vdupq_n_s16(0);
        for (unsigned t = 0; t < 4; t++, x += 4 * a->ld) {
            const int8x16_t step = step_of_bytes(x, a->ld, &s);
            all = vpadalq_s8(all, step);
            below = vpadalq_s8(below, vminq_s8(step, vdupq_n_s8(0)));
            vst1q_s8((int8_t *)a->q + (at + t) * 16, step);
        }
        vst1q_s32(a->bias + at, vmulq_n_s32(vpaddlq_s16(all), -128));
        vst1q_s32(a->negative + at, vnegq_s32(vpaddlq_s16(below)));
    }
}

INLINE void round_words(const lsq_roundt_args *a, size_t quad, const float *x)
{
    const column_scales s = scales_of(x, a->ld, 4095.0f);
    vst1q_f32(a->sx + quad * QUAD, s.scale);
    for (unsigned t = 0; t < 8; t++, x += 4 * a->ld) {
        uint16x4x4_t step;
        for (unsigned c = 0; c < 4; c++)
            step.val[c] = vmovn_u32(row_of(x + c * a->ld, &s));
        vst4_u16((uint16_t *)a->q + (quad * 8 + t) * 16, step);
    }
}

void lsq_roundt_x_i8_neon_r1(const lsq_roundt_args *a)
{
    for (size_t g = 0; g < a->groups; g++)
        for (size_t q = 0; q < STRIP / QUAD; q++)
            round_bytes(a, q * a->all + g, a->x + g * GROUP * a->ld + q * QUAD);
}

void lsq_roundt_x_i16_neon_r1(const lsq_roundt_args *a)
{
    for (size_t g = 0; g < a->groups; g++)
        for (size_t q = 0; q < STRIP / QUAD; q++)
            round_words(a, q * a->all + g, a->x + g * GROUP * a->ld + q * QUAD);
}
