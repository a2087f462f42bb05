/*
 * quality.c - `lsq-bench quality`: the four ways that "Loop Singular Bit" compares, by its own measures and by honest ones, and ours at
 * about the same size, on the same matrices.
 */
#include "bench/command.h"
#include "bench/loop.h"
#include "bench/matrices.h"
#include "bench/rivals.h"
#include "bench/sources.h"
#include "bench/table.h"

#include <lsq/lsq_model.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const bench_column columns[] = {
    {"matrix", "matrix", "", 28, -1},
    {"way", "way", "", 12, -1},
    {"bits_per_weight", "bits", "/weight", 7, 3},
    {"times_f32", "smaller", "x f32", 7, 2},
    {"times_bf16", "smaller", "x bf16", 7, 2},
    {"mae_sigma", "|error|", "/ sigma", 7, 4},
    {"mae_sigma_rest", "not of", "outliers", 8, 4},
    {"outliers_share", "they are", "% of |w|", 8, 1},
    {"published_efficiency", "published", "efficiency", 10, 2},
    {"snr", "SNR", "dB", 6, 2},
    {"product_error", "error of", "W x, %", 8, 1},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static const bench_table_kind kind = {"lsq.bench.quality/1", columns, COLUMNS, 2, "snr"};

/* Ours: signs with as many outliers as the published way has, the base that is better than signs, and what other sizes keep. */
static const char *const usual_codecs[] = {"b1", "t1", "t2", "t3", "t4", "s4", "s8", NULL};

/* A matrix and one way to store it. */
typedef struct subject {
    const char *name;
    size_t rows, columns;
    const float *w;
    float *decoded;
    double sigma, bound; /* of |w|: outliers of the published way are beyond it */
} subject;

static double deviation(size_t n, const float *w)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        sum += w[i];
        squares += (double)w[i] * w[i];
    }
    const double mean = sum / (double)n;
    return sqrt(fmax(squares / (double)n - mean * mean, 0));
}

/* Mean |w - decoded| of those up to a bound. */
static double mean_error(const subject *s, double bound)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < s->rows * s->columns; i++)
        if (fabsf(s->w[i]) <= bound) {
            sum += fabs((double)s->w[i] - s->decoded[i]);
            count++;
        }
    return count ? sum / (double)count : NAN;
}

/* What part of the sum of all |w| is beyond the bound. */
static double outliers_share(const subject *s)
{
    double all = 0, beyond = 0;
    for (size_t i = 0; i < s->rows * s->columns; i++) {
        all += fabsf(s->w[i]);
        beyond += fabsf(s->w[i]) > s->bound ? fabsf(s->w[i]) : 0;
    }
    return all > 0 ? beyond / all : NAN;
}

/* |W x - decoded x| / |W x| for Gaussian x, the same for matrices of as many columns. */
static double product_error(const subject *s, const float *x)
{
    double error = 0, size = 0;
    for (size_t r = 0; r < s->rows; r++) {
        double y = 0, other = 0;
        for (size_t c = 0; c < s->columns; c++) {
            y += (double)s->w[r * s->columns + c] * x[c];
            other += (double)s->decoded[r * s->columns + c] * x[c];
        }
        error += (y - other) * (y - other);
        size += y * y;
    }
    return size > 0 ? sqrt(error / size) : NAN;
}

static void add_row(const subject *s, const char *way, double bytes, int has_outliers, const float *x,
                    bench_table *table)
{
    const size_t n = s->rows * s->columns;
    const double error = mean_error(s, INFINITY), ratio = 4.0 * (double)n / bytes;
    bench_snr snr = {0, 0};
    bench_snr_add(&snr, s->w, s->decoded, n);
    const bench_cell cells[COLUMNS] = {
        {s->name, NAN},
        {way, NAN},
        {NULL, 8 * bytes / (double)n},
        {NULL, ratio},
        {NULL, ratio / 2},
        {NULL, error / s->sigma},
        {NULL, has_outliers ? mean_error(s, s->bound) / s->sigma : NAN},
        {NULL, has_outliers ? 100 * outliers_share(s) : NAN},
        {NULL, ratio / (1 + error)},
        {NULL, bench_snr_db(snr)},
        {NULL, 100 * product_error(s, x)},
    };
    bench_table_row(table, cells);
}

