#include "bench/snr_picture.h"

#include "bench/frontier.h"
#include "bench/peers/ggml.h"
#include "bench/rivals.h"
#include "bench/sources.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = 16, LABELS_MAX = 32 };

/* A panel, and what it consists of. Points lie one behind the other. */
typedef struct snr_panel {
    bench_line lines[LINES_MAX];
    size_t line_count;
    bench_point *points;
    size_t point_count;
    char title[128];
    const char *labels[LABELS_MAX];
    size_t label_count;
} snr_panel;

/* A line of the last `count` points, or, with labels for the last `count` of them, points alone. */
static void add_line(snr_panel *panel, const char *name, int colour, int dashed, size_t count, int labelled)
{
    if (count == 0)
        return;
    const char *const *labels = labelled ? panel->labels + panel->label_count - count : NULL;
    panel->lines[panel->line_count++] =
        (bench_line){name, colour, dashed, panel->points + panel->point_count - count, count, labels};
}

static void add_point(snr_panel *panel, double bits, double db)
{
    panel->points[panel->point_count++] = (bench_point){bits, db};
}

static void add_labelled(snr_panel *panel, double bits, double db, const char *text)
{
    add_point(panel, bits, db);
    panel->labels[panel->label_count++] = text;
}

/* The best formats of a codec. Those that keep nothing, as codes without scales of small weights do, would only stretch the axis. */
static void add_codec(snr_panel *panel, const bench_means *means, int codec, const char *name, int colour)
{
    const size_t begin = panel->point_count;
    for (size_t i = 0; i < means->plan->count; i++)
        if (means->plan->rows[i].format.codec == codec && means->rows[i].db > 1)
            add_point(panel, means->rows[i].bits, means->rows[i].db);
    panel->point_count = begin + bench_frontier(panel->points + begin, panel->point_count - begin);
    add_line(panel, name, colour, 0, panel->point_count - begin, 0);
}

static void add_widths(snr_panel *panel, const struct bench_kept *kept, const char *name, int colour)
{
    size_t count = 0;
    for (unsigned bits = 1; bits <= BENCH_BITS_MAX; bits++)
        if (isfinite(kept[bits].db)) {
            add_point(panel, kept[bits].bits, kept[bits].db);
            count++;
        }
    add_line(panel, name, colour, 1, count, 0);
}

static void add_library(snr_panel *panel, int column, const char *library, int colour)
{
    size_t count = 0;
    for (size_t i = 0; i < bench_ggml_types_count; i++) {
        const bench_ggml_type *type = &bench_ggml_types[i];
        if (!strcmp(type->library, library) && !isnan(type->db[column])) {
            add_labelled(panel, type->bits, type->db[column], type->name);
            count++;
        }
    }
    add_line(panel, library, colour, 0, count, 1);
}

/* The table of the publication, beside the very numbers that it was made of. */
static void add_published(snr_panel *panel)
{
    size_t count = 0;
    for (unsigned bits = 1; bits <= BENCH_BITS_MAX; bits++)
        if (!isnan(bench_published_db(bits))) {
            add_point(panel, bits, bench_published_db(bits));
            count++;
        }
    add_line(panel, "published table", 0, 1, count, 0);
}

static void fill(snr_panel *panel, const bench_snr_source *source)
{
    const bench_means *means = &source->means;
    double least = INFINITY, most = 0;
    for (size_t i = 0; i < means->plan->count; i++) {
        least = fmin(least, means->rows[i].bits);
        most = fmax(most, means->rows[i].bits);
    }
    if (means->plan->count > 0) {
        add_point(panel, floor(least), bench_gaussian_bound_db(floor(least)));
        add_point(panel, ceil(most), bench_gaussian_bound_db(ceil(most)));
        add_line(panel, "limit: R(D) of a Gaussian", -1, 0, 2, 0);
    }
    add_codec(panel, means, LSQ_TRELLIS, "trellis (t)", 5);
    add_codec(panel, means, LSQ_SCALAR, "scalar (s)", 4);
    add_codec(panel, means, LSQ_CLASSIC, "classic (c)", 3);
    add_widths(panel, means->lloyd, "Lloyd-Max", 6);
    add_widths(panel, means->int_group, "integers, scale for 32", 7);
    if (source->is_sine) {
        add_published(panel);
        return;
    }
    add_labelled(panel, means->nf4.bits, means->nf4.db, "NF4");
    add_labelled(panel, means->int8_row.bits, means->int8_row.db, "int8 (TFLite)");
    add_line(panel, "NF4, int8", 0, 0, 2, 1);
    if (source->column < 0)
        return;
    add_library(panel, source->column, "ggml", 1);
    add_library(panel, source->column, "ik_llama.cpp", 2);
}

/* A file by its name, a source with what it is. */
static void name_panel(snr_panel *panel, const char *name)
{
    const bench_source *source = bench_source_find(name);
    snprintf(panel->title, sizeof panel->title, "%s%s%s", name, source ? ": " : "", source ? source->meaning : "");
}

lsq_status bench_snr_draw(const bench_snr_source *sources, size_t count, const char *path, lsq_error *err)
{
    snr_panel *panels = calloc(count + 1, sizeof *panels);
    bench_panel *shown = calloc(count + 1, sizeof *shown);
    lsq_status status = panels && shown ? LSQ_OK : LSQ_E_NOMEM;
    for (size_t i = 0; !status && i < count; i++) {
        /* A format gives one point; both ends of the bound, two or three for each width, and labelled ones come to it. */
        panels[i].points = calloc(sources[i].means.plan->count + 4 * BENCH_BITS_MAX + LABELS_MAX, sizeof(bench_point));
        if (!panels[i].points) {
            status = LSQ_E_NOMEM;
            break;
        }
        fill(&panels[i], &sources[i]);
        name_panel(&panels[i], sources[i].name);
        shown[i] = (bench_panel){panels[i].title, panels[i].lines, panels[i].line_count};
    }
    if (!status) {
        const bench_chart chart = {
            .title = "What is left of weights: signal to noise ratio against bits a weight; higher is better",
            .note = "lines: the best formats of each of our codecs; dashed lines and points: other ways to spend the "
                    "bits; grey: what no code can pass on independent Gaussian numbers",
            .x_title = "bits a weight, everything counted",
            .y_title = "signal to noise ratio, dB",
            .y_linear = 1,
            .large = 1,
            .panels = shown,
            .count = count};
        status = bench_chart_write(&chart, path, err);
    } else if (err) {
        err->status = status;
        snprintf(err->text, sizeof err->text, "%s: out of memory", path);
    }
    for (size_t i = 0; panels && i < count; i++)
        free(panels[i].points);
    free(panels);
    free(shown);
    return status;
}
