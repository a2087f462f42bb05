/*
 * lsq_cblas.h - the products of lsq.h as CBLAS calls them: its names, its order of arguments, its enumerators, with packed
 * weights where it has the matrix A and its leading dimension. A program that calls cblas_sgemv() or cblas_sgemm() today
 * changes one argument.
 *
 * Packed weights have no order of their own: they are the m x n matrix that was given to lsq_quantize(), row by row.
 * `order` says how B and C lie, and that only. If your A is column-major, an m x n array with leading dimension lda, then
 * lsq_quantize(ctx, format, n, m, a, lda, ...) reads the same memory as its transpose: call with the other `trans`.
 *
 * Sizes and increments are int and have the meaning of CBLAS; those of A are compared with the weights, so that a program
 * that mixes two matrices up is told. For more than 2^31 - 1 there is lsq.h. The enumerators are int so that those of
 * <cblas.h> and those of lsq.h can be passed without a cast, from C++ too.
 *
 * Products run in the default context (lsq.h) and return the statuses of lsq_sgemv() and lsq_sgemm(). A call that fails
 * leaves its outputs as they were, and nothing is printed: there is no xerbla.
 */
#ifndef LSQ_LSQ_CBLAS_H
#define LSQ_LSQ_CBLAS_H

#include <lsq/lsq.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * y = alpha op(A) x + beta y, where A is m x n. `order` is 101 or 102, row-major or column-major: of a vector it says
 * nothing, but it has to be one of them. `trans` is 111 for A, 112 or 113 (the conjugate, which for real numbers is the
 * same) for its transpose. LSQ_E_ARGUMENT also if m and n are not the rows and columns of the weights, transposed or not.
 */
LSQ_API lsq_status cblas_lsq_sgemv(int order, int trans, int m, int n, float alpha, const lsq_weights *a,
                                   const float *x, int incx, float beta, float *y, int incy);

/*
 * C = alpha op(A) op(B) + beta C, where op(A) is m x k, op(B) is k x n, and B and C are in `order` with leading dimensions
 * ldb and ldc. LSQ_E_ARGUMENT also if the weights are not m x k (`trans_a` 111) or k x m (112, 113), or a size is negative.
 */
LSQ_API lsq_status cblas_lsq_sgemm(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                                   const lsq_weights *a, const float *b, int ldb, float beta, float *c, int ldc);

#ifdef __cplusplus
}
#endif

#endif
