/*
 * spread.c - how errors and weights are spread.
 */
#include "tools/spread.h"

#include <math.h>
#include <string.h>

/* The upper end of the bin that the share is reached in. */
static double quantile(const lsq_loss *loss, const uint64_t *errors, double share)
{
    uint64_t below = errors[0];
    uint32_t bin = 0;
    float end;
    while (bin + 1 < LSQ_ERROR_BINS && (double)below < share * loss->weights)
        below += errors[++bin];
    uint32_t bits = bin ? (bin << 16) + 0xffff : 0;
    memcpy(&end, &bits, sizeof end);
    return fmin((double)end, loss->largest_error);
}

/* From moments about a weight to those about the mean. */
static double excess_kurtosis(const lsq_loss *loss)
{
    const double n = loss->weights, *powers = loss->powers, mean = powers[0] / n;
    const double second = powers[1] / n - mean * mean;
    const double fourth = powers[3] / n - 4 * mean * powers[2] / n + 6 * mean * mean * powers[1] / n - 3 * pow(mean, 4);
    return second > 0 ? fourth / (second * second) - 3 : 0;
}

spread spread_of(const lsq_loss *loss, const uint64_t *errors)
{
    if (loss->weights == 0)
        return (spread){0};
    return (spread){quantile(loss, errors, 0.99), quantile(loss, errors, 0.999), loss->zeros / loss->weights,
                    excess_kurtosis(loss)};
}
