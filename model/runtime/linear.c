/*
 * linear.c - a linear layer. Seen by columns, X is the k x batch matrix that W is multiplied with, and Y the m x batch result.
 */
#include "model/model.h"
#include "model/runtime/nonlinearity.h"

#include <errno.h>

static lsq_status check(const lsq_weights *w, lsq_nonlinearity f, size_t batch, const float *x, size_t ldx,
                        const float *y, size_t ldy, lsq_error *err)
{
    static const char where[] = "lsq_linear";
    if (!w)
        return lsq_fail(err, LSQ_E_ARGUMENT, where, "w: no weights");
    if (!lsq_nonlinearity_valid(f))
        return lsq_fail(err, LSQ_E_ARGUMENT, where, "f is %d: not one of lsq_nonlinearity", (int)f);
    if (ldx < lsq_weights_columns(w))
        return lsq_fail(err, LSQ_E_ARGUMENT, where, "ldx is %zu: W has %zu columns", ldx, lsq_weights_columns(w));
    if (ldy < lsq_weights_rows(w))
        return lsq_fail(err, LSQ_E_ARGUMENT, where, "ldy is %zu: W has %zu rows", ldy, lsq_weights_rows(w));
    if (batch && (!x || !y))
        return lsq_fail(err, LSQ_E_ARGUMENT, where, "%s: no matrix", x ? "y" : "x");
    return LSQ_OK;
}

lsq_status lsq_linear(const lsq_context *ctx, const lsq_weights *w, const float *bias, lsq_nonlinearity f, size_t batch,
                      const float *x, size_t ldx, float *y, size_t ldy, lsq_error *err)
{
    lsq_status status = check(w, f, batch, x, ldx, y, ldy, err);
    if (status != LSQ_OK || batch == 0)
        return status;
    const int before = errno;
    status = batch == 1 ? lsq_sgemv(ctx, LSQ_NO_TRANS, 1, w, x, 1, 0, y, 1)
                        : lsq_sgemm(ctx, LSQ_COL_MAJOR, LSQ_NO_TRANS, LSQ_NO_TRANS, batch, 1, w, x, ldx, 0, y, ldy);
    errno = before;
    if (status != LSQ_OK)
        return lsq_fail(err, status, "lsq_linear", "%s", lsq_strerror(status));
    const size_t m = lsq_weights_rows(w);
    for (size_t i = 0; i < batch; i++, y += ldy) {
        for (size_t j = 0; bias && j < m; j++)
            y[j] += bias[j];
        lsq_nonlinearity_apply(f, y, m);
    }
    return LSQ_OK;
}
