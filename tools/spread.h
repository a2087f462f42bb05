/*
 * spread.h - how errors and weights are spread: what a mean hides.
 */
#ifndef LSQ_TOOLS_SPREAD_H
#define LSQ_TOOLS_SPREAD_H

#include <lsq/lsq_model.h>

typedef struct spread {
    double error_99,
        error_999;   /* 99 and 99.9 % of the errors are at most this: up to 0.8 % too much, from a histogram */
    double zeros;    /* the share of weights that decode to 0 */
    double kurtosis; /* of the original weights: 0 is normal, 3 Laplace; 0 if they are all equal */
} spread;

/* All zero if there are no weights; `errors` are the counts that lsq_loss_add() makes. */
spread spread_of(const lsq_loss *loss, const uint64_t *errors);

#endif
