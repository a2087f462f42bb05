/*
 * dtype.h - types of numbers: names, and conversion to float32 and to float16.
 */
#ifndef LSQ_MODEL_DTYPE_H
#define LSQ_MODEL_DTYPE_H

#include <lsq/lsq_model.h>

/* Finds a type by its name, "BF16"; returns 0 if there is none. */
int lsq_dtype_parse(const char *name, lsq_dtype *dtype);

/*
 * Rounds floats to float16 numbers, to the nearest, half to even; NaNs stay some. `to` may be where `from` is. Returns how many there are up to the first
 * finite one that float16 cannot hold, which is left as it was: `count` if there is none.
 */
size_t lsq_dtype_to_half(const float *from, size_t count, uint8_t *to);

/* Converts `count` little-endian numbers at `from`, of any alignment. Wider numbers are rounded; BOOL gives 0 or 1. */
void lsq_dtype_to_float(lsq_dtype dtype, const uint8_t *from, size_t count, float *to);

#endif
