/*
 * chart.c - a chart as text. Colours are the eight of Okabe and Ito, which people tell apart whatever colours they see; marks differ
 * too, so that a print in black does.
 */
#include "bench/chart.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ACROSS = 3, /* panels in a row */
    PANEL_WIDTH = 400,
    PANEL_HEIGHT = 340,
    LEFT = 64,
    TOP = 64,
    BELOW = 84, /* each row of panels */
    GAP = 28,
    LEGEND = 170,
    LINE = 18
};

static const char *const colours[] = {"#000000", "#e69f00", "#56b4e9", "#009e73",
                                      "#0072b2", "#d55e00", "#cc79a7", "#999933"};
enum { COLOURS = sizeof(colours) / sizeof(*colours) };

/* What both axes show. */
typedef struct range {
    int x_log2;
    double x0, x1; /* logarithms if x_log2 */
    int y0, y1;    /* numbers of ticks */
} range;

/* The ticks of y: 1, 2, 5, 10, 20, 50 ... */
static double tick(int number)
{
    static const double digits[] = {1, 2, 5};
    const int power = (int)floor(number / 3.0);
    return digits[number - 3 * power] * pow(10, power);
}

static double scaled(const range *r, double x)
{
    return r->x_log2 ? log2(x) : x;
}

static int range_of(const bench_chart *chart, range *r)
{
    double low = INFINITY, high = 0;
    *r = (range){chart->x_log2, INFINITY, -INFINITY, 0, 0};
    for (size_t p = 0; p < chart->count; p++)
        for (size_t l = 0; l < chart->panels[p].count; l++)
            for (size_t i = 0; i < chart->panels[p].lines[l].count; i++) {
                const bench_point at = chart->panels[p].lines[l].points[i];
                r->x0 = fmin(r->x0, floor(scaled(r, at.x)));
                r->x1 = fmax(r->x1, ceil(scaled(r, at.x)));
                low = fmin(low, at.y);
                high = fmax(high, at.y);
            }
    if (!isfinite(low) || !(low > 0) || !isfinite(high))
        return 0;
    if (r->x0 == r->x1)
        r->x1++;
    r->y0 = 3 * (int)floor(log10(low));
    while (tick(r->y0 + 1) <= low)
        r->y0++;
    r->y1 = r->y0 + 1;
    while (tick(r->y1) < high)
        r->y1++;
    return 1;
}

static double x_of(const range *r, size_t panel, double x)
{
    return LEFT + (double)(panel % ACROSS) * (PANEL_WIDTH + GAP) + (x - r->x0) / (r->x1 - r->x0) * PANEL_WIDTH;
}

static double top_of(size_t panel)
{
    return TOP + (double)(panel / ACROSS) * (PANEL_HEIGHT + BELOW);
}

static double y_of(const range *r, size_t panel, double y)
{
    return top_of(panel) + PANEL_HEIGHT - log10(y / tick(r->y0)) / log10(tick(r->y1) / tick(r->y0)) * PANEL_HEIGHT;
}

static void escaped(FILE *to, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '&':
            fputs("&amp;", to);
            break;
        case '<':
            fputs("&lt;", to);
            break;
        default:
            fputc(*text, to);
        }
}

static void label(FILE *to, double x, double y, const char *attributes, const char *text)
{
    fprintf(to, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, attributes);
    escaped(to, text);
    fputs("</text>\n", to);
}

static void draw_axes(FILE *to, const bench_chart *chart, const range *r, size_t panel)
{
    const double left = x_of(r, panel, r->x0), right = x_of(r, panel, r->x1), top = top_of(panel),
                 bottom = top + PANEL_HEIGHT;
    char text[32];
    label(to, (left + right) / 2, top - 12, "class=\"m b\"", chart->panels[panel].title);
    for (double x = r->x0; x <= r->x1; x++) {
        fprintf(to, "<path class=\"g\" d=\"M%.1f %.1f V%.1f\"/>\n", x_of(r, panel, x), top, bottom);
        snprintf(text, sizeof text, "%g", r->x_log2 ? exp2(x) : x);
        label(to, x_of(r, panel, x), bottom + 16, "class=\"m\"", text);
    }
    for (int number = r->y0; number <= r->y1; number++) {
        const double y = y_of(r, panel, tick(number));
        fprintf(to, "<path class=\"g\" d=\"M%.1f %.1f H%.1f\"/>\n", left, y, right);
        snprintf(text, sizeof text, "%g", tick(number));
        if (panel % ACROSS == 0)
            label(to, left - 6, y + 4, "class=\"e\"", text);
    }
    fprintf(to, "<rect class=\"f\" x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%d\"/>\n", left, top, PANEL_WIDTH,
            PANEL_HEIGHT);
    label(to, (left + right) / 2, bottom + 40, "class=\"m\"", chart->x_title);
}

/* A circle, a square, a triangle or a diamond. */
static void draw_mark(FILE *to, int colour, double x, double y)
{
    static const char *const shapes[] = {"m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0", "m-3.5 -3.5h7v7h-7z",
                                         "m0 -4.5l4.2 7.5h-8.4z", "m0 -4.8l4.8 4.8l-4.8 4.8l-4.8 -4.8z"};
    fprintf(to, "<path d=\"M%.1f %.1f%s\" fill=\"%s\"/>\n", x, y, shapes[colour % 4], colours[colour % COLOURS]);
}

