/*
 * bits.h - reading planes of bits, half a vector of a tile at a time: 8 rows x 4 columns of bytes.
 */
#ifndef LSQ_KERNELS_AVX2_BITS_H
#define LSQ_KERNELS_AVX2_BITS_H

#include "kernels/kernel.h"

#include <immintrin.h>

INLINE __m256i load(const uint8_t *tile, unsigned vector, unsigned half)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)(tile + 64 * vector + 32 * half));
}

INLINE void store(uint8_t *tile, unsigned vector, unsigned half, __m256i v)
{
    _mm256_storeu_si256((__m256i *)(void *)(tile + 64 * vector + 32 * half), v);
}

/* Each byte's bits moved down, or up; the caller masks off what came from the neighbour. */
INLINE __m256i down(__m256i v, int bits)
{
    return bits < 0 ? _mm256_slli_epi16(v, -bits) : bits ? _mm256_srli_epi16(v, bits) : v;
}

INLINE __m256i masked(__m256i v, int mask)
{
    return _mm256_and_si256(v, _mm256_set1_epi8((char)mask));
}

/* Bytes of `b` where bit 7 of `by` is one. */
INLINE __m256i blend(__m256i a, __m256i b, __m256i by)
{
    return _mm256_blendv_epi8(a, b, by);
}

#endif
