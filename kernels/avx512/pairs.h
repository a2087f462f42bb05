/*
 * pairs.h - two columns of levels as floats, from the two words of each dword.
 *
 * A dword is a row, and in each of its words is an index, with anything above it. A float whose lower half is zero, as of all
 * integers up to 256, is a word in the upper half of a dword: so words are looked up, twice as many at once as floats.
 *
 *     words  --vpermps--->           level of the lower word     16 rows, up to 4 bits; vpermi2ps for 5
 *     words  --vpermw, 0 below-->    level of the upper word     16 rows, up to 5 bits
 *     words  --vpermi2w-->  upper halves of both  --shift, and-->      both of 6 bits
 *
 * From 7 bits on several vpermi2w are blended, and an integer of 15 bits is made a float: 16384 more, and under the exponent of 2^23, it
 * is one from which 2^23 + 16384 is taken, exactly. The true logarithms of classic codes need all 32 bits: one more shift for up to 5
 * bits, and lower halves from a second table beyond.
 */
#ifndef LSQ_KERNELS_AVX512_PAIRS_H
#define LSQ_KERNELS_AVX512_PAIRS_H

#include "kernels/avx512/words.h"

/* What a lookup makes: a level's 16 upper bits, all 32 of them, or an integer. */
enum { HALVES, WHOLES, INTEGERS };
enum { BIAS = 16384 };

typedef struct pair_table {
    __m512 level[2];              /* the first 32 */
    __m512i upper[16], lower[16]; /* halves of the levels, as words; upper: or biased integers */
} pair_table;

INLINE __m512i halves_of(const float *levels, int shift, int biased)
{
    __m512i half[2];
    for (unsigned i = 0; i < 2; i++) {
        __m512 level = _mm512_loadu_ps(levels + 16 * i);
        if (biased)
            level = _mm512_add_ps(level, _mm512_set1_ps(0x1p23f + BIAS));
        half[i] = _mm512_srl_epi32(_mm512_castps_si512(level), _mm_cvtsi32_si128(shift));
    }
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi32_epi16(half[0])), _mm512_cvtepi32_epi16(half[1]),
                              1);
}

/* Fills the table for codes of `bits` bits, and returns what lookups make. */
INLINE int pair_table_of(pair_table *t, const float *levels, const unsigned bits, const int integers)
{
    __m512i any = _mm512_setzero_si512();
    for (unsigned i = 0; i < 2; i++)
        t->level[i] = _mm512_loadu_ps(levels + 16 * i);
    for (unsigned i = 0; i < 2 || 32 * i < 1u << bits; i++) {
        t->lower[i] = halves_of(levels + 32 * i, 0, 0);
        t->upper[i] = halves_of(levels + 32 * i, integers ? 0 : 16, integers);
        any = _mm512_or_si512(any, t->lower[i]);
    }
    return integers ? INTEGERS : _mm512_test_epi32_mask(any, any) ? WHOLES : HALVES;
}

/* Bits 6 and 7 of each word's index. */
INLINE above above_of(__m512i words, const unsigned bits)
{
    above over = {{0}};
    if (bits > 6)
        over.bit[0] = mask_of(words, 6, 0);
    if (bits > 7)
        over.bit[1] = mask_of(words, 7, 0);
    return over;
}

/* The levels of the lower words and of the upper ones. */
INLINE void pair_of(const pair_table *t, const unsigned bits, const int how, __m512i words, const above *over,
                    __m512 level[2])
{
    const __m512i up = _mm512_set1_epi32((int)0xffff0000);
    __m512i a, b;
    if (bits <= 5) {
        __m512i next = how == HALVES ? words : _mm512_srli_epi32(words, 16);
        a = _mm512_castps_si512(bits == 5 ? _mm512_permutex2var_ps(t->level[0], words, t->level[1])
                                          : _mm512_permutexvar_ps(words, t->level[0]));
        if (how == HALVES)
            b = _mm512_maskz_permutexvar_epi16(0xaaaaaaaa, next, t->upper[0]);
        else
            b = _mm512_castps_si512(bits == 5 ? _mm512_permutex2var_ps(t->level[0], next, t->level[1])
                                              : _mm512_permutexvar_ps(next, t->level[0]));
    } else {
        __m512i upper = words_of(t->upper, bits, words, over);
        if (how == INTEGERS) {
            const __m512i exponent = _mm512_set1_epi32(0x4b000000);
            const __m512 bias = _mm512_set1_ps(0x1p23f + BIAS);
            a = _mm512_ternarylogic_epi32(up, exponent, upper, 0xca);
            b = _mm512_or_si512(exponent, _mm512_srli_epi32(upper, 16));
            level[0] = _mm512_sub_ps(_mm512_castsi512_ps(a), bias);
            level[1] = _mm512_sub_ps(_mm512_castsi512_ps(b), bias);
            return;
        }
        a = _mm512_slli_epi32(upper, 16);
        b = _mm512_and_si512(upper, up);
        if (how == WHOLES) {
            __m512i lower = words_of(t->lower, bits, words, over);
            a = _mm512_ternarylogic_epi32(up, a, lower, 0xca);
            b = _mm512_or_si512(b, _mm512_srli_epi32(lower, 16));
        }
    }
    level[0] = _mm512_castsi512_ps(a);
    level[1] = _mm512_castsi512_ps(b);
}

#endif
