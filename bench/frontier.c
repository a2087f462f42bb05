#include "bench/frontier.h"

#include "bench/rivals.h"

#include <stdlib.h>

/* By bits, and the better one first where these are equal. */
static int by_bits(const void *a, const void *b)
{
    const bench_point *p = a, *q = b;
    return p->x != q->x ? (p->x > q->x) - (p->x < q->x) : (p->y < q->y) - (p->y > q->y);
}

size_t bench_frontier(bench_point *points, size_t count)
{
    size_t kept = 0;
    if (count > 0)
        qsort(points, count, sizeof *points, by_bits);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || points[i].y > points[kept - 1].y)
            points[kept++] = points[i];
    return kept;
}

double bench_frontier_db(const bench_point *points, size_t count, double bits)
{
    const bench_point *end = &points[count - 1];
    if (bits <= points->x)
        end = points;
    if (bits <= points->x || bits >= end->x)
        return end->y + bench_gaussian_bound_db(bits - end->x);
    while (points[1].x < bits)
        points++;
    return points->y + (bits - points->x) / (points[1].x - points->x) * (points[1].y - points->y);
}
