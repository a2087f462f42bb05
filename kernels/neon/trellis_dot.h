/*
 * trellis_dot.h - trellis codes with 8-bit integers, for every NEON level.
 *
 *     levels (trellis.h), x  --sdot, or smlal (dot.h)-->  dots of 16 columns     4 rows, 32 bit
 *     dots * multipliers, added  --------------------->  --float, * sx-->  sums  4 rows; in integers up to here
 *
 * |dot| <= 16 * 127 * 127 and a multiplier is at most 255: two products stay under 2^27.
 */
#ifndef LSQ_KERNELS_NEON_TRELLIS_DOT_H
#define LSQ_KERNELS_NEON_TRELLIS_DOT_H

#include "kernels/neon/dot.h"
#include "kernels/neon/trellis.h"
#include "kernels/prefetch.h"

INLINE void trellis_gemv(const lsq_gemv_args *a, size_t p, float *y, const unsigned bits, const unsigned states)
{
    size_t tile = p * a->w.groups;
    panel n;
    const int8_t *x = a->x;
    table t = table_of(a->w.levels->i8, bits + 1);
    table_order(&t, bits);
    const uint8x16_t steps = steps_of(&a->w, p);
    float32x4_t sum[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};
    start(&n, &a->w, p, bits);
    for (size_t g = 0; g < a->w.groups; g++, tile++, x += GROUP) {
        const uint8_t *from = from_tile(&n, g, bits);
        const columns c = columns_of(x);
        int32x4_t dots[2][4];
        prefetch(n.codes + g * 64 * bits, bits, a->prefetch);
#pragma GCC unroll 4
        for (unsigned quarter = 0; quarter < 4; quarter++) {
            uint8x16_t index[STEPS], level[STEPS];
            four_dots d[2];
            trellis_indices(from, quarter, bits, states, index);
            lookup(t.part, bits + 1, TRELLIS_SECOND, 1, STEPS, index, level);
            add_half(&d[0], 1, level, &c, 0, bits <= 3);
            add_half(&d[1], 1, level + 4, &c, 1, bits <= 3);
            dots[0][quarter] = rows_of(&d[0]);
            dots[1][quarter] = rows_of(&d[1]);
            from = after(vreinterpretq_f32_s32(dots[1][quarter]), from);
        }
        const float32x4_t sx = vdupq_n_f32(a->sx[g]);
        if (a->w.scale == LSQ_SCALE_BYTE32) {
            float32x4_t s[4];
            row_scales(a->w.scales + tile * 16, sx, s);
            for (unsigned quarter = 0; quarter < 4; quarter++) {
                int32x4_t d = vaddq_s32(dots[0][quarter], dots[1][quarter]);
                sum[quarter] = vaddq_f32(sum[quarter], vmulq_f32(vcvtq_f32_s32(d), s[quarter]));
            }
        } else {
            int32x4_t m[2][4];
            multipliers(&a->w, tile, steps, m);
            for (unsigned quarter = 0; quarter < 4; quarter++) {
                int32x4_t d = vmlaq_s32(vmulq_s32(dots[0][quarter], m[0][quarter]), dots[1][quarter], m[1][quarter]);
                sum[quarter] = vaddq_f32(sum[quarter], vmulq_f32(vcvtq_f32_s32(d), sx));
            }
        }
    }
    for (unsigned quarter = 0; quarter < 4; quarter++)
        vst1q_f32(y + 4 * quarter, sum[quarter]);
}

INLINE void trellis_rows(const lsq_gemv_args *a, size_t p0, size_t p1, const unsigned bits)
{
    float *y = a->y;
    for (size_t p = p0; p < p1; p++, y += PANEL)
        switch (a->w.states) {
        case 4:
            trellis_gemv(a, p, y, bits, 4);
            break;
        case 8:
            trellis_gemv(a, p, y, bits, 8);
            break;
        case 16:
            trellis_gemv(a, p, y, bits, 16);
            break;
        default:
            trellis_gemv(a, p, y, bits, 64);
        }
}

#endif
