/*
 * forecast.c - what a network in a file takes, by arithmetic alone.
 */
#include "tools/forecast.h"
#include "tools/filesize.h"
#include "tools/plan.h"
#include "tools/tensors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int alike(const lsq_format *a, const lsq_format *b)
{
    lsq_format other = *b;
    other.curve = a->curve;
    return same_format(a, &other);
}

static lsq_status add_part(forecast *f, const lsq_format *format, double weights, double bytes)
{
    size_t i = 0;
    while (i < f->part_count && !alike(&f->parts[i].format, format))
        i++;
    if (i == f->part_count) {
        part *parts = realloc(f->parts, (i + 1) * sizeof *parts);
        if (!parts)
            return LSQ_E_NOMEM;
        f->parts = parts;
        f->parts[f->part_count++] = (part){.format = *format};
    }
    f->parts[i].weights += weights;
    f->parts[i].bytes += bytes;
    return LSQ_OK;
}

lsq_status forecast_count(forecast *f, const lsq_format *format, double weights, double largest)
{
    size_t typical;
    lsq_status status = lsq_packed_bytes(format, TYPICAL_ROWS, TYPICAL_COLUMNS, &typical);
    double each = (double)typical / ((double)TYPICAL_ROWS * TYPICAL_COLUMNS);
    *f = (forecast){.weights = weights, .bytes = ceil(weights * each), .largest = ceil(largest * each)};
    f->file = f->read = f->bytes;
    lsq_format_name(format, f->name);
    return status == LSQ_OK ? add_part(f, format, weights, f->bytes) : status;
}

/* ---- Tables of embeddings ---- */

/* Does a component of the name say that it is one? */
static int embedding(const lsq_tensor *t)
{
    static const char *const whole[] = {"wte", "wpe"};
    const char *at = t->name;
    if (t->rank != 2)
        return 0;
    while (*at) {
        size_t length = strcspn(at, "./");
        for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
            if (strncmp(at, whole[i], length) == 0 && strlen(whole[i]) == length)
                return 1;
        for (size_t i = 0; i + 5 <= length; i++)
            if (strncmp(at + i, "embed", 5) == 0)
                return 1;
        at += length + (at[length] != 0);
    }
    return 0;
}

/* The sides of all other matrices, in ascending order. */
typedef struct sides {
    uint64_t *lengths;
    size_t count;
} sides;

static int ascending(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static lsq_status sides_of(const lsq_model *model, sides *s)
{
    size_t count = lsq_model_count(model);
    *s = (sides){.lengths = calloc(2 * count + 1, sizeof *s->lengths)};
    if (!s->lengths)
        return LSQ_E_NOMEM;
    for (size_t i = 0; i < count; i++) {
        const lsq_tensor *t = lsq_model_tensor(model, i);
        if (t->rank != 2 || embedding(t))
            continue;
        s->lengths[s->count++] = t->shape[0];
        s->lengths[s->count++] = t->shape[1];
    }
    qsort(s->lengths, s->count, sizeof *s->lengths, ascending);
    return LSQ_OK;
}

/*
 * A table of one row for each word is looked up, unless it is also the matrix that ends the network: then there is no other one
 * with a side as long as the table's longer one.
 */
static int has_own_output(const sides *s, const lsq_tensor *table)
{
    uint64_t words = table->shape[0] > table->shape[1] ? table->shape[0] : table->shape[1];
    return bsearch(&words, s->lengths, s->count, sizeof words, ascending) != NULL;
}

/* ---- Tensors ---- */

/* `t` is as it will lie in memory, `stored` how many bytes of the file it is. */
static lsq_status add_tensor(forecast *f, const sides *s, const lsq_tensor *t, double stored)
{
    double bytes = (double)t->bytes + (double)t->outlier_bytes;
    int table = embedding(t), looked_up = table && has_own_output(s, t);
    f->weights += (double)t->elements;
    f->bytes += bytes;
    if (looked_up) {
        f->looked_up += stored;
        return LSQ_OK;
    }
    f->read += stored;
    f->unclear += table ? stored : 0;
    if (bytes > f->largest) {
        f->largest = bytes;
        f->largest_name = t->name;
    }
    if (t->quantised)
        return add_part(f, &t->format, (double)t->elements, bytes);
    f->plain += stored;
    return LSQ_OK;
}

/* What compress would write. */
typedef struct intention {
    const lsq_model *model;
    wish want;
} intention;

static lsq_tensor intended(const void *arg, size_t i)
{
    const intention *in = arg;
    const lsq_tensor *t = lsq_model_tensor(in->model, i);
    plan p = plan_tensor(t, &in->want);
    return plan_written(t, &p, &in->want.format);
}

lsq_status forecast_model(forecast *f, const lsq_model *model, const lsq_format *format, int curve, double file)
{
    intention in = {.model = model, .want = {.curve = curve, .version = 2}};
    size_t count = lsq_model_count(model);
    sides s;
    *f = (forecast){.file = file};
    lsq_status status = sides_of(model, &s);
    if (format) {
        in.want.format = *format;
        lsq_format_name(format, f->name);
    }
    for (size_t i = 0; status == LSQ_OK && i < count; i++) {
        lsq_tensor t = format ? intended(&in, i) : *lsq_model_tensor(model, i);
        double stored = format ? (double)t.bytes + (double)t.outlier_bytes : (double)file_bytes(model, i);
        status = add_tensor(f, &s, &t, stored);
    }
    if (status == LSQ_OK && format) {
        f->file = (double)file_size(model, count, intended, &in);
        status = f->file > 0 ? LSQ_OK : LSQ_E_NOMEM;
    }
    free(s.lengths);
    return status;
}

void forecast_free(forecast *f)
{
    free(f->parts);
    f->parts = NULL;
}

/* ---- What follows ---- */

double forecast_bits(const forecast *f)
{
    return f->weights > 0 ? 8 * (f->read + f->looked_up) / f->weights : 0;
}

double forecast_streamed(const forecast *f)
{
    return 2 * f->largest;
}

double forecast_disk(const forecast *f, double rate)
{
    return f->read / rate;
}

double forecast_memory(const forecast *f, int all)
{
    double seconds = 0;
    for (size_t i = 0; i < f->part_count; i++)
        seconds += f->parts[i].weights / f->parts[i].rates[all];
    return seconds;
}

double forecast_snr(const forecast *f)
{
    double weights = 0, noise = 0;
    for (size_t i = 0; i < f->part_count; i++) {
        weights += f->parts[i].weights;
        noise += f->parts[i].weights * f->parts[i].noise;
    }
    return weights > 0 ? 10 * log10(weights / noise) : NAN;
}

fit forecast_fit(const forecast *f, double ram)
{
    return f->bytes <= ram ? FITS_RESIDENT : forecast_streamed(f) <= ram ? FITS_STREAMED : FITS_NOT;
}
