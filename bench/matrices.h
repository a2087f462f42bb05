/*
 * matrices.h - the quantised matrices of a .lsq file, as one thing to multiply by.
 */
#ifndef LSQ_BENCH_MATRICES_H
#define LSQ_BENCH_MATRICES_H

#include "bench/rivals.h"

#include <lsq/lsq_model.h>

/* Floating point numbers with more than one row and more than one column: a vector under another name says nothing. */
int bench_is_matrix(const lsq_tensor *tensor);

typedef struct bench_matrix {
    const lsq_tensor *tensor; /* in the model */
    const lsq_weights *weights;
    float *x, *y; /* as many as columns and rows */
} bench_matrix;

typedef struct bench_matrices {
    lsq_model *model;
    lsq_context *context; /* one thread, integer activations: for comparing */
    bench_matrix *items;
    size_t count;
    float *vectors;        /* all x and y */
    double weights, bytes; /* of all: columns times rows; packed, everything counted */
    char codec[64];        /* the format of all of them, or "mixed" */
} bench_matrices;

/* The short name of a format without its curve: curves differ from tensor to tensor, and cost the same. */
void bench_matrices_codec(const lsq_format *of, char name[LSQ_FORMAT_NAME_MAX]);

/* Opens a file. x is Gaussian, the same for the same sizes. LSQ_E_UNSUPPORTED if nothing in it is quantised. */
lsq_status bench_matrices_open(bench_matrices *all, const char *path, lsq_error *err);
void bench_matrices_close(bench_matrices *all);

/* y = W x for matrices [first, end), with a context of the caller's. */
lsq_status bench_matrices_multiply(const bench_matrices *all, const lsq_context *context, size_t first, size_t end);

/* What became of the weights of the original file: of themselves, and of y, which must be there, against W x in double. */
lsq_status bench_matrices_compare(const bench_matrices *all, const lsq_model *original, bench_snr *weights,
                                  bench_snr *products, lsq_error *err);

#endif
