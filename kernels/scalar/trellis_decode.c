/*
 * trellis_decode.c - trellis codes into floats, as defined.
 *
 *     index  --table-->  level      out = (row * s) * level
 */
#include "kernels/scalar/trellis.h"

static inline void decode(const lsq_decode_args *a, size_t p, size_t g0, size_t g1, unsigned bits)
{
    const lsq_tiles *w = &a->w;
    for (size_t g = g0; g < g1; g++) {
        uint16_t index[STEPS][LANES];
        float s[PANEL][2];
        tile_indices(w, bits, p * w->groups + g, index);
        scales_of(w, p, g, s);
        for (unsigned r = a->r0; r < a->r1; r++) {
            float *out = a->out + (r - a->r0) * a->ld + (g - g0) * GROUP;
            for (unsigned c = 0; c < GROUP; c++)
                out[c] = a->row[r] * s[r][c / 16] * w->levels->f32[index[c / 4][4 * r + c % 4]];
        }
    }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_decode_t##bits##_f32_scalar_r1(const lsq_decode_args *a, size_t p, size_t g0, size_t g1)                  \
    {                                                                                                                  \
        decode(a, p, g0, g1, bits);                                                                                    \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
