/*
 * pick_outliers.c - which weights lsq_quantize() keeps apart, and how they are coded.
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

/* Calls each(arg, row, decoded) for every row. */
static lsq_status for_rows(const lsq_context *ctx, const lsq_weights *weights,
                           int (*each)(void *, size_t, const float *), void *arg, lsq_error *err)
{
    float *decoded = malloc(PANEL * weights->k * sizeof(*decoded));
    lsq_status status = decoded ? LSQ_OK : LSQ_E_NOMEM;
    for (size_t row = 0; status == LSQ_OK && row < weights->m; row += PANEL) {
        const size_t rows = weights->m - row < PANEL ? weights->m - row : PANEL;
        status = lsq_dequantize(ctx, weights, row, rows, decoded, weights->k);
        for (size_t r = 0; status == LSQ_OK && r < rows; r++)
            if (!each(arg, row + r, decoded + r * weights->k))
                status = LSQ_E_NOMEM;
    }
    free(decoded);
    return status == LSQ_OK ? status : lsq_error_set(err, status, "outliers: %s", lsq_strerror(status));
}

static double squared(double x)
{
    return x * x;
}

static int add_errors(void *arg, size_t row, const float *decoded)
{
    lsq_pick *pick = arg;
    const float *w = pick->w + row * pick->ld;
    for (size_t c = 0; c < pick->k; c++)
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
    const size_t k = p->pick->k;
    const float *w = p->pick->w + row * p->pick->ld;
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

/* The candidates as outliers, and the matrix without them. 0 if memory ran out. */
static int set_apart(lsq_pick *pick, const candidates *found)
{
    const size_t k = pick->k;
    pick->rest = malloc(pick->m * k * sizeof(*pick->rest));
    pick->outliers = malloc(found->count * sizeof(*pick->outliers));
    if (!pick->rest || !pick->outliers)
        return 0;
    for (size_t r = 0; r < pick->m; r++)
        memcpy(pick->rest + r * k, pick->w + r * pick->ld, k * sizeof(float));
    for (size_t i = 0; i < found->count; i++) {
        pick->outliers[i].place = found->list[i].place;
        pick->rest[found->list[i].place] = 0;
    }
    pick->count = found->count;
    return 1;
}

lsq_status lsq_pick_outliers(const lsq_context *ctx, const lsq_weights *first, lsq_pick *pick, lsq_error *err)
{
    const unsigned scale = first->format.scale;
    const double weights = (double)pick->m * (double)pick->k;
    pick->error = 0;
    lsq_status status = for_rows(ctx, first, add_errors, pick, err);
    if (status != LSQ_OK || pick->k > OUTLIER_COLUMNS_MAX || !(pick->error > 0))
        return status;
    picking p = {
        .pick = pick,
        .unit = scale == LSQ_SCALE_NIBBLE16                                ? 16
                : scale == LSQ_SCALE_NIBBLE32 || scale == LSQ_SCALE_BYTE32 ? 32
                                                                           : pick->k,
        .keeps_scale = scale == LSQ_SCALE_TENSOR || scale == LSQ_SCALE_NONE || first->format.codec == LSQ_SIGN,
        .price = BITS * 2 * 0.693147180559945309 * pick->error / weights,
    };
    status = for_rows(ctx, first, pick_row, &p, err);
    const size_t most = (size_t)(pick->share * weights);
    if (status == LSQ_OK && p.found.count > most) {
        qsort(p.found.list, p.found.count, sizeof(*p.found.list), by_gain);
        p.found.count = most;
    }
    if (status == LSQ_OK && p.found.count) {
        qsort(p.found.list, p.found.count, sizeof(*p.found.list), by_place);
        if (!set_apart(pick, &p.found))
            status = lsq_error_set(err, LSQ_E_NOMEM, "no memory for outliers");
    }
    free(p.found.list);
    return status;
}

/* ---- Coding ---- */

typedef struct coding {
    const lsq_pick *pick;
    float *lacks; /* of each outlier, what the dense part is short of */
    size_t next;
    double error; /* of the dense part, outliers left out */
} coding;

static int find_lacks(void *arg, size_t row, const float *decoded)
{
    coding *c = arg;
    const float *w = c->pick->w + row * c->pick->ld;
    const uint64_t first = (uint64_t)row * c->pick->k;
    for (size_t i = 0; i < c->pick->k; i++)
        if (c->next < c->pick->count && c->pick->outliers[c->next].place == first + i)
            c->lacks[c->next++] = w[i] - decoded[i];
        else
            c->error += squared((double)w[i] - decoded[i]);
    return 1;
}

/* The code of the nearest value. */
static unsigned nearest(const lsq_outlier_scale *scale, const float *value, float x)
{
    const unsigned half = 1u << (scale->bits - 1);
    const float a = fabsf(x);
    unsigned low = 0, high = half - 1; /* the first whose value, halfway to the next, a reaches */
    while (low < high) {
        const unsigned middle = (low + high) / 2;
        if (a >= 0.5f * (value[middle] + value[middle + 1]))
            high = middle;
        else
            low = middle + 1;
    }
    return low + (x < 0 ? half : 0);
}

/*
 * The squared error that is left with this scale, from every stride-th outlier; one that would be made worse is left as
 * it is.
 */
static double error_with(const coding *c, const lsq_outlier_scale *scale, size_t stride)
{
    float value[OUTLIER_VALUES];
    double error = 0;
    lsq_outlier_values(scale, value);
    for (size_t i = 0; i < c->pick->count; i += stride) {
        const double lacks = c->lacks[i], after = lacks - value[nearest(scale, value, c->lacks[i])];
        error += fmin(squared(lacks), squared(after));
    }
    return c->error + error * (double)stride;
}

/* What an error is worth beside another one that takes `bits` bits less. */
static double at_equal_bits(const lsq_pick *pick, double error, double bits)
{
    return error * lsq_exp2(2 * bits / ((double)pick->m * (double)pick->k));
}

/* Codes that reach down 2 to 16 octaves, tried on a sample. */
static lsq_outlier_scale best_scale(const coding *c)
{
    enum { SAMPLE = 4096 };
    const size_t stride = c->pick->count / SAMPLE + 1;
    lsq_outlier_scale scale = {0}, best = {0};
    double least = INFINITY;
    for (size_t i = 0; i < c->pick->count; i++)
        scale.largest = fmaxf(scale.largest, fabsf(c->lacks[i]));
    for (scale.bits = 3; scale.bits <= OUTLIER_BITS_MAX; scale.bits++)
        for (unsigned octaves = 1; octaves <= 4; octaves++) { /* log2 of them */
            scale.divisor = scale.bits - 1 - octaves;
            if (scale.bits < octaves + 2 || scale.divisor > 8)
                continue;
            const double error =
                at_equal_bits(c->pick, error_with(c, &scale, stride), (double)scale.bits * (double)c->pick->count);
            if (error < least) {
                least = error;
                best = scale;
            }
        }
    return best;
}

/* Codes for the outliers; those that their codes would not bring closer are dropped. */
static void set_codes(lsq_pick *pick, const coding *c, const lsq_outlier_scale *scale)
{
    float value[OUTLIER_VALUES];
    size_t kept = 0;
    lsq_outlier_values(scale, value);
    for (size_t i = 0; i < pick->count; i++) {
        const unsigned code = nearest(scale, value, c->lacks[i]);
        if (fabsf(c->lacks[i] - value[code]) < fabsf(c->lacks[i]))
            pick->outliers[kept++] = (lsq_outlier){pick->outliers[i].place, code};
    }
    pick->count = kept;
}

static lsq_status attach(lsq_weights *second, lsq_pick *pick, const coding *c, int *better, lsq_error *err)
{
    const lsq_outlier_scale scale = best_scale(c);
    size_t bytes;
    *better = 0;
    if (!(scale.largest > 0))
        return LSQ_OK; /* nothing is lacking */
    const double error = error_with(c, &scale, 1);
    set_codes(pick, c, &scale);
    if (pick->count == 0)
        return LSQ_OK;
    uint8_t *blob = lsq_outliers_write(&scale, pick->outliers, pick->count, &bytes);
    if (!blob)
        return lsq_error_set(err, LSQ_E_NOMEM, "no memory for outliers");
    *better = at_equal_bits(pick, error, 8 * (double)bytes) < pick->error;
    second->owned_outliers = blob;
    return *better ? lsq_weights_set_outliers(second, blob, bytes, err) : LSQ_OK;
}

lsq_status lsq_pick_attach(const lsq_context *ctx, lsq_weights *second, lsq_pick *pick, int *better, lsq_error *err)
{
    coding c = {.pick = pick, .lacks = malloc(pick->count * sizeof(float))};
    if (!c.lacks)
        return lsq_error_set(err, LSQ_E_NOMEM, "no memory for outliers");
    lsq_status status = for_rows(ctx, second, find_lacks, &c, err);
    if (status == LSQ_OK)
        status = attach(second, pick, &c, better, err);
    free(c.lacks);
    return status;
}

void lsq_pick_free(lsq_pick *pick)
{
    free(pick->outliers);
    free(pick->rest);
}
