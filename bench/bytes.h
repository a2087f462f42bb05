/*
 * bytes.h - matrices of bytes with a scale for each row, the usual int8 weights, multiplied by a peer.
 *
 * Weights are integers in [-127, 127] times the scale of their row, the columns of B are rounded to as many under a scale of their own.
 * Only the dots are the peer's; rounding and scaling are loops here.
 */
#ifndef LSQ_BENCH_BYTES_H
#define LSQ_BENCH_BYTES_H

#include "bench/peers/onednn.h"

typedef struct bench_bytes {
    const bench_int8 *peer;
    size_t rows, columns, count; /* so many matrices of one size */
    int8_t *weights;             /* one matrix after the other, row-major */
    float *scales;               /* by row, the same for all matrices */
    int32_t *sums;               /* of the integers of each row of each matrix */
    uint8_t *rounded;            /* columns of B, 128 added, since the peer wants them unsigned */
    float *column_scales;
    int32_t *dots;
} bench_bytes;

/* As many matrices, of random bytes, for at most n columns at once. 0 if memory ran out. */
int bench_bytes_begin(bench_bytes *bytes, const bench_int8 *peer, size_t rows, size_t columns, size_t count, size_t n);
void bench_bytes_end(bench_bytes *bytes);

/* Adds the rows up; wanted before a product by whoever has changed weights. */
void bench_bytes_sum(bench_bytes *bytes);

/* C = W B; B and C are column-major. 0: the peer refused. */
int bench_bytes_multiply(const bench_bytes *bytes, size_t matrix, size_t n, const float *b, float *c);

#endif
