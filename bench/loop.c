/*
 * loop.c - ways of "Loop Singular Bit". Its bytes are counted as it counts them, but for bits that do not fill a byte: mean and deviation,
 * or scale and zero point, take 8 bytes each pair, and 16 where a bit means plus or minus (they are doubles there).
 */
#include "bench/loop.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const double share = 0.02; /* of outliers */

float bench_half(float x)
{
    const float magnitude = fabsf(x);
    if (!(magnitude < 65520.0f))
        return isnan(x) ? x : copysignf(INFINITY, x);
    int exponent;
    frexpf(magnitude, &exponent); /* magnitude < 2^exponent */
    const float step = ldexpf(1.0f, (exponent < -13 ? -13 : exponent) - 11);
    return copysignf(nearbyintf(magnitude / step) * step, x);
}

static double bytes_of(size_t bits)
{
    return (double)((bits + 7) / 8);
}

static int ascending(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The magnitude below which a share q lies, between neighbours in proportion; NaN if memory ran out. */
static double quantile(size_t n, const float *w, double q)
{
    float *sorted = malloc(n * sizeof *sorted);
    if (!sorted)
        return NAN;
    for (size_t i = 0; i < n; i++)
        sorted[i] = fabsf(w[i]);
    qsort(sorted, n, sizeof *sorted, ascending);
    const double at = q * (double)(n - 1);
    const size_t i = (size_t)at;
    const double next = i + 1 < n ? sorted[i + 1] : sorted[i];
    const double value = sorted[i] + (at - (double)i) * (next - sorted[i]);
    free(sorted);
    return value;
}

double bench_loop_bound(size_t n, const float *w)
{
    return quantile(n, w, 1 - share);
}

/* Of those numbers whose magnitude does not exceed a bound: how many, their mean, deviation, and mean distance from the mean. */
typedef struct moments {
    size_t count;
    double mean, deviation, distance;
} moments;

static moments moments_of(size_t n, const float *w, double bound)
{
    moments m = {0};
    double sum = 0, squares = 0, distances = 0;
    for (size_t i = 0; i < n; i++)
        if (fabsf(w[i]) <= bound) {
            sum += w[i];
            m.count++;
        }
    m.mean = m.count ? sum / (double)m.count : 0;
    for (size_t i = 0; i < n; i++)
        if (fabsf(w[i]) <= bound) {
            const double d = w[i] - m.mean;
            squares += d * d;
            distances += fabs(d);
        }
    m.deviation = m.count > 1 ? sqrt(squares / (double)(m.count - 1)) : 0;
    m.distance = m.count ? distances / (double)m.count : 0;
    return m;
}

static void store_signs(size_t n, const float *w, double bound, double mean, double distance, float *decoded)
{
    for (size_t i = 0; i < n; i++)
        if (fabsf(w[i]) <= bound)
            decoded[i] = (float)(w[i] >= mean ? mean + distance : mean - distance);
}

static double store_loop(size_t n, const float *w, float *decoded)
{
    const double bound = bench_loop_bound(n, w);
    if (isnan(bound))
        return bound;
    const moments m = moments_of(n, w, bound);
    store_signs(n, w, bound, m.mean, m.deviation, decoded);
    for (size_t i = 0; i < n; i++)
        if (fabsf(w[i]) > bound)
            decoded[i] = bench_half(w[i]);
    return bytes_of(n) + bytes_of(m.count) + 2.0 * (double)(n - m.count) + 16;
}

/* Seven bits of magnitude between the bound and the largest number, evenly in its logarithm. */
static float log_magnitude(double x, double bound, double largest)
{
    const double octaves = log2(largest / bound), steps = 127;
    if (!(octaves > 0))
        return (float)copysign(largest, x);
    const double step = nearbyint(log2(fabs(x) / bound) / octaves * steps);
    return (float)copysign(bound * exp2(step / steps * octaves), x);
}

static double store_loop_ls(size_t n, const float *w, float *decoded)
{
    const double bound = bench_loop_bound(n, w);
    if (isnan(bound))
        return bound;
    const moments m = moments_of(n, w, bound);
    double largest = 0;
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabsf(w[i]));
    store_signs(n, w, bound, m.mean, m.distance, decoded);
    size_t gap = 0, gaps = 0;
    for (size_t i = 0; i < n; i++, gap++) {
        if (!(fabsf(w[i]) > bound))
            continue;
        decoded[i] = log_magnitude(w[i], bound, largest);
        gaps += 1 + gap / 255; /* 255: a gap longer than a byte says goes on */
        gap = 0;
    }
    return bytes_of(n) + (double)gaps + (double)(n - m.count) + 16;
}

static double store_int8(size_t n, const float *w, float *decoded)
{
    double low = w[0], high = w[0];
    for (size_t i = 1; i < n; i++) {
        low = fmin(low, w[i]);
        high = fmax(high, w[i]);
    }
    const double step = (high - low) / 255;
    for (size_t i = 0; i < n; i++)
        decoded[i] = step > 0 ? (float)(low + nearbyint((w[i] - low) / step) * step) : w[i];
    return (double)n + 8;
}

static double store_one_bit(size_t n, const float *w, float *decoded)
{
    const moments m = moments_of(n, w, INFINITY);
    store_signs(n, w, INFINITY, m.mean, m.deviation, decoded);
    return bytes_of(n) + 16;
}

static double store_pruned(size_t n, const float *w, float *decoded)
{
    const double bound = quantile(n, w, 0.5);
    size_t kept = 0;
    if (isnan(bound))
        return bound;
    for (size_t i = 0; i < n; i++) {
        const int keep = fabsf(w[i]) > bound;
        decoded[i] = keep ? w[i] : 0;
        kept += (size_t)keep;
    }
    return bytes_of(n) + 4.0 * (double)kept;
}

const bench_loop_way bench_loop_ways[] = {
    {"loop", "Loop Singular Bit: 2 % in half precision, the rest mean +- deviation", store_loop},
    {"loop-ls", "the same, mean +- mean distance, outliers of 16 bits", store_loop_ls},
    {"int8", "affine, one scale", store_int8},
    {"one-bit", "mean +- deviation, no outliers", store_one_bit},
    {"prune", "half of the numbers are zero, half are kept in single precision", store_pruned},
};
const size_t bench_loop_ways_count = sizeof bench_loop_ways / sizeof *bench_loop_ways;
