/*
 * bits.h - taking planes of bits apart and together.
 */
#ifndef LSQ_KERNELS_AVX512ICL_BITS_H
#define LSQ_KERNELS_AVX512ICL_BITS_H

#include <immintrin.h>
#include <stdint.h>

static inline __m512i load(const uint8_t *tile, unsigned vector)
{
    return _mm512_loadu_si512(tile + 64 * vector);
}

/* Bytes of a where the mask has ones, of b elsewhere. */
static inline __m512i merge(int mask, __m512i a, __m512i b)
{
    return _mm512_ternarylogic_epi32(_mm512_set1_epi8((char)mask), a, b, 0xca);
}

/* Each byte's bits moved down, or up; what comes from the neighbour lands in bits that do not matter. */
static inline __m512i down(__m512i v, int bits)
{
    return bits < 0 ? _mm512_slli_epi16(v, (unsigned)-bits) : bits ? _mm512_srli_epi16(v, (unsigned)bits) : v;
}

#endif
