/*
 * rounding.h - floats as integers under one scale: the scales of eight vectors at once, so that divisions are as few as they can be.
 *
 *     bits of |x| --max as integers, lanes of eight vectors into one-->  amax     a NaN is above an infinity is above all else
 *     amax, at least 2^-100 --divided-->  L / amax, amax / L              0 where amax is less; NaN is the scale of no number
 *
 * cvtps2dq rounds x * (L / amax) half to even, as adding 1.5 * 2^23 does.
 */
#ifndef LSQ_KERNELS_AVX2_ROUNDING_H
#define LSQ_KERNELS_AVX2_ROUNDING_H

#include "kernels/kernel.h"

#include <immintrin.h>

enum { EIGHT = 8 };

INLINE __m256i magnitude_bits(__m256 x)
{
    return _mm256_and_si256(_mm256_castps_si256(x), _mm256_set1_epi32(0x7fffffff));
}

INLINE __m256i joined(__m256i a, __m256i b, const int sum)
{
    return sum ? _mm256_add_epi32(a, b) : _mm256_max_epi32(a, b);
}

/* Of each of eight vectors the sum of its lanes, or the largest. */
INLINE __m256i lanes_joined(const __m256i v[EIGHT], const int sum)
{
    __m256i two[4], four[2];
    for (unsigned i = 0; i < 4; i++)
        two[i] =
            joined(_mm256_unpacklo_epi32(v[2 * i], v[2 * i + 1]), _mm256_unpackhi_epi32(v[2 * i], v[2 * i + 1]), sum);
    for (unsigned i = 0; i < 2; i++)
        four[i] = joined(_mm256_unpacklo_epi64(two[2 * i], two[2 * i + 1]),
                         _mm256_unpackhi_epi64(two[2 * i], two[2 * i + 1]), sum);
    return joined(_mm256_permute2x128_si256(four[0], four[1], 0x20), _mm256_permute2x128_si256(four[0], four[1], 0x31),
                  sum);
}

typedef struct scaling {
    __m256 inverse, scale;
    __m256i number; /* ones; 0 if there is a NaN or an infinity */
} scaling;

/* For the bits of eight largest magnitudes. */
INLINE scaling scaling_of(__m256i largest, const float limit)
{
    const __m256i least = _mm256_set1_epi32((127 - 100) << 23), infinity = _mm256_set1_epi32(0x7f800000);
    const __m256i number = _mm256_cmpgt_epi32(infinity, largest);
    const __m256 nothing = _mm256_castsi256_ps(_mm256_cmpgt_epi32(least, largest));
    const __m256 amax = _mm256_castsi256_ps(_mm256_max_epi32(largest, least)), l = _mm256_set1_ps(limit);
    const __m256 nan = _mm256_castsi256_ps(_mm256_andnot_si256(number, _mm256_set1_epi32(0x7fc00000)));
    scaling s = {.number = number};
    s.inverse = _mm256_andnot_ps(nothing, _mm256_div_ps(l, amax));
    s.scale = _mm256_or_ps(nan, _mm256_andnot_ps(nothing, _mm256_div_ps(amax, l)));
    return s;
}

INLINE __m256i rounded(__m256 x, __m256 inverse)
{
    return _mm256_cvtps_epi32(_mm256_mul_ps(x, inverse));
}

#endif
