/*
 * quality.c - how far decoded weights are from the original ones, and products with them.
 */
#include "tools/quality.h"

#include <math.h>

void quality_add(quality *q, const float *original, const float *decoded, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double w = original[i], d = w - (double)decoded[i];
        q->least = (i == 0 && q->count == 0) || w < q->least ? w : q->least;
        q->most = (i == 0 && q->count == 0) || w > q->most ? w : q->most;
        q->absolute += fabs(d);
        q->signal += w * w;
        q->noise += d * d;
        if (!(fabs(d) <= q->largest_error)) /* so that a NaN is not lost */
            q->largest_error = fabs(d);
    }
    q->count += (double)n;
}

double quality_snr(const quality *q)
{
    return q->noise == 0 ? INFINITY : 10 * log10(q->signal / q->noise);
}

double quality_relative_noise(const quality *q)
{
    return q->noise == 0 ? 0 : q->noise / q->signal;
}

double quality_relative_error(const quality *q)
{
    return sqrt(quality_relative_noise(q));
}

double quality_published(const quality *q)
{
    double range = q->most - q->least;
    return q->absolute == 0 ? 0 : range > 0 ? 100 * q->absolute / q->count / range : NAN;
}

double quality_rmse(const quality *q)
{
    return q->count > 0 ? sqrt(q->noise / q->count) : 0;
}

/*
 * The sum of twelve numbers uniform in [-1/2, 1/2], whose variance is 1. Unlike the usual methods it
 * calls no function whose last bits depend on the machine: every sum is a multiple of 2^-21 of at most 6, exact even as
 * a float.
 */
float quality_normal(uint64_t *state)
{
    double sum = 0;
    for (int i = 0; i < 12; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX generator */
        sum += (double)(*state >> 43) * 0x1p-21 - 0.5;
    }
    return (float)sum;
}

void quality_add_sum(quality *q, double exact, double got)
{
    q->signal += exact * exact;
    q->noise += (exact - got) * (exact - got);
}
