/*
 * dtype.h - types of numbers: names, and conversion to float32.
 */
#ifndef LSQ_MODEL_DTYPE_H
#define LSQ_MODEL_DTYPE_H

#include <lsq/lsq_model.h>

/* Finds a type by its name, "BF16"; returns 0 if there is none. */
int lsq_dtype_parse(const char *name, lsq_dtype *dtype);

/* Converts `count` little-endian numbers at `from`, of any alignment. Wider numbers are rounded; BOOL gives 0 or 1. */
void lsq_dtype_to_float(lsq_dtype dtype, const uint8_t *from, size_t count, float *to);

#endif
