/*
 * turn.h - timing pieces of work by turns, so that what disturbs the machine disturbs all of them alike.
 */
#ifndef LSQ_BENCH_TURN_H
#define LSQ_BENCH_TURN_H

#include "bench/team.h"

#include <stddef.h>

/* Seconds on a clock that never steps. */
double bench_now(void);

/* Of n numbers, which end up sorted; n > 0. The second is the median distance from the median. */
double bench_median(double *values, size_t n);
double bench_spread(double *values, size_t n);

/*
 * Work made of equal units (panels of a matrix, pages of a buffer), any range of which can be done by itself. Threads divide the
 * units among them. Large work is sampled by parts: each sample goes on where the last one stopped.
 */
typedef struct bench_work {
    void (*run)(const void *arg, unsigned thread, size_t first, size_t end);
    const void *arg;
    size_t units;
} bench_work;

typedef struct bench_turn {
    bench_work work;
    bench_team *team;
    size_t step;                    /* units each thread does in a sample */
    size_t next[BENCH_THREADS_MAX]; /* where each thread goes on, counted from the start of its share */
} bench_turn;

/* Warms up, and sets the length of a sample to about `seconds`, or whole passes if several fit in. */
void bench_turn_prepare(bench_turn *turn, const bench_work *work, bench_team *team, double seconds);

/* Takes one sample: seconds for all units. */
double bench_turn_sample(bench_turn *turn);

#endif
