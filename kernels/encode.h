/*
 * encode.h - from weights to packed form. Plain C whose results do not depend on the machine.
 */
#ifndef LSQ_KERNELS_ENCODE_H
#define LSQ_KERNELS_ENCODE_H

#include "kernels/codec.h"

/* A matrix to encode, and the zeroed packed bytes to encode it into. All weights are finite. */
typedef struct lsq_source {
    const float *w;
    size_t m, k, ld;
    const lsq_format *format;
    const lsq_geometry *geometry;
    const lsq_levels *levels;
    uint8_t *packed;
} lsq_source;

/* Classic and scalar codecs: each weight by itself. `rounding` is an lsq_rounding. 0 if memory ran out. */
int lsq_encode_plain(const lsq_source *source, int rounding);

/* Trellis codec: the best path, with the scales found on the way. 0 if memory ran out. */
int lsq_encode_trellis(const lsq_source *source);

/*
 * Writes the tensor's float and the row bytes for a trellis encoder. 0 if memory ran out.
 */
int lsq_choose_rows(const lsq_source *source);

/* Largest |w| of a row's columns [c0, c1). */
float lsq_row_largest(const lsq_source *source, size_t row, size_t c0, size_t c1);

/* Writes the tensor's float. */
void lsq_put_tensor_scale(const lsq_source *source, float t);

/* For |w| < threshold[i] the published magnitude v is at most i + 1; i = 0 .. 2^B - 3. */
void lsq_classic_thresholds(unsigned b, int rounding, float *threshold);

#endif
