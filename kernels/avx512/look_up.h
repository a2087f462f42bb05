/*
 * look_up.h - tables of floats, indexed by 16 lanes.
 */
#ifndef LSQ_KERNELS_AVX512_LOOK_UP_H
#define LSQ_KERNELS_AVX512_LOOK_UP_H

#include "kernels/kernel.h"

#include <immintrin.h>

INLINE __m512 thirty_two_of(const float *table, __m512i index)
{
    return _mm512_permutex2var_ps(_mm512_loadu_ps(table), index, _mm512_loadu_ps(table + 16));
}

/* table[index], of 2^bits floats, up to 64; of at least 16 in memory. A permutation sees no more bits of an index than it needs. */
INLINE __m512 look_up(const float *table, unsigned bits, __m512i index)
{
    if (bits == 0)
        return _mm512_set1_ps(*table);
    if (bits <= 4)
        return _mm512_permutexvar_ps(index, _mm512_loadu_ps(table));
    const __m512 of32 = thirty_two_of(table, index);
    if (bits == 5)
        return of32;
    return _mm512_mask_blend_ps(_mm512_test_epi32_mask(index, _mm512_set1_epi32(32)), of32,
                                thirty_two_of(table + 32, index));
}

#endif
