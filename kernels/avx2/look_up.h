/*
 * look_up.h - tables of floats, indexed by 8 lanes.
 */
#ifndef LSQ_KERNELS_AVX2_LOOK_UP_H
#define LSQ_KERNELS_AVX2_LOOK_UP_H

#include "kernels/kernel.h"

#include <immintrin.h>

INLINE __m256 eight_of(const float *table, __m256i index)
{
    return _mm256_permutevar8x32_ps(_mm256_loadu_ps(table), index);
}

/* `b` in lanes whose index has this bit set. */
INLINE __m256 by_bit(__m256 a, __m256 b, __m256i index, int bit)
{
    return _mm256_blendv_ps(a, b, _mm256_castsi256_ps(_mm256_slli_epi32(index, 31 - bit)));
}

INLINE __m256 sixteen_of(const float *table, __m256i index)
{
    return by_bit(eight_of(table, index), eight_of(table + 8, index), index, 3);
}

/* table[index], of 2^bits floats; of at least 8 in memory. A permutation sees the low three bits of an index alone. */
INLINE __m256 look_up(const float *table, unsigned bits, __m256i index)
{
    if (bits == 0)
        return _mm256_set1_ps(*table);
    if (bits <= 3)
        return eight_of(table, index);
    if (bits == 4)
        return sixteen_of(table, index);
    if (bits == 5)
        return by_bit(sixteen_of(table, index), sixteen_of(table + 16, index), index, 4);
    return _mm256_i32gather_ps(table, index, 4);
}

#endif
