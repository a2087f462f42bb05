/*
 * context.h - every choice, made once.
 */
#ifndef LSQ_DISPATCH_CONTEXT_H
#define LSQ_DISPATCH_CONTEXT_H

#include "dispatch/choices.h"

#include <lsq/lsq.h>

#include <jansson.h>

struct lsq_context {
    lsq_cpu cpu; /* lacks[] includes what the cap forbids */
    lsq_choice_table choices;
    lsq_activation activation;
    unsigned threads;
    lsq_parallel_for *parallel_for;
    void *host;
    struct lsq_pool *pool;      /* pool.h; without threads until a product wants some */
    json_t *notes, *tune_files; /* arrays of what a user may wonder about, and of what became of tune files */
};

/* What runs a product of a kind that there is, with weights of so many packed bytes. */
static inline const lsq_choice *lsq_context_choice(const lsq_context *ctx, enum lsq_op op, enum lsq_family codec,
                                                   enum lsq_act act, size_t bytes, size_t columns)
{
    return &(*ctx->choices.of[op][codec][act])[lsq_size_class(&ctx->cpu, bytes)][lsq_batch(columns)][ctx->threads > 1];
}

/*
 * Puts the default context in place of NULL. LSQ_OK, or why there is none: LSQ_E_NOMEM, LSQ_E_CONFIG (LSQ_STRICT=1 and an
 * environment that cannot be honoured).
 */
lsq_status lsq_context_resolve(const lsq_context **ctx);

#endif
