/*
 * sizes.h - sizes that come from a file: their bytes, and sums and products, each of which returns whether the result fits.
 */
#ifndef LSQ_MODEL_SIZES_H
#define LSQ_MODEL_SIZES_H

#include <stddef.h>
#include <stdint.h>

/* A number of up to 8 bytes, the lowest first. */
static inline uint64_t lsq_little_endian(const uint8_t *p, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)p[i] << (8 * i);
    return value;
}

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
