/*
 * peers.c - `lsq-bench peers`: the ways to multiply by a matrix among which a user chooses, in one table of one run.
 *
 * Each way has samples beside OpenBLAS and beside a plain read of its own bytes, which is the limit where weights come from memory; all ratios
 * are of such neighbours.
 */
#include "bench/calls.h"
#include "bench/command.h"
#include "bench/means.h"
#include "bench/options.h"
#include "bench/peers/onednn.h"
#include "bench/sources.h"
#include "bench/table.h"
#include "bench/watch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const bench_column columns[] = {
    {"weights", "weights", "from", 7, -1},
    {"n", "columns", "of B", 7, 0},
    {"threads", "threads", "", 7, 0},
    {"way", "way", "", 14, -1},
    {"bits_per_weight", "bits", "/weight", 7, 3},
    {"snr", "SNR", "dB", 6, 2},
    {"microseconds", "time", "us", 11, 2},
    {"spread", "spread", "+- %", 6, 1},
    {"gflops", "speed", "GFLOP/s", 8, 2},
    {"gigaweights", "weights", "10^9/s", 7, 2},
    {"read_gigaweights", "plain read", "10^9/s", 10, 2},
    {"percent_of_read", "% of plain", "read", 10, 1},
    {"times_openblas", "x speed of", "OpenBLAS", 10, 2},
    {"samples", "samples", "", 0, 0},
};
enum { COLUMNS = sizeof columns / sizeof *columns, KEYS = 4 };

static const bench_table_kind kind = {"lsq.bench.peers/1", columns, COLUMNS, KEYS, NULL};

/* What W is stored as, and by whom it is multiplied. */
typedef enum peers_way { WAY_FLOATS, WAY_BYTES, WAY_OURS } peers_way;

typedef struct peers_run {
    const bench_options *request;
    size_t batch_count;
    unsigned batches[BENCH_LIST_MAX];
    bench_plan plan; /* to measure what is kept of Gaussian weights */
    bench_means kept;
    size_t rows_of_plan[BENCH_LIST_MAX]; /* of each format */
    bench_trial_sample *samples;
    double *reads, *scratch; /* room for a number of each */
    bench_calls *all;
    bench_table *table;
} peers_run;

static double share_of_read(const peers_run *run)
{
    for (unsigned i = 0; i < run->request->samples; i++)
        run->scratch[i] = run->reads[i] / run->samples[i].seconds;
    return bench_median(run->scratch, run->request->samples);
}

static void add_row(peers_run *run, int rotate, unsigned n, unsigned threads, const char *way, double snr,
                    double scale_bits)
{
    const bench_options *request = run->request;
    const double weights = (double)request->rows * (double)request->columns, operations = 2 * weights * n;
    const bench_trial_figures f = bench_trial_judge(run->samples, request->samples, operations, run->scratch);
    const double share = share_of_read(run), read = bench_median(run->reads, request->samples);
    const bench_cell cells[COLUMNS] = {
        {rotate ? "memory" : "cache", NAN},
        {NULL, n},
        {NULL, threads},
        {way, NAN},
        {NULL, 8 * (double)bench_calls_matrix_bytes(run->all) / weights + scale_bits},
        {NULL, snr},
        {NULL, 1e6 * f.seconds},
        {NULL, 100 * f.spread},
        {NULL, 1e-9 * operations / f.seconds},
        {NULL, 1e-9 * weights / f.seconds},
        {NULL, 1e-9 * weights / read},
        {NULL, 100 * share},
        {NULL, f.times_blas},
        {NULL, request->samples},
    };
    bench_trial_seconds(run->samples, request->samples, run->scratch);
    bench_table_timed_row(run->table, cells, run->scratch, request->samples);
}

/* ---- Running ---- */

static lsq_status measure_way(peers_run *run, peers_way way, size_t format, int rotate, size_t batch, unsigned threads)
{
    const bench_options *request = run->request;
    const lsq_status status = way == WAY_FLOATS  ? bench_calls_floats(run->all)
                              : way == WAY_BYTES ? bench_calls_bytes(run->all)
                                                 : bench_calls_format(run->all, &request->formats[format]);
    if (status)
        return status == LSQ_E_UNSUPPORTED && way != WAY_OURS ? LSQ_OK : status;
    for (unsigned i = 0; i < request->samples; i++) {
        run->samples[i] = bench_calls_take(run->all, batch);
        run->reads[i] = bench_calls_read(run->all);
    }
    const unsigned n = run->batches[batch];
    if (way == WAY_FLOATS)
        add_row(run, rotate, n, threads, "float OpenBLAS", NAN, 0);
    else if (way == WAY_BYTES)
        add_row(run, rotate, n, threads, "int8 oneDNN", run->kept.int8_row.db, 32.0 / (double)request->columns);
    else
        add_row(run, rotate, n, threads, run->plan.rows[run->rows_of_plan[format]].name,
                run->kept.rows[run->rows_of_plan[format]].db, 0);
    return LSQ_OK;
}

