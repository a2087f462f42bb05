/*
 * samples.h - what formats would make of a matrix, measured on a part of it.
 */
#ifndef LSQ_TOOLS_SAMPLES_H
#define LSQ_TOOLS_SAMPLES_H

#include "tools/plan.h"

/* Panels of 16 rows, and of very wide matrices groups of 32 columns, spread evenly. Always the same ones. */
typedef struct sample {
    size_t rows, columns;
    float *w;
} sample;

/*
 * Draws a sample of one in `share` weights of tensor i, in the view of its plan: at least some `least` and at most some million; of all
 * of them, if there are less than four times `least`. If those were all zeros, panels that are not take their place, as far as there are
 * any. Only what is drawn is in memory.
 */
lsq_status sample_draw(const lsq_model *model, size_t i, const plan *p, size_t share, size_t least, sample *s,
                       lsq_error *err);
void sample_free(sample *s);

/* Puts the curve that suits the sample into *format, which is scalar or trellis. */
lsq_status sample_curve(const sample *s, const wish *want, lsq_format *format, lsq_error *err);

/* Encodes it: sum (w - w')^2 / sum w^2 over the sample, and the seconds that each of its weights took. */
lsq_status sample_measure(const sample *s, const wish *want, const lsq_format *format, double *sample_noise,
                          double *seconds, lsq_error *err);

#endif
