/*
 * rounding.h - floats as integers under one scale.
 *
 *     bits of |x| --max as integers-->  amax                  a NaN is above an infinity is above all else
 *     amax, at least 2^-100 --divided-->  L / amax, amax / L  0 where amax is less; NaN is the scale of no number
 *
 * cvtps2dq rounds x * (L / amax) half to even, as adding 1.5 * 2^23 does.
 */
#ifndef LSQ_KERNELS_SSE41_ROUNDING_H
#define LSQ_KERNELS_SSE41_ROUNDING_H

#include "kernels/kernel.h"

#include <smmintrin.h>

INLINE __m128i magnitude_bits(__m128 x)
{
    return _mm_and_si128(_mm_castps_si128(x), _mm_set1_epi32(0x7fffffff));
}

typedef struct scaling {
    __m128 inverse, scale;
    __m128i number; /* ones; 0 if there is a NaN or an infinity */
} scaling;

/* For the bits of the largest magnitude in each lane. */
INLINE scaling lane_scaling(__m128i largest, const float limit)
{
    const __m128i least = _mm_set1_epi32((127 - 100) << 23), infinity = _mm_set1_epi32(0x7f800000);
    const __m128i number = _mm_cmpgt_epi32(infinity, largest);
    const __m128 nothing = _mm_castsi128_ps(_mm_cmpgt_epi32(least, largest));
    const __m128 amax = _mm_castsi128_ps(_mm_max_epi32(largest, least));
    __m128 l = _mm_set1_ps(limit);
    __asm__("" : "+x"(l)); /* where one lane of the scale is wanted, clang would divide by zero in the others */
    const __m128 nan = _mm_castsi128_ps(_mm_andnot_si128(number, _mm_set1_epi32(0x7fc00000)));
    scaling s = {.number = number};
    s.inverse = _mm_andnot_ps(nothing, _mm_div_ps(l, amax));
    s.scale = _mm_or_ps(nan, _mm_andnot_ps(nothing, _mm_div_ps(amax, l)));
    return s;
}

/* All lanes alike, for the bits of magnitudes, of which one is the largest. */
INLINE scaling scaling_of(__m128i largest, const float limit)
{
    largest = _mm_max_epi32(largest, _mm_shuffle_epi32(largest, 0x4e));
    largest = _mm_max_epi32(largest, _mm_shuffle_epi32(largest, 0xb1));
    return lane_scaling(largest, limit);
}

/* Zeros where there is no number. */
INLINE __m128i rounded(__m128 x, const scaling *s)
{
    return _mm_and_si128(_mm_cvtps_epi32(_mm_mul_ps(x, s->inverse)), s->number);
}

#endif
