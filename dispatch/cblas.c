/*
 * cblas.c - the products under the names of CBLAS: int sizes, which must be those of the weights.
 */
#include <lsq/lsq_cblas.h>

enum { CONJ_TRANS = 113 };

/* Real numbers are their own conjugates. What is none of the three stays what it is, for the product to refuse. */
static lsq_transpose transpose_of(int trans)
{
    return trans == CONJ_TRANS ? LSQ_TRANS : (lsq_transpose)trans;
}

/* Are these the sizes of W? No cast makes a negative one right: weights have at most 2^40 rows and columns. */
static int is_size(const lsq_weights *w, int rows, int columns)
{
    return w && lsq_weights_rows(w) == (size_t)rows && lsq_weights_columns(w) == (size_t)columns;
}

lsq_status cblas_lsq_sgemv(int order, int trans, int m, int n, float alpha, const lsq_weights *a, const float *x,
                           int incx, float beta, float *y, int incy)
{
    if ((order != LSQ_ROW_MAJOR && order != LSQ_COL_MAJOR) || !is_size(a, m, n))
        return LSQ_E_ARGUMENT;
    return lsq_sgemv(NULL, transpose_of(trans), alpha, a, x, incx, beta, y, incy);
}

lsq_status cblas_lsq_sgemm(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const lsq_weights *a,
                           const float *b, int ldb, float beta, float *c, int ldc)
{
    const lsq_transpose of_a = transpose_of(trans_a);
    if (n < 0 || ldb < 0 || ldc < 0 || !(of_a == LSQ_TRANS ? is_size(a, k, m) : is_size(a, m, k)))
        return LSQ_E_ARGUMENT;
    return lsq_sgemm(NULL, (lsq_order)order, of_a, transpose_of(trans_b), (size_t)n, alpha, a, b, (size_t)ldb, beta, c,
                     (size_t)ldc);
}
