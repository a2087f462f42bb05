#include "bench/trial.h"

#include "bench/machine.h"
#include "dispatch/context.h"

#include <math.h>
#include <stdio.h>

enum { PEAK_TURNS = 30000 /* some 100 microseconds */, PEAK_UNITS = 1024 /* a thread */ };

static void run_peak(const void *arg, unsigned thread, size_t first, size_t end)
{
    bench_trial *trial = (bench_trial *)arg;
    const double sum = trial->peak->run((end - first) * PEAK_TURNS);
    if (thread == 0)
        trial->peak_sum = sum;
}

lsq_status bench_trial_begin(bench_trial *trial, unsigned threads, lsq_activation activation, double seconds,
                             lsq_error *err)
{
    const lsq_context_options options = {.size = sizeof options, .threads = threads, .activation = activation};
    *trial = (bench_trial){.threads = threads, .seconds = seconds, .blas = bench_openblas()};
    trial->caller = bench_team_new(1);
    trial->team = bench_team_new(threads);
    lsq_status status = trial->caller && trial->team ? LSQ_OK : LSQ_E_NOMEM;
    bench_confine(threads); /* before the first product, whose threads are where the caller is */
    if (!status)
        status = lsq_context_new(&options, &trial->context, err);
    if (status) {
        bench_trial_end(trial);
        return status;
    }
    trial->peak =
        bench_peak_highest(&trial->context->cpu, activation == LSQ_ACT_FLOAT ? BENCH_PEAK_F32 : BENCH_PEAK_INT8);
    if (trial->peak) {
        const bench_work work = {run_peak, trial, threads * (size_t)PEAK_UNITS};
        bench_turn_prepare(&trial->peak_turn, &work, trial->team, seconds);
    }
    if (trial->blas)
        trial->blas->set_threads(threads);
    return LSQ_OK;
}

void bench_trial_end(bench_trial *trial)
{
    lsq_context_free(trial->context);
    bench_team_free(trial->team);
    bench_team_free(trial->caller);
    *trial = (bench_trial){0};
}

/* ---- What it is ---- */

const char *bench_cpu_name(const lsq_context *context)
{
    return context->cpu.brand[0] ? context->cpu.brand : "unknown CPU";
}

const char *bench_isa_name(const lsq_context *context)
{
    unsigned highest = 0;
    for (unsigned i = 0; i < ISAS; i++)
        if (!context->cpu.lacks[i])
            highest = i;
    return lsq_isa_names[highest];
}

void bench_trial_peak_name(const bench_trial *trial, char *text, size_t size)
{
    snprintf(text, size, "%s, %s", trial->context->activation == LSQ_ACT_FLOAT ? "f32" : "int8",
             trial->peak ? lsq_isa_names[trial->peak->isa] : "which this level has no dot product of");
}

void bench_trial_describe(const bench_trial *trial, bench_table *table)
{
    char peak_name[64], blas[256] = "none in this build";
    bench_trial_peak_name(trial, peak_name, sizeof peak_name);
    if (trial->blas)
        trial->blas->describe(blas, sizeof blas);
    bench_table_context(table, "lsq_version", lsq_version());
    bench_table_context(table, "lsq_cpu", bench_cpu_name(trial->context));
    bench_table_context(table, "lsq_isa", bench_isa_name(trial->context));
    bench_table_context(table, "activations", trial->context->activation == LSQ_ACT_FLOAT ? "exact" : "rounded");
    bench_table_context(table, "peak", peak_name);
    bench_table_context(table, "openblas", blas);
}

void bench_trial_describe_samples(unsigned samples, bench_table *table)
{
    char text[128];
    snprintf(text, sizeof text, "%u of each; shown are medians, spread is the median distance from the median time",
             samples);
    bench_table_note(table, "samples", text);
}

/* ---- Sampling ---- */

void bench_trial_prepare(const bench_trial *trial, bench_turn *turn, const bench_work *work)
{
    if (trial->threads > 1)
        bench_settle();
    bench_turn_prepare(turn, work, trial->caller, trial->seconds);
}

/* Seconds a unit. One before the clock runs wakes threads, and brings weights that stay in a cache back there. */
double bench_trial_time_calls(const bench_trial *trial, bench_turn *turn)
{
    if (trial->threads > 1)
        bench_settle();
    if (turn->step > 1)
        turn->work.run(turn->work.arg, 0, 0, 1);
    return bench_turn_sample(turn) / (double)turn->work.units;
}

/* All of a team are pinned; a caller left free would stay where another one is. */
double bench_trial_time_team(const bench_trial *trial, bench_turn *turn)
{
    bench_pin(0);
    const double seconds = bench_trial_time_calls(trial, turn);
    bench_confine(trial->threads);
    return seconds;
}

bench_trial_sample bench_trial_take(bench_trial *trial, bench_turn *ours, bench_turn *blas)
{
    bench_trial_sample taken = {NAN, NAN, NAN};
    if (trial->peak)
        taken.peak = PEAK_TURNS * trial->peak->operations / bench_trial_time_team(trial, &trial->peak_turn);
    taken.seconds = bench_trial_time_calls(trial, ours);
    if (trial->blas)
        taken.blas_seconds = bench_trial_time_calls(trial, blas);
    return taken;
}

/* ---- Medians ---- */

static double median_of(const bench_trial_sample *samples, unsigned count,
                        double (*value)(const bench_trial_sample *sample), double *scratch)
{
    for (unsigned i = 0; i < count; i++)
        scratch[i] = value(&samples[i]);
    return bench_median(scratch, count);
}

static double seconds(const bench_trial_sample *sample)
{
    return sample->seconds;
}

static double blas_seconds(const bench_trial_sample *sample)
{
    return sample->blas_seconds;
}

static double times_blas(const bench_trial_sample *sample)
{
    return sample->blas_seconds / sample->seconds;
}

static double peak(const bench_trial_sample *sample)
{
    return sample->peak;
}

static double speed_of_peak(const bench_trial_sample *sample)
{
    return 1 / (sample->peak * sample->seconds);
}

bench_trial_figures bench_trial_judge(const bench_trial_sample *samples, unsigned count, double operations,
                                      double *scratch)
{
    bench_trial_figures figures = {0};
    figures.blas_seconds = median_of(samples, count, blas_seconds, scratch);
    figures.times_blas = median_of(samples, count, times_blas, scratch);
    figures.peak = median_of(samples, count, peak, scratch);
    figures.share_of_peak = operations * median_of(samples, count, speed_of_peak, scratch);
    figures.seconds = median_of(samples, count, seconds, scratch);
    figures.spread = bench_spread(scratch, count) / figures.seconds; /* scratch still has the seconds */
    return figures;
}

void bench_trial_seconds(const bench_trial_sample *samples, unsigned count, double *to)
{
    for (unsigned i = 0; i < count; i++)
        to[i] = samples[i].seconds;
}
