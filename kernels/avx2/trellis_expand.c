/*
 * trellis_expand.c - the levels of trellis codes as integers of 8 bits, on AVX2; 1 to 6 bits.
 *
 *     codes and those before them  --trellis.h-->  levels    of half a panel, step after step
 */
#include "kernels/avx2/trellis.h"

INLINE void expand(const lsq_expand_args *a, size_t p, size_t g0, size_t g1, const unsigned bits, const unsigned states)
{
    const unsigned width = first_width(bits), slots = 8 / width;
    size_t tile = p * a->w.groups + g0, within = p % CHAIN * a->w.groups + g0;
    uint8_t copy[COPY], *out = a->out;
    __m256i table[4];
    tables_of(a->w.levels, bits, 0, 1, table);
    for (size_t g = g0; g < g1; g++, tile++, within++, out += TILE) {
        const uint8_t *codes = readable(&a->w, tile, within, bits, copy);
#pragma GCC unroll 2
        for (unsigned half = 0; half < 2; half++)
#pragma GCC unroll 4
            for (unsigned v = 0; v < width; v++) {
                where at[STEPS];
                vector_indices(codes, half, bits, states, v, at);
#pragma GCC unroll 8
                for (unsigned i = 0; i < slots; i++)
                    store(out, slots * v + i, half, signed_level(table, bits, slots * v + i, &at[i]));
            }
    }
}

INLINE void groups(const lsq_expand_args *a, size_t p, size_t g0, size_t g1, const unsigned bits)
{
    switch (a->w.states) {
    case 4:
        expand(a, p, g0, g1, bits, 4);
        break;
    case 8:
        expand(a, p, g0, g1, bits, 8);
        break;
    case 16:
        expand(a, p, g0, g1, bits, 16);
        break;
    default:
        expand(a, p, g0, g1, bits, 64);
    }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_expand_t##bits##_i8_avx2_r1(const lsq_expand_args *a, size_t p, size_t g0, size_t g1)                     \
    {                                                                                                                  \
        groups(a, p, g0, g1, bits);                                                                                    \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
