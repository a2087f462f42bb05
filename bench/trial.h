/*
 * trial.h - ours, the same from a float BLAS, and the fastest loop of the instruction set, by turns.
 *
 * What disturbs the machine disturbs all three, and a ratio is one of neighbours.
 */
#ifndef LSQ_BENCH_TRIAL_H
#define LSQ_BENCH_TRIAL_H

#include "bench/peak.h"
#include "bench/peers/openblas.h"
#include "bench/table.h"
#include "bench/turn.h"

#include <lsq/lsq.h>

/* Where it takes place: a context, as many threads for all three on as many cores, and what stands beside. */
typedef struct bench_trial {
    lsq_context *context;
    unsigned threads;
    double seconds;            /* of a sample, about */
    const bench_blas *blas;    /* NULL: there is none */
    const bench_peak *peak;    /* NULL: there is none */
    bench_team *caller, *team; /* one thread, and all of them */
    bench_turn peak_turn;
    volatile double peak_sum; /* so that no compiler leaves the loop out */
} bench_trial;

/* `trial` must stay where it is. The statuses are those of lsq_context_new(). */
lsq_status bench_trial_begin(bench_trial *trial, unsigned threads, lsq_activation activation, double seconds,
                             lsq_error *err);
void bench_trial_end(bench_trial *trial);

/* The CPU; and the instruction set level in use. */
const char *bench_cpu_name(const lsq_context *context);
const char *bench_isa_name(const lsq_context *context);

/* What the loop multiplies, and by which level's instructions: "int8, avx2". */
void bench_trial_peak_name(const bench_trial *trial, char *text, size_t size);

/* All of these, and what the BLAS says of itself, as facts about the run. */
void bench_trial_describe(const bench_trial *trial, bench_table *table);

/* That figures are medians over so many samples of each of the three. */
void bench_trial_describe_samples(unsigned samples, bench_table *table);

/* Calls of a library, which has threads of its own: sampled from the one thread that calls. */
void bench_trial_prepare(const bench_trial *trial, bench_turn *turn, const bench_work *work);

/*
 * One sample, in seconds a unit: of calls of a library that were prepared as above; and of what the team itself does, prepared with
 * `trial->team`.
 */
double bench_trial_time_calls(const bench_trial *trial, bench_turn *turn);
double bench_trial_time_team(const bench_trial *trial, bench_turn *turn);

/* Seconds a unit for each of the two, NaN where there is none; operations a second of the loop, likewise. */
typedef struct bench_trial_sample {
    double seconds, blas_seconds, peak;
} bench_trial_sample;

/* Takes one of each. `blas` is not looked at if there is none. */
bench_trial_sample bench_trial_take(bench_trial *trial, bench_turn *ours, bench_turn *blas);

/* Medians, those of ratios among them; spread: the median distance from the median, as a share of it. */
typedef struct bench_trial_figures {
    double seconds, spread, blas_seconds, times_blas, peak, share_of_peak;
} bench_trial_figures;

/* Of count > 0 samples of a unit with so many operations. `scratch` has room for one number each. */
bench_trial_figures bench_trial_judge(const bench_trial_sample *samples, unsigned count, double operations,
                                      double *scratch);

/* The seconds of each, in the order in which they were taken. */
void bench_trial_seconds(const bench_trial_sample *samples, unsigned count, double *seconds);

#endif
