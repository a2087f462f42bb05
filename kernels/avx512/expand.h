/*
 * expand.h - levels by an index of 2 to 7 bits as bytes, and rows of words in their order.
 *
 *     indices  --pshufb------------>  levels    up to 4 bits
 *     indices  --vpermw, vpermi2w-->  levels of even columns, and of odd ones  --shift, merge-->  levels
 */
#ifndef LSQ_KERNELS_AVX512_EXPAND_H
#define LSQ_KERNELS_AVX512_EXPAND_H

#include "kernels/avx512/bits.h"
#include "kernels/avx512/words.h"

/* Of 128 levels, repeated to the end. */
INLINE void byte_tables(__m512i lower, __m512i upper, const unsigned bits, __m512i to[4])
{
    word_tables(lower, upper, to);
    if (bits <= 4)
        to[0] = _mm512_broadcast_i32x4(_mm512_castsi512_si128(lower));
}

/* What is above the low bits of an index does not matter. */
INLINE __m512i bytes_of(const __m512i table[4], const unsigned bits, __m512i index)
{
    if (bits <= 4)
        return _mm512_shuffle_epi8(table[0], masked(index, 15));
    const __m512i next = down(index, 8);
    above even = {{0}}, odd = {{0}};
    if (bits == 7) {
        even.bit[0] = mask_of(index, 6, 0);
        odd.bit[0] = mask_of(index, 6, 1);
    }
    const __m512i low = words_of(table, bits, index, &even), high = words_of(table, bits, next, &odd);
    return _mm512_ternarylogic_epi32(_mm512_set1_epi16(0xff), low, _mm512_slli_epi16(high, 8), 0xca);
}

#endif
