/*
 * wide_index.h - indices of 7 to 9 bits, on AVX-512: six as they are, those above as masks.
 */
#ifndef LSQ_KERNELS_AVX512_WIDE_INDEX_H
#define LSQ_KERNELS_AVX512_WIDE_INDEX_H

#include "kernels/avx512/bits.h"
#include "kernels/avx512/words.h"

/* Of step t: an index whose low six bits count, and masks of the others for even columns and odd ones. */
INLINE __m512i index_of(const uint8_t *tile, const unsigned bits, unsigned t, above at[2])
{
    if (bits == 7) { /* four bits, two at 4 s + 2 (j % 2), one at 4 s + j */
        int j = (int)t / 2, slot = (int)t % 2;
        __m512i two = load(tile, 4 + (unsigned)j / 2), one = load(tile, 6);
        for (int odd = 0; odd < 2; odd++)
            at[odd].bit[0] = mask_of(one, 4 * slot + j, odd);
        return merge(0x0f, down(load(tile, (unsigned)j), slot * 4), down(two, j % 2 * 2 + slot * 4 - 4));
    }
    __m512i byte = load(tile, t);
    for (int odd = 0; odd < 2; odd++) {
        at[odd].bit[0] = mask_of(byte, 6, odd);
        at[odd].bit[1] = mask_of(byte, 7, odd);
        at[odd].bit[2] = bits == 9 ? mask_of(load(tile, 8), (int)t, odd) : 0;
    }
    return byte;
}

#endif
