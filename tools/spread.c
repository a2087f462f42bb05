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

lsq_status spread_add(spread_sums *s, const float *original, const float *decoded, size_t n)
{
    if (!s->bins) {
        s->bins = calloc(BINS, sizeof *s->bins);
        s->from = (double)original[0];
    }
    if (!s->bins)
        return LSQ_E_NOMEM;
    for (size_t i = 0; i < n; i++) {
        const float error = fabsf(original[i] - decoded[i]);
        const double off = (double)original[i] - s->from;
        s->bins[bits_of(error) >> 16]++;
        s->largest = fmaxf(s->largest, error);
        s->zeros += decoded[i] == 0;
        s->powers[0] += off;
        s->powers[1] += off * off;
        s->powers[2] += off * off * off;
        s->powers[3] += off * off * off * off;
    }
    s->all += n;
    return LSQ_OK;
}

/* The upper end of the bin that the share is reached in. */
static double quantile(const spread_sums *s, double share)
{
    uint64_t below = s->bins[0];
    uint32_t bin = 0;
    float end;
    while (bin + 1 < BINS && (double)below < share * (double)s->all)
        below += s->bins[++bin];
    uint32_t bits = bin ? (bin << 16) + 0xffff : 0;
    memcpy(&end, &bits, sizeof end);
    return (double)fminf(end, s->largest);
}

/* From moments about `from` to those about the mean. */
static double excess_kurtosis(const spread_sums *s)
{
    const double n = (double)s->all, mean = s->powers[0] / n;
    const double second = s->powers[1] / n - mean * mean;
    const double fourth =
        s->powers[3] / n - 4 * mean * s->powers[2] / n + 6 * mean * mean * s->powers[1] / n - 3 * pow(mean, 4);
    return second > 0 ? fourth / (second * second) - 3 : 0;
}

spread spread_of(const spread_sums *s)
{
    if (!s->bins)
        return (spread){0};
    return (spread){quantile(s, 0.99), quantile(s, 0.999), (double)s->zeros / (double)s->all, excess_kurtosis(s)};
}

void spread_free(spread_sums *s)
{
    free(s->bins);
    *s = (spread_sums){0};
}
