/*
 * verify_compare.c - a tensor of a file beside the tensor of the same name it was made from.
 */
#include "tools/verify.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE = 1 << 18 }; /* numbers that are compared at a time, if they are a row or more */

static int same_shape(const lsq_tensor *a, const lsq_tensor *b)
{
    return a->rank == b->rank && memcmp(a->shape, b->shape, a->rank * sizeof *a->shape) == 0;
}

/* Both as numbers in the order of the shape, whatever they are stored as. */
static lsq_status compare_numbers(finding *f, const lsq_model *model, size_t i, const lsq_model *original, size_t j,
                                  lsq_error *err)
{
    size_t n = (size_t)f->tensor->elements;
    float *w = calloc(n ? n : 1, sizeof *w), *decoded = calloc(n ? n : 1, sizeof *decoded);
    lsq_status status = w && decoded ? lsq_model_read(original, j, w, err) : LSQ_E_NOMEM;
    if (status == LSQ_OK)
        status = lsq_model_read(model, i, decoded, err);
    if (status == LSQ_OK)
        quality_add(&f->quality, w, decoded, n);
    free(w);
    free(decoded);
    return status;
}

enum { BAND = 64 }; /* rows at a time: whole sixteens, which are packed together */

/* A matrix of the file beside the original one, and its product with x, which a program would have: y. */
typedef struct pair {
    const lsq_weights *weights;
    const lsq_model *original;
    size_t j;
    float *x, *y, *w, *decoded;
} pair;

static lsq_status compare_band(finding *f, const pair *p, size_t row, size_t band, lsq_error *err)
{
    const lsq_tensor *t = f->tensor;
    const size_t columns = (size_t)t->columns;
    lsq_status status = lsq_model_read_rows(p->original, p->j, t->output_axis, row, band, p->w, err);
    if (status == LSQ_OK)
        status = lsq_dequantize(NULL, p->weights, row, band, p->decoded, columns);
    if (status != LSQ_OK)
        return status;
    quality_add(&f->quality, p->w, p->decoded, band * columns);
    for (size_t r = 0; r < band; r++) {
        double exact = 0;
        for (size_t i = 0; i < columns; i++)
            exact += (double)p->w[r * columns + i] * (double)p->x[i];
        quality_add_sum(&f->product, exact, (double)p->y[row + r]);
    }
    return LSQ_OK;
}

/* Decoded some rows at a time, and multiplied with integer activations; x is the same in every run and on every machine. */
static lsq_status compare_matrix(verification *v, finding *f, const lsq_weights *weights, const lsq_model *original,
                                 size_t j, lsq_error *err)
{
    const size_t rows = (size_t)f->tensor->rows, columns = (size_t)f->tensor->columns, most = rows < BAND ? rows : BAND;
    pair p = {weights,
              original,
              j,
              malloc(columns * sizeof *p.x),
              malloc(rows * sizeof *p.y),
              calloc(most, columns * sizeof *p.w),
              calloc(most, columns * sizeof *p.decoded)};
    lsq_status status = p.x && p.y && p.w && p.decoded ? LSQ_OK : LSQ_E_NOMEM;
    uint64_t state = 1;
    for (size_t i = 0; status == LSQ_OK && i < columns; i++)
        p.x[i] = quality_normal(&state);
    if (status == LSQ_OK)
        status = lsq_sgemv(NULL, LSQ_NO_TRANS, 1, weights, p.x, 1, 0, p.y, 1);
    for (size_t row = 0; status == LSQ_OK && row < rows; row += BAND) {
        progress_show(&v->progress, v->done + (double)row * (double)columns);
        status = compare_band(f, &p, row, rows - row < BAND ? rows - row : BAND, err);
    }
    f->multiplied = 1;
    free(p.x);
    free(p.y);
    free(p.w);
    free(p.decoded);
    return status;
}

