/*
 * rounding.h - floats as integers under one scale, half to even.
 *
 * Rounding is the addition of 1.5 * 2^23: exact, and the same everywhere, as long as nobody changed the rounding mode.
 */
#ifndef LSQ_KERNELS_SCALAR_ROUNDING_H
#define LSQ_KERNELS_SCALAR_ROUNDING_H

#include "kernels/kernel.h"

#include <string.h>

/* The scale of n values for integers up to `limit`, and what to multiply them by: 0 if they count as zeros. */
static inline float scale_of(const float *x, unsigned n, float limit, float *inverse)
{
    const uint32_t infinity = 0x7f800000, nan = 0x7fc00000,
                   tiny = (127 - 100) << 23; /* limit / amax must stay finite */
    uint32_t largest = 0;
    for (unsigned i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof(bits));
        bits &= 0x7fffffff;
        largest = bits > largest ? bits : largest;
    }
    float amax, scale = 0;
    memcpy(&amax, &largest, sizeof(amax));
    const int usable = largest < infinity && largest >= tiny;
    *inverse = usable ? limit / amax : 0.0f;
    if (usable)
        scale = amax / limit;
    else if (largest >= infinity)
        memcpy(&scale, &nan, sizeof(scale));
    return scale;
}

static inline int32_t rounded(float x, float inverse)
{
    const int32_t magic_bits = 0x4b400000;
    const float shifted = x * inverse + 0x1.8p23f;
    int32_t bits;
    memcpy(&bits, &shifted, sizeof(bits));
    return bits - magic_bits;
}

/* All n of them. Zero times an infinity would not be zero. */
static inline void round_all(const float *x, unsigned n, float inverse, int32_t *q)
{
    for (unsigned i = 0; i < n; i++)
        q[i] = inverse == 0.0f ? 0 : rounded(x[i], inverse);
}

#endif
