/*
 * scales.h - byte scales as floats, for every AVX-512 level.
 */
#ifndef LSQ_KERNELS_AVX512_SCALES_H
#define LSQ_KERNELS_AVX512_SCALES_H

#include "kernels/kernel.h"

#include <immintrin.h>

/* The byte scales of 16 rows: bits of a half float, once the sign has moved from bit 7 to bit 15 and the rest to 12..6. */
INLINE __m512 byte_scales(const uint8_t *scales)
{
    __m256i b = _mm256_slli_epi16(_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)scales)), 6);
    return _mm512_cvtph_ps(_mm256_and_si256(b, _mm256_set1_epi16((int16_t)0x9fc0)));
}

#endif
