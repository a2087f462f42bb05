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
 * Draws a sample of one in `share` weights, at least some `least` and at most some million; of all of them, if there are less
 * than four times `least`, or if those that it would take are zeros. LSQ_E_NOMEM.
 */
lsq_status sample_draw(const float *w, size_t rows, size_t columns, size_t share, size_t least, sample *s);
void sample_free(sample *s);

/* Puts the curve that suits the sample into *format, which is scalar or trellis. */
lsq_status sample_curve(const sample *s, const wish *want, lsq_format *format, lsq_error *err);

/* Encodes it: sum (w - w')^2 / sum w^2 over the sample, and the seconds that each of its weights took. */
lsq_status sample_measure(const sample *s, const wish *want, const lsq_format *format, double *relative_noise,
                          double *seconds, lsq_error *err);

#endif
