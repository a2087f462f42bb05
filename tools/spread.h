/*
 * spread.h - how errors and weights are spread: what a mean hides.
 */
#ifndef LSQ_TOOLS_SPREAD_H
#define LSQ_TOOLS_SPREAD_H

#include <lsq/lsq.h>

typedef struct spread {
    double error_99,
        error_999;   /* 99 and 99.9 % of the errors are at most this: up to 0.8 % too much, from a histogram */
    double zeros;    /* the share of weights that decode to 0 */
    double kurtosis; /* of the original weights: 0 is normal, 3 Laplace; 0 if they are all equal */
} spread;

/* What is gathered for one; start with zeros. */
typedef struct spread_sums {
    uint64_t *bins; /* errors by size */
    uint64_t zeros, all;
    float largest;
    double from,
        powers[4]; /* sums of (w - from)^1 to ^4: `from` is one of the weights, so that a large mean does no harm */
} spread_sums;

/* Adds n weights, some at least. LSQ_E_NOMEM. */
lsq_status spread_add(spread_sums *s, const float *original, const float *decoded, size_t n);

/* All zero if nothing was added. */
spread spread_of(const spread_sums *s);
void spread_free(spread_sums *s);

#endif
