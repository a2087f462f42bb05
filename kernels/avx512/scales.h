/*
 * scales.h - byte scales as floats, for every AVX-512 level.
 */
#ifndef LSQ_KERNELS_AVX512_SCALES_H
#define LSQ_KERNELS_AVX512_SCALES_H

#include <immintrin.h>
#include <stdint.h>

/* The byte scales of 16 rows: sign and seven bits of a float, less 2^-7. */
static inline __m512 byte_scales(const uint8_t *scales)
{
    __m512i b = _mm512_slli_epi32(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)scales)), 19);
    const __m512i least = _mm512_set1_epi32(0x3c000000);                                          /* 2^-7 */
    __m512i magnitude = _mm512_ternarylogic_epi32(b, _mm512_set1_epi32(0x03f80000), least, 0xea); /* b & mask | least */
    __m512i s = _mm512_castps_si512(_mm512_sub_ps(_mm512_castsi512_ps(magnitude), _mm512_castsi512_ps(least)));
    return _mm512_castsi512_ps(_mm512_ternarylogic_epi32(s, b, _mm512_set1_epi32(INT32_MIN), 0x78)); /* s ^ b & sign */
}

#endif
