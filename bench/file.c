/*
 * file.c - `lsq-bench file`: of .lsq files, what they cost and what they give; a row for each file, and for each of its shapes.
 */
#include "bench/command.h"
#include "bench/matrices.h"
#include "bench/options.h"
#include "bench/pass.h"
#include "bench/table.h"
#include "bench/watch.h"

#include "dispatch/select.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const bench_column columns[] = {
    {"file", "file", "", 24, -1},
    {"codec", "codec", "", 12, -1},
    {"shape", "shape", "", 11, -1},
    {"threads", "threads", "", 7, 0},
    {"matrices", "matrices", "", 8, 0},
    {"bits_per_weight", "bits", "/weight", 7, 3},
    {"snr", "SNR", "dB", 6, 2},
    {"relative_error", "error of y", "relative", 10, 5},
    {"megabytes", "packed", "MB", 8, 2},
    {"size_class", "held in", "", 7, -1},
    {"microseconds", "a product", "us", 10, 2},
    {"spread", "spread", "+- %", 6, 1},
    {"percent_of_pass", "% of the", "pass", 8, 1},
    {"weights_per_second", "weights", "10^9/s", 7, 2},
    {"read_bytes_per_second", "plain read", "GB/s", 10, 2},
    {"percent_of_read_bandwidth", "% of plain", "read", 10, 1},
    {"tokens_per_second", "tokens/s", "estimate", 9, 1},
    {"samples", "samples", "", 0, 0},
};
enum { COLUMNS = sizeof columns / sizeof *columns, KEYS = 4 };

static const bench_table_kind kind = {"lsq.bench.file/1", columns, COLUMNS, KEYS, NULL};

/* One file, opened. */
typedef struct file_run {
    const bench_options *request;
    const char *name;
    bench_matrices all;
    bench_shapes shapes;         /* none, if they were not asked for */
    bench_snr weights, products; /* without an original they have no ratio */
    const char *size_class;      /* of all its bytes: a pass goes through all of them */
    bench_table *table;
} file_run;

static void add_row(const file_run *run, unsigned threads, const bench_shape *what, const char *codec,
                    const char *shape, const bench_pass_speed *speed, double pass_seconds)
{
    const int is_whole = what == NULL;
    const double count = (double)(is_whole ? run->all.count : what->count);
    const double weights = is_whole ? run->all.weights : what->weights, bytes = is_whole ? run->all.bytes : what->bytes;
    const bench_snr *products = &run->products;
    const bench_cell cells[COLUMNS] = {
        {run->name, NAN},
        {codec, NAN},
        {shape, NAN},
        {NULL, threads},
        {NULL, count},
        {NULL, 8 * bytes / weights},
        {NULL, is_whole ? bench_snr_db(run->weights) : NAN},
        {NULL, is_whole && products->signal > 0 ? sqrt(products->noise / products->signal) : NAN},
        {NULL, 1e-6 * bytes},
        {run->size_class, NAN},
        {NULL, 1e6 * speed->seconds / count},
        {NULL, 100 * speed->spread},
        {NULL, 100 * speed->seconds / pass_seconds},
        {NULL, 1e-9 * weights / speed->seconds},
        {NULL, 1e-9 * bytes / speed->read_seconds},
        {NULL, 100 * speed->share},
        {NULL, is_whole ? 1 / speed->seconds : NAN},
        {NULL, run->request->samples},
    };
    bench_table_timed_row(run->table, cells, speed->samples, run->request->samples);
}

static void add_rows(const file_run *run, unsigned threads, const bench_pass_speed *speeds)
{
    add_row(run, threads, NULL, run->all.codec, "all", &speeds[0], speeds[0].seconds);
    for (size_t s = 0; s < run->shapes.count; s++) {
        const bench_shape *shape = &run->shapes.items[s];
        char codec[LSQ_FORMAT_NAME_MAX] = "?", size[48];
        bench_matrices_codec(&shape->format, codec);
        snprintf(size, sizeof size, "%llux%llu", (unsigned long long)shape->rows, (unsigned long long)shape->columns);
        add_row(run, threads, shape, codec, size, &speeds[s + 1], speeds[0].seconds);
    }
}

