/*
 * encode.h - from weights to packed form.
 *
 * lsq_encode_begin() sets the scale that all rows share; then panels (of trellis codes: chains of 16 panels) are encoded in any order, on any
 * threads. The kernels `measure` and `encode` do the work. Results do not depend on the machine.
 */
#ifndef LSQ_KERNELS_ENCODE_H
#define LSQ_KERNELS_ENCODE_H

#include "kernels/codec.h"

/*
 * Error feedback, for products with inputs whose columns depend on each other: what column i of a row lost, times spread[j * k + i], is
 * added to column j before that is encoded. Here columns are numbered in the order in which they are encoded (lsq_feedback_place).
 */
typedef struct lsq_feedback {
    size_t k;
    const float *spread;
    /* Of plain formats, a thread's own: */
    size_t done;   /* columns of the panel that are encoded */
    float *errors; /* of column c and row r, times norm, at [c * 16 + r]; of whole groups */
} lsq_feedback;

/* A matrix to encode, and the zeroed packed bytes to encode it into. All weights are finite. */
typedef struct lsq_source {
    const float *w;
    size_t m, k, ld;
    const float *importance; /* factors of squared errors, with a leading dimension; NULL: all are 1 */
    size_t importance_ld;    /* 0: the same k for each row */
    int apart;     /* weights of no importance are outliers: error feedback does not make up for what they lose */
    float largest; /* |w| */
    lsq_feedback *feedback; /* NULL: none */
    const lsq_format *format;
    const lsq_geometry *geometry;
    const lsq_coder *coder;
    lsq_measure_fn *measure; /* NULL for signs, whose scales are means */
    lsq_encode_fn *encode;
    uint8_t *packed;
    float norm;     /* power of two that brings the largest weight below 1; set by lsq_encode_begin(), as is */
    float row[256]; /* the scale of each row byte, times norm */
} lsq_source;

/* Writes the tensor's float. */
void lsq_encode_begin(lsq_source *source);

/* Encodes panels [p0, p1) of a classic or scalar format. */
void lsq_encode_plain(const lsq_source *source, size_t p0, size_t p1);

/* The same of a sign format. */
void lsq_encode_sign(const lsq_source *source, size_t p0, size_t p1);

/* Encodes chains [c0, c1) of a trellis format. 0 if memory ran out. */
int lsq_encode_trellis(const lsq_source *source, size_t c0, size_t c1);

/* The memory that a call of it takes, without feedback. */
size_t lsq_encode_trellis_bytes(const lsq_geometry *geometry);

/* ---- Parts ---- */

/* The largest |x|, a NaN being above infinity: found in bits, which compilers turn into vectors. */
float lsq_largest_magnitude(const float *x, size_t n);

/* A tile as kernels take it: column c of row r at [c * 16 + r], times norm; beyond the matrix there are zeros, of no importance. */
typedef struct lsq_source_tile {
    _Alignas(64) float x[TILE], importance[TILE];
} lsq_source_tile;

void lsq_source_load(const lsq_source *source, size_t tile, lsq_source_tile *to);

/* The largest |x| of each row of a tile's columns [c0, c1). */
void lsq_source_largest(const lsq_source_tile *tile, unsigned c0, unsigned c1, float largest[PANEL]);

/* Writes the codes of a whole tile, in the order of lsq_source_tile. */
void lsq_tile_put(uint8_t *tile, unsigned bits, const uint16_t code[TILE]);

/* Writes the tensor's float. */
void lsq_put_tensor_scale(uint8_t *packed, const lsq_geometry *geometry, float t);

/* The tensor's float, times norm, that gives every row a scale to its taste. */
float lsq_encode_plain_scale(const lsq_source *source);
float lsq_encode_sign_scale(const lsq_source *source);
float lsq_encode_trellis_scale(const lsq_source *source);

/*
 * Of an ascending table of scales the part [*first, *last] that is worth a try, between `low` and `high`: if there is none, those on either
 * side, as far as there are.
 */
void lsq_scales_between(const float *table, unsigned count, float low, float high, unsigned *first, unsigned *last);

/* The row bytes of a panel of a trellis format. 0 if memory ran out. */
int lsq_choose_rows(const lsq_source *source, size_t panel);

/* ---- Error feedback, see encode_feedback.c ---- */

/* Where a column comes in the order of encoding: with paths, all columns of one path before those of the next. */
size_t lsq_feedback_place(unsigned paths, size_t k, size_t column);

/* From H in this order (k x k, the upper triangle) `spread`, in its place. 0 if H is not positive definite. */
int lsq_feedback_factor(unsigned paths, size_t k, float *h);

/* Adds to 16 rows of column j what columns [c0, c1) lost. */
void lsq_feedback_add(const lsq_feedback *feedback, const float *errors, size_t j, size_t c0, size_t c1,
                      float x[PANEL]);

/* What a weight lost, times norm; 0 beyond the matrix, and of outliers. */
float lsq_feedback_error(const lsq_source *source, size_t row, size_t column, float decoded);

/* Plain formats: adds to a tile what the groups before lost; then finds its ranks column by column and notes what they lose. */
void lsq_feedback_load(const lsq_source *source, size_t group, lsq_source_tile *to);
void lsq_feedback_encode(const lsq_source *source, size_t tile, const lsq_source_tile *from, const float scale[PANEL],
                         uint16_t rank[TILE]);

/* Trellis formats: encodes panels [panel0, panel1), a chain, anew with the scales they have. 0 if memory ran out. */
int lsq_feedback_trellis(const lsq_source *source, size_t panel0, size_t panel1);

/* For |w| < threshold[i] the published magnitude v is at most i + 1; i = 0 .. 2^B - 3. */
void lsq_classic_thresholds(unsigned b, int rounding, float *threshold);

#endif
