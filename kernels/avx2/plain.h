/*
 * plain.h - levels of codes of 2 to 6 bits, half a step of a tile at a time, two steps together.
 */
#ifndef LSQ_KERNELS_AVX2_PLAIN_H
#define LSQ_KERNELS_AVX2_PLAIN_H

#include "kernels/avx2/bits.h"

INLINE __m256i lookup(__m256i table, __m256i index)
{
    return _mm256_shuffle_epi8(table, index);
}

/* The steps that are decoded together: neighbours, but with 3 bits one and the next but one. */
INLINE unsigned step_of(unsigned pair, const unsigned bits, unsigned which)
{
    return bits == 3 ? pair / 2 * 4 + pair % 2 + 2 * which : 2 * pair + which;
}

/*
 * Levels of two steps. pshufb looks at the low four bits of a byte, and wants bit 7 clear.
 *
 * 2 bits: both codes are one index of four bits, for two tables. 3 bits: both are merged at once, in two halves of a byte whose bits
 * 3 and 7 are clear, so that nothing needs to be masked again.
 */
INLINE void two_levels(const uint8_t *tile, unsigned half, const unsigned bits, unsigned pair, const __m256i table[4],
                       __m256i level[2])
{
    if (bits == 2) {
        __m256i index = masked(down(load(tile, pair / 2, half), (int)(pair % 2) * 4), 15);
        level[0] = lookup(table[0], index);
        level[1] = lookup(table[1], index);
    } else if (bits == 3) {
        const int v = (int)pair / 2, slot = (int)pair % 2;
        __m256i two = masked(down(load(tile, (unsigned)v, half), 2 * slot), 0x33);
        __m256i one = masked(down(load(tile, 2, half), slot ? v : v - 2), 0x44);
        __m256i index = _mm256_or_si256(two, one);
        level[0] = lookup(table[0], index);
        level[1] = lookup(table[0], down(index, 4));
    } else {
        const int v = (int)pair;
        for (int slot = 0; slot < 2; slot++) {
            __m256i index = masked(down(load(tile, pair, half), slot * 4), 15);
            level[slot] = lookup(table[0], index);
            if (bits == 4)
                continue;
            const int at =
                slot * 4 + (bits == 5 ? v : v % 2 * 2) - 7; /* where bit 4 is, from bit 7, which blends ask */
            __m256i plane = load(tile, bits == 5 ? 4 : 4 + pair / 2, half);
            level[slot] = blend(level[slot], lookup(table[1], index), down(plane, at));
            if (bits == 6) {
                __m256i above = blend(lookup(table[2], index), lookup(table[3], index), down(plane, at));
                level[slot] = blend(level[slot], above, down(plane, at + 1));
            }
        }
    }
}

/* Tables of 16 levels, each plus `offset`; shorter ones repeat, so that every one of them is there. */
INLINE void tables_of(const lsq_levels *levels, const unsigned bits, const int offset, __m256i table[4])
{
    for (unsigned i = 0; i < 4; i++) {
        __m128i part = _mm_loadu_si128((const __m128i *)(const void *)(levels->i8 + 16 * i));
        if (bits == 2 && i == 1) /* by bits 2 and 3 of the index */
            part = _mm_shuffle_epi8(part, _mm_setr_epi8(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3));
        table[i] = _mm256_broadcastsi128_si256(_mm_add_epi8(part, _mm_set1_epi8((char)offset)));
    }
}

#endif