static lsq_status measure_threads(const file_run *run, unsigned threads, bench_pass_speed *speeds, lsq_error *err)
{
    bench_trial trial;
    lsq_status status = bench_trial_begin(&trial, threads, LSQ_ACT_INT, 2e-3, err);
    if (status)
        return status;
    status = bench_matrices_multiply(&run->all, trial.context, 0, run->all.count);
    if (!status)
        status = bench_pass_measure(&run->all, &run->shapes, &trial, run->request->samples, speeds);
    if (!status)
        add_rows(run, threads, speeds);
    bench_trial_end(&trial);
    return status;
}

static lsq_status measure_opened(file_run *run, const lsq_model *original, lsq_error *err)
{
    const bench_options *request = run->request;
    lsq_status status = bench_matrices_multiply(&run->all, run->all.context, 0, run->all.count);
    if (!status && original)
        status = bench_matrices_compare(&run->all, original, &run->weights, &run->products, err);
    if (!status && request->shapes && !bench_shapes_begin(&run->shapes, &run->all))
        status = LSQ_E_NOMEM;
    if (status)
        return status;
    bench_pass_speed *speeds = bench_pass_speeds_new(run->shapes.count + 1, request->samples);
    if (!speeds)
        return LSQ_E_NOMEM;
    for (size_t t = 0; !status && t < request->thread_count; t++)
        status = measure_threads(run, request->threads[t], speeds, err);
    bench_pass_speeds_free(speeds);
    return status;
}

static lsq_status measure(const char *path, const lsq_model *original, const bench_options *request, bench_table *table,
                          lsq_error *err)
{
    const char *slash = strrchr(path, '/');
    file_run run = {.request = request, .name = slash ? slash + 1 : path, .table = table};
    lsq_cpu cpu;
    lsq_cpu_detect(&cpu);
    lsq_status status = bench_matrices_open(&run.all, path, err);
    if (status)
        return status;
    run.size_class = lsq_class_names[lsq_size_class(&cpu, (uint64_t)run.all.bytes)];
    status = measure_opened(&run, original, err);
    bench_shapes_end(&run.shapes);
    bench_matrices_close(&run.all);
    return status;
}

static lsq_status run(const bench_options *request, const char **where, lsq_error *err)
{
    lsq_model *original = NULL;
    lsq_status status = request->against ? lsq_model_open(request->against, 0, &original, err) : LSQ_OK;
    if (status)
        return status;
    bench_table *table = bench_table_new(&kind, request->output);
    if (!table) {
        lsq_model_free(original);
        return LSQ_E_NOMEM;
    }
    bench_table_context(table, "lsq_version", lsq_version());
    bench_table_note(table, "a product",
                     "of a matrix and a vector, rounded activations; passes go through all matrices in file order");
    bench_table_note(table, "plain read", "a plain loop over the same bytes, sample by sample beside the products");
    bench_table_note(table, "tokens/s",
                     "passes a second: a decoder makes one for a token, but attention, norms, sampling and whatever is "
                     "not quantised "
                     "come on top");
    bench_trial_describe_samples(request->samples, table);
    bench_watch watch;
    bench_watch_begin(&watch, table);
    for (size_t i = 0; !status && i < request->file_count; i++) {
        *where = request->files[i];
        status = measure(*where, original, request, table, err);
    }
    if (!status)
        bench_watch_end(&watch, table);
    bench_table_end(table, !status);
    lsq_model_free(original);
    return status;
}

static int run_command(const bench_options *options)
{
    const char *where = NULL;
    lsq_error err = {0};
    const lsq_status status = run(options, &where, &err);
    return status ? bench_failed(err.text[0] ? NULL : where, status, &err) : bench_flush();
}

static const bench_choice choices[] = {
    {BENCH_OPTION_AGAINST, 'g', "the original, for signal to noise and error"},
    {BENCH_OPTION_SHAPES, 0, "also a row for the matrices of each format and size, timed within the passes"},
    {BENCH_OPTION_THREADS, 't', "with N threads (1)"},
    {BENCH_OPTION_SAMPLES, 'n', "samples of each file"},
    {BENCH_OPTION_END, 0, NULL},
};

const bench_command bench_file_command = {
    .name = "file",
    .about = "file  measures .lsq files: size, signal to noise, error of products, speed, and what that would be in "
             "tokens a second",
    .choices = choices,
    .operands = "FILE...",
    .missing = "which .lsq file?",
    .samples = 21,
    .run = run_command,
};
