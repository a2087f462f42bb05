/*
 * file.c - `lsq-bench file`: one row for each .lsq file, of what it costs and what it gives.
 */
#include "bench/command.h"
#include "bench/matrices.h"
#include "bench/stream.h"
#include "bench/table.h"
#include "bench/trial.h"
#include "bench/turn.h"
#include "bench/watch.h"

#include "dispatch/select.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const bench_column columns[] = {
    {"file", "file", "", 24, -1},
    {"codec", "codec", "", 12, -1},
    {"bits_per_weight", "bits", "/weight", 7, 3},
    {"snr", "SNR", "dB", 6, 2},
    {"megabytes", "packed", "MB", 8, 2},
    {"size_class", "held in", "", 7, -1},
    {"weights_per_second", "weights", "10^9/s", 7, 2},
    {"spread", "spread", "+- %", 6, 1},
    {"read_bytes_per_second", "plain read", "GB/s", 10, 2},
    {"percent_of_read_bandwidth", "% of plain", "read", 10, 1},
    {"relative_error", "error of y", "relative", 10, 5},
    {"samples", "samples", "", 0, 0},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static const bench_table_kind kind = {"lsq.bench.file/1", columns, COLUMNS, 2, NULL};

/* Of one file: the matrices' bytes as something to read, a matrix a unit. */
typedef struct file_reading {
    const bench_matrices *all;
    const bench_stream *loop;
    volatile uint64_t sum; /* so that no compiler leaves the reading out */
} file_reading;

static void run_read(const void *arg, unsigned thread, size_t first, size_t end)
{
    file_reading *reading = (file_reading *)arg;
    (void)thread;
    for (size_t i = first; i < end; i++) {
        const bench_matrix *matrix = &reading->all->items[i];
        reading->sum += reading->loop->read(lsq_weights_packed(matrix->weights), matrix->tensor->bytes);
    }
}

/* The status is looked at once, before anything is timed: the same call cannot fail later but for want of memory. */
static void run_multiply(const void *arg, unsigned thread, size_t first, size_t end)
{
    (void)thread;
    (void)bench_matrices_multiply(arg, first, end);
}

typedef struct file_speed {
    double seconds, spread, read_seconds, share; /* medians; share: of the samples' ratios, read to product */
} file_speed;

/* `kept` gets the samples' seconds. */
static lsq_status measure_speed(const bench_matrices *all, const lsq_cpu *cpu, unsigned samples, double *kept,
                                file_speed *speed)
{
    bench_team *team = bench_team_new(1);
    double *times = malloc(3 * samples * sizeof *times);
    if (!team || !times) {
        bench_team_free(team);
        free(times);
        return LSQ_E_NOMEM;
    }
    double *const reads = times + samples, *const shares = reads + samples;
    file_reading reading = {.all = all, .loop = bench_stream_widest(cpu)};
    const bench_work read_work = {run_read, &reading, all->count}, multiply_work = {run_multiply, all, all->count};
    bench_turn read, multiply;
    bench_turn_prepare(&read, &read_work, team, 2e-3);
    bench_turn_prepare(&multiply, &multiply_work, team, 2e-3);
    /* Matrices differ in size, so only whole passes can be compared. */
    read.step = (read.step + all->count - 1) / all->count * all->count;
    multiply.step = (multiply.step + all->count - 1) / all->count * all->count;
    for (unsigned i = 0; i < samples; i++) {
        reads[i] = bench_turn_sample(&read);
        kept[i] = times[i] = bench_turn_sample(&multiply);
        shares[i] = reads[i] / times[i];
    }
    speed->seconds = bench_median(times, samples);
    speed->read_seconds = bench_median(reads, samples);
    speed->share = bench_median(shares, samples);
    speed->spread = bench_spread(times, samples);
    bench_team_free(team);
    free(times);
    return LSQ_OK;
}

static lsq_status measure(const char *path, const lsq_model *original, unsigned samples, bench_table *table,
                          lsq_error *err)
{
    bench_matrices all;
    bench_snr weights = {0, 0}, products = {0, 0}; /* without an original they have no ratio */
    file_speed speed = {0};
    double *const times = calloc(samples, sizeof *times);
    lsq_cpu cpu;
    lsq_cpu_detect(&cpu);
    lsq_status status = times ? bench_matrices_open(&all, path, err) : LSQ_E_NOMEM;
    if (status) {
        free(times);
        return status;
    }
    status = bench_matrices_multiply(&all, 0, all.count);
    if (!status && original)
        status = bench_matrices_compare(&all, original, &weights, &products, err);
    if (!status)
        status = measure_speed(&all, &cpu, samples, times, &speed);
    if (!status) {
        const char *slash = strrchr(path, '/');
        const bench_cell cells[COLUMNS] = {
            {slash ? slash + 1 : path, NAN},
            {all.codec, NAN},
            {NULL, 8 * all.bytes / all.weights},
            {NULL, bench_snr_db(weights)},
            {NULL, 1e-6 * all.bytes},
            {lsq_class_names[lsq_size_class(&cpu, (uint64_t)all.bytes)], NAN},
            {NULL, 1e-9 * all.weights / speed.seconds},
            {NULL, 100 * speed.spread / speed.seconds},
            {NULL, 1e-9 * all.bytes / speed.read_seconds},
            {NULL, 100 * speed.share},
            {NULL, products.signal > 0 ? sqrt(products.noise / products.signal) : NAN},
            {NULL, samples},
        };
        bench_table_timed_row(table, cells, times, samples);
    }
    free(times);
    bench_matrices_close(&all);
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
    bench_table_note(table, "gemv",
                     "all matrices of the file, one product after the other, 1 thread, integer activations");
    bench_table_note(table, "plain read", "a plain loop over the same bytes, sample by sample beside the products");
    bench_trial_describe_samples(request->samples, table);
    bench_watch watch;
    bench_watch_begin(&watch, table);
    for (size_t i = 0; !status && i < request->file_count; i++) {
        *where = request->files[i];
        status = measure(*where, original, request->samples, table, err);
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
    {BENCH_OPTION_SAMPLES, 'n', "samples of each file"},
    {BENCH_OPTION_END, 0, NULL},
};

const bench_command bench_file_command = {
    .name = "file",
    .about = "file  measures .lsq files: size, signal to noise, speed, error of products",
    .choices = choices,
    .operands = "FILE...",
    .missing = "which .lsq file?",
    .samples = 21,
    .run = run_command,
};
