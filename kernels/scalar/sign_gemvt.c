/*
 * sign_gemvt.c - signs, transposed, times a vector, as defined.
 *
 *     code  ---->  1 or -1      everything else: gemvt.h
 */
#include "kernels/scalar/gemvt.h"

void lsq_gemvt_b1_i8_scalar_r1(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)
{
    for (size_t g = g0; g < g1; g++) {
        uint16_t code[STEPS][LANES];
        int16_t level[STEPS][LANES];
        lsq_tile_codes(a->w.codes + (p * a->w.groups + g) * 64, 1, code);
        for (unsigned t = 0; t < STEPS; t++)
            for (unsigned lane = 0; lane < LANES; lane++)
                level[t][lane] = code[t][lane] ? 1 : -1;
        add_tile(a, p, g, level, 127.0f);
    }
}