static lsq_status measure_ours(const subject *s, const bench_options *options, size_t i, const float *x,
                               bench_table *table, lsq_error *err)
{
    const lsq_format *format = &options->formats[i];
    const int is_sign = format->codec == LSQ_SIGN;
    const lsq_quantize_options how = {
        .size = sizeof how,
        .curve = LSQ_CURVE_BEST,
        .outliers = is_sign             ? 0.02
                    : format->bits == 1 ? 0.005
                                        : 0,
        .outlier_choice = is_sign ? LSQ_OUTLIERS_LARGEST : LSQ_OUTLIERS_WHERE_WORTH,
    };
    lsq_weights *made = NULL;
    size_t bytes = 0, outlier_bytes = 0;
    char name[LSQ_FORMAT_NAME_MAX + 12];
    lsq_status status = lsq_quantize(NULL, format, s->rows, s->columns, s->w, s->columns, &how, &made, err);
    if (!status)
        status = lsq_dequantize(NULL, made, 0, s->rows, s->decoded, s->columns);
    if (!status) {
        lsq_packed_bytes(format, s->rows, s->columns, &bytes);
        lsq_weights_outliers(made, &outlier_bytes, NULL);
        snprintf(name, sizeof name, "%s%s", options->codecs[i], outlier_bytes ? " +" : "");
        add_row(s, name, (double)(bytes + outlier_bytes), 0, x, table);
    }
    lsq_weights_free(made);
    return status;
}

static lsq_status measure_ways(subject *s, const bench_options *options, const float *x, bench_table *table,
                               lsq_error *err)
{
    const size_t n = s->rows * s->columns;
    s->sigma = deviation(n, s->w);
    s->bound = bench_loop_bound(n, s->w);
    for (size_t i = 0; i < bench_loop_ways_count; i++) {
        const double bytes = bench_loop_ways[i].store(n, s->w, s->decoded);
        if (isnan(bytes))
            return LSQ_E_NOMEM;
        add_row(s, bench_loop_ways[i].name, bytes, !strncmp(bench_loop_ways[i].name, "loop", 4), x, table);
    }
    for (size_t i = 0; i < options->format_count; i++) {
        const lsq_status status = measure_ours(s, options, i, x, table, err);
        if (status)
            return status;
    }
    return LSQ_OK;
}

static lsq_status measure(const char *name, size_t rows, size_t matrix_columns, const float *w,
                          const bench_options *options, bench_table *table, lsq_error *err)
{
    subject s = {.name = name, .rows = rows, .columns = matrix_columns, .w = w};
    float *x = malloc(matrix_columns * sizeof *x);
    s.decoded = malloc(rows * matrix_columns * sizeof *s.decoded);
    lsq_status status = x && s.decoded ? LSQ_OK : LSQ_E_NOMEM;
    bench_random random = {1};
    for (size_t i = 0; !status && i < matrix_columns; i++)
        x[i] = (float)bench_random_gauss(&random);
    if (!status)
        status = measure_ways(&s, options, x, table, err);
    free(x);
    free(s.decoded);
    return status;
}

/* ---- What is measured ---- */

/* What the publication's figures are of: 256 x 256 normal numbers. */
static lsq_status measure_randn(const bench_options *options, bench_table *table, lsq_error *err)
{
    enum { SIDE = 256 };
    float *w = malloc(sizeof *w * SIDE * SIDE);
    bench_random random = {2};
    if (!w)
        return LSQ_E_NOMEM;
    for (size_t i = 0; i < (size_t)SIDE * SIDE; i++)
        w[i] = (float)bench_random_gauss(&random);
    const lsq_status status = measure("randn(256, 256)", SIDE, SIDE, w, options, table, err);
    free(w);
    return status;
}

