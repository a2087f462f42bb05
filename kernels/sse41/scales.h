/*
 * scales.h - byte scales as floats, nibbles as the integers that they stand for.
 */
#ifndef LSQ_KERNELS_SSE41_SCALES_H
#define LSQ_KERNELS_SSE41_SCALES_H

#include "kernels/codec.h"
#include "kernels/sse41/bits.h"

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

/* Of the panel's rows: bit 7 where step i is not the row's choice, so that pshufb gives 0. */
INLINE void steps_of(__m128i other[4], const lsq_tiles *w, size_t p)
{
    __m128i rows = _mm_loadu_si128((const __m128i *)(const void *)(w->rows + p * PANEL));
    for (unsigned i = 0; i < 4; i++) {
        __m128i same = _mm_cmpeq_epi8(masked(rows, 0xc0), _mm_set1_epi8((char)(64 * i)));
        other[i] = _mm_andnot_si128(same, _mm_set1_epi8(-128));
    }
}

INLINE __m128i multipliers_of(__m128i nibbles, const __m128i other[4], const uint8_t table[4][16])
{
    __m128i m = _mm_setzero_si128();
    for (unsigned i = 0; i < 4; i++) {
        __m128i values = _mm_loadu_si128((const __m128i *)(const void *)table[i]);
        m = _mm_or_si128(m, _mm_shuffle_epi8(values, _mm_or_si128(nibbles, other[i])));
    }
    return m;
}

/* Multipliers of 16 rows, for columns [0, 16) and [16, 32). */
INLINE void multipliers(uint8_t to[2][PANEL], const lsq_tiles *w, size_t tile, const __m128i other[4])
{
    const uint8_t(*table)[16] = lsq_multipliers[w->mirrored];
    __m128i m[2];
    if (w->scale == LSQ_SCALE_NIBBLE16) {
        __m128i nibbles = _mm_loadu_si128((const __m128i *)(const void *)(w->scales + tile * PANEL));
        m[0] = multipliers_of(masked(nibbles, 15), other, table);
        m[1] = multipliers_of(masked(down(nibbles, 4), 15), other, table);
    } else { /* rows 0..7 in the low nibbles */
        __m128i eight = _mm_loadl_epi64((const __m128i *)(const void *)(w->scales + tile * 8));
        m[0] = m[1] = multipliers_of(masked(_mm_unpacklo_epi64(eight, down(eight, 4)), 15), other, table);
    }
    _mm_storeu_si128((__m128i *)(void *)to[0], m[0]);
    _mm_storeu_si128((__m128i *)(void *)to[1], m[1]);
}

/* Those of 4 rows. */
INLINE __m128i four_multipliers(const lsq_tiles *w, const uint8_t *m)
{
    return w->mirrored ? _mm_cvtepi8_epi32(four(m)) : _mm_cvtepu8_epi32(four(m));
}

#endif
