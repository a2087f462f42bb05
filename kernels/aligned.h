/*
 * aligned.h - a place in a block of malloc() that is aligned by hand.
 *
 * The aligned_alloc() of glibc 2.36 does not find again what it gave before: the heap would grow with every call of an encoder and with
 * every strip of a tensor.
 */
#ifndef LSQ_KERNELS_ALIGNED_H
#define LSQ_KERNELS_ALIGNED_H

#include <stddef.h>
#include <stdint.h>

/* The first multiple of `alignment`, a power of two, in a block, which has `alignment` bytes more than are wanted. */
static inline void *lsq_aligned(void *block, size_t alignment)
{
    return (uint8_t *)block + (0 - (uintptr_t)block) % alignment;
}

#endif
