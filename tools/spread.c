/*
 * spread.c - how errors and weights are spread.
 *
 * Errors are counted by the upper 16 bits of their float, sign left out: exponent and 7 bits of mantissa, so a bin is at most 1/128 wide.
 */
#include "tools/spread.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BINS = 1 << 15 };

static uint32_t bits_of(float number)
{
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

typedef struct counts {
    uint64_t *bins, zeros, all;
    float largest;
} counts;

/* The upper end of the bin that the share is reached in. */
static double quantile(const counts *c, double share)
{
    uint64_t below = c->bins[0];
    uint32_t bin = 0;
    float end;
    while (bin + 1 < BINS && (double)below < share * (double)c->all)
        below += c->bins[++bin];
    uint32_t bits = bin ? (bin << 16) + 0xffff : 0;
    memcpy(&end, &bits, sizeof end);
    return (double)fminf(end, c->largest);
}

/* In two passes, so that a mean that is large beside the deviation does no harm. */
static double excess_kurtosis(const float *w, size_t n)
{
    double mean = 0, second = 0, fourth = 0;
    for (size_t i = 0; i < n; i++)
        mean += (double)w[i];
    mean /= (double)n;
    for (size_t i = 0; i < n; i++) {
        double square = ((double)w[i] - mean) * ((double)w[i] - mean);
        second += square;
        fourth += square * square;
    }
    return second > 0 ? (double)n * fourth / (second * second) - 3 : 0;
}

static void count(counts *c, const float *original, const float *decoded, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float error = fabsf(original[i] - decoded[i]);
        c->bins[bits_of(error) >> 16]++;
        c->largest = fmaxf(c->largest, error);
        c->zeros += decoded[i] == 0;
    }
    c->all += n;
}

lsq_status spread_of_matrix(spread *s, const lsq_weights *weights, const float *original)
{
    enum { BAND = 16 }; /* rows that are packed together */
    size_t rows = lsq_weights_rows(weights), columns = lsq_weights_columns(weights);
    float *decoded = calloc(rows < BAND ? rows : BAND, columns * sizeof *decoded);
    counts c = {.bins = calloc(BINS, sizeof *c.bins)};
    lsq_status status = decoded && c.bins ? LSQ_OK : LSQ_E_NOMEM;
    for (size_t row = 0; status == LSQ_OK && row < rows; row += BAND) {
        size_t band = rows - row < BAND ? rows - row : BAND;
        status = lsq_dequantize(NULL, weights, row, band, decoded, columns);
        if (status == LSQ_OK)
            count(&c, original + row * columns, decoded, band * columns);
    }
    if (status == LSQ_OK)
        *s = (spread){quantile(&c, 0.99), quantile(&c, 0.999), (double)c.zeros / (double)c.all,
                      excess_kurtosis(original, (size_t)c.all)};
    free(decoded);
    free(c.bins);
    return status;
}
