/*
 * quantize.h - encoding with every choice made.
 */
#ifndef LSQ_DISPATCH_QUANTIZE_H
#define LSQ_DISPATCH_QUANTIZE_H

#include "kernels/encode.h"

/* LSQ_E_ARGUMENT, LSQ_E_LIMIT unless they can be the options for a matrix of k columns; arrays are not looked at. */
lsq_status lsq_quantize_check(const lsq_quantize_options *options, size_t k, lsq_error *err);

/* Quantises w, m x k, whose largest magnitude is known; fills in the rest of `source`. Statuses as of lsq_quantize(). */
lsq_status lsq_quantize_source(const lsq_context *ctx, const lsq_format *format, lsq_source *source, int rounding,
                               lsq_weights **weights, lsq_error *err);

/* Puts the curve with the least error on a sample of rows into *format, a scalar or trellis one. LSQ_E_NOMEM. */
lsq_status lsq_curve_choose(const lsq_context *ctx, const lsq_source *source, lsq_format *format, lsq_error *err);

#endif
