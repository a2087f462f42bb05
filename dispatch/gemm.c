/*
 * gemm.c - C = alpha op(W) op(B) + beta C.
 *
 * With integer activations columns are rounded and interleaved once. Each panel is expanded into integer levels, as much at a time as
 * stays in the first cache, and multiplied with all of them: what decoding costs is divided by their number. Everything else
 * goes a column after the other.
 */
#include "dispatch/columns.h"
#include "dispatch/product.h"
#include "dispatch/threads.h"

#include <stdlib.h>

enum { COLUMNS = 256 /* at once */, LEVEL_BYTES = 16 << 10 /* expanded at once */ };

/* One product on its way through the panels. */
typedef struct product {
    lsq_gemm_args args;
    const lsq_weights *w;
    lsq_expand_fn *expand;
    lsq_gemm_fn *gemm;
    size_t block, columns; /* groups at once, columns of C */
    float alpha, beta;
    float *c;
    size_t row_step, column_step;
} product;

static void finish(const product *job, size_t p, const float *sums)
{
    const lsq_weights *w = job->w;
    const size_t left = w->m - p * PANEL, rows = left < PANEL ? left : PANEL;
    for (size_t j = 0; j < job->columns; j++)
        for (size_t r = 0; r < rows; r++) {
            float *c = job->c + (p * PANEL + r) * job->row_step + j * job->column_step;
            float scale = w->row[job->args.w.rows[p * PANEL + r]] * w->levels.unit;
            float value = job->alpha * (sums[j * PANEL + r] * scale);
            *c = job->beta == 0.0f ? value : value + job->beta * *c;
        }
}

static void run_panels(const void *arg, size_t p0, size_t p1)
{
    const product *job = arg;
    _Alignas(64) uint8_t levels[LEVEL_BYTES];
    _Alignas(64) float sums[COLUMNS * PANEL];
    lsq_gemm_args args = job->args;
    const lsq_expand_args expand = {args.w, levels};
    const size_t groups = args.w.groups;
    args.levels = levels;
    args.quads = (job->columns + QUAD - 1) / QUAD;
    args.sums = sums;
    for (size_t p = p0; p < p1; p++) {
        for (size_t g0 = 0; g0 < groups; g0 += job->block) {
            const size_t g1 = g0 + job->block < groups ? g0 + job->block : groups;
            job->expand(&expand, p, g0, g1);
            job->gemm(&args, p, g0, g1);
        }
        finish(job, p, sums);
    }
}

/* With integer activations, without transposing W; alpha is not 0. Scratch: lsq_columns_bytes() for COLUMNS or n columns. */
static void multiply(const lsq_context *ctx, product *job, const lsq_columns *b, void *scratch)
{
    const lsq_weights *w = job->w;
    const enum lsq_act act = lsq_product_act(ctx, w);
    const enum lsq_size_class class = lsq_size_class(&ctx->cpu, w->geometry.bytes);
    const unsigned codec = act == ACT_i8 ? CODEC_e8 : CODEC_e16, many = ctx->threads > 1;
    job->args.w = lsq_weights_tiles(w);
    job->args.largest = lsq_largest_level(&w->format);
    job->expand = ctx->choice[OP_expand][w->family][act][class][many].kernel->run.expand;
    job->gemm = ctx->choice[OP_gemm][codec][act][class][many].kernel->run.gemm;
    job->block = LEVEL_BYTES / (TILE * (act == ACT_i8 ? 1 : 2));
    for (size_t j = 0; j < b->count; j += COLUMNS) {
        lsq_columns some = *b;
        product part = *job;
        some.first += (ptrdiff_t)j * some.column_step;
        some.count = part.columns = b->count - j < COLUMNS ? b->count - j : COLUMNS;
        part.c += j * part.column_step;
        lsq_columns_set(&part.args, act, w->geometry.groups, &some, scratch);
        lsq_for_panels(ctx, w->geometry.panels, w->geometry.bytes / w->geometry.panels * part.columns, run_panels,
                       &part);
    }
}

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
    /* Less than a quad is faster one by one, since one by one nothing has to be expanded. */
    const int together = alpha != 0.0f && !transposed && n >= QUAD && ctx->activation == LSQ_ACT_INT;
    size_t bytes = lsq_product_scratch(ctx, trans_w, w);
    if (together)
        bytes = lsq_columns_bytes(lsq_product_act(ctx, w), w->geometry.groups, n < COLUMNS ? n : COLUMNS);
    void *scratch = NULL;
    if (alpha != 0.0f && !(scratch = aligned_alloc(64, bytes)))
        return LSQ_E_NOMEM;
    if (together) {
        product job = {.w = w, .alpha = alpha, .beta = beta, .c = c, .row_step = ldc, .column_step = 1};
        lsq_columns columns = {b, (ptrdiff_t)ldb, 1, inner, n};
        if (c_packed)
            job.row_step = 1, job.column_step = ldc;
        if (b_packed)
            columns.row_step = 1, columns.column_step = (ptrdiff_t)ldb;
        multiply(ctx, &job, &columns, scratch);
        free(scratch);
        return LSQ_OK;
    }
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
