/*
 * read.c - `lsq-bench read`: how fast the numbers of a model come out of its file as float32, beside the plain reading of the same bytes.
 */
#include "bench/cold.h"
#include "bench/command.h"
#include "bench/options.h"
#include "bench/trial.h"
#include "bench/watch.h"

#include <lsq/lsq_model.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 4 << 20 }; /* bytes that are read, or made, at a time */

static const bench_column columns[] = {
    {"file", "file", "", 24, -1},
    {"format", "format", "", 12, -1},
    {"cache", "file is", "", 8, -1},
    {"megabytes", "file", "MB", 9, 1},
    {"plain_megabytes_per_second", "plain read", "MB/s", 10, 0},
    {"megabytes_per_second", "as floats", "MB/s", 10, 0},
    {"spread", "spread", "+- %", 6, 1},
    {"percent_of_plain", "% of plain", "read", 10, 1},
    {"samples", "samples", "", 0, 0},
};
enum { COLUMNS = sizeof columns / sizeof *columns, KEYS = 3 };

static const bench_table_kind kind = {"lsq.bench.read/1", columns, COLUMNS, KEYS, NULL};

typedef struct read_run {
    const char *path;
    char format[16];
    void *piece;                                 /* PIECE bytes, or a row of floats if that is more */
    size_t numbers;                              /* floats that it holds */
    double *plain, *floats, *scratch, *scratch2; /* seconds, one a sample */
    double cached; /* the largest share of the file that could not be dropped from the cache */
} read_run;

static lsq_status refused(const read_run *run, lsq_error *err)
{
    snprintf(err->text, sizeof err->text, "%.300s: %s", run->path, strerror(errno));
    return LSQ_E_IO;
}

static lsq_status read_plain(const read_run *run, lsq_error *err)
{
    const int fd = open(run->path, O_RDONLY | O_CLOEXEC);
    ssize_t n = 1;
    if (fd < 0)
        return refused(run, err);
    for (off_t at = 0; n > 0; at += n)
        n = pread(fd, run->piece, PIECE, at);
    const lsq_status status = n < 0 ? refused(run, err) : LSQ_OK;
    close(fd);
    return status;
}

/* The numbers of tensor i: some rows at a time, or all at once if they are no matrix. */
static lsq_status read_tensor(const read_run *run, const lsq_model *model, size_t i, lsq_error *err)
{
    const lsq_tensor *t = lsq_model_tensor(model, i);
    lsq_status status = LSQ_OK;
    if (t->rank < 2 || t->elements == 0)
        return lsq_model_read(model, i, run->piece, err);
    const uint64_t all = t->shape[0], some = run->numbers / (t->elements / all);
    for (uint64_t row = 0; !status && row < all; row += some)
        status = lsq_model_read_rows(model, i, 0, row, all - row < some ? all - row : some, run->piece, err);
    return status;
}

static lsq_status read_floats(const read_run *run, lsq_error *err)
{
    lsq_model *model = NULL;
    lsq_status status = lsq_model_open(run->path, 0, &model, err);
    for (size_t i = 0; !status && i < lsq_model_count(model); i++)
        status = read_tensor(run, model, i, err);
    lsq_model_free(model);
    return status;
}

static lsq_status take(read_run *run, lsq_status (*way)(const read_run *, lsq_error *), int cold, double *seconds,
                       lsq_error *err)
{
    const double cached = cold ? bench_cold_file(run->path) : 0, start = bench_now();
    const lsq_status status = way(run, err);
    *seconds = bench_now() - start;
    run->cached = cached > run->cached ? cached : run->cached;
    return status;
}

