/*
 * threads.h - panels over threads.
 */
#ifndef LSQ_DISPATCH_THREADS_H
#define LSQ_DISPATCH_THREADS_H

#include "dispatch/context.h"

/* Runs work(arg, p0, p1) so that the ranges together are [0, panels): in one call, or one range a thread. */
void lsq_for_panels(const lsq_context *ctx, size_t panels, void (*work)(const void *arg, size_t p0, size_t p1),
                    const void *arg);

/* A place for a pool that the first product with threads makes. NULL: no memory. */
struct lsq_pool *lsq_pool_new(void);
void lsq_pool_free(struct lsq_pool *pool);

#endif
