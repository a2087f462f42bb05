/*
 * threads.c - panels over threads: the host's own, or a pool that the first product with threads makes. Ranges begin at
 * multiples of a chain, so that no thread has to read another's tiles.
 */
#include "dispatch/threads.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#if LSQ_PTHREADPOOL
#include <pthreadpool.h>
#endif

typedef struct job {
    void (*work)(const void *arg, size_t p0, size_t p1);
    const void *arg;
    size_t panels, chunk;
} job;

static void run_chunk(void *arg, size_t i)
{
    const job *j = arg;
    size_t p0 = i * j->chunk, p1 = p0 + j->chunk;
    j->work(j->arg, p0, p1 < j->panels ? p1 : j->panels);
}

struct lsq_pool {
    pthread_mutex_t making;
    void *pool;
    _Atomic(pid_t) owner; /* set when `pool` is; after a fork the threads are gone, and the child runs alone */
};

struct lsq_pool *lsq_pool_new(void)
{
    struct lsq_pool *pool = calloc(1, sizeof(*pool));
    if (pool && pthread_mutex_init(&pool->making, NULL) != 0) {
        free(pool);
        return NULL;
    }
    return pool;
}

void lsq_pool_free(struct lsq_pool *pool)
{
    if (!pool)
        return;
#if LSQ_PTHREADPOOL
    if (pool->pool && pool->owner == getpid())
        pthreadpool_destroy(pool->pool);
#endif
    pthread_mutex_destroy(&pool->making);
    free(pool);
}

#if LSQ_PTHREADPOOL
/*
 * The pool, or NULL: run alone. Nobody waits for it to be made: a thread that finds another one at that runs alone this once. A
 * child forked at that moment finds so too, for ever; waiting, it would hang.
 */
static pthreadpool_t threads_of(struct lsq_pool *pool, unsigned threads)
{
    if (!pool->owner && pthread_mutex_trylock(&pool->making) == 0) {
        if (!pool->owner) {
            int saved = errno;
            pool->pool = pthreadpool_create(threads);
            pool->owner = getpid();
            errno = saved;
        }
        pthread_mutex_unlock(&pool->making);
    }
    return pool->owner == getpid() ? pool->pool : NULL;
}
#endif

void lsq_for_panels(const lsq_context *ctx, size_t panels, void (*work)(const void *arg, size_t p0, size_t p1),
                    const void *arg)
{
    size_t chains = (panels + CHAIN - 1) / CHAIN, tasks = ctx->threads < chains ? ctx->threads : chains;
    job j = {work, arg, panels, panels};
    if (tasks > 1) {
        j.chunk = (chains + tasks - 1) / tasks * CHAIN;
        tasks = (panels + j.chunk - 1) / j.chunk;
        if (ctx->parallel_for) {
            ctx->parallel_for(ctx->host, tasks, run_chunk, &j);
            return;
        }
#if LSQ_PTHREADPOOL
        pthreadpool_t pool = threads_of(ctx->pool, ctx->threads);
        if (pool) {
            pthreadpool_parallelize_1d(pool, run_chunk, &j, tasks, 0);
            return;
        }
#endif
    }
    work(arg, 0, panels);
}