/* Both ways by turns, so that whatever else the machine does meets both. */
static lsq_status measure(read_run *run, int cold, unsigned n, bench_table *table, lsq_error *err)
{
    const char *slash = strrchr(run->path, '/');
    const double bytes = (double)bench_file_bytes(run->path);
    lsq_status status = cold ? LSQ_OK : read_plain(run, err);
    for (unsigned i = 0; !status && i < n; i++) {
        status = take(run, read_plain, cold, &run->plain[i], err);
        if (!status)
            status = take(run, read_floats, cold, &run->floats[i], err);
        run->scratch[i] = run->plain[i] / run->floats[i];
    }
    if (status)
        return status;
    const double share = bench_median(run->scratch, n);
    memcpy(run->scratch, run->plain, n * sizeof *run->scratch);
    const double plain = bench_median(run->scratch, n);
    memcpy(run->scratch, run->floats, n * sizeof *run->scratch);
    const double floats = bench_median(run->scratch, n);
    memcpy(run->scratch2, run->floats, n * sizeof *run->scratch2);
    const bench_cell cells[COLUMNS] = {
        {slash ? slash + 1 : run->path, NAN},
        {run->format, NAN},
        {cold ? "on disk" : "cached", NAN},
        {NULL, 1e-6 * bytes},
        {NULL, 1e-6 * bytes / plain},
        {NULL, 1e-6 * bytes / floats},
        {NULL, 100 * bench_spread(run->scratch2, n) / floats},
        {NULL, 100 * share},
        {NULL, n},
    };
    bench_table_timed_row(table, cells, run->floats, n);
    return LSQ_OK;
}

/* Room for a piece, or a row if that is longer; and is the file one of plain numbers? */
static lsq_status prepare(read_run *run, lsq_error *err)
{
    lsq_model *model = NULL;
    lsq_status status = lsq_model_open(run->path, 0, &model, err);
    run->numbers = PIECE / sizeof(float);
    for (size_t i = 0; !status && i < lsq_model_count(model); i++) {
        const lsq_tensor *t = lsq_model_tensor(model, i);
        const uint64_t row = t->rank < 2 || t->elements == 0 ? t->elements : t->elements / t->shape[0];
        run->numbers = row > run->numbers ? (size_t)row : run->numbers;
        if (t->quantised) {
            snprintf(err->text, sizeof err->text, "%.300s: tensor \"%.100s\" is quantised: see `lsq-bench stream`",
                     run->path, t->name);
            status = LSQ_E_UNSUPPORTED;
        }
    }
    if (!status)
        snprintf(run->format, sizeof run->format, "%s", lsq_model_format(model));
    lsq_model_free(model);
    run->piece = status ? NULL : calloc(run->numbers, sizeof(float));
    return status || run->piece ? status : LSQ_E_NOMEM;
}

static lsq_status measure_file(const char *path, double *numbers, unsigned n, bench_table *table, lsq_error *err)
{
    read_run run = {
        .path = path, .plain = numbers, .floats = numbers + n, .scratch = numbers + 2 * n, .scratch2 = numbers + 3 * n};
    lsq_status status = prepare(&run, err);
    for (int cold = 1; !status && cold >= 0; cold--)
        status = measure(&run, cold, n, table, err);
    if (!status && run.cached > 0.01)
        bench_table_warning(table, "the system kept a part of a file in its cache: times are not those of the disk");
    free(run.piece);
    return status;
}

static int run_command(const bench_options *request)
{
    const unsigned n = request->samples;
    lsq_error err = {0};
    const char *where = NULL;
    double *numbers = calloc((size_t)4 * n, sizeof *numbers);
    bench_table *table = numbers ? bench_table_new(&kind, request->output) : NULL;
    lsq_status status = table ? LSQ_OK : LSQ_E_NOMEM;
    if (table) {
        bench_table_context(table, "lsq_version", lsq_version());
        bench_table_note(table, "plain read", "pread() of the file, 4 MiB at a time into the same place");
        bench_table_note(table, "as floats",
                         "opened, and all rows of all tensors read as float32, 4 MiB of them at a time");
        bench_table_note(table, "on disk", "the system was asked to forget the file before each sample");
        bench_watch watch;
        bench_watch_begin(&watch, table);
        for (size_t i = 0; !status && i < request->file_count; i++) {
            where = request->files[i];
            status = measure_file(where, numbers, n, table, &err);
        }
        if (!status)
            bench_watch_end(&watch, table);
        bench_table_end(table, !status);
    }
    free(numbers);
    return status ? bench_failed(err.text[0] ? NULL : where, status, &err) : bench_flush();
}

static const bench_choice choices[] = {
    {BENCH_OPTION_SAMPLES, 'n', "samples of each way"},
    {BENCH_OPTION_END, 0, NULL},
};

const bench_command bench_read_command = {
    .name = "read",
    .about =
        "read  measures how fast the numbers of a model of any format come out of its file, beside a plain read of it",
    .choices = choices,
    .operands = "FILE...",
    .missing = "which model?",
    .samples = 5,
    .run = run_command,
};
