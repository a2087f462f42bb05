/*
 * pass.h - how long one product with each matrix of a file takes, in file order, as a decoder makes them for a token.
 */
#ifndef LSQ_BENCH_PASS_H
#define LSQ_BENCH_PASS_H

#include "bench/matrices.h"
#include "bench/trial.h"

/* Matrices of one format and size, in the order in which the file has the first of each. */
typedef struct bench_shape {
    lsq_format format; /* of the first: curves differ, and cost the same */
    uint64_t rows, columns;
    size_t count;
    double weights, bytes; /* of all of them */
} bench_shape;

typedef struct bench_shapes {
    bench_shape *items;
    size_t count;
    size_t *of; /* by matrix */
} bench_shapes;

/* 0 if memory ran out. */
int bench_shapes_begin(bench_shapes *shapes, const bench_matrices *all);
void bench_shapes_end(bench_shapes *shapes);

/* What the thread-th of several threads reads of so many bytes: [*from, *to), cut at cache lines. */
void bench_pass_part(size_t bytes, unsigned threads, unsigned thread, size_t *from, size_t *to);

/*
 * Seconds a pass, of the products and of a plain read of the same bytes: medians; spread as a share of it; share: the median of the
 * samples' ratios, read to product.
 */
typedef struct bench_pass_speed {
    double seconds, spread, read_seconds, share;
    double *samples; /* of the products, as they were taken */
} bench_pass_speed;

/* An array of so many, with room for the samples of each; NULL if memory ran out. */
bench_pass_speed *bench_pass_speeds_new(size_t count, unsigned samples);
void bench_pass_speeds_free(bench_pass_speed *speeds);

/*
 * Passes over all matrices with the context and threads of the trial. `speeds` gets one for all matrices, and behind it one for each
 * shape, of whose matrices each is timed within the pass; with no shapes the pass runs without looking at the clock. LSQ_E_NOMEM.
 */
lsq_status bench_pass_measure(const bench_matrices *all, const bench_shapes *shapes, const bench_trial *trial,
                              unsigned samples, bench_pass_speed *speeds);

#endif
