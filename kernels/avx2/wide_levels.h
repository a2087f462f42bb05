/*
 * wide_levels.h - floats of codes of 7 to 9 bits, without a gather.
 *
 *     planes  --shift, merge, store-->  indices    one byte each, two for 9 bits; codes of 8 bits are indices
 *     indices  --mov, movzx---------->  indices    four of a step and row, each in a register
 *              --vmovss, vinsertps--->  levels     of the lower and the upper 16 lanes of a view
 *
 * Tables of 128 levels and more are too long to permute, and loads of single floats are faster than a gather.
 */
#ifndef LSQ_KERNELS_AVX2_WIDE_LEVELS_H
#define LSQ_KERNELS_AVX2_WIDE_LEVELS_H

#include "kernels/avx2/view.h"

#include <string.h>

/* Room for the indices of 8 steps of a half, or of a quarter. */
typedef struct indices {
    uint16_t of[8 * 32];
} indices;

INLINE void put(indices *index, size_t at, __m256i v)
{
    _mm256_storeu_si256((__m256i *)(void *)((uint8_t *)index->of + at), v);
}

/* Indices of 9 bits of the 16 lanes of step t from `lane` on. */
INLINE __m256i nine(const uint8_t *tile, unsigned lane, unsigned t)
{
    __m256i low = _mm256_cvtepu8_epi16(lanes16(tile, lane, t)), high = _mm256_cvtepu8_epi16(lanes16(tile, lane, 8));
    return _mm256_or_si256(low, _mm256_and_si256(down(high, (int)t - 8), _mm256_set1_epi16(256)));
}

/* The indices of a view, 32 lanes after 32, in `room` or where they are anyway. */
INLINE const uint8_t *indices_of(indices *room, view from, const unsigned bits)
{
    const unsigned steps = from.twice ? 2 : 1; /* in 32 lanes */
    if (bits == 8)
        return from.tile + from.lane;
#pragma GCC unroll 8
    for (unsigned t = 0; t < 8; t += steps)
        if (bits == 7) {
            __m256i low = low_index(from, 7, t), two = masked(high_bit(from, 7, t, 4, 4), 48);
            __m256i one = masked(high_bit(from, 7, t, 6, 6), 64);
            put(room, t / steps * 32, _mm256_or_si256(_mm256_or_si256(low, two), one));
        } else {
            put(room, t / steps * 64, nine(from.tile, from.lane, t));
            put(room, t / steps * 64 + 32, nine(from.tile, from.lane + (from.twice ? 0 : 16), t + steps - 1));
        }
    return (const uint8_t *)room;
}

/* Levels of 4 indices of `width` bits. */
INLINE __m128 levels_at(const float *levels, const uint8_t *index, const unsigned width)
{
    uint64_t four = 0;
    memcpy(&four, index, width / 2);
    const uint64_t mask = (1u << width) - 1;
    return _mm_setr_ps(levels[four & mask], levels[four >> width & mask], levels[four >> 2 * width & mask],
                       levels[four >> 3 * width & mask]);
}

/* Levels of row r of the lower and of the upper 16 lanes of the t-th 32 of a view. */
INLINE __m256 wide_levels(const float *levels, const uint8_t *index, const unsigned bits, const int twice, unsigned t,
                          unsigned r)
{
    const unsigned width = bits == 9 ? 16 : 8, apart = bits == 8 && twice ? 64 : 2 * width;
    const uint8_t *at = index + r * width / 2 + t * (bits == 8 ? (twice ? 128 : 64) : 4 * width);
    return _mm256_set_m128(levels_at(levels, at + apart, width), levels_at(levels, at, width));
}

#endif
