/*
 * rounding.h - floats as integers under one scale each, sixteen spans of them at a time, for every AVX-512 level.
 *
 *     floats  --vpandd, vpmaxsd-->  magnitudes   16 lanes of a span; as integers, so that infinities and NaNs are the largest
 *     16 spans  --joined----->      largest      a span in each lane
 *     L / largest, largest / L -->  inverse, scale, and whether there is anything to scale
 *     floats * inverse  --vcvtps2dq-->  q        half to even, as the sum with 1.5 * 2^23 is
 *
 * Bounds: |q| <= 127 or 4095, since amax * (L / amax) is L up to two roundings.
 */
#ifndef LSQ_KERNELS_AVX512_ROUNDING_H
#define LSQ_KERNELS_AVX512_ROUNDING_H

#include "kernels/kernel.h"

#include <immintrin.h>

enum { SPANS = 16 };

typedef __m512i combine(__m512i a, __m512i b);

/* Of each of two vectors both halves combined: lanes 0 with 2, 1 with 3; of v0, then of v1. */
INLINE __m512i halves_joined(__m512i v0, __m512i v1, combine *with)
{
    return with(_mm512_shuffle_i32x4(v0, v1, 0x44), _mm512_shuffle_i32x4(v0, v1, 0xee));
}

/* Of two such results the neighbours combined: lane i is all of the i-th of four vectors. */
INLINE __m512i quarters_joined(__m512i v01, __m512i v23, combine *with)
{
    return with(_mm512_shuffle_i32x4(v01, v23, 0x88), _mm512_shuffle_i32x4(v01, v23, 0xdd));
}

INLINE __m512i lanes_joined(__m512i v0, __m512i v1, __m512i v2, __m512i v3, combine *with)
{
    return quarters_joined(halves_joined(v0, v1, with), halves_joined(v2, v3, with), with);
}

INLINE __m512i larger(__m512i a, __m512i b)
{
    return _mm512_max_epi32(a, b);
}

/* In dword i of each lane the largest dword that the i-th of four vectors has there. */
INLINE __m512i dwords_joined(const __m512i v[4])
{
    const __m512i v01 = larger(_mm512_unpacklo_epi32(v[0], v[1]), _mm512_unpackhi_epi32(v[0], v[1])),
                  v23 = larger(_mm512_unpacklo_epi32(v[2], v[3]), _mm512_unpackhi_epi32(v[2], v[3]));
    return larger(_mm512_unpacklo_epi64(v01, v23), _mm512_unpackhi_epi64(v01, v23));
}

INLINE __m512i magnitudes(__m512 v)
{
    return _mm512_and_si512(_mm512_castps_si512(v), _mm512_set1_epi32(0x7fffffff));
}

typedef struct scaling {
    __m512 inverse, scale;
    __m512i finite; /* ones, or zeros where an infinity or a NaN is among the floats */
} scaling;

/* Of sixteen spans, from the largest of their magnitudes. What cannot be a divisor is not divided by. */
INLINE scaling scaling_by(__m512i largest, const float limit)
{
    const __m512i infinity = _mm512_set1_epi32(0x7f800000), below = _mm512_set1_epi32(((127 - 100) << 23) - 1);
    const __mmask16 finite = _mm512_cmpgt_epi32_mask(infinity, largest),
                    usable = finite & _mm512_cmpgt_epi32_mask(largest, below);
    const __m512 l = _mm512_set1_ps(limit),
                 amax = _mm512_mask_mov_ps(_mm512_set1_ps(1), usable, _mm512_castsi512_ps(largest));
    const __m512 scale = _mm512_maskz_mov_ps(usable, _mm512_div_ps(amax, l)),
                 nan = _mm512_castsi512_ps(_mm512_set1_epi32(0x7fc00000));
    return (scaling){_mm512_maskz_mov_ps(usable, _mm512_div_ps(l, amax)), _mm512_mask_mov_ps(nan, finite, scale),
                     _mm512_maskz_set1_epi32(finite, -1)};
}

/* Wherever in a vector the largest is. */
INLINE scaling scaling_of(const __m512i v[SPANS], const float limit)
{
    return scaling_by(
        lanes_joined(dwords_joined(v), dwords_joined(v + 4), dwords_joined(v + 8), dwords_joined(v + 12), larger),
        limit);
}

/* Those of sixteen spans, each to be broadcast. */
typedef struct span_scales {
    _Alignas(64) float inverse[SPANS], scale[SPANS];
    _Alignas(64) int32_t finite[SPANS];
} span_scales;

INLINE void store_scales(span_scales *to, scaling s)
{
    _mm512_store_ps(to->inverse, s.inverse);
    _mm512_store_ps(to->scale, s.scale);
    _mm512_store_si512(to->finite, s.finite);
}

/* Sixteen floats of span i. Zero times an infinity would not be zero. */
INLINE __m512i rounded(__m512 v, const span_scales *s, size_t i)
{
    const __m512i numbers = _mm512_and_si512(_mm512_castps_si512(v), _mm512_set1_epi32(s->finite[i]));
    return _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_castsi512_ps(numbers), _mm512_set1_ps(s->inverse[i])));
}

#endif
