#include "bench/labels.h"

#include <math.h>
#include <stdlib.h>

static const double stroke = 3; /* of lines, with some air */

void bench_labels_begin(bench_labels *labels, bench_box within)
{
    *labels = (bench_labels){.within = within};
}

void bench_labels_end(bench_labels *labels)
{
    free(labels->taken);
    *labels = (bench_labels){.within = labels->within};
}

static void take(bench_labels *labels, bench_box box, int is_text)
{
    struct bench_taken *taken = realloc(labels->taken, (labels->count + 1) * sizeof *taken);
    if (!taken) {
        labels->failed = 1;
        return;
    }
    labels->taken = taken;
    taken[labels->count++] = (struct bench_taken){box, is_text};
}

void bench_labels_take(bench_labels *labels, bench_box box)
{
    take(labels, box, 0);
}

/* The i-th of the squares that cover a line, the last one at its end. */
static bench_box square(double x0, double y0, double x1, double y1, int i, int last)
{
    const double part = last > 0 ? (double)i / last : 0, x = x0 + part * (x1 - x0), y = y0 + part * (y1 - y0);
    return (bench_box){x - stroke / 2, y - stroke / 2, x + stroke / 2, y + stroke / 2};
}

static int squares(double x0, double y0, double x1, double y1)
{
    return (int)ceil(hypot(x1 - x0, y1 - y0) / stroke);
}

void bench_labels_take_line(bench_labels *labels, double x0, double y0, double x1, double y1)
{
    const int last = squares(x0, y0, x1, y1);
    for (int i = 0; i <= last; i++)
        bench_labels_take(labels, square(x0, y0, x1, y1, i, last));
}

static int is_free(const bench_labels *labels, bench_box box, int only_texts)
{
    for (size_t i = 0; i < labels->count; i++) {
        const bench_box *other = &labels->taken[i].box;
        if (!labels->taken[i].is_text && only_texts)
            continue;
        if (box.x0 < other->x1 && other->x0 < box.x1 && box.y0 < other->y1 && other->y0 < box.y1)
            return 0;
    }
    return 1;
}

/* Where the line to a text begins: outside of the point's own mark. */
static const double mark = 7;

/* Whether a text fits whose left side has its middle at so many units from the point in that direction; and the line to it. */
static int fits(const bench_labels *labels, double x, double y, double along, double down, double distance,
                bench_box box)
{
    const bench_box *within = &labels->within;
    if (box.x0 < within->x0 || box.y0 < within->y0 || box.x1 > within->x1 || box.y1 > within->y1 ||
        !is_free(labels, box, 0))
        return 0;
    const double x0 = x + mark * along, y0 = y + mark * down, x1 = x + distance * along, y1 = y + distance * down;
    const int last = distance > mark ? squares(x0, y0, x1, y1) : -1;
    for (int i = 0; i <= last; i++)
        if (!is_free(labels, square(x0, y0, x1, y1, i, last), 1))
            return 0;
    return 1;
}

bench_box bench_labels_place(bench_labels *labels, double x, double y, double width, double height)
{
    enum { STEPS = 8 };
    const double step = 2 * atan(1) / STEPS; /* of a right angle, from the right downwards */
    bench_box box = {x + mark, y - height / 2, x + mark + width, y + height / 2};
    for (double distance = mark; distance < 240; distance += 3)
        for (int i = 0; i <= STEPS; i++) {
            const double along = cos(i * step), down = sin(i * step);
            const double left = x + distance * along, middle = y + distance * down;
            const bench_box here = {left, middle - height / 2, left + width, middle + height / 2};
            if (!fits(labels, x, y, along, down, distance, here))
                continue;
            if (distance > mark)
                bench_labels_take_line(labels, x + mark * along, y + mark * down, left, middle);
            take(labels, here, 1);
            return here;
        }
    take(labels, box, 1);
    return box;
}
