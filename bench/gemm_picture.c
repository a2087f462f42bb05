#include "bench/gemm_picture.h"

#include "bench/chart.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Points are collected into lines, and lines into panels, in the order in which they were measured. */
typedef struct picture {
    const bench_gemm_point *from;
    size_t from_count;
    bench_panel *panels;
    bench_line *lines;
    bench_point *points;
    char (*names)[LSQ_FORMAT_NAME_MAX], (*titles)[48];
    size_t panel_count, line_count, point_count;
} picture;

static int same_format(const lsq_format *a, const lsq_format *b)
{
    return a->codec == b->codec && a->bits == b->bits && a->scale == b->scale && a->states == b->states &&
           a->curve == b->curve;
}

static int same_panel(const bench_gemm_point *a, const bench_gemm_point *b)
{
    return a->threads == b->threads && a->transposed == b->transposed;
}

/* Is there an earlier point in the panel of point i (and of its format)? */
static int seen_before(const picture *p, size_t i, int of_format)
{
    for (size_t j = 0; j < i; j++)
        if (same_panel(&p->from[j], &p->from[i]) && (!of_format || same_format(&p->from[j].format, &p->from[i].format)))
            return 1;
    return 0;
}

static int by_x(const void *a, const void *b)
{
    const double x = ((const bench_point *)a)->x, y = ((const bench_point *)b)->x;
    return (x > y) - (x < y);
}

static double ours(const bench_gemm_point *point)
{
    return point->gflops;
}

static double peak(const bench_gemm_point *point)
{
    return point->peak_gflops;
}

static double openblas(const bench_gemm_point *point)
{
    return point->openblas_gflops;
}

/* A line of the points that share panel and format with point i; none if they are no numbers. */
static void add_line(picture *p, size_t i, const char *name, int colour, int dashed,
                     double (*value)(const bench_gemm_point *point))
{
    bench_point *points = p->points + p->point_count;
    size_t count = 0;
    for (size_t j = i; j < p->from_count; j++) {
        const bench_gemm_point *from = &p->from[j];
        if (same_panel(from, &p->from[i]) && same_format(&from->format, &p->from[i].format) && !isnan(value(from)))
            points[count++] = (bench_point){from->n, value(from)};
    }
    if (count == 0)
        return;
    qsort(points, count, sizeof *points, by_x);
    p->point_count += count;
    p->lines[p->line_count++] = (bench_line){name, colour, dashed, points, count, NULL};
}

/* The panel that point i begins: limits, as they stood beside the first format, and a line for each format. */
static void add_panel(picture *p, size_t i, const char *peak_name)
{
    const bench_gemm_point *first = &p->from[i];
    bench_panel *panel = &p->panels[p->panel_count];
    char *title = p->titles[p->panel_count++];
    const size_t begin = p->line_count;
    int colours[2] = {0, 0}; /* of lines drawn through, and of dashed ones */
    snprintf(title, sizeof p->titles[0], "%s, %u thread%s", first->transposed ? "C = W^T B" : "C = W B", first->threads,
             first->threads == 1 ? "" : "s");
    add_line(p, i, peak_name, -1, 0, peak);
    add_line(p, i, "OpenBLAS, floats", -1, 1, openblas);
    for (size_t j = i; j < p->from_count; j++) {
        if (!same_panel(&p->from[j], first) || seen_before(p, j, 1))
            continue;
        char *name = p->names[p->line_count];
        const int dashed = p->from[j].format.codec == LSQ_TRELLIS;
        lsq_format_name(&p->from[j].format, name);
        add_line(p, j, name, colours[dashed]++, dashed, ours);
    }
    *panel = (bench_panel){title, p->lines + begin, p->line_count - begin};
}

lsq_status bench_gemm_draw(const bench_gemm_point *points, size_t count, const char *title, const char *machine,
                           const char *peak_name, const char *path, lsq_error *err)
{
    /* At most a panel for each point, a line for each and two limits a panel; and each point on three lines. */
    picture p = {.from = points, .from_count = count};
    p.panels = calloc(count, sizeof *p.panels);
    p.titles = calloc(count, sizeof *p.titles);
    p.lines = calloc(3 * count, sizeof *p.lines);
    p.names = calloc(3 * count, sizeof *p.names);
    p.points = calloc(3 * count, sizeof *p.points);
    char peak_label[80];
    snprintf(peak_label, sizeof peak_label, "limit: peak of %s", peak_name);
    lsq_status status = LSQ_E_NOMEM;
    if (p.panels && p.titles && p.lines && p.names && p.points) {
        for (size_t i = 0; i < count; i++)
            if (!seen_before(&p, i, 0))
                add_panel(&p, i, peak_label);
        const bench_chart chart = {.title = title,
                                   .note = "s4: scalar code of 4 bits a weight; t4: trellis code (dashed); peak: what "
                                           "the instructions give at best",
                                   .machine = machine,
                                   .x_title = "columns of B",
                                   .y_title = "speed, GFLOP/s (logarithmic)",
                                   .x_log2 = 1,
                                   .panels = p.panels,
                                   .count = p.panel_count};
        status = bench_chart_write(&chart, path, err);
    } else if (err) {
        err->status = status;
        snprintf(err->text, sizeof err->text, "%s: out of memory", path);
    }
    free(p.panels);
    free(p.titles);
    free(p.lines);
    free(p.names);
    free(p.points);
    return status;
}
