/*
 * words.h - levels of 16 bits by indices of 5 to 9 bits, and their products with vpmaddwd.
 *
 * vpermw picks 32 words out of 32, vpermi2w out of 64, by the low bits of each word, whatever is above. Indices come as bytes, so
 * that even columns of a step (0 and 2) are looked up where they are, and odd ones (1 and 3) once they are shifted down by 8.
 */
#ifndef LSQ_KERNELS_AVX512_WORDS_H
#define LSQ_KERNELS_AVX512_WORDS_H

#include "kernels/kernel.h"

#include <immintrin.h>

/* Masks of the words whose index has a bit above the low six; bit[0] of the lowest. */
typedef struct above {
    __mmask32 bit[3];
} above;

/* Of 64 levels, of 128, of 256. One lookup is blended as soon as its neighbour is there: few registers are enough. */
INLINE __m512i word_of_64(const __m512i table[2], __m512i index)
{
    return _mm512_permutex2var_epi16(table[0], index, table[1]);
}

INLINE __m512i word_of_128(const __m512i table[4], __m512i index, const above *at)
{
    return _mm512_mask_mov_epi16(word_of_64(table, index), at->bit[0], word_of_64(table + 2, index));
}

INLINE __m512i word_of_256(const __m512i table[8], __m512i index, const above *at)
{
    return _mm512_mask_mov_epi16(word_of_128(table, index, at), at->bit[1], word_of_128(table + 4, index, at));
}

/* Levels by an index of 5 to 9 bits, those above six as masks; `table` has 32 levels a vector. */
INLINE __m512i words_of(const __m512i *table, const unsigned bits, __m512i index, const above *at)
{
    if (bits <= 6)
        return bits == 5 ? _mm512_permutexvar_epi16(index, table[0]) : word_of_64(table, index);
    if (bits == 7)
        return word_of_128(table, index, at);
    __m512i below = word_of_256(table, index, at);
    return bits == 8 ? below : _mm512_mask_mov_epi16(below, at->bit[2], word_of_256(table + 8, index, at));
}

/* 128 levels of bytes as tables of words. */
INLINE void word_tables(__m512i lower, __m512i upper, __m512i to[4])
{
    to[0] = _mm512_cvtepi8_epi16(_mm512_castsi512_si256(lower));
    to[1] = _mm512_cvtepi8_epi16(_mm512_extracti64x4_epi64(lower, 1));
    to[2] = _mm512_cvtepi8_epi16(_mm512_castsi512_si256(upper));
    to[3] = _mm512_cvtepi8_epi16(_mm512_extracti64x4_epi64(upper, 1));
}

/* Bit `bit` of each byte as masks of even columns (odd = 0) or odd ones. */
INLINE __mmask32 mask_of(__m512i v, int bit, int odd)
{
    return _mm512_test_epi16_mask(v, _mm512_set1_epi16((int16_t)(1 << (bit + 8 * odd))));
}

/* Adds the products of columns 0 and 2, or 1 and 3, with a dword of two x. */
INLINE __m512i add_words(__m512i dot, __m512i level, int32_t x)
{
    return _mm512_add_epi32(dot, _mm512_madd_epi16(level, _mm512_set1_epi32(x)));
}

/* A group of 8-bit x as words: of each step columns 0 and 2, and columns 1 and 3. */
typedef struct words_x {
    int32_t even[8], odd[8];
} words_x;

INLINE words_x words_of_bytes(const int32_t *from)
{
    words_x to;
    __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)from);
    _mm256_storeu_si256((__m256i *)(void *)to.even, _mm256_srai_epi16(_mm256_slli_epi16(x, 8), 8));
    _mm256_storeu_si256((__m256i *)(void *)to.odd, _mm256_srai_epi16(x, 8));
    __asm__("" : "+m"(to)); /* to be broadcast from memory, for nothing: out of a register each dword costs a shuffle */
    return to;
}

#endif
