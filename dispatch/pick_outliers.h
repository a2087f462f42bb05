/*
 * pick_outliers.h - which weights lsq_quantize() keeps apart where that is worth it.
 *
 *     w --encoded--> dense --lsq_pick_outliers--> places, and w with zeros there --encoded--> dense' --lsq_pick_attach--> outliers
 *
 * The gain is not in the outlier's own error, which the search for scales has kept small, but in its neighbours: a group without its
 * largest weight has a finer scale. So the weight is a zero in the second encoding, and what that lacks is its outlier.
 */
#ifndef LSQ_DISPATCH_PICK_OUTLIERS_H
#define LSQ_DISPATCH_PICK_OUTLIERS_H

#include "dispatch/code_outliers.h"

typedef struct lsq_pick {
    lsq_apart apart; /* what is picked, beside the matrix that it comes from */
    double share;    /* of the weights, at most */
    double error;    /* sum of squared errors of the first encoding */
} lsq_pick;

/* Picks outliers of weights that were encoded from apart.w. LSQ_E_NOMEM. */
lsq_status lsq_pick_outliers(const lsq_context *ctx, const lsq_weights *first, lsq_pick *pick, lsq_error *err);

/*
 * Gives the weights that were encoded without them (rest.h) their outliers. *better = 0 if the first encoding has less error for its
 * bits, and then they may lack them.
 */
lsq_status lsq_pick_attach(const lsq_context *ctx, lsq_weights *second, lsq_pick *pick, int *better, lsq_error *err);

#endif
