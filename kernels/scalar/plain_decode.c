/*
 * plain_decode.c - codes that index a table into floats, as defined.
 *
 *     code  --table-->  level      out = (row * s) * level
 */
#include "kernels/codec.h"

static inline void decode(const lsq_decode_args *a, size_t p, size_t g0, size_t g1, unsigned bits)
{
    const lsq_tiles *w = &a->w;
    for (size_t g = g0; g < g1; g++) {
        uint16_t code[STEPS][LANES];
        lsq_tile_codes(w->codes + (p * w->groups + g) * 64 * bits, bits, code);
        for (unsigned r = a->r0; r < a->r1; r++) {
            float s[2], *out = a->out + (r - a->r0) * a->ld + (g - g0) * GROUP;
            lsq_tile_scale(w, p * w->groups + g, r, 0, s);
            for (unsigned c = 0; c < GROUP; c++)
                out[c] = a->row[r] * s[0] * w->levels->f32[code[c / 4][4 * r + c % 4]];
        }
    }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_decode_p##bits##_f32_scalar_r1(const lsq_decode_args *a, size_t p, size_t g0, size_t g1)                  \
    {                                                                                                                  \
        decode(a, p, g0, g1, bits);                                                                                    \
    }

WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
WIDTH(7)
WIDTH(8)
WIDTH(9)
