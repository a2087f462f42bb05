/*
 * threads.h - panels over threads.
 */
#ifndef LSQ_DISPATCH_THREADS_H
#define LSQ_DISPATCH_THREADS_H

#include "dispatch/context.h"

/*
 * Runs work(arg, p0, p1) so that the ranges together are [0, panels): in one call, or on threads, in more. `bytes` is what one panel
 * costs: its packed bytes, times the columns that they are multiplied with; a thread gets thread_bytes of that or more; 0: the default
 * of the tunable.
 */
void lsq_for_panels(const lsq_context *ctx, size_t panels, size_t bytes, size_t thread_bytes,
                    void (*work)(const void *arg, size_t p0, size_t p1), const void *arg);

/* How many threads it runs them on, unless the system refuses some; at least 1. */
size_t lsq_panel_threads(const lsq_context *ctx, size_t panels, size_t bytes, size_t thread_bytes);

#endif
