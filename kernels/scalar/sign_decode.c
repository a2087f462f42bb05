/*
 * sign_decode.c - signs into floats, as defined.
 *
 *     code  -->  out = row * s, or -(row * s)
 */
#include "kernels/codec.h"

void lsq_decode_b1_f32_scalar_r1(const lsq_decode_args *a, size_t p, size_t g0, size_t g1)
{
    const lsq_tiles *w = &a->w;
    for (size_t g = g0; g < g1; g++) {
        uint16_t code[STEPS][LANES];
        lsq_tile_codes(w->codes + (p * w->groups + g) * 64, 1, code);
        for (unsigned r = a->r0; r < a->r1; r++) {
            float s[2], *out = a->out + (r - a->r0) * a->ld + (g - g0) * GROUP;
            lsq_tile_scale(w, p * w->groups + g, r, 0, s);
            for (unsigned c = 0; c < GROUP; c++)
                out[c] = code[c / 4][4 * r + c % 4] ? a->row[r] * s[0] : -(a->row[r] * s[0]);
        }
    }
}
