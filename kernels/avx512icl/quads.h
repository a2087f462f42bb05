/*
 * quads.h - columns in fours for kernels that multiply straight from codes, on AVX-512.
 *
 * A block is 2, 3, 4 or 8 columns from the beginning of a quad on: what a step is decoded to stays in registers for them. It has a dot and a
 * sum for each column. Loops over columns have no pragma: one with a count that is not theirs keeps clang from unrolling them early.
 */
#ifndef LSQ_KERNELS_AVX512ICL_QUADS_H
#define LSQ_KERNELS_AVX512ICL_QUADS_H

#include "kernels/prefetch.h"

#include <immintrin.h>

enum { BLOCK_MAX = 8 };

/* How many columns the next block has, of those that are left. */
INLINE unsigned block_for(size_t left, const unsigned eight_from)
{
    return left >= eight_from ? 8 : left >= 4 ? 4 : left == 3 ? 3 : 2;
}

/* Where column j of a block has its value, of arrays with `values` for each group and column: from the block's group on. */
INLINE size_t place_of(const unsigned j, size_t groups, const unsigned values)
{
    return j / QUAD * groups * values * QUAD + j % QUAD;
}

/* What a block is multiplied with, from a group on. */
typedef struct block {
    const void *x;
    const int32_t *bias; /* of integers of 8 bits */
    const float *sx;
    size_t groups; /* of the matrix */
    float *sums;
    size_t prefetch; /* of the first block: for others codes are in a cache */
} block;

INLINE block block_at(const lsq_gemm_args *a, size_t column, size_t g, const unsigned element)
{
    const size_t q = column / QUAD, first = (q * a->w.groups + g) * QUAD;
    return (block){.x = (const uint8_t *)a->x + first * GROUP * element,
                   .bias = element == 1 ? a->bias + 2 * first : NULL,
                   .sx = a->sx + first,
                   .groups = a->w.groups,
                   .sums = a->sums + column * PANEL,
                   .prefetch = column ? 0 : a->prefetch};
}

/* Goes on to the next group. */
INLINE void next_group(block *b, const unsigned element)
{
    b->x = (const uint8_t *)b->x + GROUP * QUAD * element;
    b->bias = element == 1 ? b->bias + 2 * QUAD : NULL;
    b->sx += QUAD;
}

/* Asks for codes and scales of a tile to come, into the second cache: here tiles take long. */
INLINE void ask_ahead(const block *b, const uint8_t *tile, const unsigned vectors, const uint8_t *scales)
{
    if (b->prefetch) {
        prefetch_far(tile, vectors, b->prefetch);
        prefetch(scales, 1, b->prefetch / 16);
    }
}

INLINE void sums_before(const block *b, size_t g, const unsigned columns, __m512 sum[BLOCK_MAX])
{
    for (unsigned j = 0; j < columns; j++)
        sum[j] = g ? _mm512_loadu_ps(b->sums + j * PANEL) : _mm512_setzero_ps();
}

INLINE void store_sums(const block *b, const unsigned columns, const __m512 sum[BLOCK_MAX])
{
    for (unsigned j = 0; j < columns; j++)
        _mm512_storeu_ps(b->sums + j * PANEL, sum[j]);
}

#endif
