/*
 * plain_expand.c - the levels of codes of 2 to 6 bits as integers of 8 bits, on AVX2.
 *
 *     codes  --plain.h-->  levels of two steps    half a panel each
 */
#include "kernels/avx2/plain.h"

INLINE void expand(const lsq_expand_args *a, size_t p, size_t g0, size_t g1, const unsigned bits)
{
    const uint8_t *tile = a->w.codes + (p * a->w.groups + g0) * 64 * bits;
    uint8_t *out = a->out;
    __m256i table[4];
    tables_of(a->w.levels, bits, 0, table);
    for (size_t g = g0; g < g1; g++, tile += 64 * bits, out += TILE)
#pragma GCC unroll 4
        for (unsigned pair = 0; pair < 4; pair++)
            for (unsigned half = 0; half < 2; half++) {
                __m256i level[2];
                two_levels(tile, half, bits, pair, table, level);
                for (unsigned i = 0; i < 2; i++)
                    store(out, step_of(pair, bits, i), half, level[i]);
            }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_expand_p##bits##_i8_avx2_r1(const lsq_expand_args *a, size_t p, size_t g0, size_t g1)                     \
    {                                                                                                                  \
        expand(a, p, g0, g1, bits);                                                                                    \
    }

WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
