/*
 * chart.c - a chart as text. Colours are the eight of Okabe and Ito, which people tell apart whatever colours they see; each has a mark
 * of its own, so that a print in black does.
 */
#include "bench/chart.h"

#include "bench/labels.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    LEFT = 64,
    TOP = 100,
    BELOW = 84, /* each row of panels */
    GAP = 28,
    KEY = 36, /* of the legend, left of its texts */
    LINE = 18
};

static const char *const colours[] = {"#000000", "#e69f00", "#56b4e9", "#009e73",
                                      "#0072b2", "#d55e00", "#cc79a7", "#999933"};
enum { COLOURS = sizeof(colours) / sizeof(*colours) };

/* What both axes show, and how large. */
typedef struct range {
    int x_log2, y_linear;
    double x0, x1; /* logarithms if x_log2 */
    int y0, y1;    /* numbers of ticks */
    size_t across; /* panels in a row */
    int width, height;
} range;

/* The ticks of y: 1, 2, 5, 10, 20, 50 ..., or 5, 10, 15 ... */
static double tick(const range *r, int number)
{
    static const double digits[] = {1, 2, 5};
    const int power = (int)floor(number / 3.0);
    if (r->y_linear)
        return 5 * number;
    return digits[number - 3 * power] * pow(10, power);
}

static double scaled(const range *r, double x)
{
    return r->x_log2 ? log2(x) : x;
}

static int range_of(const bench_chart *chart, range *r)
{
    double low = INFINITY, high = -INFINITY;
    *r = (range){.x_log2 = chart->x_log2, .y_linear = chart->y_linear, .x0 = INFINITY, .x1 = -INFINITY};
    r->across = chart->large ? 2 : 3;
    r->width = chart->large ? 620 : 400;
    r->height = chart->large ? 600 : 340;
    for (size_t p = 0; p < chart->count; p++)
        for (size_t l = 0; l < chart->panels[p].count; l++)
            for (size_t i = 0; i < chart->panels[p].lines[l].count; i++) {
                const bench_point at = chart->panels[p].lines[l].points[i];
                r->x0 = fmin(r->x0, floor(scaled(r, at.x)));
                r->x1 = fmax(r->x1, ceil(scaled(r, at.x)));
                low = fmin(low, at.y);
                high = fmax(high, at.y);
            }
    if (!isfinite(low) || !isfinite(high) || (!r->y_linear && !(low > 0)))
        return 0;
    if (r->x0 == r->x1)
        r->x1++;
    r->y0 = (int)floor(r->y_linear ? low / 5 : 3 * floor(log10(low)));
    while (tick(r, r->y0 + 1) <= low)
        r->y0++;
    r->y1 = r->y0 + 1;
    while (tick(r, r->y1) < high)
        r->y1++;
    return 1;
}

static double x_of(const range *r, size_t panel, double x)
{
    return LEFT + (double)(panel % r->across) * (r->width + GAP) + (x - r->x0) / (r->x1 - r->x0) * r->width;
}

static double top_of(const range *r, size_t panel)
{
    return TOP + (double)(panel / r->across) * (r->height + BELOW);
}

static double y_of(const range *r, size_t panel, double y)
{
    const double low = tick(r, r->y0), high = tick(r, r->y1);
    const double part = r->y_linear ? (y - low) / (high - low) : log10(y / low) / log10(high / low);
    return top_of(r, panel) + r->height * (1 - part);
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
    const double left = x_of(r, panel, r->x0), right = x_of(r, panel, r->x1), top = top_of(r, panel),
                 bottom = top + r->height;
    char text[32];
    label(to, (left + right) / 2, top - 12, "class=\"m b\"", chart->panels[panel].title);
    for (double x = r->x0; x <= r->x1; x++) {
        fprintf(to, "<path class=\"g\" d=\"M%.1f %.1f V%.1f\"/>\n", x_of(r, panel, x), top, bottom);
        snprintf(text, sizeof text, "%g", r->x_log2 ? exp2(x) : x);
        label(to, x_of(r, panel, x), bottom + 16, "class=\"m\"", text);
    }
    for (int number = r->y0; number <= r->y1; number++) {
        const double y = y_of(r, panel, tick(r, number));
        fprintf(to, "<path class=\"g\" d=\"M%.1f %.1f H%.1f\"/>\n", left, y, right);
        snprintf(text, sizeof text, "%g", tick(r, number));
        if (panel % r->across == 0)
            label(to, left - 6, y + 4, "class=\"e\"", text);
    }
    fprintf(to, "<rect class=\"f\" x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%d\"/>\n", left, top, r->width,
            r->height);
    label(to, (left + right) / 2, bottom + 40, "class=\"m\"", chart->x_title);
}

