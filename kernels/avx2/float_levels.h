/*
 * float_levels.h - floats looked up byte by byte: 32 codes of up to 6 bits at once, without a gather.
 *
 *     low index  --pshufb, blends-->  byte b of the levels    b = 2, 3; 0 and 1 too where some level needs them
 *     bytes      --vpunpck--------->  halves of the levels    bytes 2 and 3; bytes 0 and 1
 *
 * Integer levels, |level| <= 127, have 8 significant bits: bytes 0 and 1 of such a float are 0, and half of the work falls away.
 */
#ifndef LSQ_KERNELS_AVX2_FLOAT_LEVELS_H
#define LSQ_KERNELS_AVX2_FLOAT_LEVELS_H

#include "kernels/avx2/view.h"

/* Byte b of the level of code 16 i + j is in part[b][i], at j. */
typedef struct byte_tables {
    __m256i part[4][4];
} byte_tables;

INLINE unsigned tables_of(const unsigned bits)
{
    return bits <= 4 ? 1 : 1u << (bits - 4);
}

/* Byte b of 16 floats. */
INLINE __m128i bytes_of(const float *levels, int b)
{
    const __m128i mask = _mm_set1_epi32(255), *four = (const __m128i *)(const void *)levels;
    __m128i at[4];
    for (unsigned i = 0; i < 4; i++)
        at[i] = _mm_and_si128(_mm_srli_epi32(_mm_loadu_si128(four + i), 8 * b), mask);
    return _mm_packus_epi16(_mm_packus_epi32(at[0], at[1]), _mm_packus_epi32(at[2], at[3]));
}

INLINE byte_tables byte_tables_of(const float *levels, const unsigned bits)
{
    byte_tables t;
    for (int b = 0; b < 4; b++)
        for (unsigned i = 0; i < tables_of(bits); i++)
            t.part[b][i] = _mm256_broadcastsi128_si256(bytes_of(levels + 16 * i, b));
    return t;
}

/* Are bytes 0 and 1 of every level 0? */
INLINE int levels_short(const byte_tables *t, const unsigned bits)
{
    __m256i any = _mm256_setzero_si256();
    for (unsigned i = 0; i < tables_of(bits); i++)
        any = _mm256_or_si256(any, _mm256_or_si256(t->part[0][i], t->part[1][i]));
    return _mm256_testz_si256(any, any);
}

/* Byte b of 32 levels; bits 4 and 5 of their codes are in bit 7 of each byte. */
INLINE __m256i level_bytes(const byte_tables *t, const unsigned bits, unsigned b, __m256i low, __m256i bit4,
                           __m256i bit5)
{
    __m256i level = _mm256_shuffle_epi8(t->part[b][0], low);
    if (bits <= 4)
        return level;
    level = _mm256_blendv_epi8(level, _mm256_shuffle_epi8(t->part[b][1], low), bit4);
    if (bits == 5)
        return level;
    __m256i above =
        _mm256_blendv_epi8(_mm256_shuffle_epi8(t->part[b][2], low), _mm256_shuffle_epi8(t->part[b][3], low), bit4);
    return _mm256_blendv_epi8(level, above, bit5);
}

/* Words of 32 levels, in each 128 bits the low or the high 8 of them. */
typedef struct words {
    __m256i low, high;
} words;

INLINE words interleave(__m256i even, __m256i odd)
{
    return (words){_mm256_unpacklo_epi8(even, odd), _mm256_unpackhi_epi8(even, odd)};
}

/* The upper halves of the floats of step t; and the lower ones, which are 0 if the tables are short. */
typedef struct halves {
    words upper, lower;
} halves;

INLINE halves levels_of(const byte_tables *table, view from, const unsigned bits, unsigned t, const int is_short)
{
    __m256i low = low_index(from, bits, t), bit4 = low, bit5 = low, byte[4];
    if (bits > 4)
        bit4 = high_bit(from, bits, t, 4, 7);
    if (bits > 5)
        bit5 = high_bit(from, bits, t, 5, 7);
    for (unsigned b = is_short ? 2 : 0; b < 4; b++)
        byte[b] = level_bytes(table, bits, b, low, bit4, bit5);
    const words zero = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    return (halves){interleave(byte[2], byte[3]), is_short ? zero : interleave(byte[0], byte[1])};
}

#endif
