/*
 * rest.h - a matrix without its outliers, in packed form.
 */
#ifndef LSQ_DISPATCH_REST_H
#define LSQ_DISPATCH_REST_H

#include "dispatch/code_outliers.h"
#include "kernels/encode.h"

/*
 * Quantises what `source` has, with zeros in the places of the outliers, without a copy of all of it unless one scale is for all. Statuses as
 * of lsq_quantize().
 */
lsq_status lsq_quantize_rest(const lsq_context *ctx, const lsq_format *format, const lsq_source *source, int rounding,
                             const lsq_apart *apart, lsq_weights **weights, lsq_error *err);

#endif
