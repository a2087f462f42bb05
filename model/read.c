/*
 * read.c - a tensor as float32: in the order of its shape, or as a matrix of the other order.
 *
 * For an axis, a shape is outer x middle x inner: the axes before it, itself, those after it. Number (o, m, i) is
 *
 *     (o * middle + m) * inner + i        in the tensor
 *     (m * outer + o) * inner + i         in the matrix whose rows are that axis
 *
 * so that runs of `inner` numbers move as one, and with axis 0 (outer = 1) the two are the same.
 */
#include "model/dtype.h"
#include "model/model.h"
#include "model/permute.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 1 << 16 }; /* numbers that pass through scratch memory at a time */

lsq_axis lsq_axis_of(const lsq_tensor *t, unsigned axis)
{
    lsq_axis a = {1, t->shape[axis], 1};
    for (unsigned i = 0; i < axis; i++)
        a.outer *= t->shape[i];
    for (unsigned i = axis + 1; i < t->rank; i++)
        a.inner *= t->shape[i];
    return a;
}

void lsq_rows_to_tensor(const lsq_axis *a, uint64_t row, uint64_t rows, const void *matrix, void *tensor)
{
    const uint32_t *from = matrix;
    uint32_t *to = tensor;
    for (uint64_t o = 0; o < a->outer; o++) {
        uint32_t *place = to + (o * a->middle + row) * a->inner;
        for (uint64_t r = 0; r < rows; r++)
            memcpy(place + r * a->inner, from + (r * a->outer + o) * a->inner, a->inner * sizeof *to);
    }
}

/* The other way, for `count` numbers that stand at `start` and behind it in the tensor. */
static void piece_to_matrix(const lsq_axis *a, uint64_t start, uint64_t count, const float *from, float *matrix)
{
    uint64_t i = start % a->inner, m = start / a->inner % a->middle, o = start / a->inner / a->middle;
    while (count) {
        uint64_t run = a->inner - i < count ? a->inner - i : count;
        memcpy(matrix + (m * a->outer + o) * a->inner + i, from, run * sizeof *from);
        from += run;
        count -= run;
        i = 0;
        if (++m == a->middle) {
            m = 0;
            o++;
        }
    }
}

/* Decodes the matrix some rows at a time, as many as fit in a piece, but one at least. */
static lsq_status decode_permuted(const lsq_entry *entry, const lsq_axis *a, float *out, lsq_error *err)
{
    const lsq_tensor *t = &entry->tensor;
    uint64_t block = t->columns < PIECE ? PIECE / t->columns : 1;
    float *rows = malloc(block * t->columns * sizeof *rows);
    if (!rows)
        return lsq_fail(err, LSQ_E_NOMEM, t->name, "no memory for rows of %llu numbers",
                        (unsigned long long)t->columns);
    lsq_status status = LSQ_OK;
    for (uint64_t row = 0; status == LSQ_OK && row < t->rows; row += block) {
        uint64_t count = t->rows - row < block ? t->rows - row : block;
        status = lsq_dequantize(NULL, entry->weights, row, count, rows, t->columns);
        if (status == LSQ_OK)
            lsq_rows_to_tensor(a, row, count, rows, out);
    }
    free(rows);
    return status == LSQ_OK ? LSQ_OK : lsq_fail(err, status, t->name, "cannot be decoded: %s", lsq_strerror(status));
}

static lsq_status read_tensor(const lsq_entry *entry, float *out, lsq_error *err)
{
    const lsq_tensor *t = &entry->tensor;
    if (!t->quantised) {
        lsq_dtype_to_float(t->dtype, entry->data, t->elements, out);
        return LSQ_OK;
    }
    lsq_axis a = lsq_axis_of(t, t->output_axis);
    if (a.outer > 1)
        return decode_permuted(entry, &a, out, err);
    lsq_status status = lsq_dequantize(NULL, entry->weights, 0, t->rows, out, t->columns);
    return status == LSQ_OK ? LSQ_OK : lsq_fail(err, status, t->name, "cannot be decoded: %s", lsq_strerror(status));
}

/* Plain numbers are converted piece by piece; a matrix quantised along another axis is decoded as a whole first. */
static lsq_status read_permuted(const lsq_entry *entry, const lsq_axis *a, float *out, lsq_error *err)
{
    const lsq_tensor *t = &entry->tensor;
    uint64_t piece = t->quantised || t->elements < PIECE ? t->elements : PIECE;
    float *numbers = malloc(piece * sizeof *numbers);
    if (!numbers)
        return lsq_fail(err, LSQ_E_NOMEM, t->name, "no memory for %llu numbers", (unsigned long long)piece);
    lsq_status status = t->quantised ? read_tensor(entry, numbers, err) : LSQ_OK;
    for (uint64_t start = 0; status == LSQ_OK && start < t->elements; start += piece) {
        uint64_t count = t->elements - start < piece ? t->elements - start : piece;
        if (!t->quantised)
            lsq_dtype_to_float(t->dtype, entry->data + start * lsq_dtype_bytes(t->dtype), count, numbers);
        piece_to_matrix(a, start, count, numbers, out);
    }
    free(numbers);
    return status;
}

lsq_status lsq_model_read(const lsq_model *model, size_t i, float *out, lsq_error *err)
{
    int before = errno;
    lsq_status status = lsq_model_check(model, i, "lsq_model_read", err);
    if (status == LSQ_OK)
        status = read_tensor(&model->entries[i], out, err);
    errno = before;
    return status;
}

lsq_status lsq_model_read_matrix(const lsq_model *model, size_t i, unsigned output_axis, float *out, lsq_error *err)
{
    lsq_status status = lsq_model_check(model, i, "lsq_model_read_matrix", err);
    if (status != LSQ_OK)
        return status;
    const lsq_entry *entry = &model->entries[i];
    const lsq_tensor *t = &entry->tensor;
    if (t->rank < 2 || output_axis >= t->rank)
        return lsq_fail(err, LSQ_E_ARGUMENT, t->name, "a tensor of rank %u has no matrix along axis %u", t->rank,
                        output_axis);
    if (t->elements == 0)
        return LSQ_OK;
    int before = errno;
    lsq_axis a = lsq_axis_of(t, output_axis);
    if (t->quantised && t->output_axis == output_axis) {
        status = lsq_dequantize(NULL, entry->weights, 0, t->rows, out, t->columns);
        if (status != LSQ_OK)
            lsq_fail(err, status, t->name, "cannot be decoded: %s", lsq_strerror(status));
    } else if (a.outer == 1) {
        status = read_tensor(entry, out, err);
    } else {
        status = read_permuted(entry, &a, out, err);
    }
    errno = before;
    return status;
}
