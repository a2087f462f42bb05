/*
 * layers.c - `lsq-bench layers`: linear layers and convolutions as a program calls them, beside float ones by OpenBLAS.
 */
#include "bench/command.h"
#include "bench/layer.h"
#include "bench/machine.h"
#include "bench/table.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const bench_column columns[] = {
    {"layer", "layer", "", 20, -1},
    {"format", "format", "", 14, -1},
    {"threads", "threads", "", 7, 0},
    {"microseconds", "time", "us", 11, 2},
    {"gflops", "ours", "GFLOP/s", 8, 2},
    {"peak_gflops", "peak", "GFLOP/s", 8, 2},
    {"percent_of_peak", "of it", "%", 5, 1},
    {"openblas_gflops", "OpenBLAS", "GFLOP/s", 8, 2},
    {"times_openblas", "times", "OpenBLAS", 8, 2},
    {"difference", "differs", "by", 8, 6},
    {"spread", "spread", "%", 6, 1},
};
enum { COLUMNS = sizeof columns / sizeof *columns, LIST_MAX = 64 };

typedef struct layers_request {
    lsq_format formats[LIST_MAX];
    unsigned threads[LIST_MAX];
    size_t format_count, thread_count;
    unsigned samples;
    lsq_activation activation;
    int json;
} layers_request;

typedef struct layers_run {
    const layers_request *request;
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
    };
    bench_table_row(run->table, cells);
    bench_layer_end(&layer);
    return LSQ_OK;
}

static lsq_status measure_threads(layers_run *run, size_t t, lsq_error *err)
{
    const layers_request *request = run->request;
    lsq_status status = bench_trial_begin(&run->trial, request->threads[t], request->activation, 2e-3, err);
    if (status)
        return status;
    if (t == 0) {
        bench_trial_describe(&run->trial, run->table);
        if (!request->json)
            printf("medians of %u samples, the three by turns\n\n", request->samples);
    }
    for (size_t f = 0; !status && f < request->format_count; f++)
        for (size_t i = 0; !status && i < bench_layer_cases_count; i++)
            status = measure_layer(run, &bench_layer_cases[i], &request->formats[f], err);
    bench_trial_end(&run->trial);
    return status;
}

static lsq_status measure_all(const layers_request *request, lsq_error *err)
{
    layers_run run = {.request = request};
    run.samples = calloc(request->samples, sizeof *run.samples);
    run.scratch = calloc(request->samples, sizeof *run.scratch);
    run.table = bench_table_new("lsq.bench.layers/1", columns, COLUMNS, request->json);
    lsq_status status = run.samples && run.scratch && run.table ? LSQ_OK : LSQ_E_NOMEM;
    bench_watch watch;
    bench_watch_begin(&watch);
    for (size_t t = 0; !status && t < request->thread_count; t++)
        status = measure_threads(&run, t, err);
    if (!status)
        bench_watch_end(&watch);
    bench_table_end(run.table, !status);
    free(run.samples);
    free(run.scratch);
    return status;
}

static int read_options(int argc, char **argv, layers_request *request)
{
    static const struct option options[] = {
        {"codec", required_argument, NULL, 'c'},
        {"threads", required_argument, NULL, 't'},
        {"activation", required_argument, NULL, 'a'},
        {"samples", required_argument, NULL, 'n'},
        {"json", no_argument, NULL, 'j'},
        {NULL, 0, NULL, 0},
    };
    lsq_error err = {0};
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, "c:t:a:n:j", options, NULL)) != -1;) {
        switch (c) {
        case 'c':
            if (request->format_count == LIST_MAX)
                return bench_usage("--codec: more than %d formats", LIST_MAX);
            if (lsq_format_parse(optarg, &request->formats[request->format_count++], &err))
                return bench_usage("--codec: %s", err.text);
            break;
        case 't':
            if (request->thread_count == LIST_MAX ||
                !bench_number(optarg, 1, BENCH_THREADS_MAX, &request->threads[request->thread_count++]))
                return bench_usage("--threads '%s': not a number from 1 to %d, or too many", optarg, BENCH_THREADS_MAX);
            break;
        case 'a':
            if (strcmp(optarg, "int") != 0 && strcmp(optarg, "float") != 0)
                return bench_usage("--activation '%s': neither int nor float", optarg);
            request->activation = strcmp(optarg, "float") ? LSQ_ACT_INT : LSQ_ACT_FLOAT;
            break;
        case 'n':
            if (!bench_number(optarg, 2, 10000, &request->samples))
                return bench_usage("--samples '%s': not a number from 2 to 10000", optarg);
            break;
        case 'j':
            request->json = 1;
            bench_errors_as_json();
            break;
        default:
            return bench_usage("layers: '%s' is no option, or lacks its value", argv[optind - 1]);
        }
    }
    return optind < argc ? bench_usage("layers takes no argument '%s'", argv[optind]) : BENCH_OK;
}

int bench_layers_command(int argc, char **argv)
{
    layers_request request = {.samples = 21, .activation = LSQ_ACT_INT};
    lsq_error err = {0};
    const int refused = read_options(argc, argv, &request);
    if (refused)
        return refused;
    if (request.format_count == 0) {
        lsq_format_parse("s4", &request.formats[request.format_count++], NULL);
        lsq_format_parse("t4", &request.formats[request.format_count++], NULL);
    }
    if (request.thread_count == 0)
        request.threads[request.thread_count++] = 1;
    const lsq_status status = measure_all(&request, &err);
    return status ? bench_failed(NULL, status, &err) : bench_flush();
}
