/*
 * stream_file.c - `lsq-bench stream`: a file that is read anew for each token, within a limit of memory: with the thread that reads ahead,
 * without it, and the reading alone.
 */
#include "bench/cold.h"
#include "bench/command.h"
#include "bench/matrices.h"
#include "bench/network.h"
#include "bench/options.h"
#include "bench/trial.h"
#include "bench/watch.h"

#include <lsq/lsq_model.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const bench_column columns[] = {
    {"file", "file", "", 20, -1},
    {"codec", "codec", "", 8, -1},
    {"way", "way", "", 16, -1},
    {"threads", "threads", "", 7, 0},
    {"megabytes", "file", "MB", 8, 1},
    {"limit", "limit", "MB", 8, 1},
    {"resident", "stay", "MB", 8, 1},
    {"peak", "VmHWM", "MB", 8, 1},
    {"seconds_per_token", "a token", "s", 8, 3},
    {"spread", "spread", "+- %", 6, 1},
    {"megabytes_per_second", "read", "MB/s", 8, 0},
    {"percent_of_reading", "% of speed", "of reading", 10, 1},
    {"percent_waited", "waited", "%", 7, 1},
    {"tokens_per_second", "tokens/s", "", 9, 2},
    {"samples", "samples", "", 0, 0},
};
enum { COLUMNS = sizeof columns / sizeof *columns, KEYS = 5 };

static const bench_table_kind kind = {"lsq.bench.stream/1", columns, COLUMNS, KEYS, NULL};

/* Reading is the first: the others are compared with it. */
static const struct way {
    const char *name;
    int multiplies, no_prefetch;
} ways[] = {{"reading alone", 0, 0}, {"reading ahead", 1, 0}, {"not ahead", 1, 1}};
enum { WAYS = sizeof ways / sizeof *ways };

/* What was found of a way, a number for each sample. */
typedef struct sample {
    double *seconds, *bytes, *waited, *scratch;
} sample;

typedef struct stream_run {
    const bench_options *request;
    const char *path, *name;
    lsq_context *context;
    float *x, *y; /* as many as the most columns and rows */
    char codec[LSQ_FORMAT_NAME_MAX];
    uint64_t resident;
    double cached; /* the largest share of the file that could not be dropped from the cache */
    sample of[WAYS];
} stream_run;

/* ---- Passes ---- */

/* One product, and its result in the hash, if one is wanted. */
static lsq_status multiply(const stream_run *run, const lsq_weights *weights, uint64_t *hash)
{
    const lsq_status status = lsq_sgemv(run->context, LSQ_NO_TRANS, 1, weights, run->x, 1, 0, run->y, 1);
    if (!status && hash)
        *hash = bench_hash_add(*hash, run->y, lsq_weights_rows(weights));
    return status;
}

/* A pass over a stream that stands at its beginning, or has just ended one. */
static lsq_status pass(const stream_run *run, lsq_stream *stream, int multiplies, uint64_t *hash, lsq_error *err)
{
    const size_t count = lsq_model_count(lsq_stream_model(stream));
    lsq_status status = LSQ_OK;
    for (size_t i = 0; !status && i < count; i++) {
        lsq_stream_item item;
        status = lsq_stream_next(stream, &item, err);
        if (!status && item.weights && multiplies)
            status = multiply(run, item.weights, hash);
    }
    return status;
}

static lsq_status open_stream(const stream_run *run, int no_prefetch, lsq_stream **stream, lsq_error *err)
{
    const lsq_stream_options options = {
        .size = sizeof options, .memory = run->request->memory, .no_prefetch = no_prefetch};
    return lsq_stream_new(run->path, &options, stream, err);
}

/* The second pass is the sample: in the first one what stays is read too. */
static lsq_status take(stream_run *run, size_t way, unsigned i, lsq_error *err)
{
    lsq_stream *stream = NULL;
    lsq_stream_figures before, after;
    const double cached = bench_cold_file(run->path);
    run->cached = cached > run->cached ? cached : run->cached;
    lsq_status status = open_stream(run, ways[way].no_prefetch, &stream, err);
    if (!status)
        status = pass(run, stream, ways[way].multiplies, NULL, err);
    if (!status) {
        lsq_stream_stats(stream, &before);
        const double start = bench_now();
        status = pass(run, stream, ways[way].multiplies, NULL, err);
        run->of[way].seconds[i] = bench_now() - start;
        lsq_stream_stats(stream, &after);
        run->of[way].bytes[i] = (double)(after.bytes_read - before.bytes_read);
        run->of[way].waited[i] = (after.seconds_waited - before.seconds_waited) / run->of[way].seconds[i];
        run->resident = after.bytes_resident;
    }
    lsq_stream_free(stream);
    return status;
}

