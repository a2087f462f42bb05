/*
 * feedback.h - what calibration inputs tell of a matrix: how much its columns matter, and which make up for which.
 */
#ifndef LSQ_DISPATCH_FEEDBACK_H
#define LSQ_DISPATCH_FEEDBACK_H

#include "kernels/encode.h"

typedef struct lsq_calibration {
    float *memory; /* malloc */
    lsq_feedback feedback;
} lsq_calibration;

/*
 * Puts importance and gram of the options into the source, whose format, m and k are set. Statuses: those that lsq_quantize() has
 * of them. Whatever the status, the caller frees c->memory, after the last use of the source.
 */
lsq_status lsq_calibrate(const lsq_quantize_options *options, lsq_source *source, lsq_calibration *c, lsq_error *err);

#endif
