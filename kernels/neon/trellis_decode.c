/*
 * trellis_decode.c - trellis codes into floats, on NEON; 1 to 6 bits.
 *
 *     indices (trellis.h)  --floats.h-->  levels    4 columns of a row, float
 *     (row * s) * level  ------------->  out
 */
#include "kernels/neon/floats.h"
#include "kernels/neon/trellis.h"

INLINE void decode(const lsq_decode_args *a, size_t p, size_t g0, size_t g1, const unsigned bits, const unsigned states)
{
    const uint8x16_t steps = steps_of(&a->w, p);
    table t[4];
    panel n;
    trellis_tables(t, a->w.levels, bits);
    start(&n, &a->w, p, bits);
    for (size_t g = g0; g < g1; g++) {
        const uint8_t *from = from_tile(&n, g, bits);
        float32x4_t s[2][4];
        float_scales(&a->w, p * a->w.groups + g, steps, s);
#pragma GCC unroll 1
        for (unsigned quarter = a->r0 / 4; quarter < a->r1 / 4; quarter++) {
            uint8x16_t index[STEPS];
            float32x4_t level[4][4], row = vld1q_f32(a->row + 4 * quarter);
            float *out = a->out + (4 * quarter - a->r0) * a->ld + (g - g0) * GROUP;
            trellis_indices(from, quarter, bits, states, index);
            half_of_halves(t, bits + 1, TRELLIS_SECOND, index, level);
            store_half(out, a->ld, level, vmulq_f32(row, s[0][quarter]));
            half_of_halves(t, bits + 1, TRELLIS_SECOND, index + 4, level);
            store_half(out + 16, a->ld, level, vmulq_f32(row, s[1][quarter]));
        }
    }
}

INLINE void tiles(const lsq_decode_args *a, size_t p, size_t g0, size_t g1, const unsigned bits)
{
    switch (a->w.states) {
    case 4:
        decode(a, p, g0, g1, bits, 4);
        break;
    case 8:
        decode(a, p, g0, g1, bits, 8);
        break;
    case 16:
        decode(a, p, g0, g1, bits, 16);
        break;
    default:
        decode(a, p, g0, g1, bits, 64);
    }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_decode_t##bits##_f32_neon_r1(const lsq_decode_args *a, size_t p, size_t g0, size_t g1)                    \
    {                                                                                                                  \
        tiles(a, p, g0, g1, bits);                                                                                     \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
