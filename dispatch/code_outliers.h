/*
 * code_outliers.h - what outliers add to the dense part of a matrix, and how these numbers are coded.
 */
#ifndef LSQ_DISPATCH_CODE_OUTLIERS_H
#define LSQ_DISPATCH_CODE_OUTLIERS_H

#include "dispatch/weights.h"

/* A matrix and the places of its outliers, on their way. */
typedef struct lsq_apart {
    const float *w; /* m x k, leading dimension ld */
    size_t m, k, ld;
    lsq_outlier *outliers; /* places ascending, codes still to come */
    size_t count;
    float *rest;  /* what the dense part shall hold, m x k without gaps; NULL if there are no outliers */
    float *lacks; /* of each outlier, what the dense part is short of */
    double error; /* the sum of squared errors of the dense part, outliers left out */
} lsq_apart;

/* Calls each(arg, row, decoded) for rows [row, row + rows), row a multiple of 16. LSQ_E_NOMEM, also if `each` returns 0. */
lsq_status lsq_for_decoded_rows(const lsq_context *ctx, const lsq_weights *weights, size_t row, size_t rows,
                                int (*each)(void *, size_t, const float *), void *arg, lsq_error *err);

/* Copies the matrix to `rest`, with zeros in the places of the outliers. 0 if memory ran out. */
int lsq_apart_rest(lsq_apart *apart);

/* Finds `lacks` and `error` of weights that were encoded from `rest`: of m rows from `row` on, in which the outliers are. LSQ_E_NOMEM. */
lsq_status lsq_apart_lacks(const lsq_context *ctx, const lsq_weights *dense, size_t row, lsq_apart *apart,
                           lsq_error *err);

/* What an error is worth beside another one that takes `bits` bits less. */
double lsq_error_at_equal_bits(const lsq_apart *apart, double error, double bits);

/* The squared error that is left if outliers have this scale; of one that it would make worse, what it lacks. */
double lsq_apart_error(const lsq_apart *apart, const lsq_outlier_scale *scale);

/*
 * The scale with the least error at equal bits, on a sample of the outliers: of those that begin at `largest`, 0 for what the largest of these
 * outliers is, and reach down to `smallest`. Its `largest` is 0 if nothing is lacking.
 */
lsq_outlier_scale lsq_apart_scale(const lsq_apart *apart, float largest, float smallest);

/* Sets codes; outliers that their codes would bring no closer are dropped. */
void lsq_apart_codes(lsq_apart *apart, const lsq_outlier_scale *scale);

/* Gives the weights outliers, of which there are some, in bytes of their own; *bytes is how many. LSQ_E_NOMEM. */
lsq_status lsq_apart_attach(lsq_weights *dense, const lsq_apart *apart, const lsq_outlier_scale *scale, size_t *bytes,
                            lsq_error *err);

void lsq_apart_free(lsq_apart *apart);

#endif