/* A circle, a square, a triangle or a diamond, filled, and then once more hollow. */
static void draw_mark(FILE *to, int colour, double x, double y)
{
    static const char *const shapes[] = {"m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0", "m-3.5 -3.5h7v7h-7z",
                                         "m0 -4.5l4.2 7.5h-8.4z", "m0 -4.8l4.8 4.8l-4.8 4.8l-4.8 -4.8z"};
    const char *const ink = colours[colour % COLOURS];
    fprintf(to, "<path d=\"M%.1f %.1f%s\" fill=\"%s\" stroke=\"%s\" stroke-width=\"1.4\"/>\n", x, y, shapes[colour % 4],
            colour / 4 % 2 ? "#fff" : ink, ink);
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

/* Where point i of a line is. */
static bench_point place(const range *r, size_t panel, const bench_line *line, size_t i)
{
    return (bench_point){x_of(r, panel, scaled(r, line->points[i].x)), y_of(r, panel, line->points[i].y)};
}

static void draw_line(FILE *to, const range *r, size_t panel, const bench_line *line)
{
    if (!line->labels) {
        fputs("<path d=\"", to);
        for (size_t i = 0; i < line->count; i++) {
            const bench_point at = place(r, panel, line, i);
            fprintf(to, "%c%.1f %.1f ", i ? 'L' : 'M', at.x, at.y);
        }
        fputs("\" ", to);
        line_style(to, line);
        fputs("/>\n", to);
    }
    for (size_t i = 0; line->colour >= 0 && i < line->count; i++) {
        const bench_point at = place(r, panel, line, i);
        draw_mark(to, line->colour, at.x, at.y);
    }
}

/* All marks, and lines but for limits, which a text may lie on. */
static void take_lines(bench_labels *labels, const range *r, size_t panel, const bench_panel *of)
{
    for (size_t l = 0; l < of->count; l++)
        for (size_t i = 0; of->lines[l].colour >= 0 && i < of->lines[l].count; i++) {
            const bench_point at = place(r, panel, &of->lines[l], i);
            bench_labels_take(labels, (bench_box){at.x - 5, at.y - 5, at.x + 5, at.y + 5});
            if (i == 0 || of->lines[l].labels)
                continue;
            const bench_point before = place(r, panel, &of->lines[l], i - 1);
            bench_labels_take_line(labels, before.x, before.y, at.x, at.y);
        }
}

static void draw_label(FILE *to, bench_labels *labels, bench_point at, const char *text)
{
    const bench_box box = bench_labels_place(labels, at.x, at.y, 6 * (double)strlen(text) + 6, 13);
    const double middle = (box.y0 + box.y1) / 2;
    if (hypot(box.x0 - at.x, middle - at.y) > 9)
        fprintf(to, "<path class=\"t\" d=\"M%.1f %.1f L%.1f %.1f\"/>\n", at.x, at.y, box.x0, middle);
    label(to, box.x0 + 2, middle + 3.5, "class=\"p\"", text);
}

typedef struct labelled {
    bench_point at;
    const char *text;
} labelled;

static int from_the_right(const void *a, const void *b)
{
    const double x = ((const labelled *)a)->at.x, y = ((const labelled *)b)->at.x;
    return (x < y) - (x > y);
}

/*
 * Texts beside points, with lines to those that found no room right there. Texts go to the right and downwards, so with the rightmost
 * first those of rising points stay near them. Returns 0 if memory ran out.
 */
static int draw_labels(FILE *to, const range *r, size_t panel, const bench_panel *of)
{
    const double left = x_of(r, panel, r->x0), top = top_of(r, panel);
    size_t count = 0;
    for (size_t l = 0; l < of->count; l++)
        count += of->lines[l].labels ? of->lines[l].count : 0;
    labelled *all = calloc(count + 1, sizeof *all);
    bench_labels labels;
    bench_labels_begin(&labels, (bench_box){left, top, left + r->width, top + r->height});
    take_lines(&labels, r, panel, of);
    count = 0;
    for (size_t l = 0; all && l < of->count; l++)
        for (size_t i = 0; of->lines[l].labels && i < of->lines[l].count; i++)
            all[count++] = (labelled){place(r, panel, &of->lines[l], i), of->lines[l].labels[i]};
    if (all)
        qsort(all, count, sizeof *all, from_the_right);
    for (size_t i = 0; i < count; i++)
        draw_label(to, &labels, all[i].at, all[i].text);
    const int good = all && !labels.failed;
    bench_labels_end(&labels);
    free(all);
    return good;
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
            if (!line->labels) {
                fprintf(to, "<path d=\"M%.1f %.1f h28\" ", x, y);
                line_style(to, line);
                fputs("/>\n", to);
            }
            if (line->colour >= 0)
                draw_mark(to, line->colour, x + 14, y);
            label(to, x + KEY, y + 4, "class=\"s\"", line->name);
            y += LINE;
        }
}

