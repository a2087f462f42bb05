/*
 * float_levels.h - floats looked up byte by byte: 32 codes of up to 6 bits at once, without a gather.
 *
 *     code   --pshufb------>  byte b of the level     b = 2, 3; 0 and 1 too where some level needs them
 *     bytes  --vpunpcklbw-->  halves of floats        bytes 2 and 3, bytes 0 and 1
 *
 * Integer levels, |level| <= 127, have 8 significant bits: bytes 0 and 1 of the float are 0, and half of the work falls away.
 * A table has 16 codes. That of codes 16 i and up is looked up with code - 16 i, which gives 0 where it is negative, and has what changes
 * from the table below: so the XOR of all of them is the level.
 */
#ifndef LSQ_KERNELS_AVX2_FLOAT_LEVELS_H
#define LSQ_KERNELS_AVX2_FLOAT_LEVELS_H

#include "kernels/avx2/bits.h"
#include "kernels/kernel.h"

#include <immintrin.h>

typedef struct byte_tables {
    __m256i part[4][4]; /* byte of the float, 16 codes each */
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
        for (unsigned i = 0; i < tables_of(bits); i++) {
            __m128i part = bytes_of(levels + 16 * i, b);
            if (i > 0)
                part = _mm_xor_si128(part, bytes_of(levels + 16 * (i - 1), b));
            t.part[b][i] = _mm256_broadcastsi128_si256(part);
        }
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

/* Byte b of the levels of 32 codes. */
INLINE __m256i level_bytes(const byte_tables *t, const unsigned bits, unsigned b, __m256i code)
{
    __m256i level = _mm256_shuffle_epi8(t->part[b][0], code);
    for (unsigned i = 1; i < tables_of(bits); i++) {
        __m256i above = _mm256_sub_epi8(code, _mm256_set1_epi8((char)(16 * i)));
        level = _mm256_xor_si256(level, _mm256_shuffle_epi8(t->part[b][i], above));
    }
    return level;
}

/* Words of 32 levels, in each 128 bits the low or the high 8 of them: bytes b and b + 1. */
typedef struct words {
    __m256i low, high;
} words;

INLINE words level_words(const byte_tables *t, const unsigned bits, unsigned b, __m256i code)
{
    __m256i even = level_bytes(t, bits, b, code), odd = level_bytes(t, bits, b + 1, code);
    return (words){_mm256_unpacklo_epi8(even, odd), _mm256_unpackhi_epi8(even, odd)};
}

/* ---- Codes ---- */

/* Byte lanes of a tile from `lane` on: 32 of them; or 16 twice, then in the upper 128 bits one slot further on. */
typedef struct view {
    const uint8_t *tile;
    unsigned lane;
    int twice;
} view;

INLINE __m128i lanes16(view from, unsigned vector)
{
    return _mm_loadu_si128((const __m128i *)(const void *)(from.tile + 64 * vector + from.lane));
}

INLINE __m256i plane(view from, unsigned vector, int bits, const int width)
{
    if (!from.twice)
        return down(load(from.tile, vector, from.lane / 32), bits);
    __m256i both = _mm256_broadcastsi128_si256(lanes16(from, vector));
    return down(_mm256_srlv_epi32(both, _mm256_setr_epi32(0, 0, 0, 0, width, width, width, width)), bits);
}

/* Codes of step t, up to 8 bits of them, one a byte; codec.h says where each plane has them. */
INLINE __m256i codes(view from, const unsigned bits, unsigned t)
{
    const unsigned width = bits >= 8 ? 8 : bits >= 4 ? 4 : 2, v = t * width / 8, at = t % (8 / width) * width;
    __m256i code = masked(plane(from, v, (int)at, (int)width), (1 << width) - 1);
    unsigned shift = width, vector = width; /* of the plane that comes next */
    for (unsigned next = width / 2; next; next /= 2)
        if (bits & next) {
            unsigned within = at + v % (width / next) * next;
            __m256i part = plane(from, vector + v * next / width, (int)within - (int)shift, (int)width);
            code = _mm256_or_si256(code, masked(part, ((1 << next) - 1) << shift));
            shift += next;
            vector += next;
        }
    return code;
}

#endif
