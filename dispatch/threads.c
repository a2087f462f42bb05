/*
 * threads.c - panels over threads: the host's own, or those of a pool.
 *
 * With t threads, thread i begins with panels [n i / t, n (i + 1) / t), whatever else differs between two products; so the pages of a
 * matrix stay with the thread, and the memory node, that touched them first. In the pool a share is cut into pieces, so
 * that others can take over what a thread has not begun when the system interrupts it.
 */
#include "dispatch/threads.h"

#include "dispatch/pool.h"

/*
 * Handing work to a thread costs 1 to 2 us while it spins, 20 to 30 if it sleeps; taking a piece, less than 0.1. AVX2 multiplies the 128
 * KiB that thread_bytes is by default in some 10 us, where two threads just begin to be faster than one.
 */
enum { PIECE_BYTES = 32 << 10, PIECES = 8 /* of a share, at most */ };

static _Thread_local unsigned local_limit;

unsigned lsq_set_num_threads_local(unsigned n)
{
    unsigned former = local_limit;
    local_limit = n;
    return former;
}

typedef struct job {
    void (*work)(const void *arg, size_t p0, size_t p1);
    const void *arg;
    size_t panels, pieces;
} job;

static void run_piece(void *arg, size_t i)
{
    const job *j = arg;
    j->work(j->arg, j->panels * i / j->pieces, j->panels * (i + 1) / j->pieces);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t lsq_panel_threads(const lsq_context *ctx, size_t panels, size_t bytes, size_t thread_bytes)
{
    const unsigned allowed = local_limit && local_limit < ctx->threads ? local_limit : ctx->threads;
    const size_t share = thread_bytes ? thread_bytes : lsq_tunables_default.value[TUNABLE_thread_bytes];
    const size_t threads = least(allowed, least(panels, panels * bytes / share));
    return threads ? threads : 1;
}

void lsq_for_panels(const lsq_context *ctx, size_t panels, size_t bytes, size_t thread_bytes,
                    void (*work)(const void *arg, size_t p0, size_t p1), const void *arg)
{
    const size_t threads = lsq_panel_threads(ctx, panels, bytes, thread_bytes);
    job j = {work, arg, panels, threads};
    if (threads == 1) {
        work(arg, 0, panels);
    } else if (ctx->parallel_for) {
        ctx->parallel_for(ctx->host, threads, run_piece, &j);
    } else {
        const size_t each = least(PIECES, least(panels / threads, panels * bytes / threads / PIECE_BYTES));
        j.pieces *= each ? each : 1; /* thread_bytes may be less than a piece */
        lsq_pool_run(ctx->pool, (unsigned)threads, j.pieces, run_piece, &j);
    }
}

/* ---- Work of others ---------------------------------------------------------------------------------------------- */

typedef struct ranges {
    void (*work)(void *arg, size_t first, size_t end);
    void *arg;
} ranges;

static void run_range(const void *arg, size_t first, size_t end)
{
    const ranges *r = arg;
    r->work(r->arg, first, end);
}

lsq_status lsq_for_ranges(const lsq_context *ctx, size_t count, void (*work)(void *arg, size_t first, size_t end),
                          void *arg)
{
    enum { MUCH = 1 << 20 }; /* each is worth a thread */
    const ranges r = {work, arg};
    if (!work)
        return LSQ_E_ARGUMENT;
    const lsq_status status = lsq_context_resolve(&ctx);
    if (status == LSQ_OK && count > 0)
        lsq_for_panels(ctx, count, MUCH, 0, run_range, &r);
    return status;
}
