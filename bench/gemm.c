/*
 * gemm.c - `lsq-bench gemm`: products with one column and with many, as a program calls them, beside float BLAS.
 *
 * A round is one sample of every number of columns, for a format and a number of threads; all ratios are of one round, and what is
 * shown is the median over rounds.
 */
#include "bench/calls.h"
#include "bench/command.h"
#include "bench/gemm_picture.h"
#include "bench/table.h"
#include "bench/watch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const bench_column columns[] = {
    {"format", "format", "", 14, -1},
    {"threads", "threads", "", 7, 0},
    {"n", "columns", "of B", 7, 0},
    {"transposed", "W^T", "", 3, 0},
    {"microseconds", "time", "us", 11, 3},
    {"gflops", "speed", "GFLOP/s", 8, 2},
    {"gigaweights", "weights", "10^9/s", 7, 2},
    {"peak_gflops", "peak", "GFLOP/s", 8, 2},
    {"percent_of_peak", "reached", "%", 7, 1},
    {"openblas_gflops", "OpenBLAS", "GFLOP/s", 8, 2},
    {"times_openblas", "x speed of", "OpenBLAS", 10, 2},
    {"times_gemv", "x speed of", "1 column", 10, 2},
    {"times_plain", "x speed of", "W B", 10, 2},
    {"spread", "spread", "+- %", 6, 1},
    {"samples", "samples", "", 0, 0},
};
enum { COLUMNS = sizeof columns / sizeof *columns, KEYS = 4, TRANSPOSED = 3, TIMES_PLAIN = 12 };

/* What is measured together, and what came of it: samples[call * request->samples + round]. */
typedef struct gemm_run {
    const bench_options *request;
    bench_call calls[2 * BENCH_LIST_MAX];
    size_t call_count;
    bench_trial_sample *samples;
    double *scratch; /* room for a number of each */
    bench_calls *all;
    bench_table *table;
    bench_column columns[COLUMNS];
    bench_table_kind kind;
    bench_gemm_point *points;
    size_t point_count;
} gemm_run;

static void list_calls(gemm_run *run)
{
    const bench_options *request = run->request;
    for (int transposed = 0; transposed <= request->transposed; transposed++)
        for (size_t i = 0; i < request->batch_count; i++)
            run->calls[run->call_count++] = (bench_call){request->batches[i], transposed ? LSQ_TRANS : LSQ_NO_TRANS};
}

/* The call with so many columns, or NULL. */
static const bench_call *find_call(const gemm_run *run, unsigned n, lsq_transpose trans)
{
    for (size_t i = 0; i < run->call_count; i++)
        if (run->calls[i].n == n && run->calls[i].trans == trans)
            return &run->calls[i];
    return NULL;
}

static const bench_trial_sample *samples_of(const gemm_run *run, const bench_call *call)
{
    return run->samples + (size_t)(call - run->calls) * run->request->samples;
}

/* How many times as fast as the other call, by operations; NaN without one. */
static double times_other(const gemm_run *run, const bench_call *call, const bench_call *other)
{
    if (!other)
        return NAN;
    const bench_trial_sample *mine = samples_of(run, call), *its = samples_of(run, other);
    const double operations = (double)call->n / other->n;
    for (unsigned i = 0; i < run->request->samples; i++)
        run->scratch[i] = operations * its[i].seconds / mine[i].seconds;
    return bench_median(run->scratch, run->request->samples);
}

static void add_row(gemm_run *run, const lsq_format *format, unsigned threads, const bench_call *call)
{
    const double weights = (double)run->request->rows * (double)run->request->columns;
    const double operations = 2 * weights * call->n;
    const unsigned samples = run->request->samples;
    const bench_trial_figures f = bench_trial_judge(samples_of(run, call), samples, operations, run->scratch);
    const int transposed = call->trans == LSQ_TRANS;
    bench_gemm_point *point = &run->points[run->point_count++];
    *point = (bench_gemm_point){
        .format = *format,
        .threads = threads,
        .n = call->n,
        .transposed = transposed,
        .gflops = 1e-9 * operations / f.seconds,
        .peak_gflops = 1e-9 * f.peak,
        .openblas_gflops = 1e-9 * operations / f.blas_seconds,
    };
    char name[LSQ_FORMAT_NAME_MAX] = "";
    lsq_format_name(format, name);
    const bench_cell cells[COLUMNS] = {
        {name, NAN},
        {NULL, threads},
        {NULL, call->n},
        {NULL, transposed},
        {NULL, 1e6 * f.seconds},
        {NULL, point->gflops},
        {NULL, 1e-9 * weights / f.seconds},
        {NULL, point->peak_gflops},
        {NULL, 100 * f.share_of_peak},
        {NULL, point->openblas_gflops},
        {NULL, f.times_blas},
        {NULL, times_other(run, call, find_call(run, 1, call->trans))},
        {NULL, transposed ? times_other(run, call, find_call(run, call->n, LSQ_NO_TRANS)) : NAN},
        {NULL, 100 * f.spread},
        {NULL, samples},
    };
    bench_trial_seconds(samples_of(run, call), samples, run->scratch);
    bench_table_timed_row(run->table, cells, run->scratch, samples);
}

/* ---- Running ---- */

