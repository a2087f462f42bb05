/*
 * gemm_picture.h - what `lsq-bench gemm` has measured, drawn.
 */
#ifndef LSQ_BENCH_GEMM_PICTURE_H
#define LSQ_BENCH_GEMM_PICTURE_H

#include <lsq/lsq.h>

/* One product with n columns, and what stood beside it (NaN: nothing did). */
typedef struct bench_gemm_point {
    lsq_format format;
    unsigned threads, n;
    int transposed;
    double gflops, peak_gflops, openblas_gflops;
} bench_gemm_point;

/*
 * Speed against n, both logarithmic: a panel for each number of threads, transposed products in one of their own; a line for each
 * format, dashed for a trellis, and as limits the fastest loop, whose name is `peak_name`, and the float BLAS. Statuses: as
 * bench_chart_write().
 */
lsq_status bench_gemm_draw(const bench_gemm_point *points, size_t count, const char *title, const char *machine,
                           const char *peak_name, const char *path, lsq_error *err);

#endif
