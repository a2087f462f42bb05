/*
 * gemv.c - y = alpha W x + beta y, and one row of it: checks, rounds x once, hands panels to kernels, and finishes their sums.
 */
#include "dispatch/activation.h"
#include "dispatch/product.h"
#include "dispatch/sparse.h"
#include "dispatch/threads.h"

#include <stdlib.h>

/* One vector on its way through the panels. */
typedef struct vector {
    lsq_gemv_args args;
    const lsq_product *product;
    const float *x; /* as the caller has it */
    lsq_gemv_fn *kernel;
    float unit;
    float *y;
} vector;

/*
 * Sums of rows [first, end) of W into y. What does not change is in locals, for y might be any of it as far as a compiler knows: a small
 * product took a third of its time here.
 */
static void finish(const vector *v, size_t first, size_t end, const float *sums)
{
    const lsq_product *product = v->product;
    const float alpha = product->alpha, beta = product->beta, unit = v->unit, *row_scale = product->w->row;
    const uint8_t *rows = v->args.w.rows + first;
    const ptrdiff_t step = product->c_row;
    const lsq_outliers *outliers = product->w->outliers;
    float *y = v->y + (ptrdiff_t)(first - product->row) * step;
    for (size_t i = 0; i < end - first; i++, y += step) {
        float sum = sums[i] * (row_scale[rows[i]] * unit);
        if (outliers)
            sum = lsq_sparse_dot(outliers, first + i, v->x, product->b.row_step, sum);
        const float value = alpha * sum;
        *y = beta == 0.0f ? value : value + beta * *y;
    }
}

static void run_panels(const void *arg, size_t p0, size_t p1)
{
    const vector *v = arg;
    const lsq_product *product = v->product;
    const size_t before = product->row / PANEL, row_end = product->row + product->rows;
    lsq_gemv_args args = v->args;
    float sums[CHAIN * PANEL];
    args.y = sums;
    for (size_t p = before + p0, end = before + p1; p < end; p += CHAIN) {
        const size_t next = p + CHAIN < end ? p + CHAIN : end;
        v->kernel(&args, p, next);
        const size_t first = p * PANEL > product->row ? p * PANEL : product->row;
        const size_t last = next * PANEL < row_end ? next * PANEL : row_end;
        finish(v, first, last, sums + (first - p * PANEL));
    }
}

size_t lsq_vectors_scratch(const lsq_way *way, const lsq_product *product)
{
    return lsq_activation_bytes(way->act, product->w->geometry.groups);
}

void lsq_vectors_run(const lsq_context *ctx, const lsq_way *way, const lsq_product *product, void *scratch)
{
    const lsq_weights *w = product->w;
    vector v = {
        .args = {.w = lsq_weights_tiles(w), .prefetch = way->multiply->tunables.value[TUNABLE_prefetch]},
        .product = product,
        .kernel = way->multiply->kernel->run.gemv,
        .unit = way->act == ACT_f32 ? 1.0f : w->levels.unit,
    };
    const lsq_kernel *round = lsq_way_round(way);
    for (size_t j = 0; j < product->n; j++) {
        v.x = product->b.first + (ptrdiff_t)j * product->b.column_step;
        v.y = product->c + (ptrdiff_t)j * product->c_column;
        lsq_activation_set(&v.args, way->act, round ? round->run.round : NULL, w->geometry.groups, v.x,
                           product->b.row_step, w->k, scratch);
        lsq_for_panels(ctx, way->parts, way->part_bytes, way->thread_bytes, run_panels, &v);
    }
}

/* A vector of n elements as BLAS has it: a negative increment counts from the far end. */
static ptrdiff_t first(ptrdiff_t inc, size_t n)
{
    return inc < 0 ? -(ptrdiff_t)(n - 1) * inc : 0;
}

lsq_status lsq_sgemv(const lsq_context *ctx, lsq_transpose trans, float alpha, const lsq_weights *w, const float *x,
                     ptrdiff_t incx, float beta, float *y, ptrdiff_t incy)
{
    if (!w || !y || (!x && alpha != 0.0f) || incx == 0 || incy == 0 || (trans != LSQ_NO_TRANS && trans != LSQ_TRANS))
        return LSQ_E_ARGUMENT;
    lsq_status status = lsq_context_resolve(&ctx);
    if (status != LSQ_OK)
        return status;
    const size_t from = trans == LSQ_TRANS ? w->m : w->k, to = trans == LSQ_TRANS ? w->k : w->m;
    const lsq_product product = {
        .w = w,
        .rows = w->m,
        .n = 1,
        .alpha = alpha,
        .beta = beta,
        .b = {.first = x ? x + first(incx, from) : NULL, .row_step = incx},
        .c = y + first(incy, to),
        .c_row = incy,
    };
    return lsq_product_run(ctx, trans, &product);
}

lsq_status lsq_dot(const lsq_context *ctx, const lsq_weights *w, size_t row, const float *x, ptrdiff_t incx,
                   float *result)
{
    if (!w || !x || !result || incx == 0 || row >= w->m)
        return LSQ_E_ARGUMENT;
    lsq_status status = lsq_context_resolve(&ctx);
    if (status != LSQ_OK)
        return status;
    const lsq_product product = {
        .w = w,
        .row = row,
        .rows = 1,
        .n = 1,
        .alpha = 1.0f,
        .b = {.first = x + first(incx, w->k), .row_step = incx},
        .c = result,
        .c_row = 1,
    };
    return lsq_product_run(ctx, LSQ_NO_TRANS, &product);
}
