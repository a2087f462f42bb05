/*
 * sign_expand.c - signs as integers of 8 bits, as defined: 1 and -1.
 */
#include "kernels/codec.h"

void lsq_expand_b1_i8_scalar_r1(const lsq_expand_args *a, size_t p, size_t g0, size_t g1)
{
    int8_t *out = a->out;
    for (size_t g = g0; g < g1; g++, out += TILE) {
        uint16_t code[STEPS][LANES];
        lsq_tile_codes(a->w.codes + (p * a->w.groups + g) * 64, 1, code);
        for (unsigned t = 0; t < STEPS; t++)
            for (unsigned lane = 0; lane < LANES; lane++)
                out[LANES * t + lane] = code[t][lane] ? 1 : -1;
    }
}
