/*
 * trellis_expand.c - the levels of trellis codes, as integers of 8 bits, as defined.
 */
#include "kernels/scalar/trellis.h"

static inline void expand(const lsq_expand_args *a, size_t p, size_t g0, size_t g1, unsigned bits)
{
    const lsq_tiles *w = &a->w;
    int8_t *out = a->out;
    for (size_t g = g0; g < g1; g++, out += TILE) {
        uint16_t index[STEPS][LANES];
        tile_indices(w, bits, p * w->groups + g, index);
        for (unsigned t = 0; t < STEPS; t++)
            for (unsigned lane = 0; lane < LANES; lane++)
                out[LANES * t + lane] = w->levels->i8[index[t][lane]];
    }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_expand_t##bits##_i8_scalar_r1(const lsq_expand_args *a, size_t p, size_t g0, size_t g1)                   \
    {                                                                                                                  \
        expand(a, p, g0, g1, bits);                                                                                    \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
