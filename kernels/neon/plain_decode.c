/*
 * plain_decode.c - codes that index a table into floats, on NEON; 2 to 9 bits.
 *
 *     codes  --plain_levels.h-->  levels    4 columns of a row, float
 *     (row * s) * level  ------>  out
 */
#include "kernels/neon/plain_levels.h"
#include "kernels/neon/scales.h"

INLINE void decode(const lsq_decode_args *a, size_t p, size_t g0, size_t g1, const unsigned bits, const int integers)
{
    table t[4];
    plain_tables(t, a->w.levels, bits, integers);
    const float32x4_t one = vdupq_n_f32(1);
    float32x4_t s[4] = {one, one, one, one};
    for (size_t g = g0; g < g1; g++) {
        const size_t n = p * a->w.groups + g;
        const uint8_t *tile = a->w.codes + n * 64 * bits;
        if (a->w.scales)
            byte_scales(a->w.scales + n * 16, s);
#pragma GCC unroll 1
        for (unsigned quarter = a->r0 / 4; quarter < a->r1 / 4; quarter++) {
            uint8x16_t index[STEPS];
            float32x4_t level[4][4], by = vmulq_f32(vld1q_f32(a->row + 4 * quarter), s[quarter]);
            float *out = a->out + (4 * quarter - a->r0) * a->ld + (g - g0) * GROUP;
            plain_indices(tile, quarter, bits, index);
            plain_half(t, tile, quarter, 0, bits, integers, index, level);
            store_half(out, a->ld, level, by);
            plain_half(t, tile, quarter, 1, bits, integers, index + 4, level);
            store_half(out + 16, a->ld, level, by);
        }
    }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_decode_p##bits##_f32_neon_r1(const lsq_decode_args *a, size_t p, size_t g0, size_t g1)                    \
    {                                                                                                                  \
        a->w.levels->unit == 1 ? decode(a, p, g0, g1, bits, 1) : decode(a, p, g0, g1, bits, 0);                        \
    }

WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
WIDTH(7)
WIDTH(8)
WIDTH(9)