static lsq_status measure_source(const bench_source *source, const bench_options *options, bench_table *table,
                                 lsq_error *err)
{
    float *w = malloc(source->rows * source->columns * sizeof *w);
    if (!w)
        return LSQ_E_NOMEM;
    bench_source_fill(source, w);
    const lsq_status status = measure(source->name, source->rows, source->columns, w, options, table, err);
    free(w);
    return status;
}

static lsq_status measure_tensor(const lsq_model *model, size_t i, const bench_options *options, bench_table *table,
                                 lsq_error *err)
{
    const lsq_tensor *tensor = lsq_model_tensor(model, i);
    float *w = malloc(tensor->elements * sizeof *w);
    if (!w)
        return LSQ_E_NOMEM;
    lsq_status status = lsq_model_read_matrix(model, i, 0, w, err);
    if (!status)
        status = measure(tensor->name, tensor->shape[0], tensor->elements / tensor->shape[0], w, options, table, err);
    free(w);
    return status;
}

static lsq_status measure_file(const char *path, const bench_options *options, bench_table *table, lsq_error *err)
{
    lsq_model *model;
    size_t count = 0;
    lsq_status status = lsq_model_open(path, 0, &model, err);
    if (status)
        return status;
    for (size_t i = 0; !status && i < lsq_model_count(model); i++)
        if (bench_is_matrix(lsq_model_tensor(model, i))) {
            status = measure_tensor(model, i, options, table, err);
            count++;
        }
    lsq_model_free(model);
    if (!status && !count) {
        status = LSQ_E_UNSUPPORTED;
        snprintf(err->text, sizeof err->text, "%s: no matrix of floating point numbers in it", path);
    }
    return status;
}

static lsq_status measure_all(const bench_options *options, bench_table *table, const char **where, lsq_error *err)
{
    lsq_status status = LSQ_OK;
    if (options->source_count == 0 && options->file_count == 0)
        status = measure_randn(options, table, err);
    for (size_t i = 0; !status && i < options->source_count; i++) {
        *where = options->sources[i]->name;
        status = measure_source(options->sources[i], options, table, err);
    }
    for (size_t i = 0; !status && i < options->file_count; i++) {
        *where = options->files[i];
        status = measure_file(*where, options, table, err);
    }
    return status;
}

static int run_command(const bench_options *options)
{
    const char *where = NULL;
    lsq_error err = {0};
    bench_table *table = bench_table_new(&kind, options->output);
    if (!table)
        return bench_failed(NULL, LSQ_E_NOMEM, NULL);
    bench_table_context(table, "lsq_version", lsq_version());
    for (size_t i = 0; i < bench_loop_ways_count; i++)
        bench_table_note(table, bench_loop_ways[i].name, bench_loop_ways[i].meaning);
    bench_table_note(
        table, "published efficiency",
        "times smaller than f32 / (1 + mean |error|), which depends on the unit of the weights; SNR does not");
    const lsq_status status = measure_all(options, table, &where, &err);
    if (!status)
        bench_table_note(table, "below 10 dB",
                         "a third and more of every product is noise: use it for networks that were trained with it. "
                         "Others are usually given 4 bits and more, some 20 dB: t4");
    bench_table_end(table, !status);
    return status ? bench_failed(err.text[0] ? NULL : where, status, &err) : bench_flush();
}

static const bench_choice choices[] = {
    {BENCH_OPTION_SOURCE, 's', "this source instead of 256 x 256 normal numbers"},
    {BENCH_OPTION_CODEC, 'c', "ours in this format; b1 with 2 % of outliers, t1 with up to 0.5 %"},
    {BENCH_OPTION_END, 0, NULL},
};

const bench_command bench_quality_command = {
    .name = "quality",
    .about = "quality  the four ways that Loop Singular Bit compares, and ours, on the same matrices",
    .choices = choices,
    .codecs = usual_codecs,
    .operands = "[FILE]...",
    .run = run_command,
};
