/*
 * prefetch.h - asking for codes before their turn, on every level.
 */
#ifndef LSQ_KERNELS_PREFETCH_H
#define LSQ_KERNELS_PREFETCH_H

#include "kernels/kernel.h"

/*
 * Asks for the `vectors` times 64 bytes that are `ahead` bytes behind `tile`: a tile a call, in step with the stream. What lies past
 * the end is asked for in vain, and with `ahead` 0 nothing is asked for that is not needed at once. docs/results.md says what
 * it is worth.
 */
INLINE void prefetch(const uint8_t *tile, const unsigned vectors, size_t ahead)
{
    for (unsigned i = 0; i < vectors; i++)
        __builtin_prefetch((const void *)((uintptr_t)tile + ahead + 64 * i), 0, 3);
}

/* The same into the second cache, half as far again: what is left to wait for is short, if the kernel is slow. */
INLINE void prefetch_far(const uint8_t *tile, const unsigned vectors, size_t ahead)
{
    for (unsigned i = 0; i < vectors; i++)
        __builtin_prefetch((const void *)((uintptr_t)tile + ahead + ahead / 2 + 64 * i), 0, 2);
}

/* The codes as far behind group g as a block of groups is long, for products that stay with a block for long. */
INLINE void prefetch_block(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, size_t g)
{
    const uint8_t *tile = a->w.codes + (p * a->w.groups + g + (g1 - g0)) * a->tile_bytes;
    for (size_t i = 0; i < a->tile_bytes; i += 64)
        __builtin_prefetch((const void *)((uintptr_t)tile + i), 0, 2);
}

#endif
