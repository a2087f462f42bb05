/*
 * pick_outliers.c - which weights lsq_quantize() keeps apart where that is worth it.
 *
 * A unit is the weights under one scale. Without its t largest weights its scale shrinks from the largest to the (t + 1)-th
 * magnitude, and the squared error of the others with the square of that ratio; the errors of the t are gone. At equal bits that
 * pays if it exceeds lambda for each bit that the outliers take: at 6.02 dB a bit a bit for every weight quarters the sum E of
 * squared errors, so one bit more for one weight of N is worth lambda = 2 ln 2 E / N. That ratio is a forecast, so in the end both
 * encodings are compared by what they are.
 */
#include "dispatch/pick_outliers.h"

#include "dispatch/error.h"
#include "kernels/codec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    BITS = 15, /* that an outlier is taken to cost: what they cost where they pay, 0.3 to 1 % of weights */
    TOP = 64   /* outliers of a unit, at most */
};

/* A weight that would be worth it. */
typedef struct candidate {
    uint64_t place;
    double gain;
} candidate;

typedef struct candidates {
    candidate *list;
    size_t count, room;
} candidates;

static int append(candidates *c, candidate added)
{
    if (c->count == c->room) {
        const size_t room = c->room ? 2 * c->room : 256;
        candidate *longer = realloc(c->list, room * sizeof(*longer));
        if (!longer)
            return 0;
        c->list = longer;
        c->room = room;
    }
    c->list[c->count++] = added;
    return 1;
}

/* ---- The error of an encoding ---- */

static double squared(double x)
{
    return x * x;
}

static int add_errors(void *arg, size_t row, const float *decoded)
{
    lsq_pick *pick = arg;
    const float *w = pick->apart.w + row * pick->apart.ld;
    for (size_t c = 0; c < pick->apart.k; c++)
        pick->error += squared((double)w[c] - decoded[c]);
    return 1;
}

/* ---- Picking ---- */

typedef struct picking {
    const lsq_pick *pick;
    size_t unit;
    int keeps_scale; /* which is of more than a row, or, of signs, a mean: one outlier does not shrink it */
    double price;    /* of an outlier */
    candidates found;
} picking;

/* The places of the largest magnitudes of a unit, descending, at most TOP and one more; returns how many. */
static size_t largest_of(const float *w, size_t n, size_t top[TOP + 1])
{
    const size_t most = n / 8 + 2 < TOP + 1 ? n / 8 + 2 : TOP + 1;
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        const float a = fabsf(w[i]);
        if (count == most && a <= fabsf(w[top[count - 1]]))
            continue;
        size_t at = count < most ? count++ : count - 1;
        for (; at > 0 && a > fabsf(w[top[at - 1]]); at--)
            top[at] = top[at - 1];
        top[at] = i;
    }
    return count;
}

/* The outliers of one unit: as many of its largest as save most beyond their price. */
static int pick_unit(picking *p, const float *w, const float *decoded, size_t n, uint64_t place)
{
    size_t top[TOP + 1], best = 0;
    double all = 0, own = 0, most = 0;
    for (size_t i = 0; i < n; i++)
        all += squared((double)w[i] - decoded[i]);
    if (!(all > p->price)) /* all that could be saved */
        return 1;
    const size_t count = largest_of(w, n, top);
    const double largest = fabs((double)w[top[0]]);
    for (size_t t = 1; t < count; t++) {
        own += squared((double)w[top[t - 1]] - decoded[top[t - 1]]);
        const double shrunk = p->keeps_scale ? 0 : 1 - squared(fabs((double)w[top[t]]) / largest);
        const double gain = own + (all - own) * shrunk - (double)t * p->price;
        if (gain > most) {
            most = gain;
            best = t;
        }
    }
    for (size_t t = 0; t < best; t++)
        if (!append(&p->found, (candidate){place + top[t], most / (double)best}))
            return 0;
    return 1;
}

