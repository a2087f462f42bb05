/*
 * indices.h - codes as indices in memory, for tables that are too long for pshufb.
 */
#ifndef LSQ_KERNELS_SSE41_INDICES_H
#define LSQ_KERNELS_SSE41_INDICES_H

#include "kernels/sse41/bits.h"

/* Of step t, 4 rows x 4 columns. */
INLINE void indices(uint16_t at[16], const uint8_t *quarter, const unsigned bits, unsigned t)
{
    __m128i low = codes(quarter, bits < 8 ? bits : 8, t), high = _mm_setzero_si128();
    if (bits == 9)
        high = masked(down(load(quarter, 8), (int)t), 1);
    _mm_storeu_si128((__m128i *)(void *)at, _mm_unpacklo_epi8(low, high));
    _mm_storeu_si128((__m128i *)(void *)(at + 8), _mm_unpackhi_epi8(low, high));
}

#endif
