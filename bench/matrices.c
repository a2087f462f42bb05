#include "bench/matrices.h"

#include "bench/sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int bench_is_matrix(const lsq_tensor *tensor)
{
    const lsq_dtype t = tensor->dtype;
    return (t == LSQ_F32 || t == LSQ_F16 || t == LSQ_BF16 || t == LSQ_F64) && tensor->rank >= 2 &&
           tensor->shape[0] > 1 && tensor->elements > tensor->shape[0];
}

static lsq_status fail(lsq_error *err, lsq_status status, const char *where, const char *what)
{
    err->status = status;
    snprintf(err->text, sizeof err->text, "%s: %s", where, what);
    return status;
}

void bench_matrices_codec(const lsq_format *of, char name[LSQ_FORMAT_NAME_MAX])
{
    lsq_format format = *of, usual;
    snprintf(name, LSQ_FORMAT_NAME_MAX, "?");
    lsq_format_name(&format, name);
    name[2] = 0;
    if (lsq_format_parse(name, &usual, NULL) == LSQ_OK)
        format.curve = usual.curve;
    lsq_format_name(&format, name);
}

/* Lists the quantised tensors and adds up their sizes; returns how many floats all x and y are. */
static size_t list(bench_matrices *all)
{
    size_t floats = 0;
    for (size_t i = 0; i < lsq_model_count(all->model); i++) {
        const lsq_tensor *tensor = lsq_model_tensor(all->model, i);
        if (!tensor->quantised)
            continue;
        char name[LSQ_FORMAT_NAME_MAX];
        bench_matrices_codec(&tensor->format, name);
        if (all->count == 0)
            snprintf(all->codec, sizeof all->codec, "%s", name);
        else if (strcmp(all->codec, name))
            snprintf(all->codec, sizeof all->codec, "mixed");
        all->items[all->count++].tensor = tensor;
        all->weights += (double)tensor->elements;
        all->bytes += (double)tensor->bytes;
        floats += tensor->rows + tensor->columns;
    }
    return floats;
}

static void fill_vectors(bench_matrices *all)
{
    float *next = all->vectors;
    bench_random random = {3};
    for (size_t i = 0; i < all->count; i++) {
        bench_matrix *matrix = &all->items[i];
        matrix->x = next;
        for (uint64_t c = 0; c < matrix->tensor->columns; c++)
            *next++ = (float)bench_random_gauss(&random);
        matrix->y = next;
        for (uint64_t r = 0; r < matrix->tensor->rows; r++)
            *next++ = 0;
    }
}

static lsq_status take_weights(bench_matrices *all, lsq_error *err)
{
    for (size_t i = 0, m = 0; m < all->count; i++) {
        if (lsq_model_tensor(all->model, i) != all->items[m].tensor)
            continue;
        const lsq_status status = lsq_model_weights(all->model, i, &all->items[m++].weights, err);
        if (status)
            return status;
    }
    return LSQ_OK;
}

lsq_status bench_matrices_open(bench_matrices *all, const char *path, lsq_error *err)
{
    const lsq_context_options options = {.size = sizeof options, .threads = 1, .activation = LSQ_ACT_INT};
    *all = (bench_matrices){0};
    lsq_status status = lsq_model_open(path, 0, &all->model, err);
    if (!status)
        status = lsq_context_new(&options, &all->context, err);
    if (status)
        goto failed;
    all->items = calloc(lsq_model_count(all->model) + 1, sizeof *all->items);
    if (!all->items) {
        status = fail(err, LSQ_E_NOMEM, path, "out of memory");
        goto failed;
    }
    const size_t floats = list(all);
    if (all->count == 0) {
        status = fail(err, LSQ_E_UNSUPPORTED, path, "nothing in it is quantised; see 'lsq compress'");
        goto failed;
    }
    all->vectors = malloc(floats * sizeof *all->vectors);
    status = all->vectors ? take_weights(all, err) : fail(err, LSQ_E_NOMEM, path, "out of memory");
    if (!status) {
        fill_vectors(all);
        return LSQ_OK;
    }
failed:
    bench_matrices_close(all);
    return status;
}

void bench_matrices_close(bench_matrices *all)
{
    free(all->vectors);
    free(all->items);
    lsq_context_free(all->context);
    lsq_model_free(all->model);
    *all = (bench_matrices){0};
}

lsq_status bench_matrices_multiply(const bench_matrices *all, const lsq_context *context, size_t first, size_t end)
{
    lsq_status status = LSQ_OK;
    for (size_t i = first; !status && i < end; i++) {
        const bench_matrix *m = &all->items[i];
        status = lsq_sgemv(context, LSQ_NO_TRANS, 1, m->weights, m->x, 1, 0, m->y, 1);
    }
    return status;
}

/* One matrix against w, its original; `decoded` is scratch of the same size. */
static lsq_status compare(const bench_matrices *all, const bench_matrix *matrix, const float *w, float *decoded,
                          bench_snr *weights, bench_snr *products)
{
    const size_t rows = matrix->tensor->rows, columns = matrix->tensor->columns;
    const lsq_status status = lsq_dequantize(all->context, matrix->weights, 0, rows, decoded, columns);
    if (status)
        return status;
    bench_snr_add(weights, w, decoded, rows * columns);
    for (size_t r = 0; r < rows; r++) {
        double exact = 0;
        for (size_t c = 0; c < columns; c++)
            exact += (double)w[r * columns + c] * (double)matrix->x[c];
        const double error = exact - (double)matrix->y[r];
        products->signal += exact * exact;
        products->noise += error * error;
    }
    return LSQ_OK;
}

lsq_status bench_matrices_compare(const bench_matrices *all, const lsq_model *original, bench_snr *weights,
                                  bench_snr *products, lsq_error *err)
{
    *weights = *products = (bench_snr){0, 0};
    for (size_t i = 0; i < all->count; i++) {
        const bench_matrix *matrix = &all->items[i];
        size_t at;
        const lsq_tensor *tensor = lsq_model_find(original, matrix->tensor->name, &at);
        if (!tensor)
            return fail(err, LSQ_E_ARGUMENT, matrix->tensor->name, "no such tensor in the original");
        if (tensor->rank != matrix->tensor->rank ||
            memcmp(tensor->shape, matrix->tensor->shape, tensor->rank * sizeof *tensor->shape))
            return fail(err, LSQ_E_ARGUMENT, tensor->name, "has another shape in the original");
        float *w = malloc(tensor->elements * sizeof *w), *decoded = malloc(tensor->elements * sizeof *w);
        lsq_status status = w && decoded ? LSQ_OK : fail(err, LSQ_E_NOMEM, tensor->name, "out of memory");
        if (!status)
            status = lsq_model_read_matrix(original, at, matrix->tensor->output_axis, w, err);
        if (!status)
            status = compare(all, matrix, w, decoded, weights, products);
        free(w);
        free(decoded);
        if (status)
            return status;
    }
    return LSQ_OK;
}
