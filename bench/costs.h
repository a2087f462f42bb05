/*
 * costs.h - what the library costs besides arithmetic, piece by piece.
 */
#ifndef LSQ_BENCH_COSTS_H
#define LSQ_BENCH_COSTS_H

#include "bench/turn.h"

#include <lsq/lsq.h>

/* A piece, each of which can be done any number of times in a row; a unit of work is once. */
typedef struct bench_cost {
    const char *name, *unit;
    double units_a_second; /* of that unit */
    int asleep;            /* every time is measured alone, after all threads have gone to sleep */
    void (*run)(const void *arg, unsigned thread, size_t first, size_t end); /* with the bench_costs */
} bench_cost;

extern const bench_cost bench_cost_list[];
extern const size_t bench_cost_count;

typedef struct bench_costs bench_costs;

/* All that the pieces need, among them a tune file in a folder of its own for temporary files. LSQ_E_IO and others, with the reason. */
lsq_status bench_costs_new(bench_costs **costs, lsq_error *err);
void bench_costs_free(bench_costs *costs);

/* The context that products are called with; and the size of the tune file. */
const lsq_context *bench_costs_context(const bench_costs *costs);
void bench_costs_tune_file(const bench_costs *costs, size_t *entries, size_t *bytes);

/*
 * Begins to measure a piece; takes a sample, in seconds a time. NaN: it could not be done, a second thread for instance not be
 * started.
 */
void bench_costs_prepare(bench_costs *costs, const bench_cost *cost, bench_turn *turn);
double bench_costs_sample(bench_costs *costs, const bench_cost *cost, bench_turn *turn);

#endif
