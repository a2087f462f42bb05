/*
 * tune.h - the run: question after question, until all are answered, time is up, or the user has had enough.
 */
#ifndef LSQ_TUNER_TUNE_H
#define LSQ_TUNER_TUNE_H

#include "dispatch/coverage.h"
#include "tuner/findings.h"

typedef struct run {
    workshop *workshop;
    kind *kinds;
    size_t kind_count;
    double deadline;              /* clock_ns() at which to end */
    const lsq_coverage *answered; /* what is not asked again; NULL: nothing */
    int progress;                 /* on stderr, a terminal */
    const volatile sig_atomic_t *stop;
} run;

/* Adds to the findings. STOPPED: the signal came; what was found before it is whole. */
contest_end tune(const run *r, findings *found);

#endif
