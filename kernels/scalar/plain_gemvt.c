/*
 * plain_gemvt.c - codes that index a table, transposed, times a vector, as defined.
 *
 *     code  --table-->  level      everything else: gemvt.h
 */
#include "kernels/scalar/gemvt.h"

static inline void gemvt(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1, unsigned bits)
{
    for (size_t g = g0; g < g1; g++) {
        uint16_t code[STEPS][LANES];
        int16_t level[STEPS][LANES];
        lsq_tile_codes(a->w.codes + (p * a->w.groups + g) * 64 * bits, bits, code);
        for (unsigned t = 0; t < STEPS; t++)
            for (unsigned lane = 0; lane < LANES; lane++)
                level[t][lane] = a->w.levels->i8[code[t][lane]];
        add_tile(a, p, g, level, 127.0f);
    }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemvt_p##bits##_i8_scalar_r1(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)                     \
    {                                                                                                                  \
        gemvt(a, p, g0, g1, bits);                                                                                     \
    }

WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
