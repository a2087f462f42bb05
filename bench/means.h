/*
 * means.h - what the formats of a plan keep of matrices, and what other ways to spend the bits do.
 */
#ifndef LSQ_BENCH_MEANS_H
#define LSQ_BENCH_MEANS_H

#include "bench/plan.h"

#include <stdint.h>

/*
 * Decibels are means over the matrices that were added, each counted once; bits are a weight, everything counted, over all of
 * them together. NaN where there is no such thing.
 */
typedef struct bench_means {
    const bench_plan *plan;
    struct bench_kept {
        double db, bits;
    } * rows; /* one for each row of the plan; malloc */
    /* By C. The second in blocks of 32 columns. */
    struct bench_kept lloyd[BENCH_BITS_MAX + 1], int_group[BENCH_BITS_MAX + 1];
    struct bench_kept int8_tensor, int8_row, nf4;
    double weights, matrices;
    uint64_t hash; /* of all weights, in order */
} bench_means;

/* Begins without a matrix. LSQ_E_NOMEM. */
lsq_status bench_means_begin(bench_means *means, const bench_plan *plan);

/* Adds a matrix, with a line on a terminal's stderr meanwhile; one of zeros only has no ratio, and is left out. */
lsq_status bench_means_add(bench_means *means, size_t m, size_t k, const float *w, lsq_error *err);

/* Turns sums into means, of which there were none before. */
void bench_means_finish(bench_means *means);

void bench_means_free(bench_means *means);

#endif
