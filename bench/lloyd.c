/*
 * lloyd.c - Lloyd-Max levels for given numbers.
 *
 * With the numbers sorted, a cell between two thresholds is a range, and sums over prefixes give its mean and its squared
 * error at once. So an iteration costs a search for each level, whatever the number of weights.
 *
 * Lloyd's iteration creeps where levels are many, so it starts close: with levels at equal parts of the integral of
 * density^(1/3), which is the optimum for many levels (Panter and Dite).
 */
#include "bench/rivals.h"

#include <math.h>
#include <stdlib.h>

struct bench_lloyd {
    size_t n;
    double *x;          /* ascending */
    double *sum, *sum2; /* of the first i numbers and of their squares, i = 0..n */
};

enum { LEVELS_MAX = 512, SLICES_MAX = 4096, ITERATIONS_MAX = 2000 };

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

bench_lloyd *bench_lloyd_new(const float *w, size_t n)
{
    bench_lloyd *lloyd = malloc(sizeof *lloyd);
    double *numbers = malloc((3 * n + 2) * sizeof *numbers);
    if (!lloyd || !numbers) {
        free(lloyd);
        free(numbers);
        return NULL;
    }
    *lloyd = (bench_lloyd){.n = n, .x = numbers, .sum = numbers + n, .sum2 = numbers + 2 * n + 1};
    for (size_t i = 0; i < n; i++)
        lloyd->x[i] = (double)w[i];
    qsort(lloyd->x, n, sizeof *lloyd->x, ascending);
    lloyd->sum[0] = lloyd->sum2[0] = 0;
    for (size_t i = 0; i < n; i++) {
        lloyd->sum[i + 1] = lloyd->sum[i] + lloyd->x[i];
        lloyd->sum2[i + 1] = lloyd->sum2[i] + lloyd->x[i] * lloyd->x[i];
    }
    return lloyd;
}

void bench_lloyd_free(bench_lloyd *lloyd)
{
    if (lloyd)
        free(lloyd->x);
    free(lloyd);
}

/* How many numbers are below t. */
static size_t below(const bench_lloyd *lloyd, double t)
{
    size_t low = 0, high = lloyd->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (lloyd->x[middle] < t)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Slices of equally many numbers b have density b / width, so each holds width^(2/3) of the integral, but for a factor. */
static void start(const bench_lloyd *lloyd, double *level, size_t levels)
{
    const size_t slices = lloyd->n < SLICES_MAX ? lloyd->n : SLICES_MAX;
    double edge[SLICES_MAX + 1], integral[SLICES_MAX + 1];
    integral[0] = 0;
    for (size_t s = 0; s <= slices; s++) {
        edge[s] = lloyd->x[s < slices ? lloyd->n * s / slices : lloyd->n - 1];
        if (s > 0)
            integral[s] = integral[s - 1] + cbrt((edge[s] - edge[s - 1]) * (edge[s] - edge[s - 1]));
    }
    size_t s = 0;
    for (size_t l = 0; l < levels; l++) {
        const double wanted = integral[slices] * ((double)l + 0.5) / (double)levels;
        while (s + 1 < slices && integral[s + 1] < wanted)
            s++;
        const double part = integral[s + 1] - integral[s];
        level[l] = edge[s] + (part > 0 ? (wanted - integral[s]) / part : 0) * (edge[s + 1] - edge[s]);
    }
}

/* Moves each level to the mean of the numbers nearest to it, and returns the squared error that is left. */
static double iterate(const bench_lloyd *lloyd, double *level, size_t levels)
{
    double noise = 0;
    size_t first = 0;
    for (size_t l = 0; l < levels; l++) {
        const size_t end = l + 1 < levels ? below(lloyd, (level[l] + level[l + 1]) / 2) : lloyd->n;
        if (end > first) {
            const double sum = lloyd->sum[end] - lloyd->sum[first];
            level[l] = sum / (double)(end - first);
            noise += lloyd->sum2[end] - lloyd->sum2[first] - level[l] * sum;
            first = end;
        }
    }
    return noise;
}

double bench_lloyd_db(const bench_lloyd *lloyd, unsigned bits)
{
    const size_t levels = (size_t)1 << bits;
    if (levels > LEVELS_MAX || lloyd->n == 0)
        return NAN;
    if (levels >= lloyd->n)
        return INFINITY;
    double level[LEVELS_MAX];
    start(lloyd, level, levels);
    double noise = INFINITY;
    for (int i = 0; i < ITERATIONS_MAX; i++) {
        const double now = iterate(lloyd, level, levels);
        if (now >= noise * (1 - 1e-7))
            break;
        noise = now;
    }
    return bench_snr_db((bench_snr){lloyd->sum2[lloyd->n], noise});
}