static void line_style(FILE *to, const bench_line *line)
{
    if (line->colour < 0)
        fputs("fill=\"none\" stroke=\"#888\" stroke-width=\"5\" stroke-opacity=\"0.45\"", to);
    else
        fprintf(to, "fill=\"none\" stroke=\"%s\" stroke-width=\"1.6\"", colours[line->colour % COLOURS]);
    if (line->dashed)
        fputs(" stroke-dasharray=\"6 4\"", to);
}

static void draw_line(FILE *to, const range *r, size_t panel, const bench_line *line)
{
    fputs("<path d=\"", to);
    for (size_t i = 0; i < line->count; i++)
        fprintf(to, "%c%.1f %.1f ", i ? 'L' : 'M', x_of(r, panel, scaled(r, line->points[i].x)),
                y_of(r, panel, line->points[i].y));
    fputs("\" ", to);
    line_style(to, line);
    fputs("/>\n", to);
    for (size_t i = 0; line->colour >= 0 && i < line->count; i++)
        draw_mark(to, line->colour, x_of(r, panel, scaled(r, line->points[i].x)), y_of(r, panel, line->points[i].y));
}

/* Is there a line of that name before line l of panel p? */
static int seen_before(const bench_chart *chart, size_t p, size_t l)
{
    for (size_t q = 0; q <= p; q++)
        for (size_t i = 0; i < (q < p ? chart->panels[q].count : l); i++)
            if (!strcmp(chart->panels[q].lines[i].name, chart->panels[p].lines[l].name))
                return 1;
    return 0;
}

static void draw_legend(FILE *to, const bench_chart *chart, double x)
{
    double y = TOP + 10;
    for (size_t p = 0; p < chart->count; p++)
        for (size_t l = 0; l < chart->panels[p].count; l++) {
            const bench_line *line = &chart->panels[p].lines[l];
            if (seen_before(chart, p, l))
                continue;
            fprintf(to, "<path d=\"M%.1f %.1f h28\" ", x, y);
            line_style(to, line);
            fputs("/>\n", to);
            if (line->colour >= 0)
                draw_mark(to, line->colour, x + 14, y);
            label(to, x + 36, y + 4, "class=\"s\"", line->name);
            y += LINE;
        }
}

static void draw(FILE *to, const bench_chart *chart, const range *r)
{
    const int across = chart->count < ACROSS ? (int)chart->count : ACROSS,
              down = (int)(chart->count + ACROSS - 1) / ACROSS;
    const int width = LEFT + across * (PANEL_WIDTH + GAP) + LEGEND, height = TOP + down * (PANEL_HEIGHT + BELOW);
    fprintf(to,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n"
            "<style>text{font:12px sans-serif;fill:#000}.m{text-anchor:middle}.e{text-anchor:end}.b{font-weight:bold}"
            ".g{stroke:#ddd;fill:none}.f{stroke:#000;fill:none}</style>\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
            width, height, width, height);
    label(to, LEFT, 22, "class=\"b\"", chart->title);
    fprintf(to, "<g transform=\"translate(16 %d) rotate(-90)\">", height / 2);
    label(to, 0, 0, "class=\"m\"", chart->y_title);
    fputs("</g>\n", to);
    for (size_t p = 0; p < chart->count; p++) {
        draw_axes(to, chart, r, p);
        for (size_t l = 0; l < chart->panels[p].count; l++)
            draw_line(to, r, p, &chart->panels[p].lines[l]);
    }
    draw_legend(to, chart, LEFT + (double)across * (PANEL_WIDTH + GAP));
    fputs("</svg>\n", to);
}

static lsq_status refuse(lsq_error *err, lsq_status status, const char *path, const char *why)
{
    if (err) {
        err->status = status;
        snprintf(err->text, sizeof err->text, "%s: %s", path, why);
    }
    return status;
}

/* Beside the path, then renamed. */
static lsq_status put_file(const char *path, const char *text, size_t length, lsq_error *err)
{
    char *beside = malloc(strlen(path) + 8);
    if (!beside)
        return refuse(err, LSQ_E_NOMEM, path, "out of memory");
    sprintf(beside, "%s.XXXXXX", path);
    const int descriptor = mkstemp(beside);
    const mode_t mask = umask(0);
    umask(mask);
    if (descriptor >= 0)
        fchmod(descriptor, 0666 & ~mask); /* as any new file; mkstemp() gives the owner's rights only */
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    int good = file && fwrite(text, 1, length, file) == length && !fflush(file);
    if (file)
        good = !fclose(file) && good;
    else if (descriptor >= 0)
        close(descriptor);
    good = good && !rename(beside, path);
    const int why = errno;
    if (!good && descriptor >= 0)
        unlink(beside);
    free(beside);
    return good ? LSQ_OK : refuse(err, LSQ_E_IO, path, strerror(why));
}

lsq_status bench_chart_write(const bench_chart *chart, const char *path, lsq_error *err)
{
    range r;
    char *text = NULL;
    size_t length = 0;
    if (!range_of(chart, &r))
        return refuse(err, LSQ_E_ARGUMENT, path, "nothing was measured that the picture could show");
    FILE *memory = open_memstream(&text, &length);
    if (!memory)
        return refuse(err, LSQ_E_NOMEM, path, "out of memory");
    draw(memory, chart, &r);
    const int drawn = !ferror(memory);
    const lsq_status status =
        fclose(memory) || !drawn ? refuse(err, LSQ_E_NOMEM, path, "out of memory") : put_file(path, text, length, err);
    free(text);
    return status;
}