static void print_context(const gemm_run *run)
{
    const bench_options *request = run->request;
    char text[128];
    bench_trial_describe(bench_calls_trial(run->all), run->table);
    snprintf(text, sizeof text, "%zu x %zu, %s", request->rows, request->columns,
             request->rotate ? "from memory: another one for each product" : "the same one for each product");
    bench_table_context(run->table, "matrix", text);
    bench_trial_describe_samples(request->samples, run->table);
}

static lsq_status measure_format(gemm_run *run, const lsq_format *format, unsigned threads)
{
    const unsigned samples = run->request->samples;
    const lsq_status status = bench_calls_format(run->all, format);
    if (status)
        return status;
    for (unsigned round = 0; round < samples; round++)
        for (size_t i = 0; i < run->call_count; i++)
            run->samples[i * samples + round] = bench_calls_take(run->all, i);
    for (size_t i = 0; i < run->call_count; i++)
        add_row(run, format, threads, &run->calls[i]);
    return LSQ_OK;
}

static lsq_status measure(gemm_run *run, lsq_error *err)
{
    const bench_options *request = run->request;
    for (size_t t = 0; t < request->thread_count; t++) {
        lsq_status status = bench_calls_threads(run->all, request->threads[t], request->activation, err);
        if (!status && t == 0)
            print_context(run);
        for (size_t f = 0; !status && f < request->format_count; f++)
            status = measure_format(run, &request->formats[f], request->threads[t]);
        if (status)
            return status;
    }
    if (!request->picture)
        return LSQ_OK;
    const bench_trial *trial = bench_calls_trial(run->all);
    char title[128], machine[160], peak_name[64];
    snprintf(title, sizeof title, "C = W B, where W is a %zu x %zu matrix%s", request->rows, request->columns,
             request->rotate ? " that comes from memory" : "");
    snprintf(machine, sizeof machine, "%s, %s", bench_cpu_name(trial->context), bench_isa_name(trial->context));
    bench_trial_peak_name(trial, peak_name, sizeof peak_name);
    return bench_gemm_draw(run->points, run->point_count, title, machine, peak_name, request->picture, err);
}

static lsq_status measure_all(const bench_options *request, lsq_error *err)
{
    const bench_matrix_size size = {request->rows, request->columns, request->rotate};
    gemm_run run = {.request = request};
    list_calls(&run);
    run.samples = calloc(run.call_count * request->samples, sizeof *run.samples);
    run.scratch = calloc(request->samples, sizeof *run.scratch);
    run.points = calloc(run.call_count * request->format_count * request->thread_count, sizeof *run.points);
    memcpy(run.columns, columns, sizeof columns);
    if (!request->transposed)
        run.columns[TRANSPOSED].width = run.columns[TIMES_PLAIN].width = 0;
    run.kind = (bench_table_kind){"lsq.bench.gemm/1", run.columns, COLUMNS, KEYS, NULL};
    run.table = bench_table_new(&run.kind, request->output);
    lsq_status status = run.samples && run.scratch && run.points && run.table ? LSQ_OK : LSQ_E_NOMEM;
    if (!status)
        status = bench_calls_new(&size, run.calls, run.call_count, &run.all);
    if (!status) {
        bench_watch watch;
        bench_watch_begin(&watch, run.table);
        status = measure(&run, err);
        if (!status)
            bench_watch_end(&watch, run.table);
    }
    bench_table_end(run.table, !status);
    bench_calls_free(run.all);
    free(run.samples);
    free(run.scratch);
    free(run.points);
    return status;
}

/* ---- The command ---- */

static int run_command(const bench_options *options)
{
    bench_options request = *options;
    lsq_error err = {0};
    if (request.batch_count == 0)
        for (unsigned n = 1; n <= 512; n *= 2)
            request.batches[request.batch_count++] = n;
    const lsq_status status = measure_all(&request, &err);
    return status ? bench_failed(NULL, status, &err) : bench_flush();
}

static const bench_choice choices[] = {
    {BENCH_OPTION_CODEC, 'c', "with this format"},
    {BENCH_OPTION_BATCH, 'b', "with N columns (1, 2, 4 ... 512)"},
    {BENCH_OPTION_THREADS, 't', "with N threads (1)"},
    {BENCH_OPTION_SIZE, 'm', "of a matrix with R rows and C columns"},
    {BENCH_OPTION_ROTATE, 'r', "with weights from memory: another matrix each time, together beyond eight times L3"},
    {BENCH_OPTION_TRANS, 'T', "also W^T B"},
    {BENCH_OPTION_ACTIVATION, 'a', "int: rounded activations, float: exact ones (int)"},
    {BENCH_OPTION_SAMPLES, 'n', "samples of each case"},
    {BENCH_OPTION_SVG, 's', "also draw speed against the number of columns"},
    {BENCH_OPTION_END, 0, NULL},
};

const char *const bench_product_codecs[] = {"s2", "s3", "s4", "s5", "s6", "s8", "t2", "t3", "t4", "t5", "t6", NULL};

const bench_command bench_gemm_command = {
    .name = "gemm",
    .about = "gemm  times lsq_sgemv and lsq_sgemm as programs call them, beside OpenBLAS with float weights and the "
             "fastest\n"
             "      loop of dot products that the instruction set allows",
    .choices = choices,
    .codecs = bench_product_codecs,
    .samples = 21,
    .rows = 4096,
    .columns = 4096,
    .run = run_command,
};
