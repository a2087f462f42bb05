/*
 * pick_outliers.h - which weights lsq_quantize() keeps apart.
 *
 *     w --encoded--> dense --lsq_pick_outliers--> places, and w with zeros there --encoded--> dense' --lsq_pick_attach--> outliers
 *
 * The gain is not in the outlier's own error, which the search for scales has kept small, but in its neighbours: a group without its
 * largest weight has a finer scale. So the weight is a zero in the second encoding, and what that lacks is its outlier.
 */
#ifndef LSQ_DISPATCH_PICK_OUTLIERS_H
#define LSQ_DISPATCH_PICK_OUTLIERS_H

#include "dispatch/weights.h"

typedef struct lsq_pick {
    const float *w; /* m x k, leading dimension ld */
    size_t m, k, ld;
    double share;          /* of the weights, at most */
    lsq_outlier *outliers; /* places ascending, codes still to come */
    size_t count;
    float *rest;  /* what the dense part shall hold, m x k without gaps; NULL if nothing was picked */
    double error; /* sum of squared errors of the first encoding */
} lsq_pick;

/* Fills in the last four for weights that were encoded from w. LSQ_E_NOMEM; also otherwise call lsq_pick_free(). */
lsq_status lsq_pick_outliers(const lsq_context *ctx, const lsq_weights *first, lsq_pick *pick, lsq_error *err);

/*
 * Gives the weights that were encoded from pick->rest their outliers. *better = 0 if the first encoding has less error for its
 * bits.
 */
lsq_status lsq_pick_attach(const lsq_context *ctx, lsq_weights *second, lsq_pick *pick, int *better, lsq_error *err);

void lsq_pick_free(lsq_pick *pick);

#endif
