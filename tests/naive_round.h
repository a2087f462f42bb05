/*
 * naive_round.h - how activations are rounded, from docs/codecs.md.
 */
#ifndef LSQ_TESTS_NAIVE_ROUND_H
#define LSQ_TESTS_NAIVE_ROUND_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Up to 32 values as integers of at most `limit` times a scale, which is the result. */
static inline float round_group(const float *x, size_t n, float limit, int32_t q[32])
{
    float largest = 0;
    int finite = 1;
    memset(q, 0, 32 * sizeof(*q));
    for (size_t i = 0; i < n; i++) {
        finite &= isfinite(x[i]) != 0;
        largest = fabsf(x[i]) > largest ? fabsf(x[i]) : largest;
    }
    if (!finite)
        return NAN;
    if (largest < 0x1p-100f)
        return 0;
    float inverse = limit / largest;
    for (size_t i = 0; i < n; i++)
        q[i] = (int32_t)nearbyintf(x[i] * inverse);
    return largest / limit;
}

#endif
