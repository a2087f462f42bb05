/*
 * keep_largest.h - outliers that are the largest weights, in a matrix or a strip of it.
 */
#ifndef LSQ_DISPATCH_KEEP_LARGEST_H
#define LSQ_DISPATCH_KEEP_LARGEST_H

#include "dispatch/code_outliers.h"
#include "kernels/encode.h"

/* What goes on from strip to strip. */
typedef struct lsq_keep {
    lsq_magnitudes known;    /* of the whole matrix */
    uint64_t ties;           /* weights that equal the bound, and are outliers, so far */
    uint64_t outliers;       /* so far */
    lsq_outlier_scale scale; /* of all strips; bits = 0 as long as there are no outliers */
} lsq_keep;

/*
 * Quantises a strip: `source` is its rows, calibrated, whose weights are none above known.largest. *apart, zero before, has its outliers afterwards, with
 * their codes and places in the strip; lsq_apart_free() it whatever the status. If it fails, *keep is as it was. LSQ_E_NOMEM; LSQ_E_ARGUMENT
 * if there are more outliers than are known.
 */
lsq_status lsq_keep_largest(const lsq_context *ctx, lsq_keep *keep, const lsq_format *format, const lsq_source *source,
                            const lsq_quantize_options *options, lsq_apart *apart, lsq_weights **weights,
                            lsq_error *err);

#endif
