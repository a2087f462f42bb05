/*
 * floats.h - levels as floats, of 4 rows x 4 columns: a vector for each row.
 */
#ifndef LSQ_KERNELS_SSE41_FLOATS_H
#define LSQ_KERNELS_SSE41_FLOATS_H

#include "kernels/sse41/indices.h"
#include "kernels/sse41/plain.h"

/* Signed bytes. */
INLINE void floats_of(__m128 row[4], __m128i level)
{
    row[0] = _mm_cvtepi32_ps(_mm_cvtepi8_epi32(level));
    row[1] = _mm_cvtepi32_ps(_mm_cvtepi8_epi32(_mm_shuffle_epi32(level, 1)));
    row[2] = _mm_cvtepi32_ps(_mm_cvtepi8_epi32(_mm_shuffle_epi32(level, 2)));
    row[3] = _mm_cvtepi32_ps(_mm_cvtepi8_epi32(_mm_shuffle_epi32(level, 3)));
}

/* What codes of step t stand for: `whole` levels from tables of bytes (plain.h), others one by one from their floats. */
INLINE void plain_levels(__m128 row[4], const uint8_t *quarter, const unsigned bits, unsigned t, const int whole,
                         const __m128i table[4], const float *level)
{
    uint64_t at[4];
    if (whole) {
        floats_of(row, level_of(quarter, bits, t, table));
        return;
    }
    indices(at, quarter, bits, t);
    for (unsigned r = 0; r < 4; r++)
        row[r] = _mm_setr_ps(level[nth(at[r], 0)], level[nth(at[r], 1)], level[nth(at[r], 2)], level[nth(at[r], 3)]);
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
