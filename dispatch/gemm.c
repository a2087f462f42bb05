/*
 * gemm.c - C = alpha op(W) op(B) + beta C.
 *
 * Columns are rounded and interleaved once. Each panel is expanded into levels, some groups at a time that stay in the first cache, and
 * multiplied with all of them: what decoding costs is divided by their number. If there are few, each panel is multiplied as it is.
 */
#include "dispatch/columns.h"
#include "dispatch/finish.h"
#include "dispatch/product.h"
#include "dispatch/sparse.h"
#include "dispatch/threads.h"

enum { COLUMNS_MAX = 512 /* at once, of the legal values */ };

/* Some columns on their way through the panels. */
typedef struct columns {
    lsq_gemm_args args;
    const lsq_product *product;
    lsq_expander expander; /* not of a direct product */
    lsq_gemm_fn *gemm;
    int expands;
    float unit;
    size_t groups;           /* of W */
    const lsq_strip *strips; /* with outliers: the columns as they are, in strips of 16 */
    size_t count;
    float *c;
    unsigned row_step, column_step; /* of sums, in a strip of 16 columns */
} columns;

/* The sums of rows [r0, r1) of panel p times their scales, and with the outliers of those rows. */
static void add_outliers(const columns *job, size_t p, unsigned r0, unsigned r1, const float *scale, float *sums)
{
    const lsq_outliers *outliers = job->product->w->outliers;
    for (size_t j = 0; j < job->count; j += STRIP) {
        const unsigned some = job->count - j < STRIP ? (unsigned)(job->count - j) : STRIP;
        for (unsigned r = r0; r < r1; r++) {
            float *first = sums + j * PANEL + r * job->row_step;
            lsq_strip sum = {0};
            for (unsigned i = 0; i < some; i++)
                sum[i] = first[i * job->column_step] * scale[r];
            lsq_sparse_strip(outliers, p * PANEL + r, job->strips + j / STRIP * job->groups * GROUP, &sum);
            for (unsigned i = 0; i < some; i++)
                first[i * job->column_step] = sum[i];
        }
    }
}

/* The sums of panel p into C: rows [r0, r1) of it. */
static void finish(const columns *job, size_t p, unsigned r0, unsigned r1, float *sums)
{
    const lsq_product *product = job->product;
    float scale[PANEL];
    for (unsigned r = 0; r < PANEL; r++)
        scale[r] = job->expander.decode ? 1.0f : product->w->row[job->args.w.rows[p * PANEL + r]] * job->unit;
    if (job->strips) {
        add_outliers(job, p, r0, r1, scale, sums);
        for (unsigned r = 0; r < PANEL; r++)
            scale[r] = 1;
    }
    const lsq_panel_sums all = {sums, job->row_step, job->column_step, job->count, scale};
    lsq_finish_panel(product, &all, r0, r1, job->c + (ptrdiff_t)(p * PANEL + r0 - product->row) * product->c_row);
}

static void run_panels(const void *arg, size_t p0, size_t p1)
{
    const columns *job = arg;
    const lsq_product *product = job->product;
    const size_t before = product->row / PANEL, end = product->row + product->rows;
    _Alignas(64) uint8_t levels[EXPANDED_BYTES];
    _Alignas(64) float sums[COLUMNS_MAX * PANEL];
    lsq_gemm_args args = job->args;
    const size_t groups = args.w.groups, block = job->expands ? job->expander.groups : groups;
    args.levels = levels;
    args.quads = (job->count + QUAD - 1) / QUAD;
    args.columns = job->count;
    args.sums = sums;
    for (size_t p = before + p0; p < before + p1; p++) {
        for (size_t g0 = 0; g0 < groups; g0 += block) {
            const size_t g1 = g0 + block < groups ? g0 + block : groups;
            if (job->expands)
                lsq_expander_run(&job->expander, p, g0, g1, levels);
            job->gemm(&args, p, g0, g1);
        }
        const size_t top = p * PANEL, left = end - top;
        finish(job, p, top < product->row ? (unsigned)(product->row - top) : 0, left < PANEL ? (unsigned)left : PANEL,
               sums);
    }
}

size_t lsq_columns_scratch(const lsq_way *way, const lsq_product *product)
{
    const size_t groups = product->w->geometry.groups;
    const size_t strips =
        product->w->outliers && way->act != ACT_f32 ? lsq_columns_bytes(ACT_f32, groups, way->columns) : 0;
    return lsq_columns_bytes(way->act, groups, way->columns) + strips;
}

/* The columns of b that are at work, not rounded. */
static const lsq_strip *strips_of(const lsq_context *ctx, const columns *job, const lsq_operand *b, void *scratch)
{
    lsq_gemm_args args;
    lsq_columns_set(ctx, &args, ACT_f32, NULL, job->groups, b, job->product->w->k, job->count, scratch);
    return args.x;
}

