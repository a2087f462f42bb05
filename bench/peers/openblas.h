/*
 * openblas.h - OpenBLAS, to stand beside: products of float weights.
 */
#ifndef LSQ_BENCH_PEERS_OPENBLAS_H
#define LSQ_BENCH_PEERS_OPENBLAS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bench_blas {
    /* Version, configuration and the kind of core whose kernels it runs, as it says itself. */
    void (*describe)(char *text, size_t size);
    void (*set_threads)(unsigned threads);
    /*
     * C = W B, or W^T B if `transposed`: W is m x k and row-major, B and C have n columns and are column-major, all without gaps.
     * One column is a product of a matrix and a vector.
     */
    void (*multiply)(int transposed, size_t m, size_t k, size_t n, const float *w, const float *b, float *c);
    /* C = W B, all row-major. */
    void (*multiply_rows)(size_t m, size_t k, size_t n, const float *w, const float *b, float *c);
} bench_blas;

/* NULL if this build has none. */
const bench_blas *bench_openblas(void);

/*
 * For main(), with its arguments: begins the program anew, once, with idle threads of OpenBLAS that go to sleep. They would spin for 20 ms, on
 * cores where others are being timed, and can be told only before the library is loaded. OPENBLAS_THREAD_TIMEOUT in the environment is
 * left as it is.
 */
void bench_openblas_begin(char **argv);

#ifdef __cplusplus
}
#endif

#endif