static void print_context(const peers_run *run)
{
    const bench_options *request = run->request;
    const bench_int8 *peer = bench_onednn();
    char text[512] = "none: oneDNN was not there, for the build or now";
    bench_trial_describe(bench_calls_trial(run->all), run->table);
    if (peer)
        peer->describe(text, sizeof text);
    bench_table_context(run->table, "int8", text);
    snprintf(text, sizeof text, "%zu x %zu", request->rows, request->columns);
    bench_table_context(run->table, "matrix", text);
    bench_table_note(run->table, "weights from",
                     "memory: another matrix for each product; cache: the same one, as far as a cache can hold it");
    bench_table_note(run->table, "SNR", "of Gaussian weights, as by 'lsq-bench snr -s gauss'");
    bench_table_note(run->table, "plain read",
                     "a plain loop over the same bytes by as many threads: the most that memory allows");
    bench_trial_describe_samples(request->samples, run->table);
}

static lsq_status measure_batch(peers_run *run, int rotate, size_t batch, unsigned threads)
{
    lsq_status status = measure_way(run, WAY_FLOATS, 0, rotate, batch, threads);
    if (!status)
        status = measure_way(run, WAY_BYTES, 0, rotate, batch, threads);
    for (size_t f = 0; !status && f < run->request->format_count; f++)
        status = measure_way(run, WAY_OURS, f, rotate, batch, threads);
    return status;
}

static lsq_status measure_place(peers_run *run, int rotate, lsq_error *err)
{
    const bench_options *request = run->request;
    const bench_matrix_size size = {request->rows, request->columns, rotate};
    bench_call calls[BENCH_LIST_MAX];
    for (size_t i = 0; i < run->batch_count; i++)
        calls[i] = (bench_call){run->batches[i], LSQ_NO_TRANS};
    lsq_status status = bench_calls_new(&size, calls, run->batch_count, &run->all);
    for (size_t t = 0; !status && t < request->thread_count; t++) {
        status = bench_calls_threads(run->all, request->threads[t], LSQ_ACT_INT, err);
        if (!status && rotate && t == 0)
            print_context(run);
        for (size_t i = 0; !status && i < run->batch_count; i++)
            status = measure_batch(run, rotate, i, request->threads[t]);
    }
    bench_calls_free(run->all);
    run->all = NULL;
    return status;
}

/* What each format keeps. Those with a choice of rounding have more rows in the plan than the one that counts. */
static lsq_status measure_kept(peers_run *run, lsq_error *err)
{
    const bench_source *gauss = bench_source_find("gauss");
    float *w = malloc(gauss->rows * gauss->columns * sizeof *w);
    lsq_status status = w ? LSQ_OK : LSQ_E_NOMEM;
    for (size_t i = 0; !status && i < run->request->format_count; i++) {
        run->rows_of_plan[i] = run->plan.count;
        status = bench_plan_add(&run->plan, run->request->codecs[i], err);
    }
    if (!status)
        status = bench_means_begin(&run->kept, &run->plan);
    if (!status) {
        bench_source_fill(gauss, w);
        status = bench_means_add(&run->kept, gauss->rows, gauss->columns, w, err);
    }
    if (!status)
        bench_means_finish(&run->kept);
    free(w);
    return status;
}

static lsq_status measure(const bench_options *request, lsq_error *err)
{
    peers_run run = {.request = request, .batch_count = request->batch_count, .batches = {1, 64}};
    if (run.batch_count == 0)
        run.batch_count = 2;
    else
        memcpy(run.batches, request->batches, sizeof run.batches);
    (void)bench_onednn(); /* before anything is confined to cores: its OpenMP counts them when it is loaded */
    run.samples = calloc(request->samples, sizeof *run.samples);
    run.reads = calloc(request->samples, sizeof *run.reads);
    run.scratch = calloc(request->samples, sizeof *run.scratch);
    run.table = bench_table_new(&kind, request->output);
    lsq_status status = run.samples && run.reads && run.scratch && run.table ? measure_kept(&run, err) : LSQ_E_NOMEM;
    bench_watch watch;
    if (!status)
        bench_watch_begin(&watch, run.table);
    for (int rotate = 1; !status && rotate >= 0; rotate--)
        status = measure_place(&run, rotate, err);
    if (!status)
        bench_watch_end(&watch, run.table);
    bench_table_end(run.table, !status);
    bench_means_free(&run.kept);
    bench_plan_free(&run.plan);
    free(run.samples);
    free(run.reads);
    free(run.scratch);
    return status;
}

/* ---- The command ---- */

static int run_command(const bench_options *options)
{
    lsq_error err = {0};
    const lsq_status status = measure(options, &err);
    return status ? bench_failed(NULL, status, &err) : bench_flush();
}

static const bench_choice choices[] = {
    {BENCH_OPTION_CODEC, 'c', "of ours, this format"},
    {BENCH_OPTION_BATCH, 'b', "with N columns (1 and 64)"},
    {BENCH_OPTION_THREADS, 't', "with N threads (1)"},
    {BENCH_OPTION_SIZE, 'm', "of a matrix with R rows and C columns"},
    {BENCH_OPTION_SAMPLES, 'n', "samples of each case"},
    {BENCH_OPTION_END, 0, NULL},
};

const bench_command bench_peers_command = {
    .name = "peers",
    .about =
        "peers  times what there is to choose from, in one table: OpenBLAS with float weights, oneDNN with int8 ones\n"
        "       and a scale for each row, and ours; from memory and from cache, beside a plain read of the same bytes",
    .choices = choices,
    .codecs = bench_product_codecs,
    .samples = 21,
    .rows = 4096,
    .columns = 4096,
    .run = run_command,
};