void lsq_columns_run(const lsq_context *ctx, const lsq_way *way, const lsq_product *product, void *scratch)
{
    const lsq_weights *w = product->w;
    const enum lsq_act act = way->act;
    const size_t rounded = lsq_columns_bytes(act, w->geometry.groups, way->columns);
    columns job = {
        .args = {.w = lsq_weights_tiles(w),
                 .tile_bytes = 64 * (size_t)w->format.bits,
                 .largest = lsq_largest_level(&w->format),
                 .prefetch = way->prefetch},
        .product = product,
        .gemm = way->multiply->kernel->run.gemm,
        .expands = way->route == ROUTE_columns,
        .unit = w->levels.unit,
        .groups = w->geometry.groups,
        .row_step = act == ACT_f32 ? STRIP : 1,
        .column_step = act == ACT_f32 ? 1 : PANEL,
    };
    if (job.expands)
        job.expander = lsq_expander_of(way, product);
    for (size_t j = 0; j < product->n; j += job.count) {
        lsq_operand some = product->b;
        some.first += (ptrdiff_t)j * some.column_step;
        job.count = product->n - j < way->columns ? product->n - j : way->columns;
        job.c = product->c + (ptrdiff_t)j * product->c_column;
        lsq_columns_set(ctx, &job.args, act, lsq_way_round(way), w->geometry.groups, &some, w->k, job.count, scratch);
        if (w->outliers)
            job.strips = act == ACT_f32 ? job.args.x : strips_of(ctx, &job, &some, (uint8_t *)scratch + rounded);
        lsq_for_panels(ctx, way->parts, way->part_bytes * job.count, way->thread_bytes, run_panels, &job);
    }
}

/* What is asked for, as BLAS has it. */
typedef struct request {
    lsq_order order;
    lsq_transpose trans_w, trans_b;
    const float *b;
    size_t ldb;
    float *c;
    size_t ldc;
} request;

/* Checks the rest of the product, fills in its operands, and runs it. */
static lsq_status run(const lsq_context *ctx, lsq_product *product, const request *r)
{
    if ((r->order != LSQ_ROW_MAJOR && r->order != LSQ_COL_MAJOR) ||
        (r->trans_b != LSQ_NO_TRANS && r->trans_b != LSQ_TRANS))
        return LSQ_E_ARGUMENT;
    const int transposed = r->trans_w == LSQ_TRANS;
    const size_t rows = transposed ? product->w->k : product->rows, inner = transposed ? product->w->m : product->w->k;
    /* Are the elements of a column of op(B), and of C, next to each other? */
    const int b_packed = (r->order == LSQ_COL_MAJOR) == (r->trans_b == LSQ_NO_TRANS),
              c_packed = r->order == LSQ_COL_MAJOR;
    if (r->ldb < (b_packed ? inner : product->n) || r->ldb == 0 || r->ldc < (c_packed ? rows : product->n) ||
        r->ldc == 0)
        return LSQ_E_ARGUMENT;
    if (product->n == 0 || rows == 0)
        return LSQ_OK;
    if (!r->c || (!r->b && product->alpha != 0.0f))
        return LSQ_E_ARGUMENT;
    lsq_status status = lsq_context_resolve(&ctx);
    if (status != LSQ_OK)
        return status;
    const ptrdiff_t ldb = (ptrdiff_t)r->ldb, ldc = (ptrdiff_t)r->ldc;
    product->b = (lsq_operand){r->b, b_packed ? 1 : ldb, b_packed ? ldb : 1};
    product->c = r->c;
    product->c_row = c_packed ? 1 : ldc;
    product->c_column = c_packed ? ldc : 1;
    return lsq_product_run(ctx, r->trans_w, product);
}

lsq_status lsq_sgemm(const lsq_context *ctx, lsq_order order, lsq_transpose trans_w, lsq_transpose trans_b, size_t n,
                     float alpha, const lsq_weights *w, const float *b, size_t ldb, float beta, float *c, size_t ldc)
{
    if (!w || (trans_w != LSQ_NO_TRANS && trans_w != LSQ_TRANS))
        return LSQ_E_ARGUMENT;
    lsq_product product = {.w = w, .rows = w->m, .n = n, .alpha = alpha, .beta = beta};
    const request r = {order, trans_w, trans_b, b, ldb, c, ldc};
    return run(ctx, &product, &r);
}

lsq_status lsq_sgemm_rows(const lsq_context *ctx, lsq_order order, lsq_transpose trans_b, size_t row, size_t rows,
                          size_t n, float alpha, const lsq_weights *w, const float *b, size_t ldb, float beta, float *c,
                          size_t ldc)
{
    if (!w || row > w->m || rows > w->m - row)
        return LSQ_E_ARGUMENT;
    lsq_product product = {.w = w, .row = row, .rows = rows, .n = n, .alpha = alpha, .beta = beta};
    const request r = {order, LSQ_NO_TRANS, trans_b, b, ldb, c, ldc};
    return run(ctx, &product, &r);
}
