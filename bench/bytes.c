#include "bench/bytes.h"

#include "bench/machine.h"

#include <math.h>
#include <stdlib.h>

enum { LANES = 16, MIDDLE = 128 };

/* By lanes, so that compilers take several at once. */
static float largest_magnitude(size_t k, const float *x)
{
    float most[LANES] = {0}, largest = 0;
    size_t i = 0;
    for (; i + LANES <= k; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++) {
            const float magnitude = fabsf(x[i + lane]);
            most[lane] = magnitude > most[lane] ? magnitude : most[lane];
        }
    for (; i < k; i++)
        most[0] = fabsf(x[i]) > most[0] ? fabsf(x[i]) : most[0];
    for (size_t lane = 0; lane < LANES; lane++)
        largest = most[lane] > largest ? most[lane] : largest;
    return largest;
}

/* Returns the scale; sums are within [1.5, 255.5]. */
static float round_column(size_t k, const float *x, uint8_t *rounded)
{
    const float largest = largest_magnitude(k, x), steps = largest > 0 ? 127 / largest : 0;
    for (size_t i = 0; i < k; i++)
        rounded[i] = (uint8_t)(int)(x[i] * steps + (MIDDLE + 0.5f));
    return largest / 127;
}

int bench_bytes_multiply(const bench_bytes *bytes, size_t matrix, size_t n, const float *b, float *c)
{
    const size_t m = bytes->rows, k = bytes->columns;
    const int32_t *sums = bytes->sums + matrix * m;
    for (size_t j = 0; j < n; j++)
        bytes->column_scales[j] = round_column(k, b + j * k, bytes->rounded + j * k);
    if (!bytes->peer->multiply(m, k, n, bytes->weights + matrix * m * k, bytes->rounded, bytes->dots))
        return 0;
    for (size_t j = 0; j < n; j++)
        for (size_t r = 0; r < m; r++)
            c[j * m + r] =
                bytes->column_scales[j] * bytes->scales[r] * (float)(bytes->dots[j * m + r] - MIDDLE * sums[r]);
    return 1;
}

void bench_bytes_sum(bench_bytes *bytes)
{
    const int8_t *w = bytes->weights;
    for (size_t r = 0; r < bytes->count * bytes->rows; r++, w += bytes->columns) {
        bytes->sums[r] = 0;
        for (size_t i = 0; i < bytes->columns; i++)
            bytes->sums[r] += w[i];
    }
}

int bench_bytes_begin(bench_bytes *bytes, const bench_int8 *peer, size_t rows, size_t columns, size_t count, size_t n)
{
    *bytes = (bench_bytes){.peer = peer, .rows = rows, .columns = columns, .count = count};
    bytes->weights = bench_alloc(count * rows * columns, 1);
    bytes->scales = calloc(rows, sizeof *bytes->scales);
    bytes->sums = calloc(count * rows, sizeof *bytes->sums);
    bytes->rounded = bench_alloc(n * columns, 1);
    bytes->column_scales = calloc(n, sizeof *bytes->column_scales);
    bytes->dots = bench_alloc(n * rows * sizeof *bytes->dots, 1);
    if (!bytes->weights || !bytes->scales || !bytes->sums || !bytes->rounded || !bytes->column_scales || !bytes->dots) {
        bench_bytes_end(bytes);
        return 0;
    }
    bench_fill_random(bytes->weights, count * rows * columns, 4);
    for (size_t r = 0; r < rows; r++)
        bytes->scales[r] = 1;
    bench_bytes_sum(bytes);
    return 1;
}

void bench_bytes_end(bench_bytes *bytes)
{
    free(bytes->weights);
    free(bytes->scales);
    free(bytes->sums);
    free(bytes->rounded);
    free(bytes->column_scales);
    free(bytes->dots);
    *bytes = (bench_bytes){0};
}
