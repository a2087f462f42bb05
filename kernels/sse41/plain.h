/*
 * plain.h - levels of codes of up to 6 bits that index a table, as bytes.
 *
 *     codes  --shift, mask, or-->  indices of up to four bits, and the bits above them as selectors
 *     indices  --lookup.h------->  levels
 */
#ifndef LSQ_KERNELS_SSE41_PLAIN_H
#define LSQ_KERNELS_SSE41_PLAIN_H

#include "kernels/sse41/bits.h"
#include "kernels/sse41/lookup.h"

/* Of step t, 4 rows x 4 columns. */
INLINE __m128i level_of(const uint8_t *quarter, const unsigned bits, unsigned t, const __m128i table[4])
{
    where at;
    if (bits <= 4) {
        at.index = codes(quarter, bits, t);
        return lookup(table, 1, &at);
    }
    int v = (int)t / 2, slot = (int)t % 2 * 4;
    at.index = masked(down(load(quarter, t / 2), slot), 15);
    if (bits == 5) {
        at.select[0] = down(load(quarter, 4), slot + v - 7);
        return lookup(table, 2, &at);
    }
    __m128i two = load(quarter, 4 + t / 4);
    at.select[0] = down(two, slot + v % 2 * 2 - 7);
    at.select[1] = down(two, slot + v % 2 * 2 - 6);
    return lookup(table, 4, &at);
}

#endif
