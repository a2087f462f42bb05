/*
 * trellis_gemvt.c - trellis codes, transposed, times a vector, as defined.
 *
 *     code and the bits before it  --trellis.h-->  where in the table its level is      everything else: gemvt.h
 */
#include "kernels/scalar/gemvt.h"
#include "kernels/scalar/trellis.h"

static inline void gemvt(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1, unsigned bits)
{
    for (size_t g = g0; g < g1; g++) {
        uint16_t index[STEPS][LANES];
        int16_t level[STEPS][LANES];
        tile_indices(&a->w, bits, p * a->w.groups + g, index);
        for (unsigned t = 0; t < STEPS; t++)
            for (unsigned lane = 0; lane < LANES; lane++)
                level[t][lane] = a->w.levels->i8[index[t][lane]];
        add_tile(a, p, g, level, 127.0f);
    }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemvt_t##bits##_i8_scalar_r1(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)                     \
    {                                                                                                                  \
        gemvt(a, p, g0, g1, bits);                                                                                     \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
