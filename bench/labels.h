/*
 * labels.h - places for texts beside points of a picture, so that none covers another one, a point or a line.
 */
#ifndef LSQ_BENCH_LABELS_H
#define LSQ_BENCH_LABELS_H

#include <stddef.h>

/* A rectangle, in units of the picture, y downwards. */
typedef struct bench_box {
    double x0, y0, x1, y1;
} bench_box;

typedef struct bench_labels {
    bench_box within; /* no text leaves it */
    struct bench_taken {
        bench_box box;
        int is_text;
    } * taken; /* malloc */
    size_t count;
    int failed; /* memory ran out: what follows may overlap */
} bench_labels;

/* Nothing taken yet. */
void bench_labels_begin(bench_labels *labels, bench_box within);
void bench_labels_end(bench_labels *labels);

/* What texts have to leave free. The lines to them may cross it. */
void bench_labels_take(bench_labels *labels, bench_box box);
void bench_labels_take_line(bench_labels *labels, double x0, double y0, double x1, double y1);

/*
 * The free place nearest to (x, y), to the right or below, for a text of that size, which it takes, with the line from the point to
 * the middle of the text's left side; that line crosses no text. Right beside the point if there is none.
 */
bench_box bench_labels_place(bench_labels *labels, double x, double y, double width, double height);

#endif