/* ---- Is it right? ---- */

/* All results of the file opened as a whole. */
static lsq_status hash_in_memory(const stream_run *run, uint64_t *hash, lsq_error *err)
{
    lsq_model *model = NULL;
    lsq_status status = lsq_model_open(run->path, 0, &model, err);
    for (size_t i = 0; !status && i < lsq_model_count(model); i++) {
        const lsq_weights *weights;
        if (!lsq_model_tensor(model, i)->quantised)
            continue;
        status = lsq_model_weights(model, i, &weights, err);
        if (!status)
            status = multiply(run, weights, hash);
    }
    lsq_model_free(model);
    return status;
}

/* One pass against the open file, if that fits into memory. */
static lsq_status compare(const stream_run *run, bench_table *table, int *differs, lsq_error *err)
{
    uint64_t streamed = BENCH_HASH, open = BENCH_HASH;
    lsq_stream *stream = NULL;
    if (bench_file_bytes(run->path) > bench_memory_available() / 4 * 3) {
        bench_table_context(table, "compared", "no: the file is larger than the memory that is left");
        return LSQ_OK;
    }
    lsq_status status = open_stream(run, 0, &stream, err);
    if (!status)
        status = pass(run, stream, 1, &streamed, err);
    lsq_stream_free(stream);
    if (!status)
        status = hash_in_memory(run, &open, err);
    if (status == LSQ_E_NOMEM) { /* a limit of address space, in which streams alone have their place */
        bench_table_context(table, "compared", "no: there is no memory to open the file in");
        return LSQ_OK;
    }
    *differs = !status && streamed != open;
    if (!status)
        bench_table_context(table, "compared",
                            *differs ? "results differ from those of the open file"
                                     : "all results have the bits of those of the open file");
    return status;
}

/* ---- Rows ---- */

static double median_of(const double *values, const sample *s, unsigned n)
{
    memcpy(s->scratch, values, n * sizeof *values);
    return bench_median(s->scratch, n);
}

static void add_row(const stream_run *run, size_t way, unsigned threads, double peak, bench_table *table)
{
    const sample *s = &run->of[way], *reading = &run->of[0];
    const unsigned n = run->request->samples;
    const double seconds = median_of(s->seconds, s, n), bytes = median_of(s->bytes, s, n);
    for (unsigned i = 0; i < n; i++)
        s->scratch[i] = reading->seconds[i] / s->seconds[i];
    const double share = bench_median(s->scratch, n);
    memcpy(s->scratch, s->seconds, n * sizeof *s->scratch);
    const double spread = bench_spread(s->scratch, n);
    const bench_cell cells[COLUMNS] = {
        {run->name, NAN},
        {run->codec, NAN},
        {ways[way].name, NAN},
        {NULL, threads},
        {NULL, 1e-6 * (double)bench_file_bytes(run->path)},
        {NULL, 1e-6 * (double)run->request->memory},
        {NULL, 1e-6 * (double)run->resident},
        {NULL, 1e-6 * peak},
        {NULL, seconds},
        {NULL, 100 * spread / seconds},
        {NULL, 1e-6 * bytes / seconds},
        {NULL, 100 * share},
        {NULL, 100 * median_of(s->waited, s, n)},
        {NULL, ways[way].multiplies ? 1 / seconds : NAN},
        {NULL, n},
    };
    bench_table_timed_row(table, cells, s->seconds, n);
}

static lsq_status measure(stream_run *run, unsigned threads, bench_table *table, lsq_error *err)
{
    const lsq_context_options options = {.size = sizeof options, .threads = threads, .activation = LSQ_ACT_INT};
    lsq_status status = lsq_context_new(&options, &run->context, err);
    for (unsigned i = 0; !status && i < run->request->samples; i++)
        for (size_t way = 0; !status && way < WAYS; way++)
            status = take(run, way, i, err);
    uint64_t now, peak;
    lsq_resident(&now, &peak);
    for (size_t way = 0; !status && way < WAYS; way++)
        add_row(run, way, threads, (double)peak, table);
    return status;
}

/* ---- The command ---- */

