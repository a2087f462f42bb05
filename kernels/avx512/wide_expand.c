/*
 * wide_expand.c - the levels of codes of 7 to 9 bits, as integers of 16 bits, on AVX-512 without VBMI.
 *
 *     codes  --wide_index.h-->  indices  --vpermi2w, blends-->  levels of even columns, and of odd ones
 *     those  --vpunpck, rows.h-->  rows 0 to 7, and rows 8 to 15
 */
#include "kernels/avx512/rows.h"
#include "kernels/avx512/wide_index.h"
#include "kernels/codec.h"

INLINE void expand(const lsq_expand_args *a, size_t p, size_t g0, size_t g1, const unsigned bits)
{
    const uint8_t *tile = a->w.codes + (p * a->w.groups + g0) * 64 * bits;
    int16_t *out = a->out;
    __m512i table[16];
    for (unsigned i = 0; i < 1u << (bits - 5); i++)
        table[i] = _mm512_loadu_si512(a->w.levels->i16 + 32 * i);
    for (size_t g = g0; g < g1; g++, tile += 64 * bits, out += TILE)
#pragma GCC unroll 8
        for (unsigned step = 0; step < STEPS; step++) {
            above at[2];
            const __m512i index = index_of(tile, bits, step, at);
            const __m512i even = words_of(table, bits, index, &at[0]);
            const __m512i odd = words_of(table, bits, down(index, 8), &at[1]);
            store_rows(out + LANES * step, _mm512_unpacklo_epi16(even, odd), _mm512_unpackhi_epi16(even, odd));
        }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_expand_p##bits##_i16_avx512_r1(const lsq_expand_args *a, size_t p, size_t g0, size_t g1)                  \
    {                                                                                                                  \
        expand(a, p, g0, g1, bits);                                                                                    \
    }

WIDTH(7)
WIDTH(8)
WIDTH(9)
