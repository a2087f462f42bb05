/*
 * calls.h - products as programs call them, and the same ones of other libraries.
 */
#ifndef LSQ_BENCH_CALLS_H
#define LSQ_BENCH_CALLS_H

#include "bench/trial.h"

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

typedef struct bench_calls bench_calls;

/* What will be called. `calls` must stay. LSQ_E_NOMEM, LSQ_E_LIMIT. */
lsq_status bench_calls_new(const bench_matrix_size *size, const bench_call *calls, size_t count, bench_calls **all);
void bench_calls_free(bench_calls *all);

/* From now on with as many threads. The statuses are those of lsq_context_new(). */
lsq_status bench_calls_threads(bench_calls *all, unsigned threads, lsq_activation activation, lsq_error *err);

/* From now on with random weights of that format. After bench_calls_threads(). LSQ_E_NOMEM, LSQ_E_LIMIT. */
lsq_status bench_calls_format(bench_calls *all, const lsq_format *format);

/*
 * Instead of ours: the BLAS itself, which then stands beside itself, or the peer that multiplies bytes (plain products only).
 * LSQ_E_UNSUPPORTED if there is none, or it refuses; LSQ_E_NOMEM, LSQ_E_LIMIT.
 */
lsq_status bench_calls_floats(bench_calls *all);
lsq_status bench_calls_bytes(bench_calls *all);

/* Bytes of one matrix of those that take turns now, everything counted; and a sample of a plain read of it, in seconds. */
size_t bench_calls_matrix_bytes(const bench_calls *all);
double bench_calls_read(bench_calls *all);

/* Takes a sample of the i-th call and of what stands beside it. */
bench_trial_sample bench_calls_take(bench_calls *all, size_t i);

/* Where they take place, after bench_calls_threads(). */
const bench_trial *bench_calls_trial(const bench_calls *all);

#endif
