/*
 * calibration.c - a file of what is known of the inputs of tensors: importance factors, or inputs themselves.
 *
 * Memory: the entry as float32, and for inputs as many floats as the matrix has columns, squared.
 */
#include "tools/calibration.h"

#include "tools/tensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const lsq_tensor *entry_of(const lsq_model *file, const lsq_model *model, size_t i, size_t *at)
{
    if (strcmp(lsq_model_format(file), "npy") != 0)
        return lsq_model_find(file, lsq_model_tensor(model, i)->name, at);
    *at = 0;
    return lsq_model_count(model) == 1 ? lsq_model_tensor(file, 0) : NULL;
}

static int floating(const lsq_tensor *t)
{
    return t->dtype == LSQ_F32 || t->dtype == LSQ_F16 || t->dtype == LSQ_BF16 || t->dtype == LSQ_F64;
}

lsq_status calibration_fits(const lsq_model *file, const lsq_model *model, size_t i, size_t columns, lsq_error *err)
{
    size_t at;
    char shape[SHAPE_TEXT_MAX];
    const lsq_tensor *t = entry_of(file, model, i, &at);
    if (!t || (floating(t) && t->elements > 0 && (t->rank == 1 || t->rank == 2) && t->shape[t->rank - 1] == columns))
        return LSQ_OK;
    snprintf(err->text, sizeof err->text,
             "calibration for %s is %s of %s: expected %zu importance factors, or inputs with %zu columns, as floating "
             "point numbers",
             lsq_model_tensor(model, i)->name, shape_text(t, shape), lsq_dtype_name(t->dtype), columns, columns);
    return LSQ_E_ARGUMENT;
}

/* Rows [i, i + rows) of X^T X, of the upper triangle, in the order of inputs. */
static void add_inputs(const float *x, size_t n, size_t k, size_t i, size_t rows, double *sum)
{
    memset(sum, 0, rows * k * sizeof *sum);
    for (size_t input = 0; input < n; input++, x += k)
        for (size_t row = 0; row < rows; row++)
            for (size_t j = i; j < k; j++)
                sum[row * k + j] += (double)x[i + row] * (double)x[j];
}

static lsq_status make_gram(calibration *c, const float *x, size_t n)
{
    enum { BAND = 8 }; /* rows at a time: the inputs are read anew for each */
    const size_t k = c->columns;
    double mean = 0, *sum = calloc(BAND, k * sizeof *sum);
    c->gram = calloc(k, k * sizeof *c->gram);
    if (!sum || !c->gram) {
        free(sum);
        return LSQ_E_NOMEM;
    }
    for (size_t input = 0; input < n; input++)
        for (size_t j = 0; j < k; j++)
            mean += (double)x[input * k + j] * (double)x[input * k + j] / (double)k;
    for (size_t i = 0; i < k && mean > 0; i += BAND) {
        const size_t rows = k - i < BAND ? k - i : BAND;
        add_inputs(x, n, k, i, rows, sum);
        for (size_t row = 0; row < rows; row++)
            for (size_t j = i + row; j < k; j++)
                c->gram[(i + row) * k + j] = (float)(sum[row * k + j] / mean);
    }
    free(sum);
    return LSQ_OK;
}

lsq_status calibration_read(const lsq_model *file, const char *path, const lsq_model *model, size_t i, calibration *c,
                            lsq_error *err)
{
    size_t at;
    const lsq_tensor *t = entry_of(file, model, i, &at);
    *c = (calibration){0};
    if (!t)
        return LSQ_OK;
    float *numbers = calloc(t->elements, sizeof *numbers);
    lsq_status status = numbers ? lsq_model_read(file, at, numbers, err) : LSQ_E_NOMEM;
    for (size_t e = 0; status == LSQ_OK && e < t->elements; e++)
        if (!isfinite(numbers[e]) || (t->rank == 1 && !(numbers[e] >= 0 && numbers[e] <= 0x1p60f))) {
            snprintf(err->text, sizeof err->text, "%s: calibration for %s: number %zu is %g: expected %s", path,
                     lsq_model_tensor(model, i)->name, e, (double)numbers[e],
                     t->rank == 1 ? "a factor from 0 to 2^60" : "a finite number");
            status = LSQ_E_MALFORMED;
        }
    c->columns = (size_t)t->shape[t->rank - 1];
    if (status == LSQ_OK && t->rank == 2)
        status = make_gram(c, numbers, (size_t)t->shape[0]);
    if (status == LSQ_OK && t->rank == 1)
        c->importance = numbers;
    else
        free(numbers);
    return status;
}

void calibration_free(calibration *c)
{
    free(c->importance);
    free(c->gram);
    *c = (calibration){0};
}

/* What a row of weights, or of errors, does to products: v^T (X^T X) v. */
static double power(const calibration *c, const float *v)
{
    double all = 0;
    for (size_t i = 0; i < c->columns; i++) {
        double sum = 0;
        if (c->importance) {
            all += (double)c->importance[i] * (double)v[i] * (double)v[i];
            continue;
        }
        for (size_t j = i + 1; j < c->columns; j++)
            sum += (double)c->gram[i * c->columns + j] * (double)v[j];
        all += (double)v[i] * ((double)c->gram[i * c->columns + i] * (double)v[i] + 2 * sum);
    }
    return all;
}

lsq_status calibration_add_products(const calibration *c, const lsq_weights *weights, const float *original, quality *q)
{
    enum { BAND = 16 }; /* rows that are packed together */
    const size_t rows = lsq_weights_rows(weights), k = c->columns;
    float *decoded = calloc(BAND, k * sizeof *decoded);
    lsq_status status = decoded ? LSQ_OK : LSQ_E_NOMEM;
    for (size_t row = 0; status == LSQ_OK && row < rows; row += BAND) {
        const size_t band = rows - row < BAND ? rows - row : BAND;
        status = lsq_dequantize(NULL, weights, row, band, decoded, k);
        for (size_t r = 0; status == LSQ_OK && r < band; r++) {
            float *error = decoded + r * k;
            const float *w = original + (row + r) * k;
            for (size_t j = 0; j < k; j++)
                error[j] = w[j] - error[j];
            q->signal += power(c, w);
            q->noise += power(c, error);
            q->count += 1;
        }
    }
    free(decoded);
    return status;
}
