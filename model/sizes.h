/*
 * sizes.h - sums and products of sizes that come from a file. Each returns whether the result fits.
 */
#ifndef LSQ_MODEL_SIZES_H
#define LSQ_MODEL_SIZES_H

#include <stdint.h>

static inline int lsq_size_add(uint64_t a, uint64_t b, uint64_t *sum)
{
    return !__builtin_add_overflow(a, b, sum);
}

static inline int lsq_size_multiply(uint64_t a, uint64_t b, uint64_t *product)
{
    return !__builtin_mul_overflow(a, b, product);
}

/* The next multiple of `alignment`, a power of two. */
static inline int lsq_size_align(uint64_t size, uint64_t alignment, uint64_t *aligned)
{
    uint64_t sum = 0;
    int fits = lsq_size_add(size, alignment - 1, &sum);
    *aligned = sum & ~(alignment - 1);
    return fits;
}

#endif
