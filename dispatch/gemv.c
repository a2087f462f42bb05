/*
 * gemv.c - y = alpha W x + beta y, and one row of it: checks, rounds x once, hands panels to kernels, and finishes their sums.
 */
#include "dispatch/product.h"

#include "dispatch/activation.h"
#include "dispatch/threads.h"

#include <stdlib.h>

enum { STACK_SCRATCH = 8192 };

/* y at (i) in memory order of BLAS: a negative increment counts from the far end. */
static float *first(float *y, ptrdiff_t inc, size_t n)
{
    return inc < 0 ? y - (ptrdiff_t)(n - 1) * inc : y;
}

void lsq_scale_vector(float beta, float *y, ptrdiff_t incy, size_t n)
{
    y = first(y, incy, n);
    for (size_t i = 0; i < n && beta != 1.0f; i++)
        y[(ptrdiff_t)i * incy] = beta == 0.0f ? 0.0f : beta * y[(ptrdiff_t)i * incy];
}

/* One product on its way through the panels. */
typedef struct product {
    lsq_gemv_args args;
    const lsq_weights *w;
    lsq_gemv_fn *kernel;
    float alpha, beta, unit;
    float *y;
    ptrdiff_t incy;
} product;

/* What the sum of row i is worth. */
static float value_of(const product *job, size_t i, float sum)
{
    return job->alpha * (sum * (job->w->row[job->args.w.rows[i]] * job->unit));
}

static void run_panels(const void *arg, size_t p0, size_t p1)
{
    const product *job = arg;
    lsq_gemv_args args = job->args;
    float sums[CHAIN * PANEL];
    args.y = sums;
    for (size_t p = p0; p < p1; p += CHAIN) {
        size_t end = p + CHAIN < p1 ? p + CHAIN : p1, rows = (end - p) * PANEL, left = job->w->m - p * PANEL;
        job->kernel(&args, p, end);
        for (size_t r = 0; r < rows && r < left; r++) {
            size_t i = p * PANEL + r;
            float *y = job->y + (ptrdiff_t)i * job->incy, value = value_of(job, i, sums[r]);
            *y = job->beta == 0.0f ? value : value + job->beta * *y;
        }
    }
}

size_t lsq_product_scratch(const lsq_context *ctx, lsq_transpose trans, const lsq_weights *w)
{
    if (trans == LSQ_TRANS)
        return w->geometry.groups * GROUP * sizeof(float);
    return lsq_activation_bytes(lsq_product_act(ctx, w), w->geometry.groups);
}

enum lsq_act lsq_product_act(const lsq_context *ctx, const lsq_weights *w)
{
    return ctx->activation == LSQ_ACT_FLOAT ? ACT_f32 : w->format.bits <= 6 ? ACT_i8 : ACT_i16;
}

/* Rounds x into scratch and looks the kernel up; where the results go is for the caller to say. */
static product product_of(const lsq_context *ctx, const lsq_weights *w, const float *x, ptrdiff_t incx, void *scratch)
{
    enum lsq_act act = lsq_product_act(ctx, w);
    enum lsq_size_class class = lsq_size_class(&ctx->cpu, w->geometry.bytes);
    const lsq_choice *choice = &ctx->choice[OP_gemv][w->family][act][class][ctx->threads > 1];
    product job = {
        .args = {.w = lsq_weights_tiles(w), .prefetch = choice->tunables.value[TUNABLE_prefetch]},
        .w = w,
        .kernel = choice->kernel->run.gemv,
        .alpha = 1.0f,
        .unit = act == ACT_f32 ? 1.0f : w->levels.unit,
    };
    lsq_activation_set(&job.args, act, w->geometry.groups, incx < 0 ? x - (ptrdiff_t)(w->k - 1) * incx : x, incx, w->k,
                       scratch);
    return job;
}

void lsq_product_run(const lsq_context *ctx, float alpha, const lsq_weights *w, const float *x, ptrdiff_t incx,
                     float beta, float *y, ptrdiff_t incy, void *scratch)
{
    product job = product_of(ctx, w, x, incx, scratch);
    job.alpha = alpha;
    job.beta = beta;
    job.y = first(y, incy, w->m);
    job.incy = incy;
    lsq_for_panels(ctx, w->geometry.panels, w->geometry.bytes / w->geometry.panels, run_panels, &job);
}

static void *scratch_of(uint8_t stack[STACK_SCRATCH], size_t bytes)
{
    return bytes <= STACK_SCRATCH ? stack : aligned_alloc(64, bytes);
}

lsq_status lsq_sgemv(const lsq_context *ctx, lsq_transpose trans, float alpha, const lsq_weights *w, const float *x,
                     ptrdiff_t incx, float beta, float *y, ptrdiff_t incy)
{
    if (!w || !y || (!x && alpha != 0.0f) || incx == 0 || incy == 0 || (trans != LSQ_NO_TRANS && trans != LSQ_TRANS))
        return LSQ_E_ARGUMENT;
    lsq_status status = lsq_context_resolve(&ctx);
    if (status != LSQ_OK)
        return status;
    if (alpha == 0.0f) {
        lsq_scale_vector(beta, y, incy, trans == LSQ_TRANS ? w->k : w->m);
        return LSQ_OK;
    }
    _Alignas(64) uint8_t stack[STACK_SCRATCH];
    void *scratch = scratch_of(stack, lsq_product_scratch(ctx, trans, w));
    if (!scratch)
        return LSQ_E_NOMEM;
    if (trans == LSQ_TRANS)
        lsq_product_transposed(ctx, alpha, w, x, incx, beta, y, incy, scratch);
    else
        lsq_product_run(ctx, alpha, w, x, incx, beta, y, incy, scratch);
    if (scratch != stack)
        free(scratch);
    return LSQ_OK;
}

lsq_status lsq_dot(const lsq_context *ctx, const lsq_weights *w, size_t row, const float *x, ptrdiff_t incx,
                   float *result)
{
    if (!w || !x || !result || incx == 0 || row >= w->m)
        return LSQ_E_ARGUMENT;
    lsq_status status = lsq_context_resolve(&ctx);
    if (status != LSQ_OK)
        return status;
    _Alignas(64) uint8_t stack[STACK_SCRATCH];
    void *scratch = scratch_of(stack, lsq_product_scratch(ctx, LSQ_NO_TRANS, w));
    if (!scratch)
        return LSQ_E_NOMEM;
    float sums[PANEL];
    product job = product_of(ctx, w, x, incx, scratch);
    job.args.y = sums;
    job.kernel(&job.args, row / PANEL, row / PANEL + 1);
    *result = value_of(&job, row, sums[row % PANEL]);
    if (scratch != stack)
        free(scratch);
    return LSQ_OK;
}
