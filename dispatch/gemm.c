/*
 * gemm.c - C = alpha op(W) op(B) + beta C, a column of C after the other.
 */
#include "dispatch/product.h"

#include <stdlib.h>

lsq_status lsq_sgemm(const lsq_context *ctx, lsq_order order, lsq_transpose trans_w, lsq_transpose trans_b, size_t n,
                     float alpha, const lsq_weights *w, const float *b, size_t ldb, float beta, float *c, size_t ldc)
{
    if (!w || (order != LSQ_ROW_MAJOR && order != LSQ_COL_MAJOR) || (trans_w != LSQ_NO_TRANS && trans_w != LSQ_TRANS) ||
        (trans_b != LSQ_NO_TRANS && trans_b != LSQ_TRANS))
        return LSQ_E_ARGUMENT;
    int transposed = trans_w == LSQ_TRANS;
    size_t rows = transposed ? w->k : w->m, inner = transposed ? w->m : w->k;
    /* Are the elements of a column of op(B), and of C, next to each other? */
    int b_packed = (order == LSQ_COL_MAJOR) == (trans_b == LSQ_NO_TRANS), c_packed = order == LSQ_COL_MAJOR;
    if (ldb < (b_packed ? inner : n) || ldb == 0 || ldc < (c_packed ? rows : n) || ldc == 0)
        return LSQ_E_ARGUMENT;
    if (n == 0)
        return LSQ_OK;
    if (!c || (!b && alpha != 0.0f))
        return LSQ_E_ARGUMENT;
    lsq_status status = lsq_context_resolve(&ctx);
    if (status != LSQ_OK)
        return status;
    void *scratch = NULL;
    if (alpha != 0.0f && !(scratch = aligned_alloc(64, lsq_product_scratch(ctx, trans_w, w))))
        return LSQ_E_NOMEM;
    for (size_t j = 0; j < n; j++) {
        const float *x = b ? b + (b_packed ? j * ldb : j) : NULL;
        float *y = c + (c_packed ? j * ldc : j);
        ptrdiff_t incx = b_packed ? 1 : (ptrdiff_t)ldb, incy = c_packed ? 1 : (ptrdiff_t)ldc;
        if (alpha == 0.0f)
            lsq_scale_vector(beta, y, incy, rows);
        else if (transposed)
            lsq_product_transposed(ctx, alpha, w, x, incx, beta, y, incy, scratch);
        else
            lsq_product_run(ctx, alpha, w, x, incx, beta, y, incy, scratch);
    }
    free(scratch);
    return LSQ_OK;
}
