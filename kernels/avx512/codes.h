/*
 * codes.h - codes of 2 to 8 bits as whole bytes, and as words.
 *
 * A byte lane is a row and a column of four, and a shift of words brings any slot of it down, or any other byte; codec.h says where
 * the bits are. What is above a code is left there: tables repeat, and permutations look at no more bits than they need.
 */
#ifndef LSQ_KERNELS_AVX512_CODES_H
#define LSQ_KERNELS_AVX512_CODES_H

#include "kernels/avx512/bits.h"

/* 3 bits: slot `slot` of vector v, with slot + 2 in the upper half of each byte. */
INLINE __m512i two_codes(const uint8_t *tile, unsigned v, unsigned slot)
{
    __m512i two = load(tile, v), one = load(tile, 2);
    return merge(0x33, down(two, (int)slot * 2), down(one, (int)slot * 2 + (int)v - 2));
}

/* The codes of step t from bit 0 of each byte; of 8 bits and more, the lowest 8. */
INLINE __m512i codes_of(const uint8_t *tile, const unsigned bits, unsigned t)
{
    int j = (int)t / 2, up = (int)t % 2 * 4;
    if (bits >= 8)
        return load(tile, t);
    if (bits == 2)
        return down(load(tile, t / 4), (int)(t % 4) * 2);
    if (bits == 3)
        return down(two_codes(tile, t / 4, t % 2), (int)(t % 4 / 2) * 4);
    __m512i four = down(load(tile, (unsigned)j), up);
    if (bits == 4)
        return four;
    if (bits == 5)
        return merge(0x0f, four, down(load(tile, 4), up + j - 4));
    __m512i two = down(load(tile, 4 + (unsigned)j / 2), up + j % 2 * 2 - 4);
    if (bits == 7)
        two = merge(0x3f, two, down(load(tile, 6), up + j - 6));
    return merge(0x0f, four, two);
}

/* The codes of columns c and c + 2 of step t, c < 2, from bit 0 of each word: with one shift, where it can be done so. */
INLINE __m512i codes_of_columns(const uint8_t *tile, const unsigned bits, unsigned t, unsigned c)
{
    if (bits == 2)
        return down(load(tile, t / 4), (int)(8 * c + t % 4 * 2));
    if (bits == 3)
        return down(two_codes(tile, t / 4, t % 2), (int)(8 * c + t % 4 / 2 * 4));
    if (bits == 4)
        return down(load(tile, t / 2), (int)(8 * c + t % 2 * 4));
    return down(codes_of(tile, bits, t), (int)(8 * c));
}

#endif
