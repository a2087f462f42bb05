/*
 * plain_float.c - codes that index a table with floats, on NEON; 2 to 9 bits.
 *
 *     codes  --plain_levels.h-->  levels    4 columns of a row, float
 *     levels, x  --fmla-------->  dots      4 columns of a row; added up once a group
 *     dots * s  --------------->  sums      4 rows
 *
 * A lane of a dot is 8 of 32 columns, so no sum is longer than k / 4 (see LSQ_ACT_FLOAT in lsq.h).
 */
#include "kernels/neon/plain_levels.h"
#include "kernels/neon/scales.h"
#include "kernels/prefetch.h"

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const table t[4], const unsigned bits, const int integers)
{
    const uint8_t *tile = a->w.codes + p * a->w.groups * 64 * bits;
    const float *x = a->x;
    const float32x4_t one = vdupq_n_f32(1);
    float32x4_t sum[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)}, s[4] = {one, one, one, one};
    for (size_t g = 0; g < a->w.groups; g++, tile += 64 * bits, x += GROUP) {
        prefetch(tile, bits, a->prefetch);
        if (a->w.scales)
            byte_scales(a->w.scales + (p * a->w.groups + g) * 16, s);
#pragma GCC unroll 1
        for (unsigned quarter = 0; quarter < 4; quarter++) {
            uint8x16_t index[STEPS];
            float32x4_t level[4][4], dot[4];
            plain_indices(tile, quarter, bits, index);
            plain_half(t, tile, quarter, 0, bits, integers, index, level);
            add_columns(dot, 1, level, x);
            plain_half(t, tile, quarter, 1, bits, integers, index + 4, level);
            add_columns(dot, 0, level, x + 16);
            sum[quarter] = vfmaq_f32(sum[quarter], row_sums(dot), s[quarter]);
        }
    }
    for (unsigned quarter = 0; quarter < 4; quarter++)
        vst1q_f32(y + 4 * quarter, sum[quarter]);
}

INLINE void rows(const lsq_gemv_args *a, size_t p0, size_t p1, const unsigned bits, const int integers)
{
    table t[4];
    float *y = a->y;
    plain_tables(t, a->w.levels, bits, integers);
    for (size_t p = p0; p < p1; p++, y += PANEL)
        gemv(a, p, y, t, bits, integers);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_p##bits##_f32_neon_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                  \
    {                                                                                                                  \
        a->w.levels->unit == 1 ? rows(a, p0, p1, bits, 1) : rows(a, p0, p1, bits, 0);                                  \
    }

WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
WIDTH(7)
WIDTH(8)
WIDTH(9)
