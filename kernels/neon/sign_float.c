/*
 * sign_float.c - signs with floats, on NEON.
 *
 * The codes of a quarter are one register, 4 rows x 4 columns of bytes with bit t for step t, so that each row has its
 * 32 columns in a word. From the highest bit down:
 *
 *     ~codes, 1.0  --bif-->  1 or -1    4 rows; then a bit to the left
 *     that, x  --fmla----->  dots       4 rows, float; x is one broadcast float
 *     dots * s  ---------->  sums       4 rows, float
 *
 * A result is rounded 33 + k / 32 times (see LSQ_ACT_FLOAT in lsq.h).
 */
#include "kernels/neon/scales.h"
#include "kernels/prefetch.h"

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y)
{
    const uint8_t *tile = a->w.codes + p * a->w.groups * 64;
    const float *x = a->x;
    const float32x4_t one = vdupq_n_f32(1);
    const uint32x4_t highest = vdupq_n_u32(1u << 31);
    float32x4_t sum[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)}, s[4] = {one, one, one, one};
    for (size_t g = 0; g < a->w.groups; g++, tile += 64, x += GROUP) {
        float32x4_t dot[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};
        uint32x4_t minus[4];
        prefetch(tile, 1, a->prefetch);
        if (a->w.scales)
            byte_scales(a->w.scales + (p * a->w.groups + g) * 16, s);
        for (unsigned quarter = 0; quarter < 4; quarter++)
            minus[quarter] = vmvnq_u32(vreinterpretq_u32_u8(load(tile, 0, quarter)));
        for (unsigned bit = GROUP; bit-- > 0;) { /* of step bit % 8 */
            const float32x4_t xt = vdupq_n_f32(x[bit % 8 * 4 + bit / 8]);
#pragma GCC unroll 4
            for (unsigned quarter = 0; quarter < 4; quarter++) {
                const float32x4_t level = vbslq_f32(highest, vreinterpretq_f32_u32(minus[quarter]), one);
                dot[quarter] = vfmaq_f32(dot[quarter], level, xt);
                minus[quarter] = vshlq_n_u32(minus[quarter], 1);
            }
        }
        for (unsigned quarter = 0; quarter < 4; quarter++)
            sum[quarter] = vfmaq_f32(sum[quarter], dot[quarter], s[quarter]);
    }
    for (unsigned quarter = 0; quarter < 4; quarter++)
        vst1q_f32(y + 4 * quarter, sum[quarter]);
}

void lsq_gemv_b1_f32_neon_r1(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    float *y = a->y;
    for (size_t p = p0; p < p1; p++, y += PANEL)
        gemv(a, p, y);
}