/* Room for a text: letters are at most so wide, on the average. */
static int text_width(const char *text)
{
    return 7 * (int)strlen(text) + 8;
}

static int legend_width(const bench_chart *chart)
{
    int widest = 0;
    for (size_t p = 0; p < chart->count; p++)
        for (size_t l = 0; l < chart->panels[p].count; l++)
            widest = text_width(chart->panels[p].lines[l].name) > widest ? text_width(chart->panels[p].lines[l].name)
                                                                         : widest;
    return KEY + widest;
}

/* What a picture must say when it has left the page that explains it. */
static void draw_title(FILE *to, const bench_chart *chart)
{
    char origin[320], date[16] = "";
    const time_t now = time(NULL);
    struct tm local;
    if (localtime_r(&now, &local))
        strftime(date, sizeof date, "%Y-%m-%d", &local);
    snprintf(origin, sizeof origin, "%s%sliblsq %s, %s", chart->machine ? chart->machine : "",
             chart->machine ? "; " : "", lsq_version(), date);
    label(to, LEFT, 22, "class=\"b\"", chart->title);
    label(to, LEFT, 40, "class=\"s\"", origin);
    if (chart->note)
        label(to, LEFT, 58, "class=\"s\"", chart->note);
}

/* Returns 0 if memory ran out. */
static int draw(FILE *to, const bench_chart *chart, const range *r)
{
    const int across = (int)(chart->count < r->across ? chart->count : r->across),
              down = (int)((chart->count + r->across - 1) / r->across);
    const int panels = across * (r->width + GAP) + legend_width(chart),
              note = chart->note ? text_width(chart->note) : 0;
    const int width = LEFT + (panels > note ? panels : note), height = TOP + down * (r->height + BELOW);
    int good = 1;
    fprintf(to,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n"
            "<style>text{font:12px sans-serif;fill:#000}.m{text-anchor:middle}.e{text-anchor:end}.b{font-weight:bold}"
            ".g{stroke:#ddd;fill:none}.f{stroke:#000;fill:none}.t{stroke:#999;fill:none;stroke-width:.7}.p{font-size:"
            "10px}</style>\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
            width, height, width, height);
    draw_title(to, chart);
    fprintf(to, "<g transform=\"translate(16 %d) rotate(-90)\">", height / 2);
    label(to, 0, 0, "class=\"m\"", chart->y_title);
    fputs("</g>\n", to);
    for (size_t p = 0; p < chart->count; p++) {
        draw_axes(to, chart, r, p);
        for (size_t l = 0; l < chart->panels[p].count; l++)
            draw_line(to, r, p, &chart->panels[p].lines[l]);
        good = draw_labels(to, r, p, &chart->panels[p]) && good;
    }
    draw_legend(to, chart, LEFT + (double)across * (r->width + GAP));
    fputs("</svg>\n", to);
    return good;
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
    const int drawn = draw(memory, chart, &r) && !ferror(memory);
    const lsq_status status =
        fclose(memory) || !drawn ? refuse(err, LSQ_E_NOMEM, path, "out of memory") : put_file(path, text, length, err);
    free(text);
    return status;
}
