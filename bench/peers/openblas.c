#include "bench/peers/openblas.h"

#if LSQ_OPENBLAS

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void describe(char *text, size_t size)
{
    snprintf(text, size, "%s, core %s", openblas_get_config(), openblas_get_corename());
}

static void set_threads(unsigned threads)
{
    openblas_set_num_threads((int)threads);
}

static void multiply(int transposed, size_t m, size_t k, size_t n, const float *w, const float *b, float *c)
{
    const blasint rows = (blasint)m, columns = (blasint)k, count = (blasint)n;
    const blasint in = transposed ? rows : columns, out = transposed ? columns : rows;
    if (n == 1)
        cblas_sgemv(CblasRowMajor, transposed ? CblasTrans : CblasNoTrans, rows, columns, 1, w, columns, b, 1, 0, c, 1);
    else /* seen by columns, W is its own transpose */
        cblas_sgemm(CblasColMajor, transposed ? CblasNoTrans : CblasTrans, CblasNoTrans, out, count, in, 1, w, columns,
                    b, in, 0, c, out);
}

static void multiply_rows(size_t m, size_t k, size_t n, const float *w, const float *b, float *c)
{
    const blasint rows = (blasint)m, columns = (blasint)k, count = (blasint)n;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, count, columns, 1, w, columns, b, count, 0, c, count);
}

static const bench_blas openblas = {describe, set_threads, multiply, multiply_rows};

const bench_blas *bench_openblas(void)
{
    return &openblas;
}

void bench_openblas_begin(char **argv)
{
    char path[4096]; /* not the link itself: a process is called what was executed */
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length < 0 || getenv("OPENBLAS_THREAD_TIMEOUT"))
        return;
    path[length] = 0;
    /* 2^22 cycles, a millisecond: threads that have more to do at once stay awake. */
    if (!setenv("OPENBLAS_THREAD_TIMEOUT", "22", 1))
        execv(path, argv);
}

#else

const bench_blas *bench_openblas(void)
{
    return NULL;
}

void bench_openblas_begin(char **argv)
{
    (void)argv;
}

#endif
