/*
 * explain.c - what would run one product, and why: the way that lsq_product_run() goes, as JSON.
 */
#include "dispatch/columns.h"
#include "dispatch/describe.h"
#include "dispatch/product.h"
#include "dispatch/threads.h"

#include <errno.h>

static json_t *tunables_of(const lsq_choice *choice)
{
    json_t *values = json_object();
    for (unsigned t = 0; t < TUNABLES; t++)
        if (lsq_tunable_ops[t] == choice->kernel->op)
            values = lsq_describe_set(values, lsq_tunable_names[t], json_integer(choice->tunables.value[t]));
    return values;
}

/* Nothing is added for a step that the way does not have. */
static json_t *add_step(json_t *steps, const lsq_context *ctx, const lsq_choice *choice)
{
    if (!choice)
        return steps;
    const lsq_kernel *kernel = choice->kernel,
                     *usual = lsq_kernel_default(&ctx->cpu, kernel->op, kernel->codec, kernel->act);
    json_t *step =
        json_pack("{s:s, s:s, s:s, s:s, s:o}", "op", lsq_op_names[kernel->op], "kernel", kernel->name, "reason",
                  lsq_reason_names[choice->reason], "default", usual->name, "tunables", tunables_of(choice));
    if (choice->speedup > 0)
        step = lsq_describe_set(step, "speedup", json_real((double)choice->speedup));
    return lsq_describe_add(steps, step);
}

static json_t *explain(const lsq_context *ctx, const lsq_weights *w, lsq_transpose trans, size_t n)
{
    char format[LSQ_FORMAT_NAME_MAX];
    const lsq_product product = {.w = w, .rows = w->m, .n = n, .b = {.row_step = 1}};
    const lsq_way way = lsq_way_of(ctx, trans, &product);
    const size_t bytes = w->geometry.bytes, together = way.route == ROUTE_columns || way.route == ROUTE_direct,
                 rounding = together ? lsq_columns_threads(ctx, w->k, way.columns) : 1,
                 multiplying = lsq_panel_threads(ctx, way.parts, way.part_bytes * way.columns, way.thread_bytes),
                 threads = rounding > multiplying ? rounding : multiplying;
    lsq_format_name(&w->format, format);
    json_t *steps = add_step(json_array(), ctx, way.round);
    steps = add_step(steps, ctx, way.unpack);
    steps = add_step(steps, ctx, way.multiply);
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:b, s:I, s:s, s:s, s:s, s:I, s:I, s:s, s:I, s:I, s:I, s:o, s:O}",
                     "schema", "lsq.product/1", "format", format, "m", (json_int_t)w->m, "k", (json_int_t)w->k, "n",
                     (json_int_t)n, "transposed", trans == LSQ_TRANS, "bytes", (json_int_t)bytes, "class",
                     lsq_class_names[lsq_size_class(&ctx->cpu, bytes)], "batch", lsq_batch_names[lsq_batch(n)],
                     "activation", lsq_act_names[way.act], "threads", (json_int_t)threads, "threads_allowed",
                     (json_int_t)ctx->threads, "way", lsq_route_names[way.route], "columns_at_once",
                     (json_int_t)way.columns, "together_from", (json_int_t)way.together_from, "expand_from",
                     (json_int_t)way.expand_from, "kernels", steps, "tune_files", ctx->tune_files);
}

size_t lsq_describe_product(const lsq_context *ctx, const lsq_format *format, size_t m, size_t k, lsq_transpose trans,
                            size_t n, char *text, size_t size)
{
    const int saved = errno;
    lsq_weights *w = NULL;
    json_t *document = NULL;
    if ((trans == LSQ_NO_TRANS || trans == LSQ_TRANS) && n > 0 && n <= (size_t)1 << 48 &&
        lsq_context_resolve(&ctx) == LSQ_OK && lsq_weights_begin(format, m, k, &w, NULL) == LSQ_OK)
        document = explain(ctx, w, trans, n);
    lsq_weights_free(w);
    const size_t length = lsq_describe_put(document, text, size);
    errno = saved;
    return length;
}
