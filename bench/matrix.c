#include "bench/matrix.h"

#include "bench/chart.h"
#include "dispatch/cpu.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const classes[] = {"l2", "l3", "dram"}, *const class_titles[] = {"L2 cache", "L3 cache", "memory"};
enum { CLASS_COUNT = sizeof classes / sizeof *classes };

static const bench_column columns[] = {
    {"kernel", "kernel", "", 28, -1},
    {"format", "format", "", 14, -1},
    {"threads", "threads", "", 7, 0},
    {"bits", "bits", "a weight", 8, 3},
    {"l2", "from L2", "10^9 w/s", 8, 2},
    {"l2_percent", "% of a", "read", 6, 1},
    {"l3", "from L3", "10^9 w/s", 8, 2},
    {"l3_percent", "% of a", "read", 6, 1},
    {"dram", "memory", "10^9 w/s", 8, 2},
    {"dram_percent", "% of a", "read", 6, 1},
    {"spread", "largest", "spread, +- %", 12, 1},
    {"l2_spread", "spread", "in L2, +- %", 0, 1},
    {"l3_spread", "spread", "in L3, +- %", 0, 1},
    {"dram_spread", "spread", "memory, +- %", 0, 1},
    {"samples", "samples", "", 0, 0},
};

const bench_table_kind bench_matrix_kind = {"lsq.bench.gemv/1", columns, sizeof columns / sizeof *columns, 3, NULL};

struct bench_matrix {
    bench_table *table;
    bench_result *results;
    size_t count, row; /* `row`: the first result of the row that is not yet printed */
};

bench_matrix *bench_matrix_new(bench_table *table)
{
    bench_matrix *matrix = calloc(1, sizeof *matrix);
    if (matrix)
        matrix->table = table;
    return matrix;
}

void bench_matrix_free(bench_matrix *matrix)
{
    if (matrix)
        free(matrix->results);
    free(matrix);
}

static int class_of(const bench_result *result)
{
    int i = 0;
    while (strcmp(classes[i], result->about.size_class) != 0)
        i++;
    return i;
}

static int same_row(const bench_case_about *a, const bench_case_about *b)
{
    return !strcmp(a->kernel, b->kernel) && !strcmp(a->format, b->format) && a->threads == b->threads;
}

static void print_row(bench_matrix *matrix)
{
    double speed[CLASS_COUNT] = {NAN, NAN, NAN}, percent[CLASS_COUNT] = {NAN, NAN, NAN}, most = 0,
           spread[CLASS_COUNT] = {NAN, NAN, NAN};
    const bench_result *first = &matrix->results[matrix->row];
    for (size_t i = matrix->row; i < matrix->count; i++) {
        const bench_result *r = &matrix->results[i];
        speed[class_of(r)] = 1e-9 * r->weights_per_second;
        percent[class_of(r)] = r->percent;
        spread[class_of(r)] = 100 * r->spread;
        most = fmax(most, 100 * r->spread);
    }
    const bench_cell cells[] = {
        {first->about.kernel, NAN},
        {first->about.format, NAN},
        {NULL, first->about.threads},
        {NULL, first->bits},
        {NULL, speed[0]},
        {NULL, percent[0]},
        {NULL, speed[1]},
        {NULL, percent[1]},
        {NULL, speed[2]},
        {NULL, percent[2]},
        {NULL, most},
        {NULL, spread[0]},
        {NULL, spread[1]},
        {NULL, spread[2]},
        {NULL, first->samples},
    };
    bench_table_row(matrix->table, cells);
}

lsq_status bench_matrix_add(bench_matrix *matrix, const bench_result *result)
{
    if (matrix->row < matrix->count && !same_row(&matrix->results[matrix->row].about, &result->about))
        bench_matrix_end(matrix);
    bench_result *results = realloc(matrix->results, (matrix->count + 1) * sizeof *results);
    if (!results)
        return LSQ_E_NOMEM;
    matrix->results = results;
    results[matrix->count++] = *result;
    return LSQ_OK;
}

void bench_matrix_end(bench_matrix *matrix)
{
    if (matrix->table && matrix->row < matrix->count)
        print_row(matrix);
    matrix->row = matrix->count;
}

/* ---- The picture ---- */

/* What one line is of. */
typedef struct selection {
    const char *act, *size_class, *isa; /* isa NULL: the limit */
    unsigned threads;
    int trellis;
} selection;

static int selected(const bench_result *r, const selection *s)
{
    return !strcmp(r->about.op, "gemv") && (strcmp(r->about.act, "f32") != 0) == (strcmp(s->act, "f32") != 0) &&
           !strcmp(r->about.size_class, s->size_class) && r->about.threads == s->threads &&
           (!s->isa || (!strcmp(r->about.isa, s->isa) && r->about.trellis == s->trellis));
}

