/*
 * scales.h - byte scales as floats.
 */
#ifndef LSQ_KERNELS_AVX2_SCALES_H
#define LSQ_KERNELS_AVX2_SCALES_H

#include <immintrin.h>
#include <stdint.h>

/* The byte scales of 8 rows: sign and seven bits of a float, less 2^-7. */
static inline __m256 byte_scales(const uint8_t *scales)
{
    __m256i b = _mm256_slli_epi32(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)scales)), 19);
    const __m256i least = _mm256_set1_epi32(0x3c000000); /* 2^-7 */
    __m256i magnitude = _mm256_or_si256(_mm256_and_si256(b, _mm256_set1_epi32(0x03f80000)), least);
    __m256 s = _mm256_sub_ps(_mm256_castsi256_ps(magnitude), _mm256_castsi256_ps(least));
    return _mm256_xor_ps(s, _mm256_and_ps(_mm256_castsi256_ps(b), _mm256_set1_ps(-0.0f)));
}

#endif
