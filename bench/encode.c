/*
 * encode.c - `lsq-bench encode`: how many weights a second are quantised, and what a large model would take.
 *
 * Numbers of threads take samples by turns, so that how many times as fast as the first one is says nothing of the machine's moods.
 */
#include "bench/command.h"
#include "bench/machine.h"
#include "bench/sources.h"
#include "bench/table.h"
#include "bench/trial.h"
#include "bench/watch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const bench_column columns[] = {
    {"format", "format", "", 14, -1},
    {"threads", "threads", "", 7, 0},
    {"milliseconds", "time", "ms", 10, 2},
    {"megaweights", "weights", "10^6/s", 9, 3},
    {"times_first", "x speed of first", "number of threads", 17, 2},
    {"minutes_7e9", "7e9 weights", "minutes", 11, 1},
    {"spread", "spread", "+- %", 6, 1},
    {"samples", "samples", "", 0, 0},
};
enum { COLUMNS = sizeof columns / sizeof *columns, MODEL_GIGAWEIGHTS = 7 };

static const bench_table_kind kind = {"lsq.bench.encode/1", columns, COLUMNS, 2, NULL};

typedef struct encode_run {
    const bench_options *request;
    lsq_context *contexts[BENCH_LIST_MAX]; /* one for each number of threads */
    float *weights;
    double *seconds; /* [number of threads][sample] */
    double *scratch;
    bench_table *table;
} encode_run;

/* Seconds for so many rows, with the t-th number of threads on as many cores. */
static lsq_status encode(const encode_run *run, const lsq_format *format, size_t t, size_t rows, double *seconds,
                         lsq_error *err)
{
    const size_t k = run->request->columns;
    lsq_weights *made;
    bench_confine(run->request->threads[t]);
    const double begin = bench_now();
    const lsq_status status = lsq_quantize(run->contexts[t], format, rows, k, run->weights, k, NULL, &made, err);
    *seconds = bench_now() - begin;
    if (!status)
        lsq_weights_free(made);
    return status;
}

static void add_row(const encode_run *run, const lsq_format *format, size_t t)
{
    const bench_options *request = run->request;
    const unsigned samples = request->samples;
    const double *mine = run->seconds + t * samples, weights = (double)request->rows * (double)request->columns;
    for (unsigned i = 0; i < samples; i++)
        run->scratch[i] = run->seconds[i] / mine[i];
    const double times = bench_median(run->scratch, samples);
    for (unsigned i = 0; i < samples; i++)
        run->scratch[i] = mine[i];
    const double seconds = bench_median(run->scratch, samples);
    char name[LSQ_FORMAT_NAME_MAX] = "";
    lsq_format_name(format, name);
    const bench_cell cells[COLUMNS] = {
        {name, NAN},
        {NULL, request->threads[t]},
        {NULL, 1e3 * seconds},
        {NULL, 1e-6 * weights / seconds},
        {NULL, times},
        {NULL, MODEL_GIGAWEIGHTS * 1e9 / weights * seconds / 60},
        {NULL, 100 * bench_spread(run->scratch, samples) / seconds},
        {NULL, samples},
    };
    bench_table_timed_row(run->table, cells, mine, samples);
}

/* A few rows before the clock runs: tables are made, threads started. */
static lsq_status measure_format(const encode_run *run, const lsq_format *format, lsq_error *err)
{
    const bench_options *request = run->request;
    const size_t few = request->rows < 64 ? request->rows : 64;
    lsq_status status = LSQ_OK;
    double seconds;
    for (size_t t = 0; !status && t < request->thread_count; t++)
        status = encode(run, format, t, few, &seconds, err);
    for (unsigned i = 0; i < request->samples; i++)
        for (size_t t = 0; !status && t < request->thread_count; t++)
            status = encode(run, format, t, request->rows, &run->seconds[t * request->samples + i], err);
    for (size_t t = 0; !status && t < request->thread_count; t++)
        add_row(run, format, t);
    return status;
}

static void print_context(const encode_run *run)
{
    const bench_options *request = run->request;
    char text[128];
    bench_table_context(run->table, "lsq_version", lsq_version());
    bench_table_context(run->table, "lsq_cpu", bench_cpu_name(run->contexts[0]));
    bench_table_context(run->table, "lsq_isa", bench_isa_name(run->contexts[0]));
    snprintf(text, sizeof text, "%zu x %zu Gaussian weights", request->rows, request->columns);
    bench_table_context(run->table, "matrix", text);
    bench_trial_describe_samples(request->samples, run->table);
}

static lsq_status measure(encode_run *run, lsq_error *err)
{
    const bench_options *request = run->request;
    for (size_t t = 0; t < request->thread_count; t++) {
        const lsq_context_options options = {.size = sizeof options, .threads = request->threads[t]};
        const lsq_status status = lsq_context_new(&options, &run->contexts[t], err);
        if (status)
            return status;
    }
    print_context(run);
    bench_random random = {1};
    for (size_t i = 0; i < request->rows * request->columns; i++)
        run->weights[i] = (float)(0.02 * bench_random_gauss(&random));
    bench_watch watch;
    bench_watch_begin(&watch, run->table);
    for (size_t f = 0; f < request->format_count; f++) {
        const lsq_status status = measure_format(run, &request->formats[f], err);
        if (status)
            return status;
    }
    bench_watch_end(&watch, run->table);
    return LSQ_OK;
}

static lsq_status measure_all(const bench_options *request, lsq_error *err)
{
    encode_run run = {.request = request};
    run.weights = bench_alloc(request->rows * request->columns * sizeof *run.weights, 1);
    run.seconds = calloc(request->thread_count * request->samples, sizeof *run.seconds);
    run.scratch = calloc(request->samples, sizeof *run.scratch);
    run.table = bench_table_new(&kind, request->output);
    const lsq_status status = run.weights && run.seconds && run.scratch && run.table ? measure(&run, err) : LSQ_E_NOMEM;
    bench_table_end(run.table, !status);
    for (size_t t = 0; t < request->thread_count; t++)
        lsq_context_free(run.contexts[t]);
    free(run.weights);
    free(run.seconds);
    free(run.scratch);
    return status;
}

static int run_command(const bench_options *options)
{
    lsq_error err = {0};
    const lsq_status status = measure_all(options, &err);
    return status ? bench_failed(NULL, status, &err) : bench_flush();
}

static const bench_choice choices[] = {
    {BENCH_OPTION_CODEC, 'c', "with this format"},
    {BENCH_OPTION_THREADS, 't', "with N threads (1)"},
    {BENCH_OPTION_SIZE, 'm', "of a matrix with R rows and C columns"},
    {BENCH_OPTION_SAMPLES, 'n', "samples of each case"},
    {BENCH_OPTION_END, 0, NULL},
};

static const char *const usual_codecs[] = {"c4", "c8", "s2", "s4", "s6",      "s8",      "t1", "t2",
                                           "t3", "t4", "t5", "t6", "t2.st64", "t4.st64", "b1", NULL};

const bench_command bench_encode_command = {
    .name = "encode",
    .about = "encode  times lsq_quantize on Gaussian weights",
    .choices = choices,
    .codecs = usual_codecs,
    .samples = 5,
    .rows = 1024,
    .columns = 4096,
    .run = run_command,
};
