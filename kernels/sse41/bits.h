/*
 * bits.h - taking planes of bits apart and together, 4 rows x 4 columns of bytes at a time.
 *
 * Helpers are given the quarter's first byte: tile + 16 * quarter.
 */
#ifndef LSQ_KERNELS_SSE41_BITS_H
#define LSQ_KERNELS_SSE41_BITS_H

#include "kernels/kernel.h"

#include <smmintrin.h>

INLINE __m128i load(const uint8_t *quarter, unsigned vector)
{
    return _mm_loadu_si128((const __m128i *)(const void *)(quarter + 64 * vector));
}

/* Each byte's bits moved down, or up; the caller masks off what came from the neighbour. */
INLINE __m128i down(__m128i v, int bits)
{
    return bits < 0 ? _mm_slli_epi16(v, -bits) : bits ? _mm_srli_epi16(v, bits) : v;
}

INLINE __m128i masked(__m128i v, int mask)
{
    return _mm_and_si128(v, _mm_set1_epi8((char)mask));
}

/* The codes of step t, of up to 8 bits, a byte each: one plane after the other (codec.h). */
INLINE __m128i codes(const uint8_t *quarter, const unsigned bits, unsigned t)
{
    const unsigned width = bits >= 8 ? 8 : bits >= 4 ? 4 : 2, v = t * width / 8, at = t % (8 / width) * width;
    __m128i code = masked(down(load(quarter, v), (int)at), (1 << width) - 1);
    unsigned shift = width, vector = width; /* of the plane that comes next */
    for (unsigned plane = width / 2; plane; plane /= 2)
        if (bits & plane) {
            int from = (int)(at + v % (width / plane) * plane), mask = ((1 << plane) - 1) << shift;
            __m128i more = down(load(quarter, vector + v * plane / width), from - (int)shift);
            code = _mm_or_si128(code, masked(more, mask));
            shift += plane;
            vector += plane;
        }
    return code;
}

#endif
