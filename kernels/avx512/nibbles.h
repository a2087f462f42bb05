/*
 * nibbles.h - nibble scales as integers, for every AVX-512 level.
 */
#ifndef LSQ_KERNELS_AVX512_NIBBLES_H
#define LSQ_KERNELS_AVX512_NIBBLES_H

#include "kernels/codec.h"

#include <immintrin.h>

/* What nibbles stand for, as words: 16 for each step. */
typedef struct nibbles {
    __m512i part[2];
    unsigned mirrored;
} nibbles;

INLINE nibbles nibble_table(const lsq_tiles *w)
{
    nibbles t = {.mirrored = w->mirrored};
    for (unsigned i = 0; i < 2; i++) {
        const void *table = lsq_multipliers[w->mirrored][2 * i];
        const __m256i bytes = _mm256_loadu_si256((const __m256i *)table);
        t.part[i] = w->mirrored ? _mm512_cvtepi8_epi16(bytes) : _mm512_cvtepu8_epi16(bytes);
    }
    return t;
}

/* Multipliers of 16 rows for nibbles in the low bytes; step is the row's choice of 16, in bits 4 and 5 of the low bytes. */
INLINE __m512i multipliers_by(__m512i nibble, __m512i step, const nibbles *t)
{
    const __m512i low = _mm512_set1_epi32(15);
    __m512i index = _mm512_ternarylogic_epi32(nibble, low, step, 0xea); /* nibble & low | step */
    const __m512i m = _mm512_maskz_permutex2var_epi16(0x55555555, t->part[0], index, t->part[1]);
    return t->mirrored ? _mm512_srai_epi32(_mm512_slli_epi32(m, 16), 16) : m;
}

/* The steps of 16 rows, as multipliers_by() wants them. */
INLINE __m512i steps_of(const uint8_t *rows)
{
    const __m512i r = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)rows));
    return _mm512_slli_epi32(_mm512_srli_epi32(r, 6), 4);
}

/* The multipliers of a tile for columns [0, 16) and [16, 32); `halves`: each has its own. */
INLINE void tile_multipliers(const uint8_t *scales, const int halves, __m512i step, const nibbles *t, __m512i m[2])
{
    __m512i low, high;
    if (halves) {
        low = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)scales));
        high = _mm512_srli_epi32(low, 4);
    } else { /* rows 0..7 in the low nibbles */
        __m128i eight = _mm_loadl_epi64((const __m128i *)(const void *)scales);
        low = high = _mm512_cvtepu8_epi32(_mm_unpacklo_epi64(eight, _mm_srli_epi16(eight, 4)));
    }
    m[0] = multipliers_by(low, step, t);
    m[1] = multipliers_by(high, step, t);
}

#endif
