/*
 * scales.h - byte scales as floats.
 */
#ifndef LSQ_KERNELS_AVX2_SCALES_H
#define LSQ_KERNELS_AVX2_SCALES_H

#include "kernels/kernel.h"

#include <immintrin.h>

/* The byte scales of 8 rows: bits of a half float, once the sign has moved from bit 7 to bit 15 and the rest to 12..6. */
INLINE __m256 byte_scales(const uint8_t *scales)
{
    __m128i b = _mm_slli_epi16(_mm_cvtepi8_epi16(_mm_loadl_epi64((const __m128i *)(const void *)scales)), 6);
    return _mm256_cvtph_ps(_mm_and_si128(b, _mm_set1_epi16((int16_t)0x9fc0)));
}

/* Those of rows 8 half .. 8 half + 7 of a tile; 1 where the format has none. */
INLINE __m256 half_scales(const lsq_tiles *w, size_t tile, unsigned half)
{
    return w->scales ? byte_scales(w->scales + tile * 16 + 8 * half) : _mm256_set1_ps(1);
}

#endif