static int pick_row(void *arg, size_t row, const float *decoded)
{
    picking *p = arg;
    const size_t k = p->pick->apart.k;
    const float *w = p->pick->apart.w + row * p->pick->apart.ld;
    for (size_t c = 0; c < k; c += p->unit)
        if (!pick_unit(p, w + c, decoded + c, k - c < p->unit ? k - c : p->unit, (uint64_t)row * k + c))
            return 0;
    return 1;
}

static int by_place(const void *a, const void *b)
{
    const uint64_t x = ((const candidate *)a)->place, y = ((const candidate *)b)->place;
    return (x > y) - (x < y);
}

/* The largest gain first; equal ones in the order of places, so that sorting is the same everywhere. */
static int by_gain(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    return x->gain != y->gain ? (x->gain < y->gain) - (x->gain > y->gain) : by_place(a, b);
}

/* The candidates as outliers. 0 if memory ran out. */
static int set_apart(lsq_apart *apart, const candidates *found)
{
    apart->outliers = malloc(found->count * sizeof(*apart->outliers));
    if (!apart->outliers)
        return 0;
    for (size_t i = 0; i < found->count; i++)
        apart->outliers[i] = (lsq_outlier){.place = found->list[i].place};
    apart->count = found->count;
    return 1;
}

lsq_status lsq_pick_outliers(const lsq_context *ctx, const lsq_weights *first, lsq_pick *pick, lsq_error *err)
{
    const unsigned scale = first->format.scale;
    const size_t k = pick->apart.k;
    const double weights = (double)pick->apart.m * (double)k;
    pick->error = 0;
    lsq_status status = lsq_for_decoded_rows(ctx, first, 0, first->m, add_errors, pick, err);
    if (status != LSQ_OK || k > OUTLIER_COLUMNS_MAX || !(pick->error > 0))
        return status;
    picking p = {
        .pick = pick,
        .unit = scale == LSQ_SCALE_NIBBLE16                                ? 16
                : scale == LSQ_SCALE_NIBBLE32 || scale == LSQ_SCALE_BYTE32 ? 32
                                                                           : k,
        .keeps_scale = scale == LSQ_SCALE_TENSOR || scale == LSQ_SCALE_NONE || first->format.codec == LSQ_SIGN,
        .price = BITS * 2 * 0.693147180559945309 * pick->error / weights,
    };
    status = lsq_for_decoded_rows(ctx, first, 0, first->m, pick_row, &p, err);
    const size_t most = (size_t)(pick->share * weights);
    if (status == LSQ_OK && p.found.count > most) {
        qsort(p.found.list, p.found.count, sizeof(*p.found.list), by_gain);
        p.found.count = most;
    }
    if (status == LSQ_OK && p.found.count) {
        qsort(p.found.list, p.found.count, sizeof(*p.found.list), by_place);
        if (!set_apart(&pick->apart, &p.found))
            status = lsq_error_set(err, LSQ_E_NOMEM, "no memory for outliers");
    }
    free(p.found.list);
    return status;
}

lsq_status lsq_pick_attach(const lsq_context *ctx, lsq_weights *second, lsq_pick *pick, int *better, lsq_error *err)
{
    lsq_apart *apart = &pick->apart;
    size_t bytes;
    *better = 0;
    lsq_status status = lsq_apart_lacks(ctx, second, 0, apart, err);
    if (status != LSQ_OK)
        return status;
    const lsq_outlier_scale scale = lsq_apart_scale(apart, 0, INFINITY);
    if (!(scale.largest > 0))
        return LSQ_OK; /* nothing is lacking */
    const double error = lsq_apart_error(apart, &scale);
    lsq_apart_codes(apart, &scale);
    if (apart->count == 0)
        return LSQ_OK;
    status = lsq_apart_attach(second, apart, &scale, &bytes, err);
    *better = status == LSQ_OK && lsq_error_at_equal_bits(apart, error, 8 * (double)bytes) < pick->error;
    return status;
}
