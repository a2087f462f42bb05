/*
 * floats.h - levels as floats: of 4 rows x 4 columns, a vector for each row.
 */
#ifndef LSQ_KERNELS_SSE41_FLOATS_H
#define LSQ_KERNELS_SSE41_FLOATS_H

#include "kernels/sse41/indices.h"

/* Signed bytes. */
INLINE void floats_of(__m128 row[4], __m128i level)
{
    row[0] = _mm_cvtepi32_ps(_mm_cvtepi8_epi32(level));
    row[1] = _mm_cvtepi32_ps(_mm_cvtepi8_epi32(_mm_shuffle_epi32(level, 1)));
    row[2] = _mm_cvtepi32_ps(_mm_cvtepi8_epi32(_mm_shuffle_epi32(level, 2)));
    row[3] = _mm_cvtepi32_ps(_mm_cvtepi8_epi32(_mm_shuffle_epi32(level, 3)));
}

/* Up to 16 floats as four tables for pshufb: plane b is byte b of each. */
INLINE void planes_of(__m128i plane[4], const float *levels)
{
    __m128i v[4];
    for (unsigned i = 0; i < 4; i++)
        v[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)(levels + 4 * i)),
                                _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    __m128i low01 = _mm_unpacklo_epi32(v[0], v[1]), low23 = _mm_unpacklo_epi32(v[2], v[3]);
    __m128i high01 = _mm_unpackhi_epi32(v[0], v[1]), high23 = _mm_unpackhi_epi32(v[2], v[3]);
    plane[0] = _mm_unpacklo_epi64(low01, low23);
    plane[1] = _mm_unpackhi_epi64(low01, low23);
    plane[2] = _mm_unpacklo_epi64(high01, high23);
    plane[3] = _mm_unpackhi_epi64(high01, high23);
}

/* The levels of step t. The planes serve codes of up to 4 bits; others load their levels one by one. */
INLINE void plain_levels(__m128 row[4], const uint8_t *quarter, const unsigned bits, unsigned t, const __m128i plane[4],
                         const float *level)
{
    if (bits <= 4) {
        __m128i code = codes(quarter, bits, t), byte[4];
        for (unsigned b = 0; b < 4; b++)
            byte[b] = _mm_shuffle_epi8(plane[b], code);
        __m128i low01 = _mm_unpacklo_epi8(byte[0], byte[1]), high01 = _mm_unpackhi_epi8(byte[0], byte[1]);
        __m128i low23 = _mm_unpacklo_epi8(byte[2], byte[3]), high23 = _mm_unpackhi_epi8(byte[2], byte[3]);
        row[0] = _mm_castsi128_ps(_mm_unpacklo_epi16(low01, low23));
        row[1] = _mm_castsi128_ps(_mm_unpackhi_epi16(low01, low23));
        row[2] = _mm_castsi128_ps(_mm_unpacklo_epi16(high01, high23));
        row[3] = _mm_castsi128_ps(_mm_unpackhi_epi16(high01, high23));
    } else {
        uint64_t at[4];
        indices(at, quarter, bits, t);
        for (unsigned r = 0; r < 4; r++)
            row[r] =
                _mm_setr_ps(level[nth(at[r], 0)], level[nth(at[r], 1)], level[nth(at[r], 2)], level[nth(at[r], 3)]);
    }
}

/* Adds the products of 4 columns to four partial sums of each row. */
INLINE void add_products(__m128 sum[4], const __m128 row[4], __m128 x)
{
    for (unsigned r = 0; r < 4; r++)
        sum[r] = _mm_add_ps(sum[r], _mm_mul_ps(row[r], x));
}

/* The partial sums of each row, added. */
INLINE __m128 row_sums(const __m128 sum[4])
{
    __m128 s01 = _mm_add_ps(_mm_unpacklo_ps(sum[0], sum[1]), _mm_unpackhi_ps(sum[0], sum[1]));
    __m128 s23 = _mm_add_ps(_mm_unpacklo_ps(sum[2], sum[3]), _mm_unpackhi_ps(sum[2], sum[3]));
    return _mm_add_ps(_mm_movelh_ps(s01, s23), _mm_movehl_ps(s23, s01));
}

/* Decoded rows of 4 columns: each times its row's factor, to out. */
INLINE void store_rows(float *out, size_t ld, const __m128 row[4], __m128 factor)
{
    _mm_storeu_ps(out, _mm_mul_ps(_mm_shuffle_ps(factor, factor, 0x00), row[0]));
    _mm_storeu_ps(out + ld, _mm_mul_ps(_mm_shuffle_ps(factor, factor, 0x55), row[1]));
    _mm_storeu_ps(out + 2 * ld, _mm_mul_ps(_mm_shuffle_ps(factor, factor, 0xaa), row[2]));
    _mm_storeu_ps(out + 3 * ld, _mm_mul_ps(_mm_shuffle_ps(factor, factor, 0xff), row[3]));
}

#endif
