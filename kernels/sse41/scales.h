/*
 * scales.h - byte scales as floats.
 */
#ifndef LSQ_KERNELS_SSE41_SCALES_H
#define LSQ_KERNELS_SSE41_SCALES_H

#include "kernels/kernel.h"

#include <smmintrin.h>
#include <string.h>

/* Four bytes in the low lanes. */
INLINE __m128i four(const uint8_t *bytes)
{
    int32_t v;
    memcpy(&v, bytes, sizeof(v));
    return _mm_cvtsi32_si128(v);
}

/* The byte scales of 4 rows: bits of a float whose exponent is 112 too small; where that is 0, 2^-14 is added and taken back. */
INLINE __m128 byte_scales(const uint8_t *scales)
{
    __m128i b = _mm_slli_epi32(_mm_cvtepi8_epi32(four(scales)), 19);
    __m128i magnitude = _mm_and_si128(b, _mm_set1_epi32(0x03f80000)), least = _mm_set1_epi32(113 << 23);
    __m128i usual = _mm_add_epi32(magnitude, _mm_set1_epi32(112 << 23)), small = _mm_add_epi32(magnitude, least);
    __m128 below = _mm_sub_ps(_mm_castsi128_ps(small), _mm_castsi128_ps(least));
    __m128i is_small = _mm_cmplt_epi32(magnitude, _mm_set1_epi32(1 << 23));
    __m128 s = _mm_blendv_ps(_mm_castsi128_ps(usual), below, _mm_castsi128_ps(is_small));
    return _mm_or_ps(s, _mm_and_ps(_mm_castsi128_ps(b), _mm_set1_ps(-0.0f)));
}

#endif
