/*
 * calls.h - products as programs call them, each beside the same one of a float BLAS and the fastest loop of the instruction set.
 *
 * The three take their samples by turns, so that what disturbs the machine disturbs all of them, and a ratio is one of neighbours.
 */
#ifndef LSQ_BENCH_CALLS_H
#define LSQ_BENCH_CALLS_H

#include "bench/peak.h"

#include <lsq/lsq.h>

/* W B, or W^T B, B having n columns; one column is a product with a vector. */
typedef struct bench_call {
    unsigned n;
    lsq_transpose trans;
} bench_call;

typedef struct bench_matrix_size {
    size_t rows, columns;
    int rotate; /* another matrix for each product, of so many that together they are beyond eight times L3 */
} bench_matrix_size;

/* Seconds for each of the two, NaN where there is no such BLAS; operations a second of the loop, NaN where there is none. */
typedef struct bench_call_sample {
    double seconds, blas_seconds, peak;
} bench_call_sample;

typedef struct bench_calls bench_calls;

/* What will be called. `calls` must stay. LSQ_E_NOMEM, LSQ_E_LIMIT. */
lsq_status bench_calls_new(const bench_matrix_size *size, const bench_call *calls, size_t count, bench_calls **all);
void bench_calls_free(bench_calls *all);

/* From now on with as many threads, on as many cores. The statuses are those of lsq_context_new(). */
lsq_status bench_calls_threads(bench_calls *all, unsigned threads, lsq_activation activation, lsq_error *err);

/* From now on with random weights of that format. After bench_calls_threads(). LSQ_E_NOMEM, LSQ_E_LIMIT. */
lsq_status bench_calls_format(bench_calls *all, const lsq_format *format);

/* Takes a sample of each of the three for the i-th call. */
void bench_calls_sample(bench_calls *all, size_t i, bench_call_sample *sample);

/* After bench_calls_threads(): the CPU, the instruction set level in use, and that of the loop (NULL: there is none). */
const char *bench_calls_cpu(const bench_calls *all);
const char *bench_calls_isa(const bench_calls *all);
const char *bench_calls_peak_isa(const bench_calls *all);

#endif
