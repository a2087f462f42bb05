/*
 * trellis_expand.c - the levels of trellis codes, as integers of 8 bits, on AVX-512 without VBMI.
 *
 *     codes  --trellis.h-->  indices of a step  --expand.h-->  levels; an index has a bit more than a code
 *
 * The history before group g0 is read from the codes, wherever in a chain that is.
 */
#include "kernels/avx512/expand.h"
#include "kernels/avx512/trellis.h"

INLINE void expand(const lsq_expand_args *a, size_t p, size_t g0, size_t g1, const unsigned bits, const unsigned states)
{
    const size_t first = p * a->w.groups + g0;
    const alphabet t = alphabet_of(a->w.levels, bits);
    const uint8_t *tile = a->w.codes + first * 64 * bits;
    int8_t *out = a->out;
    __m512i history[MEMORY], table[4];
    byte_tables(t.lower, t.upper, bits + 1, table);
    history_before(&a->w, first, bits, width_of(bits), history);
    for (size_t g = g0; g < g1; g++, tile += 64 * bits, out += TILE) {
        __m512i index[STEPS];
        tile_indices(tile, bits, states, history, index);
#pragma GCC unroll 8
        for (unsigned step = 0; step < STEPS; step++)
            _mm512_store_si512(out + LANES * step, bytes_of(table, bits + 1, index[step]));
    }
}

INLINE void expand_any(const lsq_expand_args *a, size_t p, size_t g0, size_t g1, const unsigned bits)
{
    if (a->w.states == 4)
        expand(a, p, g0, g1, bits, 4);
    else if (a->w.states == 8)
        expand(a, p, g0, g1, bits, 8);
    else if (a->w.states == 16)
        expand(a, p, g0, g1, bits, 16);
    else
        expand(a, p, g0, g1, bits, 64);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_expand_t##bits##_i8_avx512_r1(const lsq_expand_args *a, size_t p, size_t g0, size_t g1)                   \
    {                                                                                                                  \
        expand_any(a, p, g0, g1, bits);                                                                                \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
