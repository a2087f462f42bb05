/*
 * layers.c - `lsq-bench layers`: linear layers and convolutions as a program calls them, beside float ones by OpenBLAS.
 */
#include "bench/command.h"
#include "bench/layer.h"
#include "bench/table.h"
#include "bench/watch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const bench_column columns[] = {
    {"layer", "layer", "", 20, -1},
    {"format", "format", "", 14, -1},
    {"threads", "threads", "", 7, 0},
    {"microseconds", "time", "us", 11, 2},
    {"gflops", "speed", "GFLOP/s", 8, 2},
    {"peak_gflops", "peak", "GFLOP/s", 8, 2},
    {"percent_of_peak", "reached", "%", 7, 1},
    {"openblas_gflops", "OpenBLAS", "GFLOP/s", 8, 2},
    {"times_openblas", "x speed of", "OpenBLAS", 10, 2},
    {"difference", "difference", "relative", 10, 6},
    {"spread", "spread", "+- %", 6, 1},
    {"samples", "samples", "", 0, 0},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static const bench_table_kind kind = {"lsq.bench.layers/1", columns, COLUMNS, 3, NULL};

typedef struct layers_run {
    const bench_options *request;
    bench_trial trial;
    bench_trial_sample *samples;
    double *scratch;
    bench_table *table;
} layers_run;

static lsq_status measure_layer(layers_run *run, const bench_layer_case *of, const lsq_format *format, lsq_error *err)
{
    const unsigned count = run->request->samples;
    bench_layer layer;
    const lsq_status status = bench_layer_begin(&layer, of, format, &run->trial, err);
    if (status)
        return status;
    for (unsigned i = 0; i < count; i++)
        run->samples[i] = bench_trial_take(&run->trial, &layer.ours, &layer.blas);
    const bench_trial_figures f = bench_trial_judge(run->samples, count, layer.operations, run->scratch);
    char name[LSQ_FORMAT_NAME_MAX] = "";
    lsq_format_name(format, name);
    const bench_cell cells[COLUMNS] = {
        {of->name, NAN},
        {name, NAN},
        {NULL, run->trial.threads},
        {NULL, 1e6 * f.seconds},
        {NULL, 1e-9 * layer.operations / f.seconds},
        {NULL, 1e-9 * f.peak},
        {NULL, 100 * f.share_of_peak},
        {NULL, 1e-9 * layer.operations / f.blas_seconds},
        {NULL, f.times_blas},
        {NULL, bench_layer_difference(&layer)},
        {NULL, 100 * f.spread},
        {NULL, count},
    };
    bench_trial_seconds(run->samples, count, run->scratch);
    bench_table_timed_row(run->table, cells, run->scratch, count);
    bench_layer_end(&layer);
    return LSQ_OK;
}

static lsq_status measure_threads(layers_run *run, size_t t, lsq_error *err)
{
    const bench_options *request = run->request;
    lsq_status status = bench_trial_begin(&run->trial, request->threads[t], request->activation, 2e-3, err);
    if (status)
        return status;
    if (t == 0) {
        bench_trial_describe(&run->trial, run->table);
        bench_trial_describe_samples(request->samples, run->table);
    }
    for (size_t f = 0; !status && f < request->format_count; f++)
        for (size_t i = 0; !status && i < bench_layer_cases_count; i++)
            status = measure_layer(run, &bench_layer_cases[i], &request->formats[f], err);
    bench_trial_end(&run->trial);
    return status;
}

static lsq_status measure_all(const bench_options *request, lsq_error *err)
{
    layers_run run = {.request = request};
    run.samples = calloc(request->samples, sizeof *run.samples);
    run.scratch = calloc(request->samples, sizeof *run.scratch);
    run.table = bench_table_new(&kind, request->output);
    lsq_status status = run.samples && run.scratch && run.table ? LSQ_OK : LSQ_E_NOMEM;
    bench_watch watch;
    if (!status)
        bench_watch_begin(&watch, run.table);
    for (size_t t = 0; !status && t < request->thread_count; t++)
        status = measure_threads(&run, t, err);
    if (!status)
        bench_watch_end(&watch, run.table);
    bench_table_end(run.table, !status);
    free(run.samples);
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
    {BENCH_OPTION_ACTIVATION, 'a', "int: rounded activations, float: exact ones (int)"},
    {BENCH_OPTION_SAMPLES, 'n', "samples of each case"},
    {BENCH_OPTION_END, 0, NULL},
};

static const char *const usual_codecs[] = {"s4", "t4", NULL};

const bench_command bench_layers_command = {
    .name = "layers",
    .about = "layers  times lsq_linear and lsq_conv2d, beside float layers by OpenBLAS and the peak",
    .choices = choices,
    .codecs = usual_codecs,
    .samples = 21,
    .run = run_command,
};
