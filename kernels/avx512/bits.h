/*
 * bits.h - taking planes of bits apart and together, for every AVX-512 level.
 */
#ifndef LSQ_KERNELS_AVX512_BITS_H
#define LSQ_KERNELS_AVX512_BITS_H

#include "kernels/avx512/assembly.h"

INLINE __m512i load(const uint8_t *tile, unsigned vector)
{
    /* A second load for the shift costs more than the shift. */
    return in_register(_mm512_loadu_si512(tile + 64 * vector));
}

/* Bits of a where the mask, repeated in every byte, has ones, of b elsewhere. */
INLINE __m512i merge(int mask, __m512i a, __m512i b)
{
    return _mm512_ternarylogic_epi32(_mm512_set1_epi8((char)mask), a, b, 0xca);
}

INLINE __m512i masked(__m512i v, int mask)
{
    return _mm512_and_si512(v, _mm512_set1_epi8((char)mask));
}

/* Each byte's bits moved down, or up; what comes from the neighbour lands in bits that do not matter, or are masked off. */
INLINE __m512i down(__m512i v, int bits)
{
    return bits < 0 ? _mm512_slli_epi16(v, (unsigned)-bits) : bits ? _mm512_srli_epi16(v, (unsigned)bits) : v;
}

#endif
