/*
 * context.h - every choice, made once.
 */
#ifndef LSQ_DISPATCH_CONTEXT_H
#define LSQ_DISPATCH_CONTEXT_H

#include "dispatch/select.h"
#include "dispatch/tunables.h"

#include <lsq/lsq.h>

/* What runs a product, and how. */
typedef struct lsq_choice {
    const lsq_kernel *kernel;
    lsq_tunables tunables;
} lsq_choice;

struct lsq_context {
    lsq_cpu cpu;                                      /* lacks[] includes what the cap forbids */
    lsq_choice choice[OPS][CODECS][ACTS][CLASSES][2]; /* last: one thread, or more */
    lsq_activation activation;
    unsigned threads;
    lsq_parallel_for *parallel_for;
    void *host;
    struct lsq_pool *pool; /* pool.h; without threads until a product wants some */
    char *description;     /* JSON, see lsq_describe() */
};

/*
 * Puts the default context in place of NULL. LSQ_OK, or why there is none: LSQ_E_NOMEM, LSQ_E_CONFIG (LSQ_STRICT=1 and an
 * environment that cannot be honoured).
 */
lsq_status lsq_context_resolve(const lsq_context **ctx);

#endif
