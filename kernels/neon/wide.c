/*
 * wide.c - codes of 7 to 9 bits with integers of 16 bits, on NEON.
 *
 *     codes  --wide.h------->  low and high bytes of levels    4 rows x 4 columns
 *     low, high  --zip------>  levels     4 columns of a row, 16 bit
 *     levels  --smlal------->  dots       4 columns of a row, 32 bit; added up once a group
 *     dots * (sx * s)  ----->  sums       4 rows, float
 *
 * Bound: |dot| <= 32 * 16383 * 4095 < 2^31.
 */
#include "kernels/neon/scales.h"
#include "kernels/neon/wide.h"
#include "kernels/prefetch.h"

/* Adds the products of 16 columns for the 4 rows of a quarter. */
INLINE void add_half(int32x4_t dot[4], const table t[2], const unsigned bits, const uint8x16_t index[4],
                     const uint8x16_t ninth[4], const int16_t *x)
{
    uint8x16_t low[4], high[4];
    wide_lookup(&t[0], bits, index, ninth, low);
    wide_lookup(&t[1], bits, index, ninth, high);
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; i++) {
        int16x8_t rows01 = vreinterpretq_s16_u8(vzip1q_u8(low[i], high[i])),
                  rows23 = vreinterpretq_s16_u8(vzip2q_u8(low[i], high[i]));
        int16x4_t xt = vld1_s16(x + 4 * i);
        int16x8_t both = vcombine_s16(xt, xt);
        dot[0] = vmlal_s16(dot[0], vget_low_s16(rows01), xt);
        dot[1] = vmlal_high_s16(dot[1], rows01, both);
        dot[2] = vmlal_s16(dot[2], vget_low_s16(rows23), xt);
        dot[3] = vmlal_high_s16(dot[3], rows23, both);
    }
}

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const table t[2], const unsigned bits)
{
    const uint8_t *tile = a->w.codes + p * a->w.groups * 64 * bits;
    const int16_t *x = a->x;
    float32x4_t sum[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};
    for (size_t g = 0; g < a->w.groups; g++, tile += 64 * bits, x += GROUP) {
        float32x4_t sx = vdupq_n_f32(a->sx[g]), s[4] = {sx, sx, sx, sx};
        prefetch(tile, bits, a->prefetch);
        if (a->w.scales)
            row_scales(a->w.scales + (p * a->w.groups + g) * 16, sx, s);
#pragma GCC unroll 1
        for (unsigned quarter = 0; quarter < 4; quarter++) {
            uint8x16_t index[STEPS], ninth[4] = {vdupq_n_u8(0)};
            int32x4_t dot[4] = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
            plain_indices(tile, quarter, bits, index);
            if (bits == 9)
                ninth_bits(tile, quarter, 0, ninth);
            add_half(dot, t, bits, index, ninth, x);
            if (bits == 9)
                ninth_bits(tile, quarter, 1, ninth);
            add_half(dot, t, bits, index + 4, ninth, x + 16);
            int32x4_t rows = vpaddq_s32(vpaddq_s32(dot[0], dot[1]), vpaddq_s32(dot[2], dot[3]));
            sum[quarter] = vaddq_f32(sum[quarter], vmulq_f32(vcvtq_f32_s32(rows), s[quarter]));
        }
    }
    for (unsigned quarter = 0; quarter < 4; quarter++)
        vst1q_f32(y + 4 * quarter, sum[quarter]);
}

INLINE void rows(const lsq_gemv_args *a, size_t p0, size_t p1, const unsigned bits)
{
    table t[2];
    wide_tables(t, a->w.levels->i16, bits);
    for (size_t p = p0; p < p1; p++)
        gemv(a, p, a->y + (p - p0) * PANEL, t, bits);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_p##bits##_i16_neon_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                  \
    {                                                                                                                  \
        rows(a, p0, p1, bits);                                                                                         \
    }

WIDTH(7)
WIDTH(8)
WIDTH(9)
