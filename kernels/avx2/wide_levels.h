/*
 * wide_levels.h - floats of codes of 7 to 9 bits, 8 columns of a row at once, without a gather.
 *
 *     planes  --shift, merge, store-->  indices   one byte each, two for 9 bits; codes of 8 bits are indices
 *     indices  --mov, movzx---------->  indices   four of a step and row, each in a register
 *              --vmovss, vinsertps--->  levels    of two steps
 *
 * Tables of 128 levels and more are too long to permute, and loads of single floats are twice as fast as a gather.
 */
#ifndef LSQ_KERNELS_AVX2_WIDE_LEVELS_H
#define LSQ_KERNELS_AVX2_WIDE_LEVELS_H

#include "kernels/avx2/float_levels.h"

#include <string.h>

/* The room that the indices of 4 rows and 8 steps may need. */
typedef struct indices {
    uint16_t of[8 * 16];
} indices;

INLINE void put(indices *index, unsigned at, __m256i v)
{
    _mm256_storeu_si256((__m256i *)(void *)index->of + at, v);
}

/* The indices of 16 lanes of a tile, step after step, in `room` or where they are anyway. */
INLINE const uint8_t *indices_of(indices *room, view from, const unsigned bits)
{
    if (bits == 8)
        return from.tile + from.lane;
    if (bits == 7)
#pragma GCC unroll 4
        for (unsigned t = 0; t < 8; t += 2)
            put(room, t / 2, codes(from, 7, t));
    else {
        __m256i ninth = _mm256_slli_epi16(_mm256_cvtepu8_epi16(lanes16(from, 8)), 8);
#pragma GCC unroll 8
        for (unsigned t = 0; t < 8; t++) {
            __m256i high = _mm256_and_si256(down(ninth, (int)t), _mm256_set1_epi16(256));
            put(room, t, _mm256_or_si256(_mm256_cvtepu8_epi16(lanes16(from, t)), high));
        }
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

/* Levels of steps t and t + 1 of row r of the quarter. */
INLINE __m256 wide_levels(const float *levels, const uint8_t *index, const unsigned bits, unsigned t, unsigned r)
{
    const unsigned width = bits == 9 ? 16 : 8, step = bits == 8 ? 64 : 2 * width;
    const uint8_t *at = index + t * step + r * width / 2;
    return _mm256_set_m128(levels_at(levels, at + step, width), levels_at(levels, at, width));
}

#endif