static lsq_status compare_quantised(verification *v, finding *f, const lsq_model *model, size_t i,
                                    const lsq_model *original, size_t j, lsq_error *err)
{
    const lsq_weights *weights = NULL;
    lsq_status status = f->tensor->rank >= 2 ? lsq_model_weights(model, i, &weights, err) : LSQ_E_UNSUPPORTED;
    f->compared = 1;
    if (status == LSQ_E_UNSUPPORTED) /* a version 1 file: no matrix, or more than 9 bits */
        return compare_numbers(f, model, i, original, j, err);
    return status == LSQ_OK ? compare_matrix(v, f, weights, original, j, err) : status;
}

/* Numbers of one type, of which a file has some in blocks: as floats, some rows at a time where there are rows. */
static lsq_status compare_decoded(verification *v, finding *f, const lsq_model *model, size_t i,
                                  const lsq_model *original, size_t j, lsq_error *err)
{
    const lsq_tensor *t = f->tensor;
    if (t->elements == 0)
        return LSQ_OK;
    const uint64_t rows = t->rank < 2 ? 1 : t->shape[0], columns = t->elements / rows;
    const uint64_t some = PIECE / columns + 1, most = some < rows ? some : rows;
    float *a = calloc((size_t)(most * columns), sizeof *a), *b = calloc((size_t)(most * columns), sizeof *b);
    lsq_status status = a && b ? LSQ_OK : LSQ_E_NOMEM;
    for (uint64_t row = 0, count; status == LSQ_OK && !f->wrong && row < rows; row += count) {
        count = rows - row < most ? rows - row : most;
        progress_show(&v->progress, v->done + (double)row * (double)columns);
        status = t->rank < 2 ? lsq_model_read(model, i, a, err) : lsq_model_read_rows(model, i, 0, row, count, a, err);
        if (status == LSQ_OK)
            status = t->rank < 2 ? lsq_model_read(original, j, b, err)
                                 : lsq_model_read_rows(original, j, 0, row, count, b, err);
        if (status == LSQ_OK && memcmp(a, b, (size_t)(count * columns) * sizeof *a) != 0)
            f->wrong = "differs from the original";
    }
    free(a);
    free(b);
    return status;
}

/* Numbers of one type as they stand in both files. */
static void compare_bytes(verification *v, finding *f, const uint8_t *a, const uint8_t *b)
{
    enum { AT_ONCE = 4 << 20 };
    const lsq_tensor *t = f->tensor;
    for (uint64_t at = 0, size; !f->wrong && at < t->bytes; at += size) {
        size = t->bytes - at < AT_ONCE ? t->bytes - at : AT_ONCE;
        progress_show(&v->progress, v->done + (double)t->elements * (double)at / (double)t->bytes);
        if (memcmp(a + at, b + at, (size_t)size) != 0)
            f->wrong = "differs from the original";
    }
}

lsq_status verify_compare(verification *v, finding *f, const lsq_model *model, size_t i, const lsq_model *original,
                          lsq_error *err)
{
    size_t j;
    lsq_status status = LSQ_OK;
    const lsq_tensor *t = f->tensor, *was = lsq_model_find(original, t->name, &j);
    if (!was)
        f->wrong = "the original has no such tensor";
    else if (!same_shape(t, was))
        f->wrong = "the original has another shape";
    else if (t->quantised)
        status = compare_quantised(v, f, model, i, original, j, err);
    else if (was->quantised)
        f->wrong = "the original is quantised, and this is not";
    else if (t->dtype != was->dtype)
        f->wrong = "the original has another type";
    else if (lsq_model_blocks(model, i, NULL) || lsq_model_blocks(original, j, NULL))
        status = compare_decoded(v, f, model, i, original, j, err);
    else
        compare_bytes(v, f, lsq_model_bytes(model, i), lsq_model_bytes(original, j));
    return status;
}

const char *verify_demands(const demands *l, const quality *weights, const quality *product)
{
    if (weights && !(quality_snr(weights) >= l->least_snr))
        return "SNR below --min-snr";
    if (product && !(100 * quality_relative_error(product) <= l->most_loss))
        return "output error above --max-loss";
    return NULL;
}
