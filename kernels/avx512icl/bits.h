/*
 * bits.h - taking planes of bits apart and together.
 */
#ifndef LSQ_KERNELS_AVX512ICL_BITS_H
#define LSQ_KERNELS_AVX512ICL_BITS_H

#include "kernels/kernel.h"

#include <immintrin.h>

INLINE __m512i load(const uint8_t *tile, unsigned vector)
{
    __m512i v = _mm512_loadu_si512(tile + 64 * vector);
    __asm__("" : "+v"(v)); /* stay in a register: a second load for the shift costs more than the shift */
    return v;
}

/* Bytes of a where the mask has ones, of b elsewhere. */
INLINE __m512i merge(int mask, __m512i a, __m512i b)
{
    return _mm512_ternarylogic_epi32(_mm512_set1_epi8((char)mask), a, b, 0xca);
}

/* Each byte's bits moved down, or up; what comes from the neighbour lands in bits that do not matter. */
INLINE __m512i down(__m512i v, int bits)
{
    return bits < 0 ? _mm512_slli_epi16(v, (unsigned)-bits) : bits ? _mm512_srli_epi16(v, (unsigned)bits) : v;
}

#endif
