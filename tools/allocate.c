/*
 * allocate.c - how many bytes each tensor gets.
 *
 * The noise of a tensor falls with its bytes. The best choice within a sum of bytes is, but for the last few, the one where all
 * tensors have the same slope of noise to bytes (Lagrange): walking the edges of all lower convex hulls from the steepest one on.
 */
#include "tools/allocate.h"

#include <stdlib.h>

/* An edge of a hull. */
typedef struct step {
    size_t curve, from, to;
    uint64_t bytes; /* that it costs */
    double noise;   /* that it saves */
} step;

static int by_bytes(const void *a, const void *b)
{
    const point *p = a, *q = b;
    if (p->bytes != q->bytes)
        return p->bytes < q->bytes ? -1 : 1;
    return (p->noise > q->noise) - (p->noise < q->noise);
}

void curve_sort(curve *c)
{
    size_t kept = 0;
    qsort(c->points, c->count, sizeof *c->points, by_bytes);
    for (size_t i = 0; i < c->count; i++)
        if (kept == 0 || c->points[i].noise < c->points[kept - 1].noise)
            c->points[kept++] = c->points[i];
    c->count = kept;
}

static step between(const curve *c, size_t from, size_t to)
{
    const point *p = &c->points[from], *q = &c->points[to];
    return (step){.from = from, .to = to, .bytes = q->bytes - p->bytes, .noise = p->noise - q->noise};
}

static double slope(const step *s)
{
    return s->noise / (double)s->bytes;
}

/* Steepest first; the edges of a curve, whose slopes fall, stay in their order. */
static int by_slope(const void *a, const void *b)
{
    const step *s = a, *t = b;
    if (slope(s) != slope(t))
        return slope(s) > slope(t) ? -1 : 1;
    if (s->curve != t->curve)
        return s->curve < t->curve ? -1 : 1;
    return (s->from > t->from) - (s->from < t->from);
}

/* Writes the edges of the lower hull of a sorted curve, and returns how many there are. */
static size_t hull(const curve *c, size_t index, step *steps)
{
    size_t count = 0;
    for (size_t to = 1; to < c->count; to++) {
        step last = between(c, to - 1, to);
        while (count && slope(&last) >= slope(&steps[count - 1]))
            last = between(c, steps[--count].from, to);
        last.curve = index;
        steps[count++] = last;
    }
    return count;
}

/* The edges of all hulls, steepest first. NULL: out of memory. */
static step *all_steps(const curve *curves, size_t count, size_t *steps)
{
    size_t most = 1;
    for (size_t i = 0; i < count; i++)
        most += curves[i].count;
    step *all = calloc(most, sizeof *all);
    *steps = 0;
    for (size_t i = 0; all && i < count; i++)
        *steps += hull(&curves[i], i, all + *steps);
    if (all)
        qsort(all, *steps, sizeof *all, by_slope);
    return all;
}

uint64_t allocated_bytes(const curve *curves, size_t count)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += curves[i].count ? curves[i].points[curves[i].at].bytes : 0;
    return bytes;
}

double allocated_noise(const curve *curves, size_t count)
{
    double noise = 0;
    for (size_t i = 0; i < count; i++)
        noise += curves[i].count ? curves[i].points[curves[i].at].noise : 0;
    return noise;
}

lsq_status allocate_within_bytes(curve *curves, size_t count, uint64_t most)
{
    size_t edges;
    step *steps = all_steps(curves, count, &edges);
    if (!steps)
        return LSQ_E_NOMEM;
    for (size_t i = 0; i < count; i++)
        curves[i].at = 0;
    uint64_t bytes = allocated_bytes(curves, count);
    lsq_status status = bytes <= most ? LSQ_OK : LSQ_E_VALUE;
    for (size_t i = 0; status == LSQ_OK && i < edges; i++) {
        curve *c = &curves[steps[i].curve];
        if (c->at == steps[i].from && steps[i].bytes <= most - bytes) {
            c->at = steps[i].to;
            bytes += steps[i].bytes;
        }
    }
    for (size_t i = 0; status == LSQ_OK && i < count; i++)
        for (size_t to = curves[i].count; to-- > curves[i].at + 1;) {
            step s = between(&curves[i], curves[i].at, to);
            if (s.bytes > most - bytes)
                continue;
            curves[i].at = to;
            bytes += s.bytes;
            break;
        }
    free(steps);
    return status;
}

lsq_status allocate_within_noise(curve *curves, size_t count, double most)
{
    size_t edges;
    step *steps = all_steps(curves, count, &edges);
    if (!steps)
        return LSQ_E_NOMEM;
    for (size_t i = 0; i < count; i++)
        curves[i].at = curves[i].count ? curves[i].count - 1 : 0;
    double noise = allocated_noise(curves, count);
    lsq_status status = noise <= most ? LSQ_OK : LSQ_E_VALUE;
    for (size_t i = edges; status == LSQ_OK && i-- > 0;) {
        curve *c = &curves[steps[i].curve];
        if (c->at == steps[i].to && noise + steps[i].noise <= most) {
            c->at = steps[i].from;
            noise += steps[i].noise;
        }
    }
    for (size_t i = 0; status == LSQ_OK && i < count; i++)
        for (size_t from = 0; from < curves[i].at; from++) {
            step s = between(&curves[i], from, curves[i].at);
            if (noise + s.noise > most)
                continue;
            curves[i].at = from;
            noise += s.noise;
            break;
        }
    free(steps);
    return status;
}

/* The step up to the next point with less noise; that of the present one may be a measured figure beside estimates. */
static step next(const curve *c)
{
    for (size_t to = c->at + 1; to < c->count; to++)
        if (c->points[to].noise < c->points[c->at].noise)
            return between(c, c->at, to);
    return (step){0};
}

/* The noise of a curve at its end. */
static double least_noise(const curve *c)
{
    double last = c->count ? c->points[c->count - 1].noise : 0, present = c->count ? c->points[c->at].noise : 0;
    return last < present ? last : present;
}

lsq_status allocate_more(curve *curves, size_t count, double most)
{
    double noise = allocated_noise(curves, count), least = 0;
    for (size_t i = 0; i < count; i++)
        least += least_noise(&curves[i]);
    if (least > most)
        return LSQ_E_VALUE;
    while (noise > most) {
        step best = {0};
        for (size_t i = 0; i < count; i++) {
            step s = next(&curves[i]);
            if (!s.bytes)
                continue;
            int enough = noise - s.noise <= most, best_enough = best.bytes && noise - best.noise <= most;
            s.curve = i;
            /* The cheapest that is enough; as long as none is, the one that helps most. */
            if (!best.bytes || enough > best_enough ||
                (enough == best_enough && (enough ? s.bytes < best.bytes : s.noise > best.noise)))
                best = s;
        }
        if (!best.bytes)
            return LSQ_E_VALUE;
        curves[best.curve].at = best.to;
        noise = allocated_noise(curves, count);
    }
    return LSQ_OK;
}
