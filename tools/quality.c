/*
 * quality.c - how far decoded weights are from the original ones, and products with them.
 */
#include "tools/quality.h"

#include <math.h>
#include <stdlib.h>

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

double relative_noise(const lsq_loss *loss)
{
    return loss->noise > 0 ? loss->noise / loss->signal : 0;
}

double quality_rmse(const quality *q)
{
    return q->count > 0 ? sqrt(q->noise / q->count) : 0;
}

lsq_status quality_add_matrix(quality *q, const lsq_weights *weights, const float *original)
{
    enum { BAND = 16 }; /* rows that are packed together */
    size_t rows = lsq_weights_rows(weights), columns = lsq_weights_columns(weights);
    float *decoded = calloc(rows < BAND ? rows : BAND, columns * sizeof *decoded);
    lsq_status status = decoded ? LSQ_OK : LSQ_E_NOMEM;
    for (size_t row = 0; status == LSQ_OK && row < rows; row += BAND) {
        size_t band = rows - row < BAND ? rows - row : BAND;
        status = lsq_dequantize(NULL, weights, row, band, decoded, columns);
        if (status == LSQ_OK)
            quality_add(q, original + row * columns, decoded, band * columns);
    }
    free(decoded);
    return status;
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

lsq_status quality_add_product(quality *q, const lsq_weights *weights, const float *original)
{
    size_t rows = lsq_weights_rows(weights), columns = lsq_weights_columns(weights);
    float *x = malloc(columns * sizeof *x), *y = malloc(rows * sizeof *y);
    uint64_t state = 1;
    lsq_status status = x && y ? LSQ_OK : LSQ_E_NOMEM;
    for (size_t i = 0; status == LSQ_OK && i < columns; i++)
        x[i] = quality_normal(&state);
    if (status == LSQ_OK)
        status = lsq_sgemv(NULL, LSQ_NO_TRANS, 1, weights, x, 1, 0, y, 1);
    for (size_t r = 0; status == LSQ_OK && r < rows; r++) {
        double exact = 0;
        for (size_t i = 0; i < columns; i++)
            exact += (double)original[r * columns + i] * (double)x[i];
        q->signal += exact * exact;
        q->noise += (exact - (double)y[r]) * (exact - (double)y[r]);
    }
    free(x);
    free(y);
    return status;
}
