/*
 * measure.h - what each tensor would cost and be worth in each format.
 */
#ifndef LSQ_TOOLS_MEASURE_H
#define LSQ_TOOLS_MEASURE_H

#include "tools/choices.h"

/* The i-th of the formats that may be allocated, from the smallest on. */
lsq_format measure_candidate(size_t i);

/*
 * Fills c->curves for all tensors that are not kept, and c->weights: of those to be allocated all candidates, of the others their
 * format. Tensors that hold what cannot be quantised become kept, with a warning.
 */
lsq_status measure_all(choices *c, lsq_error *err);

/* Chooses the curve of tensor i, from the same sample, unless that is done: what is not measured needs it before it is encoded. */
lsq_status measure_curve(choices *c, size_t i, lsq_error *err);

/* Measures the formats that were allocated on more weights, and moves the curves to that. */
lsq_status measure_chosen(choices *c, lsq_error *err);

#endif
