/*
 * strides.h - numbers that lie in another order than that of their rows.
 */
#ifndef LSQ_MODEL_IMPORT_STRIDES_H
#define LSQ_MODEL_IMPORT_STRIDES_H

#include "model/model.h"

/* Copies the tensor's numbers to `to`, last axis fastest; along axis i they lie stride[i] bytes apart, from `from` on. */
void lsq_copy_strided(const lsq_tensor *tensor, const uint64_t *stride, const uint8_t *from, uint8_t *to);

#endif
