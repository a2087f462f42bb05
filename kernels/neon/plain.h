/*
 * plain.h - codes that index a table with 8-bit integers, for every NEON level; 2 to 6 bits.
 *
 *     codes   --shift, mask, merge (bits.h)-->  indices   4 rows x 4 columns of bytes, a quarter of a panel
 *     indices --tbl (lookup.h)--------------->  levels    signed bytes
 *     levels, x --sdot, or smlal (dot.h)----->  dots      4 rows, 32 bit
 *     dots * (sx * s)  ---------------------->  sums      4 rows, float
 *
 * Bound: |dot| <= 32 * 127 * 127 < 2^20, exact as a float. dot.h has the bound of 16 bits.
 */
#ifndef LSQ_KERNELS_NEON_PLAIN_H
#define LSQ_KERNELS_NEON_PLAIN_H

#include "kernels/neon/bits.h"
#include "kernels/neon/dot.h"
#include "kernels/neon/lookup.h"
#include "kernels/neon/scales.h"
#include "kernels/prefetch.h"

INLINE void plain_gemv(const lsq_gemv_args *a, size_t p, float *y, const unsigned bits, const int scaled)
{
    const size_t groups = a->w.groups;
    const uint8_t *tile = a->w.codes + p * groups * 64 * bits, *scales = scaled ? a->w.scales + p * groups * 16 : NULL;
    const int8_t *x = a->x;
    const table t = table_of(a->w.levels->i8, bits);
    float32x4_t sum[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};
    for (size_t g = 0; g < groups; g++, tile += 64 * bits, x += GROUP) {
        const columns c = columns_of(x);
        float32x4_t sx = vdupq_n_f32(a->sx[g]), s[4] = {sx, sx, sx, sx};
        prefetch(tile, bits, a->prefetch);
        if (scaled)
            row_scales(scales + g * 16, sx, s);
#pragma GCC unroll 4
        for (unsigned quarter = 0; quarter < 4; quarter++) {
            uint8x16_t index[STEPS], level[STEPS];
            four_dots d;
            plain_indices(quarter ? after(sum[quarter - 1], tile) : tile, quarter, bits, index);
            lookup(t.part, bits, PLAIN_SECOND, 0, STEPS, index, level);
            add_half(&d, 1, level, &c, 0, bits <= 4);
            add_half(&d, 0, level + 4, &c, 1, bits <= 4);
            sum[quarter] = vaddq_f32(sum[quarter], vmulq_f32(vcvtq_f32_s32(rows_of(&d)), s[quarter]));
        }
    }
    for (unsigned quarter = 0; quarter < 4; quarter++)
        vst1q_f32(y + 4 * quarter, sum[quarter]);
}

INLINE void plain_rows(const lsq_gemv_args *a, size_t p0, size_t p1, const unsigned bits)
{
    float *y = a->y;
    for (size_t p = p0; p < p1; p++, y += PANEL)
        a->w.scales ? plain_gemv(a, p, y, bits, 1) : plain_gemv(a, p, y, bits, 0);
}

#endif
