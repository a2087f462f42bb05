/*
 * snr.c - `lsq-bench snr`: what each format keeps of known sources and of real weights, beside other ways to spend the bits.
 */
#include "bench/command.h"
#include "bench/plan.h"
#include "bench/rivals.h"
#include "bench/sources.h"
#include "bench/table.h"

#include <lsq/lsq_model.h>

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const bench_column columns[] = {
    {"source", "source", "", 12, -1},
    {"codec", "codec", "", 15, -1},
    {"rounding", "rounding", "", 9, -1},
    {"bits_per_weight", "bits", "/weight", 7, 3},
    {"snr", "SNR", "dB", 6, 2},
    {"lloyd_max", "Lloyd-Max", "2^C, dB", 9, 2},
    {"int8_tensor", "int8", "tensor", 7, 2},
    {"int8_row", "int8", "row, dB", 7, 2},
    {"int_group32", "intC of", "32, dB", 7, 2},
    {"published", "published", "table", 9, 2},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

/* What has been seen of one source: means over its matrices of each decibel. */
typedef struct snr_means {
    const bench_plan *plan;
    double outliers; /* the largest share of weights that are kept apart */
    struct cell {
        double db, bits; /* sums over matrices; bits: packed bits of all of them */
    } * cells;           /* one for each row of the plan */
    double lloyd[BENCH_BITS_MAX + 1], int_group[BENCH_BITS_MAX + 1];
    double int8_tensor, int8_row;
    double weights, matrices;
} snr_means;

static lsq_status measure_row(const bench_plan_row *row, double outliers, size_t m, size_t k, const float *w,
                              struct cell *cell, lsq_error *err)
{
    if (row->way != BENCH_PACKED) {
        const size_t block = row->way == BENCH_CODE_ABSMAX_32 ? 32 : 0, scales = block ? (k + 31) / 32 : 0;
        cell->bits += (double)m * ((double)k * row->format.bits + 16.0 * (double)scales);
        cell->db += bench_classic_db(row->format.bits, row->rounding, block, m, k, w);
        return LSQ_OK;
    }
    const lsq_quantize_options options = {.size = sizeof options, .rounding = row->rounding, .outliers = outliers};
    lsq_weights *weights;
    lsq_status status = lsq_quantize(NULL, &row->format, m, k, w, k, &options, &weights, err);
    if (status)
        return status;
    float *decoded = malloc(m * k * sizeof *decoded);
    status = decoded ? lsq_dequantize(NULL, weights, 0, m, decoded, k) : LSQ_E_NOMEM;
    if (!status) {
        size_t bytes = 0, outlier_bytes;
        bench_snr snr = {0, 0};
        bench_snr_add(&snr, w, decoded, m * k);
        lsq_packed_bytes(&row->format, m, k, &bytes);
        cell->db += bench_snr_db(snr);
        lsq_weights_outliers(weights, &outlier_bytes, NULL);
        cell->bits += 8.0 * (double)(bytes + outlier_bytes);
    }
    free(decoded);
    lsq_weights_free(weights);
    return status;
}

/* On a terminal, a line that the next one overwrites, and at the end nothing. */
static void show_progress(const snr_means *means, const char *row)
{
    if (!isatty(STDERR_FILENO))
        return;
    fputs("\r\033[K", stderr);
    if (row)
        fprintf(stderr, "matrix %.0f: %s", means->matrices + 1, row);
}

/* Adds one matrix to the means; one of zeros only has no ratio, and is left out. */
static lsq_status measure_matrix(snr_means *means, size_t m, size_t k, const float *w, lsq_error *err)
{
    bench_snr signal = {0, 0};
    bench_snr_add(&signal, w, w, m * k);
    if (!(signal.signal > 0))
        return LSQ_OK;
    for (size_t i = 0; i < means->plan->count; i++) {
        show_progress(means, means->plan->rows[i].name);
        const lsq_status status = measure_row(&means->plan->rows[i], means->outliers, m, k, w, &means->cells[i], err);
        show_progress(means, NULL);
        if (status)
            return status;
    }
    bench_lloyd *lloyd = bench_lloyd_new(w, m * k);
    if (!lloyd)
        return LSQ_E_NOMEM;
    for (unsigned bits = 1; bits <= BENCH_BITS_MAX; bits++) {
        if (!means->plan->widths[bits])
            continue;
        means->lloyd[bits] += bench_lloyd_db(lloyd, bits);
        means->int_group[bits] += bits > 1 ? bench_int_db(bits, 32, m, k, w) : NAN;
    }
    bench_lloyd_free(lloyd);
    means->int8_tensor += bench_int_db(8, 0, m, k, w);
    means->int8_row += bench_int_db(8, k, m, k, w);
    means->weights += (double)m * (double)k;
    means->matrices += 1;
    return LSQ_OK;
}

static void print(const snr_means *r, const char *source, bench_table *table)
{
    static const double published[] = {[4] = 22.1, 26.3, 29.7, 32.1, 33.64, 34.8};
    for (size_t i = 0; i < r->plan->count; i++) {
        const bench_plan_row *row = &r->plan->rows[i];
        const unsigned bits = row->format.bits;
        const int has_published = row->format.codec == LSQ_CLASSIC && bits >= 4;
        const bench_cell cells[COLUMNS] = {
            {source, NAN},
            {row->name, NAN},
            {row->format.codec != LSQ_CLASSIC     ? "-"
             : row->rounding == LSQ_ROUND_NEAREST ? "nearest"
                                                  : "published",
             NAN},
            {NULL, r->cells[i].bits / r->weights},
            {NULL, r->cells[i].db / r->matrices},
            {NULL, r->lloyd[bits] / r->matrices},
            {NULL, r->int8_tensor / r->matrices},
            {NULL, r->int8_row / r->matrices},
            {NULL, r->int_group[bits] / r->matrices},
            {NULL, has_published ? published[bits] : NAN},
        };
        bench_table_row(table, cells);
    }
}

static lsq_status begin(snr_means *r, const bench_plan *plan, double outliers)
{
    *r = (snr_means){.plan = plan, .outliers = outliers, .cells = calloc(plan->count + 1, sizeof *r->cells)};
    return r->cells ? LSQ_OK : LSQ_E_NOMEM;
}

static lsq_status measure_source(const bench_source *source, const bench_plan *plan, double outliers,
                                 bench_table *table, lsq_error *err)
{
    snr_means r;
    lsq_status status = begin(&r, plan, outliers);
    float *w = malloc(source->rows * source->columns * sizeof *w);
    if (!status && !w)
        status = LSQ_E_NOMEM;
    if (!status) {
        bench_source_fill(source, w);
        status = measure_matrix(&r, source->rows, source->columns, w, err);
    }
    if (!status)
        print(&r, source->name, table);
    free(w);
    free(r.cells);
    return status;
}

/* Floating point numbers with more than one row and more than one column: a vector under another name says nothing. */
static int is_matrix(const lsq_tensor *tensor)
{
    const lsq_dtype t = tensor->dtype;
    return (t == LSQ_F32 || t == LSQ_F16 || t == LSQ_BF16 || t == LSQ_F64) && tensor->rank >= 2 &&
           tensor->shape[0] > 1 && tensor->elements > tensor->shape[0];
}

static lsq_status measure_tensors(const lsq_model *model, snr_means *r, lsq_error *err)
{
    for (size_t i = 0; i < lsq_model_count(model); i++) {
        const lsq_tensor *tensor = lsq_model_tensor(model, i);
        if (!is_matrix(tensor))
            continue;
        float *w = malloc(tensor->elements * sizeof *w);
        if (!w)
            return LSQ_E_NOMEM;
        lsq_status status = lsq_model_read_matrix(model, i, 0, w, err);
        if (!status)
            status = measure_matrix(r, tensor->shape[0], tensor->elements / tensor->shape[0], w, err);
        free(w);
        if (status)
            return status;
    }
    return LSQ_OK;
}

static lsq_status measure_file(const char *path, const bench_plan *plan, double outliers, bench_table *table,
                               lsq_error *err)
{
    lsq_model *model;
    snr_means r;
    lsq_status status = lsq_model_open(path, 0, &model, err);
    if (status)
        return status;
    status = begin(&r, plan, outliers);
    if (!status)
        status = measure_tensors(model, &r, err);
    if (!status && r.matrices == 0) {
        status = LSQ_E_UNSUPPORTED;
        snprintf(err->text, sizeof err->text, "no matrix of floating point numbers in it");
    }
    if (!status) {
        const char *slash = strrchr(path, '/');
        print(&r, slash ? slash + 1 : path, table);
    }
    free(r.cells);
    lsq_model_free(model);
    return status;
}

typedef struct snr_request {
    bench_plan plan;
    bench_plan sine; /* what the published table was made of: only the published code is of interest there */
    const bench_source *sources[16];
    size_t source_count;
    char **files;
    size_t file_count;
    int all, json;
    double outliers;
} snr_request;

static lsq_status run(const snr_request *request, const char **where, lsq_error *err)
{
    bench_table *table = bench_table_new("lsq.snr/1", columns, COLUMNS, request->json);
    if (!table)
        return LSQ_E_NOMEM;
    bench_table_context(table, "lsq_version", lsq_version());
    bench_table_context(table, "snr", "10 log10(sum w^2 / sum (w - w^)^2); of files the mean over their matrices");
    lsq_status status = LSQ_OK;
    for (size_t i = 0; !status && i < request->source_count; i++) {
        const bench_source *source = request->sources[i];
        *where = source->name;
        status = measure_source(source, source->draw ? &request->plan : &request->sine, request->outliers, table, err);
    }
    for (size_t i = 0; !status && i < request->file_count; i++) {
        *where = request->files[i];
        status = measure_file(*where, &request->plan, request->outliers, table, err);
    }
    bench_table_end(table, !status);
    return status;
}

/* Reads the options; what is wrong has been said when it returns anything but BENCH_OK. */
static int read_options(int argc, char **argv, snr_request *request)
{
    static const struct option options[] = {
        {"source", required_argument, NULL, 's'}, {"codec", required_argument, NULL, 'c'},
        {"all", no_argument, NULL, 'a'},          {"outliers", required_argument, NULL, 'o'},
        {"json", no_argument, NULL, 'j'},         {NULL, 0, NULL, 0},
    };
    lsq_error err = {0};
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, "s:c:ao:j", options, NULL)) != -1;) {
        const bench_source *source;
        char *end;
        switch (c) {
        case 's':
            source = bench_source_find(optarg);
            if (!source)
                return bench_usage("--source '%s': there are sine54, uniform, gauss, laplace, t5", optarg);
            if (request->source_count == sizeof request->sources / sizeof *request->sources)
                return bench_usage("--source: too many");
            request->sources[request->source_count++] = source;
            break;
        case 'c':
            if (bench_plan_add(&request->plan, optarg, &err))
                return bench_usage("--codec: %s", err.text);
            break;
        case 'o':
            request->outliers = strtod(optarg, &end);
            if (end == optarg || *end || !(request->outliers >= 0 && request->outliers <= 0.01))
                return bench_usage("--outliers '%s': a share from 0 to 0.01", optarg);
            break;
        case 'a':
            request->all = 1;
            break;
        case 'j':
            request->json = 1;
            bench_errors_as_json();
            break;
        default:
            return bench_usage("snr: '%s' is no option, or lacks its value", argv[optind - 1]);
        }
    }
    request->files = argv + optind;
    request->file_count = (size_t)(argc - optind);
    return BENCH_OK;
}

static lsq_status complete(snr_request *request)
{
    lsq_status status = LSQ_OK;
    if (request->all)
        status = bench_plan_all(&request->plan);
    else if (request->plan.count == 0)
        status = bench_plan_usual(&request->plan);
    if (!status)
        status = bench_plan_published(&request->sine, &request->plan);
    if (request->source_count == 0 && request->file_count == 0)
        while (request->source_count < bench_sources_count) {
            request->sources[request->source_count] = &bench_sources[request->source_count];
            request->source_count++;
        }
    return status;
}

int bench_snr_command(int argc, char **argv)
{
    snr_request request = {0};
    int exit_status = read_options(argc, argv, &request);
    if (!exit_status) {
        const char *where = NULL;
        lsq_error err = {0};
        lsq_status status = complete(&request);
        if (!status)
            status = run(&request, &where, &err);
        exit_status = status ? bench_failed(err.text[0] ? NULL : where, status, &err) : bench_flush();
    }
    bench_plan_free(&request.plan);
    bench_plan_free(&request.sine);
    return exit_status;
}
