/*
 * nonlinearity.h - the function at the end of a layer.
 */
#ifndef LSQ_MODEL_RUNTIME_NONLINEARITY_H
#define LSQ_MODEL_RUNTIME_NONLINEARITY_H

#include <lsq/lsq_model.h>

int lsq_nonlinearity_valid(lsq_nonlinearity f);

/* y[i] = f(y[i]) for n elements. */
void lsq_nonlinearity_apply(lsq_nonlinearity f, float *y, size_t n);

#endif
