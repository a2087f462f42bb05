/*
 * chart.h - measurements as a picture: an SVG of panels side by side, lines through points, and a limit.
 */
#ifndef LSQ_BENCH_CHART_H
#define LSQ_BENCH_CHART_H

#include <lsq/lsq.h>

typedef struct bench_point {
    double x, y; /* y > 0 where its axis is logarithmic */
} bench_point;

/* Lines of one colour number, 0 to 7, have one colour and one mark; the first of each is in the legend's order. */
typedef struct bench_line {
    const char *name;
    int colour; /* -1: a limit, broad, grey and without marks */
    int dashed;
    const bench_point *points; /* by x */
    size_t count;
    const char *const *labels; /* NULL, or a text for each point: then no line connects them */
} bench_line;

typedef struct bench_panel {
    const char *title;
    const bench_line *lines; /* names that several panels have stand in the legend once */
    size_t count;
} bench_panel;

typedef struct bench_chart {
    const char *title, *x_title, *y_title;
    const char *note;    /* a line below the title: what codes, colours and dashes mean */
    const char *machine; /* what it was measured on, or NULL: it is the same everywhere. Version and date come to it. */
    int x_log2;          /* its axis is logarithmic, with a tick at each power of two */
    int y_linear;        /* its axis is not logarithmic, and has a tick at each multiple of five */
    int large;           /* panels with room for labels, two in a row instead of three */
    const bench_panel *panels; /* all with the same axes */
    size_t count;
} bench_chart;

/* Writes the file whole or not at all. LSQ_E_ARGUMENT if there are no points; LSQ_E_IO, LSQ_E_NOMEM. */
lsq_status bench_chart_write(const bench_chart *chart, const char *path, lsq_error *err);

#endif
