/*
 * matrix.h - everything that was measured: a row for each kernel, format and number of threads, and a picture of it all.
 */
#ifndef LSQ_BENCH_MATRIX_H
#define LSQ_BENCH_MATRIX_H

#include "bench/suite.h"
#include "bench/table.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What one case came to: medians, and the median distance from the median as a share of it. */
typedef struct bench_result {
    bench_case_about about;
    double bits;                /* a weight, everything counted */
    double weights_per_second;  /* of the product */
    double readable_per_second; /* weights, if only their bytes were read: the limit */
    double percent;             /* of a read: the median of the ratios of pairs */
    double spread;
    unsigned samples;
} bench_result;

typedef struct bench_matrix bench_matrix;

/* Rows appear on stdout as they are complete, if `table` is not NULL. NULL if memory ran out. */
bench_matrix *bench_matrix_new(bench_table *table);
void bench_matrix_free(bench_matrix *matrix);

/* Cases come size after size for one kernel, format and number of threads. LSQ_E_NOMEM. */
lsq_status bench_matrix_add(bench_matrix *matrix, const bench_result *result);

/* The last row. */
void bench_matrix_end(bench_matrix *matrix);

/*
 * Speed against bits a weight, for products with integer activations (with exact ones, if there are no others): a panel for each
 * size and number of threads, a line for the fastest kernels of each instruction set, and the limit. As bench_chart_write().
 */
lsq_status bench_matrix_draw(const bench_matrix *matrix, const char *machine, const char *path, lsq_error *err);

/* Its table. */
extern const bench_table_kind bench_matrix_kind;

#ifdef __cplusplus
}
#endif

#endif