/* Vectors as long as any matrix wants them; also what the file's format is called. */
static lsq_status make_vectors(stream_run *run, lsq_error *err)
{
    lsq_stream *stream = NULL;
    size_t longest = 1;
    lsq_status status = open_stream(run, 1, &stream, err);
    if (status)
        return status;
    const lsq_model *model = lsq_stream_model(stream);
    for (size_t i = 0; i < lsq_model_count(model); i++) {
        const lsq_tensor *t = lsq_model_tensor(model, i);
        char codec[LSQ_FORMAT_NAME_MAX];
        if (!t->quantised)
            continue;
        bench_matrices_codec(&t->format, codec);
        snprintf(run->codec, sizeof run->codec, "%s", run->codec[0] && strcmp(run->codec, codec) ? "mixed" : codec);
        longest = t->rows > longest ? t->rows : longest;
        longest = t->columns > longest ? t->columns : longest;
    }
    lsq_stream_free(stream);
    run->x = malloc(2 * longest * sizeof *run->x);
    if (!run->x)
        return LSQ_E_NOMEM;
    run->y = run->x + longest;
    bench_random random = {3};
    for (size_t i = 0; i < longest; i++)
        run->x[i] = (float)bench_random_gauss(&random);
    return LSQ_OK;
}

static lsq_status run_all(stream_run *run, bench_table *table, int *differs, lsq_error *err)
{
    const unsigned n = run->request->samples;
    double *numbers = calloc((size_t)4 * WAYS * n, sizeof *numbers);
    lsq_status status = numbers ? LSQ_OK : LSQ_E_NOMEM;
    for (size_t way = 0; numbers && way < WAYS; way++) {
        double *of = numbers + 4 * way * n;
        run->of[way] = (sample){of, of + n, of + 2 * n, of + 3 * n};
    }
    for (size_t t = 0; !status && t < run->request->thread_count; t++) {
        lsq_context_free(run->context);
        run->context = NULL;
        status = measure(run, run->request->threads[t], table, err);
    }
    if (!status && run->cached > 0.01)
        bench_table_warning(table, "the system kept a part of the file in its cache: times are not those of the disk");
    if (!status)
        status = compare(run, table, differs, err);
    lsq_context_free(run->context);
    free(numbers);
    return status;
}

static lsq_status stream(const bench_options *request, int *differs, lsq_error *err)
{
    const char *path = request->files[0], *slash = strrchr(path, '/');
    stream_run run = {.request = request, .path = path, .name = slash ? slash + 1 : path};
    lsq_status status = make_vectors(&run, err);
    if (status)
        return status;
    bench_table *table = bench_table_new(&kind, request->output);
    if (!table) {
        free(run.x);
        return LSQ_E_NOMEM;
    }
    bench_table_context(table, "lsq_version", lsq_version());
    bench_table_note(table, "a token",
                     "a product of each matrix of the file with a vector, in file order; the second pass of a stream "
                     "whose first one was cold");
    bench_table_note(table, "reading alone", "the same reads without products: what the disk and the system give");
    bench_table_note(table, "not ahead", "no thread reads while products run");
    bench_table_note(table, "VmHWM", "of this program, so far");
    bench_watch watch;
    bench_watch_begin(&watch, table);
    status = run_all(&run, table, differs, err);
    if (!status)
        bench_watch_end(&watch, table);
    bench_table_end(table, !status);
    free(run.x);
    return status;
}

static int run_command(const bench_options *options)
{
    lsq_error err = {0};
    int differs = 0;
    if (options->file_count != 1)
        return bench_usage("stream: one file at a time");
    if (!options->make.hidden && !options->memory)
        return bench_usage("stream: how much memory? --memory 192M, or --make to write a file");
    if (options->make.hidden && options->format_count > 1)
        return bench_usage("stream: --make takes one format");
    lsq_status status = LSQ_OK;
    if (options->make.hidden)
        status = bench_network_write(&options->make, &options->formats[0], options->files[0], &err);
    if (!status && options->memory)
        status = stream(options, &differs, &err);
    if (status)
        return bench_failed(err.text[0] ? NULL : options->files[0], status, &err);
    const int flushed = bench_flush();
    return differs ? BENCH_CHECK_FAILED : flushed;
}

static const char *const codecs[] = {"t2", NULL};

static const bench_choice choices[] = {
    {BENCH_OPTION_MEMORY, 'm', "what the stream may take, as in 192M"},
    {BENCH_OPTION_THREADS, 't', "products on N threads (1)"},
    {BENCH_OPTION_SAMPLES, 'n', "samples of each way"},
    {BENCH_OPTION_MAKE, 0,
     "first write FILE: random codes, so many layers of so wide an embedding; 32x4096 is Mistral 7B"},
    {BENCH_OPTION_CODEC, 'c', "with --make, the format"},
    {BENCH_OPTION_END, 0, NULL},
};

const bench_command bench_stream_command = {
    .name = "stream",
    .about =
        "stream  measures a .lsq file that is larger than the memory it may use: seconds a token, with and without "
        "reading ahead",
    .choices = choices,
    .operands = "FILE",
    .missing = "which .lsq file?",
    .codecs = codecs,
    .samples = 3,
    .run = run_command,
};
