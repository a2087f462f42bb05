/*
 * indices.h - codes as indices of loads, for tables that are too long for pshufb.
 */
#ifndef LSQ_KERNELS_SSE41_INDICES_H
#define LSQ_KERNELS_SSE41_INDICES_H

#include "kernels/sse41/bits.h"

/* Of step t, a row of 4 columns each: 16 bits a column. From 64 bits they are had at the price of a shift, not of an extraction. */
INLINE void indices(uint64_t row[4], const uint8_t *quarter, const unsigned bits, unsigned t)
{
    __m128i low = codes(quarter, bits < 8 ? bits : 8, t), high = _mm_setzero_si128();
    if (bits == 9)
        high = masked(down(load(quarter, 8), (int)t), 1);
    __m128i rows01 = _mm_unpacklo_epi8(low, high), rows23 = _mm_unpackhi_epi8(low, high);
    row[0] = (uint64_t)_mm_cvtsi128_si64(rows01);
    row[1] = (uint64_t)_mm_extract_epi64(rows01, 1);
    row[2] = (uint64_t)_mm_cvtsi128_si64(rows23);
    row[3] = (uint64_t)_mm_extract_epi64(rows23, 1);
}

INLINE unsigned nth(uint64_t row, unsigned column)
{
    return (uint16_t)(row >> 16 * column);
}

/* Levels of 16 bits by the indices of 2 rows. */
INLINE __m128i two_rows(const int16_t *level, uint64_t row0, uint64_t row1)
{
    __m128i v = _mm_cvtsi32_si128(level[nth(row0, 0)]);
    v = _mm_insert_epi16(v, level[nth(row0, 1)], 1);
    v = _mm_insert_epi16(v, level[nth(row0, 2)], 2);
    v = _mm_insert_epi16(v, level[nth(row0, 3)], 3);
    v = _mm_insert_epi16(v, level[nth(row1, 0)], 4);
    v = _mm_insert_epi16(v, level[nth(row1, 1)], 5);
    v = _mm_insert_epi16(v, level[nth(row1, 2)], 6);
    return _mm_insert_epi16(v, level[nth(row1, 3)], 7);
}

#endif
