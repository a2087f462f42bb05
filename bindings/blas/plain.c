/*
 * plain.c - both products, in all orders, transposes and languages, as one loop over strides: the BLAS of last resort.
 */
#include "bindings/blas/blas.h"

/* A matrix in memory: element (i, j) is at[i * row + j * column]. */
typedef struct view {
    const float *at;
    ptrdiff_t row, column;
} view;

/* What BLAS calls a matrix op(A) of rows x columns; 0 if it would not take these arguments. */
static int view_of(int order, int trans, int rows, int columns, const float *at, int ld, view *v)
{
    if ((order != LSQ_ROW_MAJOR && order != LSQ_COL_MAJOR) ||
        (trans != LSQ_NO_TRANS && trans != LSQ_TRANS && trans != CONJ_TRANS) || rows < 0 || columns < 0)
        return 0;
    const int by_rows = (order == LSQ_ROW_MAJOR) == (trans == LSQ_NO_TRANS);
    *v = by_rows ? (view){at, ld, 1} : (view){at, 1, ld};
    return ld >= 1 && ld >= (by_rows ? columns : rows);
}

/* Where a vector of n begins: a negative increment counts from the far end. */
static ptrdiff_t first(int n, int inc)
{
    return inc < 0 && n > 0 ? -(ptrdiff_t)(n - 1) * inc : 0;
}

/* C = alpha A B + beta C, where A is m x k. beta = 0 does not read C, alpha = 0 does not look at A or B. */
static void multiply(int m, int n, int k, float alpha, view a, view b, float beta, float *c, ptrdiff_t row,
                     ptrdiff_t column)
{
    for (ptrdiff_t i = 0; i < m; i++)
        for (ptrdiff_t j = 0; j < n; j++) {
            double sum = 0;
            for (ptrdiff_t l = 0; l < k && alpha != 0.0f; l++)
                sum += (double)a.at[i * a.row + l * a.column] * (double)b.at[l * b.row + j * b.column];
            float *result = c + i * row + j * column, value = alpha * (float)sum;
            *result = beta == 0.0f ? value : value + beta * *result;
        }
}

static void plain_cblas_sgemv(int order, int trans, int m, int n, float alpha, const float *a, int lda, const float *x,
                              int incx, float beta, float *y, int incy)
{
    const int rows = trans == LSQ_NO_TRANS ? m : n, inner = trans == LSQ_NO_TRANS ? n : m;
    view of_a;
    if (!view_of(order, trans, rows, inner, a, lda, &of_a) || incx == 0 || incy == 0 || inner == 0)
        return; /* inner = 0 leaves y alone: this is BLAS */
    const view of_x = {x + first(inner, incx), incx, 0};
    multiply(rows, 1, inner, alpha, of_a, of_x, beta, y + first(rows, incy), incy, 0);
}

static void plain_cblas_sgemm(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float *a,
                              int lda, const float *b, int ldb, float beta, float *c, int ldc)
{
    view of_a, of_b, of_c;
    if (view_of(order, trans_a, m, k, a, lda, &of_a) && view_of(order, trans_b, k, n, b, ldb, &of_b) &&
        view_of(order, LSQ_NO_TRANS, m, n, c, ldc, &of_c))
        multiply(m, n, k, alpha, of_a, of_b, beta, c, of_c.row, of_c.column);
}

static void plain_sgemv(const char *trans, const int *m, const int *n, const float *alpha, const float *a,
                        const int *lda, const float *x, const int *incx, const float *beta, float *y, const int *incy,
                        size_t trans_length)
{
    (void)trans_length;
    plain_cblas_sgemv(LSQ_COL_MAJOR, lsq_blas_trans(trans), *m, *n, *alpha, a, *lda, x, *incx, *beta, y, *incy);
}

static void plain_sgemm(const char *trans_a, const char *trans_b, const int *m, const int *n, const int *k,
                        const float *alpha, const float *a, const int *lda, const float *b, const int *ldb,
                        const float *beta, float *c, const int *ldc, size_t trans_a_length, size_t trans_b_length)
{
    (void)trans_a_length;
    (void)trans_b_length;
    plain_cblas_sgemm(LSQ_COL_MAJOR, lsq_blas_trans(trans_a), lsq_blas_trans(trans_b), *m, *n, *k, *alpha, a, *lda, b,
                      *ldb, *beta, c, *ldc);
}

const lsq_blas lsq_blas_plain = {plain_cblas_sgemv, plain_cblas_sgemm, plain_sgemv, plain_sgemm};
