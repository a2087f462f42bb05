/*
 * dot.h - levels of bytes times x with maddubs, which multiplies unsigned with signed bytes and must not saturate.
 *
 *     levels, x  --maddubs-->  pair sums   16 rows x 2, 16 bit
 *     pair sums  --madd 1--->  dots        16 rows, 32 bit
 *
 * Three ways to find an unsigned side. Up to 16 levels have 7 bits, |level| <= 63, and more of them 8.
 *
 * biased   levels of 7 bits are taken + 64, and dots start at -64 * sum(x). A pair sum is at most 2 * 127 * 127 < 2^15.
 * signed   |x| is the unsigned side, and the sign of x is bit 3 of an index into 8 levels and 8 negated ones: it comes with the mask.
 *          A sum of four products is at most 4 * 63 * 127 < 2^15, so that one madd serves two steps. With 16 levels a sign would
 *          be an instruction of its own, which is what it saves.
 * flipped  |x| is the unsigned side, and level ^ -1 = -level - 1 stands for -level where x < 0. The 1 too little for each negative x
 *          is given back before it is missed: dots start at the sum of -x over those. A pair sum is at most 2 * 127 * 128 < 2^15.
 */
#ifndef LSQ_KERNELS_AVX512_DOT_H
#define LSQ_KERNELS_AVX512_DOT_H

#include "kernels/avx512/bits.h"

enum { SIGN = 8 /* of x, in an index */, BIAS = 64 };

INLINE __m512i add_pairs(__m512i dot, __m512i pairs)
{
    return _mm512_add_epi32(dot, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
}

/* ---- Biased ---- */

/* 16 levels for pshufb. */
INLINE __m512i biased_table(__m128i levels)
{
    return _mm512_broadcast_i32x4(_mm_add_epi8(levels, _mm_set1_epi8(BIAS)));
}

/* What the dot of half a group starts at; `half` counts through the groups. */
INLINE __m512i biased_start(const lsq_gemv_args *a, size_t half)
{
    return _mm512_set1_epi32(a->bias[half] / 2); /* it is -128 * sum(x) */
}

/* Adds the products of a step. */
INLINE __m512i add_biased(__m512i dot, __m512i level, int32_t x)
{
    return add_pairs(dot, _mm512_maddubs_epi16(level, _mm512_set1_epi32(x)));
}

/* ---- Signed and flipped ---- */

/* One group of x: a dword a step. */
typedef struct signed_x {
    int32_t magnitude[8], sign[8];
} signed_x;

/* `sign_byte` is what bytes of x < 0 have there: SIGN, or -1 for flipped levels. */
INLINE signed_x signed_group(const int32_t *from, const int sign_byte)
{
    signed_x to;
    __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)from);
    __m256i sign = _mm256_and_si256(_mm256_cmpgt_epi8(_mm256_setzero_si256(), x), _mm256_set1_epi8((char)sign_byte));
    _mm256_storeu_si256((__m256i *)(void *)to.magnitude, _mm256_abs_epi8(x));
    _mm256_storeu_si256((__m256i *)(void *)to.sign, sign);
    __asm__("" : "+m"(to)); /* to be broadcast from memory, for nothing: out of a register each dword costs a shuffle */
    return to;
}

/* 8 levels for pshufb, and their negatives. */
INLINE __m512i signed_table(__m128i levels)
{
    return _mm512_broadcast_i32x4(_mm_unpacklo_epi64(levels, _mm_sub_epi8(_mm_setzero_si128(), levels)));
}

/* The levels of step t for the low three bits of an index, with the sign of x. */
INLINE __m512i signed_levels(__m512i table, __m512i index, const signed_x *x, unsigned t)
{
    index = _mm512_ternarylogic_epi32(index, _mm512_set1_epi8(7), _mm512_set1_epi32(x->sign[t]), 0xea);
    return _mm512_shuffle_epi8(table, index);
}

/* Adds the products of steps t and t + 1. */
INLINE __m512i add_signed(__m512i dot, __m512i level0, __m512i level1, const signed_x *x, unsigned t)
{
    __m512i pairs0 = _mm512_maddubs_epi16(_mm512_set1_epi32(x->magnitude[t]), level0);
    __m512i pairs1 = _mm512_maddubs_epi16(_mm512_set1_epi32(x->magnitude[t + 1]), level1);
    return add_pairs(dot, _mm512_add_epi16(pairs0, pairs1));
}

/* What the dot of half a group starts at. */
INLINE __m512i flipped_start(const lsq_gemv_args *a, size_t half)
{
    return _mm512_set1_epi32(a->negative[half]);
}

/* Adds the products of step t. */
INLINE __m512i add_flipped(__m512i dot, __m512i level, const signed_x *x, unsigned t)
{
    level = _mm512_xor_si512(level, _mm512_set1_epi32(x->sign[t]));
    return add_pairs(dot, _mm512_maddubs_epi16(_mm512_set1_epi32(x->magnitude[t]), level));
}

/* Levels of 32: 16 by the low four bits of `index`, the others where bit `bit` of `select` is 1. */
INLINE __m512i levels_of_32(const __m512i table[2], __m512i index, __m512i select, int bit)
{
    __mmask64 second = _mm512_test_epi8_mask(select, _mm512_set1_epi8((char)(1 << bit)));
    index = masked(index, 15);
    return _mm512_mask_shuffle_epi8(_mm512_shuffle_epi8(table[0], index), second, table[1], index);
}

#endif
