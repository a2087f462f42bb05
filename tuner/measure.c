/*
 * measure.c - times.
 */
#include "tuner/measure.h"

#include "bench/turn.h"

#include <stdlib.h>

double clock_ns(void)
{
    return 1e9 * bench_now();
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The value below which a share q of the sorted times lies, between neighbours in proportion. */
static double quantile(const double *sorted, size_t count, double q)
{
    double at = q * (double)(count - 1);
    size_t i = (size_t)at;
    return i + 1 < count ? sorted[i] + (at - (double)i) * (sorted[i + 1] - sorted[i]) : sorted[i];
}

summary summarise(double *times, size_t count)
{
    if (count == 0)
        return (summary){0, 0};
    qsort(times, count, sizeof(*times), ascending);
    return (summary){quantile(times, count, 0.5), quantile(times, count, 0.75) - quantile(times, count, 0.25)};
}
