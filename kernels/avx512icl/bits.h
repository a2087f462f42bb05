/*
 * bits.h - taking planes of bits apart and together, and tables for what comes of it.
 */
#ifndef LSQ_KERNELS_AVX512ICL_BITS_H
#define LSQ_KERNELS_AVX512ICL_BITS_H

#include "kernels/avx512icl/assembly.h"

INLINE __m512i load(const uint8_t *tile, unsigned vector)
{
    /* A second load for the shift costs more than the shift. */
    return in_register(_mm512_loadu_si512(tile + 64 * vector));
}

/* Bits of a where each byte's mask has ones, of b elsewhere. a should be used up: the instruction writes over it. */
INLINE __m512i merge(int mask, __m512i a, __m512i b)
{
    return mask & 1 ? _mm512_ternarylogic_epi32(a, b, _mm512_set1_epi8((char)mask), 0xe4)
                    : _mm512_ternarylogic_epi32(a, b, _mm512_set1_epi8((char)~mask), 0xd8);
}

/* Each byte's bits moved down, or up; what comes from the neighbour lands in bits that do not matter. */
INLINE __m512i down(__m512i v, int bits)
{
    return bits < 0 ? _mm512_slli_epi16(v, (unsigned)-bits) : bits ? _mm512_srli_epi16(v, (unsigned)bits) : v;
}

/* The numbers from, from + 1, ... from + 63. */
INLINE __m512i count_from(unsigned from)
{
    const __m512i rows = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i four = _mm512_mullo_epi32(rows, _mm512_set1_epi32(0x04040404));
    return _mm512_add_epi32(four, _mm512_set1_epi32((int)(0x03020100 + from * 0x01010101)));
}

/* Of each byte the bits [from, from + width), moved down to bit `to`; all others are zeros. */
INLINE __m512i field(__m512i v, unsigned from, unsigned width, unsigned to)
{
    return _mm512_and_si512(down(v, (int)from - (int)to), _mm512_set1_epi8((char)(((1u << width) - 1) << to)));
}

#endif
