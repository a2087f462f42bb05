/*
 * lookup.h - levels from tables of up to 64 bytes.
 *
 *     index  --pshufb, a table of 16 each-->  candidates  --pblendvb by each further bit-->  level
 */
#ifndef LSQ_KERNELS_SSE41_LOOKUP_H
#define LSQ_KERNELS_SSE41_LOOKUP_H

#include "kernels/kernel.h"

#include <smmintrin.h>

/* Where a level is: in a table of 16 by index; bits 7 of select[], the lowest first, say in which. */
typedef struct where {
    __m128i index, select[2];
} where;

INLINE __m128i lookup(const __m128i *table, const unsigned tables, const where *at)
{
    __m128i level[4];
    for (unsigned i = 0; i < tables; i++)
        level[i] = _mm_shuffle_epi8(table[i], at->index);
    for (unsigned n = 0; 1u << n < tables; n++)
        for (unsigned i = 0; i < tables >> (n + 1); i++)
            level[i] = _mm_blendv_epi8(level[2 * i], level[2 * i + 1], at->select[n]);
    return level[0];
}

/* Shorter tables repeat, so that every one of them is there. */
INLINE void tables_of(__m128i table[4], const int8_t *levels, __m128i offset)
{
    for (unsigned i = 0; i < 4; i++)
        table[i] = _mm_add_epi8(_mm_loadu_si128((const __m128i *)(const void *)(levels + 16 * i)), offset);
}

#endif
