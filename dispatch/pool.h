/*
 * pool.h - threads that wait for pieces of a product.
 */
#ifndef LSQ_DISPATCH_POOL_H
#define LSQ_DISPATCH_POOL_H

#include <stddef.h>

/* A pool without threads; the first job that wants some starts them. NULL: no memory. */
struct lsq_pool *lsq_pool_new(void);

/* No job may be running. NULL is allowed. */
void lsq_pool_free(struct lsq_pool *pool);

/*
 * Runs task(arg, 0) .. task(arg, count - 1) on the caller and up to threads - 1 threads of the pool, fewer if no more can be
 * started, and returns when all are done. With t threads the i-th takes the i-th of t equal parts, in order, and then what
 * others have not begun. Jobs of several callers take turns.
 */
void lsq_pool_run(struct lsq_pool *pool, unsigned threads, size_t count, void (*task)(void *arg, size_t i), void *arg);

#endif
