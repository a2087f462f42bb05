/*
 * plain_expand.c - the levels of codes that index a table, as integers of 8 bits, on AVX-512 without VBMI.
 *
 *     codes  --codes.h-->  indices of a step  --expand.h-->  levels
 */
#include "kernels/avx512/codes.h"
#include "kernels/avx512/expand.h"
#include "kernels/codec.h"

INLINE void expand(const lsq_expand_args *a, size_t p, size_t g0, size_t g1, const unsigned bits)
{
    const uint8_t *tile = a->w.codes + (p * a->w.groups + g0) * 64 * bits;
    const __m512i level = _mm512_loadu_si512(a->w.levels->i8); /* 64 are enough */
    int8_t *out = a->out;
    __m512i table[4];
    byte_tables(level, level, bits, table);
    for (size_t g = g0; g < g1; g++, tile += 64 * bits, out += TILE)
#pragma GCC unroll 8
        for (unsigned t = 0; t < STEPS; t++)
            _mm512_store_si512(out + LANES * t, bytes_of(table, bits, codes_of(tile, bits, t)));
}

#define WIDTH(bits)                                                                                                    \
    void lsq_expand_p##bits##_i8_avx512_r1(const lsq_expand_args *a, size_t p, size_t g0, size_t g1)                   \
    {                                                                                                                  \
        expand(a, p, g0, g1, bits);                                                                                    \
    }

WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
