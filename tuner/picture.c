/*
 * picture.c - from answers to a chart.
 */
#include "tuner/picture.h"
#include "tuner/messages.h"
#include "tuner/options.h"

#include "bench/chart.h"

#include <stdio.h>
#include <string.h>

enum { PANELS = CLASSES * CREWS, LINES = 4, POINTS = CODECS };

typedef struct picture {
    bench_point points[PANELS][LINES][POINTS];
    bench_line lines[PANELS][LINES];
    bench_panel panels[PANELS];
    char titles[PANELS][64];
    size_t count;
} picture;

static double bits_of(const answer *a)
{
    return 8 * (double)a->bytes / ((double)a->rows * (double)a->columns);
}

static int belongs(const answer *a, int class, int crew, int trellis)
{
    return a->of.op == OP_gemv && a->of.act != ACT_f32 && !a->threshold && a->weights > 0 &&
           a->of.where.size_class == class && a->of.where.crew == crew && (a->of.codec >= CODEC_t1) == trellis;
}

/* The kinds of an op are in the order of the table, so by width; the bits of a width hardly differ from it. */
static void add_lines(picture *p, const findings *found, int class, int crew)
{
    static const char *const names[LINES] = {"plain, tuned", "plain, default", "trellis, tuned", "trellis, default"};
    const size_t at = p->count;
    bench_panel *panel = &p->panels[at];
    for (int i = 0; i < LINES; i++) {
        const int trellis = i / 2, by_default = i % 2;
        bench_line *line = &p->lines[at][panel->count];
        *line = (bench_line){.name = names[i], .colour = trellis ? 5 : 4, .dashed = by_default};
        bench_point *points = p->points[at][panel->count];
        for (size_t j = 0; j < found->count; j++) {
            const answer *a = &found->answers[j];
            const candidate *c = by_default ? &a->usual : &a->chosen;
            if (belongs(a, class, crew, trellis) && c->ns.median > 0)
                points[line->count++] = (bench_point){bits_of(a), a->weights / c->ns.median};
        }
        line->points = points;
        panel->count += line->count > 0;
    }
    panel->lines = p->lines[at];
    panel->title = p->titles[at];
    p->count += panel->count > 0;
}

static void add_panels(picture *p, const findings *found, const workshop *w)
{
    static const char *const places[CLASSES] = {"in the first cache", "in L2", "in L3", "from memory"};
    for (int crew = 0; crew < CREWS; crew++)
        for (int class = 0; class < CLASSES; class ++) {
            const int threads = crew == CREW_many ? w->machine.crew : 1;
            snprintf(p->titles[p->count], sizeof(p->titles[0]), "weights %s, %d thread%s", places[class], threads,
                     threads == 1 ? "" : "s");
            add_lines(p, found, class, crew);
        }
}

int picture_write(const findings *found, const circumstances *about, const char *path)
{
    static picture p; /* too large for the stack */
    char title[160];
    lsq_error err = {0};
    memset(&p, 0, sizeof(p));
    add_panels(&p, found, about->workshop);
    snprintf(title, sizeof(title), "Products with a vector, tuned and by default, %.64s", about->workshop->cpu.brand);
    const bench_chart chart = {
        .title = title,
        .note = "where no dashed line is to be seen it lies under the other one: the default is the fastest",
        .x_title = "bits a weight, scales counted",
        .y_title = "10^9 weights a second",
        .panels = p.panels,
        .count = p.count};
    const lsq_status status = bench_chart_write(&chart, path, &err);
    if (status == LSQ_OK)
        return EXIT_FINE;
    return say_error(status == LSQ_E_NOMEM ? EXIT_MEMORY : EXIT_IO, "--svg: %s", err.text);
}