static int by_x(const void *a, const void *b)
{
    const double x = ((const bench_point *)a)->x, y = ((const bench_point *)b)->x;
    return (x > y) - (x < y);
}

/* The highest point for each number of bits. */
static size_t points_of(const bench_matrix *matrix, const selection *s, bench_point *points)
{
    size_t count = 0;
    for (size_t i = 0; i < matrix->count; i++) {
        const bench_result *r = &matrix->results[i];
        if (!selected(r, s))
            continue;
        const bench_point at = {r->bits, 1e-9 * (s->isa ? r->weights_per_second : r->readable_per_second)};
        size_t j = 0;
        while (j < count && fabs(points[j].x - at.x) > 1e-3)
            j++;
        if (j == count)
            points[count++] = at;
        else if (points[j].y < at.y)
            points[j] = at;
    }
    qsort(points, count, sizeof *points, by_x);
    return count;
}

enum { LINES_MAX = 2 * ISAS + 1, PANELS_MAX = 12 };

typedef struct picture {
    bench_panel panels[PANELS_MAX];
    bench_line lines[PANELS_MAX][LINES_MAX];
    char titles[PANELS_MAX][48], names[LINES_MAX][32];
    bench_point *points;
    size_t panel_count;
} picture;

/* The instruction sets that were measured, plainest first. */
static size_t isas_of(const bench_matrix *matrix, const char *isas[ISAS])
{
    size_t count = 0;
    for (unsigned isa = 0; isa < ISAS; isa++) {
        size_t i = 0;
        while (i < matrix->count && strcmp(matrix->results[i].about.isa, lsq_isa_names[isa]) != 0)
            i++;
        if (i < matrix->count)
            isas[count++] = lsq_isa_names[isa];
    }
    return count;
}

static void fill_panel(const bench_matrix *matrix, picture *p, selection s, int class)
{
    const char *isas[ISAS];
    const size_t isa_count = isas_of(matrix, isas), at = p->panel_count, room = matrix->count;
    bench_point *points = p->points + at * LINES_MAX * room;
    bench_panel *panel = &p->panels[at];
    for (size_t l = 0; l < 2 * isa_count + 1; l++) {
        bench_line *line = &p->lines[at][panel->count];
        s.isa = l ? isas[(l - 1) / 2] : NULL;
        s.trellis = l && (l - 1) % 2;
        *line = (bench_line){p->names[l], l ? (int)(l - 1) / 2 : -1, s.trellis, points, 0, NULL};
        snprintf(p->names[l], sizeof p->names[l], "%s%s", l ? s.isa : "limit: a plain read",
                 s.trellis ? ", trellis" : "");
        line->count = points_of(matrix, &s, points);
        points += line->count;
        panel->count += line->count > 0;
    }
    snprintf(p->titles[at], sizeof p->titles[at], "weights in %s, %u thread%s", class_titles[class], s.threads,
             s.threads == 1 ? "" : "s");
    panel->title = p->titles[at];
    panel->lines = p->lines[at];
    p->panel_count += panel->count > 0;
}

static int any_integer(const bench_matrix *matrix)
{
    for (size_t i = 0; i < matrix->count; i++)
        if (!strcmp(matrix->results[i].about.op, "gemv") && strcmp(matrix->results[i].about.act, "f32") != 0)
            return 1;
    return 0;
}

lsq_status bench_matrix_draw(const bench_matrix *matrix, const char *machine, const char *path, lsq_error *err)
{
    const char *act = any_integer(matrix) ? "i8" : "f32";
    picture *p = calloc(1, sizeof *p);
    if (p)
        p->points = calloc(PANELS_MAX * LINES_MAX * matrix->count + 1, sizeof *p->points);
    lsq_status status = LSQ_E_NOMEM;
    if (p && p->points) {
        for (unsigned threads = 1; threads <= 256; threads++)
            for (int class = 0; class < CLASS_COUNT && p->panel_count < PANELS_MAX; class ++)
                fill_panel(matrix, p, (selection){.act = act, .size_class = classes[class], .threads = threads}, class);
        const bench_chart chart = {
            .title = "y = W x: weights multiplied a second, by the fastest kernel of each instruction set",
            .note = "dashed: trellis codes, otherwise codes that index a table; grey: reading the same bytes and "
                    "nothing else",
            .machine = machine,
            .x_title = "bits a weight, scales counted",
            .y_title = "10^9 weights a second (logarithmic)",
            .panels = p->panels,
            .count = p->panel_count};
        status = bench_chart_write(&chart, path, err);
    } else if (err) {
        err->status = status;
        snprintf(err->text, sizeof err->text, "%s: out of memory", path);
    }
    if (p)
        free(p->points);
    free(p);
    return status;
}
