/*
 * trellis_float.c - trellis codes with floats, on NEON; 1 to 6 bits.
 *
 *     indices (trellis.h)  --floats.h-->  levels    4 columns of a row, float
 *     levels, x  --fmla-------------->  dots of 16 columns      4 columns of a row; added up with their scale
 *     dots * s  --------------------->  sums      4 rows
 *
 * A lane of a dot is 4 of 16 columns, so no sum is longer than k / 4 (see LSQ_ACT_FLOAT in lsq.h).
 */
#include "kernels/neon/floats.h"
#include "kernels/neon/trellis.h"
#include "kernels/prefetch.h"

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const table t[4], const unsigned bits,
                 const unsigned states)
{
    const float *x = a->x;
    const uint8x16_t steps = steps_of(&a->w, p);
    float32x4_t sum[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};
    panel n;
    start(&n, &a->w, p, bits);
    for (size_t g = 0; g < a->w.groups; g++, x += GROUP) {
        const uint8_t *from = from_tile(&n, g, bits);
        float32x4_t s[2][4];
        prefetch(n.codes + g * 64 * bits, bits, a->prefetch);
        float_scales(&a->w, p * a->w.groups + g, steps, s);
#pragma GCC unroll 1
        for (unsigned quarter = 0; quarter < 4; quarter++) {
            uint8x16_t index[STEPS];
            float32x4_t level[4][4], dot[4];
            trellis_indices(from, quarter, bits, states, index);
            half_of_halves(t, bits + 1, TRELLIS_SECOND, index, level);
            add_columns(dot, 1, level, x);
            sum[quarter] = vfmaq_f32(sum[quarter], row_sums(dot), s[0][quarter]);
            half_of_halves(t, bits + 1, TRELLIS_SECOND, index + 4, level);
            add_columns(dot, 1, level, x + 16);
            sum[quarter] = vfmaq_f32(sum[quarter], row_sums(dot), s[1][quarter]);
        }
    }
    for (unsigned quarter = 0; quarter < 4; quarter++)
        vst1q_f32(y + 4 * quarter, sum[quarter]);
}

INLINE void rows(const lsq_gemv_args *a, size_t p0, size_t p1, const unsigned bits)
{
    table t[4];
    float *y = a->y;
    trellis_tables(t, a->w.levels, bits);
    for (size_t p = p0; p < p1; p++, y += PANEL)
        switch (a->w.states) {
        case 4:
            gemv(a, p, y, t, bits, 4);
            break;
        case 8:
            gemv(a, p, y, t, bits, 8);
            break;
        case 16:
            gemv(a, p, y, t, bits, 16);
            break;
        default:
            gemv(a, p, y, t, bits, 64);
        }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_t##bits##_f32_neon_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                  \
    {                                                                                                                  \
        rows(a, p0, p1, bits);                                                                                         \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
