/*
 * interpose.c - the functions of BLAS that programs call: products with registered matrices are ours, all others go on.
 *
 *     a call  --order, transpose-->  which array, row by row   --registry-->  weights, or none: the next BLAS
 *                                    W or W^T times the rest   --lsq.h----->  a result, or a failure: the next BLAS
 */
#include "bindings/blas/blas.h"
#include "bindings/blas/registry.h"

static int is_order(int order)
{
    return order == LSQ_ROW_MAJOR || order == LSQ_COL_MAJOR;
}

static int is_trans(int trans)
{
    return trans == LSQ_NO_TRANS || trans == LSQ_TRANS || trans == CONJ_TRANS;
}

static lsq_transpose transpose_of(int trans)
{
    return trans == LSQ_NO_TRANS ? LSQ_NO_TRANS : LSQ_TRANS;
}

/* Does op(A) lie in memory row by row? Then it is the registered array itself, otherwise its transpose. */
static int by_rows(int order, int trans)
{
    return (order == LSQ_ROW_MAJOR) == (trans == LSQ_NO_TRANS);
}

/* The entry for op(A) of rows x columns. */
static lsq_entry *entry_of(const float *a, int ld, int order, int trans, int rows, int columns)
{
    return by_rows(order, trans) ? lsq_registry_acquire(a, rows, columns, ld)
                                 : lsq_registry_acquire(a, columns, rows, ld);
}

/* Is it ours, and done? If not, nothing has been touched. */
static int do_gemv(int order, int trans, int m, int n, float alpha, const float *a, int lda, const float *x, int incx,
                   float beta, float *y, int incy)
{
    if (!is_order(order) || !is_trans(trans))
        return 0;
    lsq_entry *entry = entry_of(a, lda, order, LSQ_NO_TRANS, m, n);
    if (!entry)
        return 0;
    lsq_transpose of_w = by_rows(order, trans) ? LSQ_NO_TRANS : LSQ_TRANS;
    lsq_status status = lsq_sgemv(NULL, of_w, alpha, entry->w, x, incx, beta, y, incy);
    lsq_registry_release(entry);
    return status == LSQ_OK;
}

static int do_gemm(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float *a, int lda,
                   const float *b, int ldb, float beta, float *c, int ldc)
{
    if (!is_order(order) || !is_trans(trans_a) || !is_trans(trans_b) || m < 0 || n < 0 || lda < 0 || ldb < 0 || ldc < 0)
        return 0;
    lsq_status status = LSQ_E_ARGUMENT;
    lsq_entry *entry = entry_of(a, lda, order, trans_a, m, k);
    if (entry) {
        lsq_transpose of_w = by_rows(order, trans_a) ? LSQ_NO_TRANS : LSQ_TRANS;
        status = lsq_sgemm(NULL, (lsq_order)order, of_w, transpose_of(trans_b), (size_t)n, alpha, entry->w, b,
                           (size_t)ldb, beta, c, (size_t)ldc);
    } else if ((entry = entry_of(b, ldb, order, trans_b, k, n))) {
        /* C^T = alpha op(B)^T op(A)^T + beta C^T, and what is transposed is what lies there in the other order. */
        lsq_transpose of_w = by_rows(order, trans_b) ? LSQ_TRANS : LSQ_NO_TRANS;
        lsq_order other = order == LSQ_ROW_MAJOR ? LSQ_COL_MAJOR : LSQ_ROW_MAJOR;
        status = lsq_sgemm(NULL, other, of_w, transpose_of(trans_a), (size_t)m, alpha, entry->w, a, (size_t)lda, beta,
                           c, (size_t)ldc);
    }
    if (entry)
        lsq_registry_release(entry);
    return status == LSQ_OK;
}

void cblas_sgemv(int order, int trans, int m, int n, float alpha, const float *a, int lda, const float *x, int incx,
                 float beta, float *y, int incy)
{
    if (!do_gemv(order, trans, m, n, alpha, a, lda, x, incx, beta, y, incy))
        lsq_blas_next()->cblas_sgemv(order, trans, m, n, alpha, a, lda, x, incx, beta, y, incy);
}

void cblas_sgemm(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float *a, int lda,
                 const float *b, int ldb, float beta, float *c, int ldc)
{
    if (!do_gemm(order, trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc))
        lsq_blas_next()->cblas_sgemm(order, trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

void sgemv_(const char *trans, const int *m, const int *n, const float *alpha, const float *a, const int *lda,
            const float *x, const int *incx, const float *beta, float *y, const int *incy)
{
    if (!do_gemv(LSQ_COL_MAJOR, lsq_blas_trans(trans), *m, *n, *alpha, a, *lda, x, *incx, *beta, y, *incy))
        lsq_blas_next()->sgemv(trans, m, n, alpha, a, lda, x, incx, beta, y, incy, 1);
}

void sgemm_(const char *trans_a, const char *trans_b, const int *m, const int *n, const int *k, const float *alpha,
            const float *a, const int *lda, const float *b, const int *ldb, const float *beta, float *c, const int *ldc)
{
    if (!do_gemm(LSQ_COL_MAJOR, lsq_blas_trans(trans_a), lsq_blas_trans(trans_b), *m, *n, *k, *alpha, a, *lda, b, *ldb,
                 *beta, c, *ldc))
        lsq_blas_next()->sgemm(trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, 1, 1);
}
