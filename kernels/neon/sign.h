/*
 * sign.h - signs with 8-bit integers, for every NEON level.
 *
 * A code is 1 for x and 0 for -x, so a dot is twice the sum of x where codes are 1, less the sum of all x. A q register
 * holds a quarter of the codes of a tile, 4 rows x 4 columns of bytes with bit t for step t:
 *
 *     codes  --cmtst with bit t-------------->  0 or -1
 *            --sdot, or smlal, with x (dot.h)-->  minus the sum of x where codes are 1      4 rows, 32 bit
 *            --mls 2, from -sum(x) on---------->  dots
 *     dots * (sx * s)  ---------------------->  sums      4 rows, float
 *
 * |dot| <= 32 * 127 < 2^12, and sums of 16 bits are those of dot.h with a level of -1.
 */
#ifndef LSQ_KERNELS_NEON_SIGN_H
#define LSQ_KERNELS_NEON_SIGN_H

#include "kernels/neon/bits.h"
#include "kernels/neon/dot.h"
#include "kernels/neon/scales.h"
#include "kernels/prefetch.h"

INLINE int32x4_t quarter_dot(const uint8_t *tile, unsigned quarter, const columns *x, int32x4_t start)
{
    const uint8x16_t codes = load(tile, 0, quarter);
    uint8x16_t ones[STEPS];
    four_dots d;
    for (unsigned t = 0; t < STEPS; t++)
        ones[t] = vtstq_u8(codes, vdupq_n_u8((uint8_t)(1u << t)));
    add_half(&d, 1, ones, x, 0, 1);
    add_half(&d, 0, ones + 4, x, 1, 1);
    return vmlsq_n_s32(start, rows_of(&d), 2);
}

INLINE void sign_gemv(const lsq_gemv_args *a, size_t p, float *y, const int scaled)
{
    const size_t groups = a->w.groups;
    const uint8_t *tile = a->w.codes + p * groups * 64, *scales = scaled ? a->w.scales + p * groups * 16 : NULL;
    const int8_t *x = a->x;
    float32x4_t sum[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};
    for (size_t g = 0; g < groups; g++, tile += 64, x += GROUP) {
        const columns c = columns_of(x);
        const int32x4_t start = vdupq_n_s32((a->bias[2 * g] + a->bias[2 * g + 1]) / 128); /* exact */
        float32x4_t sx = vdupq_n_f32(a->sx[g]), s[4] = {sx, sx, sx, sx};
        prefetch(tile, 1, a->prefetch);
        if (scaled)
            row_scales(scales + g * 16, sx, s);
#pragma GCC unroll 4
        for (unsigned quarter = 0; quarter < 4; quarter++) {
            const uint8_t *from = quarter ? after(sum[quarter - 1], tile) : tile;
            const float32x4_t d = vcvtq_f32_s32(quarter_dot(from, quarter, &c, start));
            sum[quarter] = vaddq_f32(sum[quarter], vmulq_f32(d, s[quarter]));
        }
    }
    for (unsigned quarter = 0; quarter < 4; quarter++)
        vst1q_f32(y + 4 * quarter, sum[quarter]);
}

INLINE void sign_rows(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    float *y = a->y;
    for (size_t p = p0; p < p1; p++, y += PANEL)
        a->w.scales ? sign_gemv(a, p, y, 1) : sign_gemv(a, p, y, 0);
}

#endif
