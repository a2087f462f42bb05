/*
 * recording_blas.c - a BLAS that writes down what it is called with and computes nothing.
 */
#include "tests/recording_blas.h"

#define EXPORT __attribute__((visibility("default")))

/* Declared with the lengths of Fortran, and here only: nobody calls these by their own names. */
EXPORT void cblas_sgemv(int, int, int, int, float, const float *, int, const float *, int, float, float *, int);
EXPORT void cblas_sgemm(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *,
                        int);
EXPORT void sgemv_(const char *, const int *, const int *, const float *, const float *, const int *, const float *,
                   const int *, const float *, float *, const int *, size_t);
EXPORT void sgemm_(const char *, const char *, const int *, const int *, const int *, const float *, const float *,
                   const int *, const float *, const int *, const float *, float *, const int *, size_t, size_t);

EXPORT recording recorded;

void cblas_sgemv(int order, int trans, int m, int n, float alpha, const float *a, int lda, const float *x, int incx,
                 float beta, float *y, int incy)
{
    recorded = (recording){"cblas_sgemv", {order, trans, m, n, lda, incx, incy}, {alpha, beta}, {a, x, y}, {0}};
}

void cblas_sgemm(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float *a, int lda,
                 const float *b, int ldb, float beta, float *c, int ldc)
{
    recorded =
        (recording){"cblas_sgemm", {order, trans_a, trans_b, m, n, k, lda, ldb, ldc}, {alpha, beta}, {a, b, c}, {0}};
}

void sgemv_(const char *trans, const int *m, const int *n, const float *alpha, const float *a, const int *lda,
            const float *x, const int *incx, const float *beta, float *y, const int *incy, size_t length)
{
    recorded = (recording){"sgemv_", {*trans, *m, *n, *lda, *incx, *incy}, {*alpha, *beta}, {a, x, y}, {length}};
}

void sgemm_(const char *trans_a, const char *trans_b, const int *m, const int *n, const int *k, const float *alpha,
            const float *a, const int *lda, const float *b, const int *ldb, const float *beta, float *c, const int *ldc,
            size_t length_a, size_t length_b)
{
    recorded = (recording){
        "sgemm_", {*trans_a, *trans_b, *m, *n, *k, *lda, *ldb, *ldc}, {*alpha, *beta}, {a, b, c}, {length_a, length_b}};
}
