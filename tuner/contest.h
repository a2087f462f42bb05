/*
 * contest.h - which of several ways to a product is the fastest, if any can be said to be.
 */
#ifndef LSQ_TUNER_CONTEST_H
#define LSQ_TUNER_CONTEST_H

#include "dispatch/select.h"
#include "dispatch/tunables.h"
#include "tuner/measure.h"

#include <signal.h>

enum { CANDIDATES_MAX = 32 };

/* One kernel of a contest with its tunables, and afterwards how it did. */
typedef struct candidate {
    const lsq_kernel *kernel;
    lsq_tunables tunables;
    summary ns;     /* for one step; a first estimate, with spread 0, if it was too slow to go on with */
    size_t samples; /* 0: too slow to go on with */
} candidate;

/*
 * A contest times its candidates by turns, A B C A B C, twice over. The one called `usual` wins unless another has the lowest
 * median of all in both halves, each time by more than the larger spread of the two, and by a share of the time of the usual one.
 */
typedef struct contest {
    candidate candidates[CANDIDATES_MAX];
    size_t count, usual;
    double budget; /* nanoseconds of running kernels */
    double share;  /* by which to be ahead; 0: 1 % */
    /* How many nanoseconds that many steps take. subject_time() with `arg` a subject; a test may know better. */
    double (*time)(void *arg, const candidate *c, size_t steps);
    void *arg;
    const volatile sig_atomic_t *stop; /* not 0: give up */

    size_t winner;
} contest;

typedef enum contest_end { DECIDED, STOPPED, OUT_OF_MEMORY } contest_end;
contest_end contest_run(contest *c);

#endif
