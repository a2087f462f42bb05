/*
 * view.h - half of the lanes of a tile, and the bits of their codes, one step or two at a time.
 *
 * A vector has 32 lanes: 8 rows of one step, for products. Or 4 rows of two steps, for decoding: 8 neighbouring columns of a row in
 * the same place of its two halves. Both steps come from the same bytes, a slot apart (codec.h), so that the upper half is
 * shifted down by a slot first, and all else is alike.
 */
#ifndef LSQ_KERNELS_AVX2_VIEW_H
#define LSQ_KERNELS_AVX2_VIEW_H

#include "kernels/avx2/bits.h"
#include "kernels/kernel.h"

#include <immintrin.h>

/* Byte lanes of a tile from `lane` on: 32 of them, or 16 twice. */
typedef struct view {
    const uint8_t *tile;
    unsigned lane;
    int twice; /* the upper half is one step on; `t` is even */
} view;

INLINE __m128i lanes16(const uint8_t *tile, unsigned lane, unsigned vector)
{
    return _mm_loadu_si128((const __m128i *)(const void *)(tile + 64 * vector + lane));
}

/* A vector of a plane, moved down by `bits`; `width` is that of a slot. */
INLINE __m256i plane(view from, unsigned vector, int bits, const int width)
{
    if (!from.twice)
        return down(load(from.tile, vector, from.lane / 32), bits);
    __m256i both = _mm256_broadcastsi128_si256(lanes16(from.tile, from.lane, vector));
    return down(_mm256_srlv_epi32(both, _mm256_setr_epi32(0, 0, 0, 0, width, width, width, width)), bits);
}

/* Bits 0 to 3 of the codes of step t, 0 in bit 7 of each byte: what pshufb looks at. */
INLINE __m256i low_index(view from, const unsigned bits, unsigned t)
{
    if (bits >= 4)
        return masked(plane(from, t / 2, (int)(t % 2) * 4, 4), 15);
    const int v = (int)t / 4, slot = (int)t % 4; /* in place for two slots at a time, one in each half of a byte */
    __m256i pair = masked(plane(from, (unsigned)v, slot % 2 * 2, 2), 0x33);
    if (bits == 3)
        pair = _mm256_or_si256(pair, masked(plane(from, 2, slot % 2 ? v : v - 2, 2), 0x44));
    return down(pair, slot / 2 * 4);
}

/* Bit 4 of the codes of step t, or a higher one, moved to bit `to` of each byte; codec.h says where it is. */
INLINE __m256i high_bit(view from, const unsigned bits, unsigned t, unsigned bit, int to)
{
    const unsigned j = t / 2, at = t % 2 * 4;
    const int two = (bits & 2) && bit < 6; /* of the plane of two bits */
    return two ? plane(from, 4 + j / 2, (int)(at + j % 2 * 2 + bit - 4) - to, 4)
               : plane(from, bits == 5 ? 4 : 6, (int)(at + j) - to, 4);
}

#endif
