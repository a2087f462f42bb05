/*
 * read.c - a tensor as float32: in the order of its shape, or some rows of it as a matrix.
 *
 * For an axis, a shape is outer x middle x inner: the axes before it, itself, those after it. Number (o, m, i) is
 *
 *     (o * middle + m) * inner + i        in the tensor
 *     (m * outer + o) * inner + i         in the matrix whose rows are that axis
 *
 * so that runs of `inner` numbers move as one, and with axis 0 (outer = 1) the two are the same. Pages of a mapped file that plain numbers
 * have been read from are given back on the way: who reads a tensor in parts has memory for a part.
 */
#include "model/dtype.h"
#include "model/limits.h"
#include "model/mapping.h"
#include "model/model.h"
#include "model/permute.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    PIECE = 1 << 12,  /* plain numbers that are converted at a time */
    BLOCK = 1 << 16,  /* numbers that are decoded at a time, if they are a row or more */
    PASSED = 4 << 20, /* bytes that are given back at a time */
};

lsq_axis lsq_axis_of(const lsq_tensor *t, unsigned axis)
{
    lsq_axis a = {1, t->shape[axis], 1};
    for (unsigned i = 0; i < axis; i++)
        a.outer *= t->shape[i];
    for (unsigned i = axis + 1; i < t->rank; i++)
        a.inner *= t->shape[i];
    return a;
}

/* Rows of the matrix of an axis, on their way out. */
typedef struct wanted {
    lsq_axis axis;
    uint64_t row, rows;
    float *out;
} wanted;

/* The part of `count` numbers, which stand at `start` and behind it, that lies in a matrix in the order of the tensor. */
static void put_in_order(const wanted *to, uint64_t start, uint64_t count, const float *from)
{
    const uint64_t first = to->row * to->axis.inner, last = first + to->rows * to->axis.inner;
    const uint64_t begin = start > first ? start : first, end = start + count < last ? start + count : last;
    if (begin < end)
        memcpy(to->out + (begin - first), from + (begin - start), (end - begin) * sizeof *from);
}

/* Puts numbers that stand at `start` and behind it in the tensor where they belong, as far as they are wanted. */
static void put(const wanted *to, uint64_t start, uint64_t count, const float *from)
{
    const lsq_axis *a = &to->axis;
    if (a->outer == 1) {
        put_in_order(to, start, count, from);
        return;
    }
    uint64_t i = start % a->inner, m = start / a->inner % a->middle, o = start / a->inner / a->middle;
    while (count) {
        uint64_t run = a->inner - i < count ? a->inner - i : count;
        if (m >= to->row && m - to->row < to->rows)
            memcpy(to->out + ((m - to->row) * a->outer + o) * a->inner + i, from, run * sizeof *from);
        from += run;
        count -= run;
        i = 0;
        if (++m == a->middle) {
            m = 0;
            o++;
        }
    }
}

/* ---- Plain numbers ----------------------------------------------------------------------------------------------- */

/* Bytes of n numbers: of whole blocks, if the file has blocks. */
static uint64_t bytes_of(const lsq_entry *entry, uint64_t n)
{
    const lsq_block_type *blocks = entry->blocks;
    return blocks ? n / blocks->numbers * blocks->bytes : n * lsq_dtype_bytes(entry->tensor.dtype);
}

/* The first byte of number n, or of its block. */
static const uint8_t *place_of(const lsq_entry *entry, uint64_t n)
{
    return entry->data + bytes_of(entry, n);
}

/* Numbers [start, start + count), which may begin and end within a block. */
static void decode(const lsq_entry *entry, uint64_t start, uint64_t count, float *to)
{
    const uint64_t size = entry->blocks->numbers;
    float whole[LSQ_BLOCK_MAX];
    for (uint64_t skipped = start % size, some; count; start += some, count -= some, to += some, skipped = 0) {
        const uint8_t *block = place_of(entry, start);
        some = size - skipped < count ? size - skipped : count;
        if (some == size) {
            entry->blocks->decode(block, to);
        } else {
            entry->blocks->decode(block, whole);
            memcpy(to, whole + skipped, some * sizeof *to);
        }
    }
}

static void convert(const lsq_entry *entry, uint64_t start, uint64_t count, float *to)
{
    if (entry->blocks)
        decode(entry, start, count, to);
    else
        lsq_dtype_to_float(entry->tensor.dtype, place_of(entry, start), count, to);
}

/* Where rows are runs of the tensor they are converted into their place, otherwise by way of a piece. */
static void read_plain(const lsq_model *model, const lsq_entry *entry, const wanted *to)
{
    const lsq_axis *a = &to->axis;
    const uint8_t *passed = place_of(entry, to->row * a->inner),
                  *at = passed; /* what is between them, to be given back */
    float numbers[PIECE];
    for (uint64_t o = 0; o < a->outer; o++) {
        uint64_t start = (o * a->middle + to->row) * a->inner, end = start + to->rows * a->inner, count;
        for (; start < end; start += count) {
            count = end - start < PIECE ? end - start : PIECE;
            if (a->outer == 1) {
                convert(entry, start, count, to->out + (start - to->row * a->inner));
            } else {
                convert(entry, start, count, numbers);
                put(to, start, count, numbers);
            }
            at = place_of(entry, start + count);
            if (at - passed >= PASSED) {
                lsq_mapping_release(model, passed, (size_t)(at - passed));
                passed = at;
            }
        }
    }
    lsq_mapping_release(model, passed, (size_t)(at - passed));
}

void lsq_entry_read(const lsq_model *model, const lsq_entry *entry, uint64_t start, uint64_t count, float *out)
{
    const wanted some = {.axis = {1, entry->tensor.elements, 1}, .row = start, .rows = count, .out = out};
    read_plain(model, entry, &some);
}

void lsq_model_prefetch(const lsq_model *model, size_t i, uint64_t first, uint64_t count)
{
    const lsq_entry *entry = model && i < model->count ? &model->entries[i] : NULL;
    if (!entry || !entry->data || entry->tensor.quantised)
        return;
    const uint64_t all = entry->tensor.elements, some = count < LSQ_ELEMENTS_MAX ? count : LSQ_ELEMENTS_MAX;
    const int before = errno;
    lsq_mapping_prefetch(model, place_of(entry, first < all ? first : all), bytes_of(entry, some));
    errno = before;
}

/* ---- Quantised ones ---------------------------------------------------------------------------------------------- */

/* Decodes all of a matrix, a block of rows after the other, and keeps what is wanted. */
static lsq_status decode_blocks(const lsq_entry *entry, const wanted *to)
{
    const lsq_tensor *t = &entry->tensor;
    const lsq_axis a = lsq_axis_of(t, t->output_axis);
    const uint64_t block = t->columns < BLOCK ? BLOCK / t->columns : 1;
    float *rows = malloc((block < t->rows ? block : t->rows) * t->columns * sizeof *rows);
    lsq_status status = rows ? LSQ_OK : LSQ_E_NOMEM;
    for (uint64_t row = 0; status == LSQ_OK && row < t->rows; row += block) {
        uint64_t count = t->rows - row < block ? t->rows - row : block;
        status = lsq_dequantize(NULL, entry->weights, row, count, rows, t->columns);
        for (uint64_t r = 0; status == LSQ_OK && r < count; r++)
            for (uint64_t o = 0; o < a.outer; o++)
                put(to, (o * a.middle + row + r) * a.inner, a.inner, rows + r * t->columns + o * a.inner);
    }
    free(rows);
    return status;
}

/* The whole tensor in its order, if that is also the order of its rows, needs no block. */
static lsq_status read_quantised(const lsq_entry *entry, const wanted *to, lsq_error *err)
{
    const lsq_tensor *t = &entry->tensor;
    const int whole = to->axis.outer == 1 && to->rows == to->axis.middle;
    lsq_status status = whole && lsq_axis_of(t, t->output_axis).outer == 1
                            ? lsq_dequantize(NULL, entry->weights, 0, t->rows, to->out, t->columns)
                            : decode_blocks(entry, to);
    return status == LSQ_OK ? LSQ_OK : lsq_fail(err, status, t->name, "cannot be decoded: %s", lsq_strerror(status));
}

/* ---- What callers ask for ---------------------------------------------------------------------------------------- */

lsq_status lsq_model_read(const lsq_model *model, size_t i, float *out, lsq_error *err)
{
    lsq_status status = lsq_model_check(model, i, "lsq_model_read", err);
    if (status != LSQ_OK)
        return status;
    const lsq_entry *entry = &model->entries[i];
    if (entry->tensor.elements == 0)
        return LSQ_OK;
    const wanted all = {.axis = {1, 1, entry->tensor.elements}, .rows = 1, .out = out};
    int before = errno;
    if (entry->tensor.quantised)
        status = read_quantised(entry, &all, err);
    else
        read_plain(model, entry, &all);
    errno = before;
    return status;
}

lsq_status lsq_model_read_rows(const lsq_model *model, size_t i, unsigned output_axis, uint64_t row, uint64_t rows,
                               float *out, lsq_error *err)
{
    lsq_status status = lsq_model_check(model, i, "lsq_model_read_rows", err);
    if (status != LSQ_OK)
        return status;
    const lsq_entry *entry = &model->entries[i];
    const lsq_tensor *t = &entry->tensor;
    if (t->rank < 2 || output_axis >= t->rank)
        return lsq_fail(err, LSQ_E_ARGUMENT, t->name, "a tensor of rank %u has no matrix along axis %u", t->rank,
                        output_axis);
    if (row > t->shape[output_axis] || rows > t->shape[output_axis] - row)
        return lsq_fail(err, LSQ_E_ARGUMENT, t->name, "%llu rows from row %llu on: axis %u has %llu",
                        (unsigned long long)rows, (unsigned long long)row, output_axis,
                        (unsigned long long)t->shape[output_axis]);
    if (t->elements == 0 || rows == 0)
        return LSQ_OK;
    int before = errno;
    const wanted some = {.axis = lsq_axis_of(t, output_axis), .row = row, .rows = rows, .out = out};
    if (!t->quantised) {
        read_plain(model, entry, &some);
    } else if (t->output_axis == output_axis) {
        status = lsq_dequantize(NULL, entry->weights, row, rows, out, t->columns);
        if (status != LSQ_OK)
            lsq_fail(err, status, t->name, "cannot be decoded: %s", lsq_strerror(status));
    } else {
        status = read_quantised(entry, &some, err);
    }
    errno = before;
    return status;
}

lsq_status lsq_model_read_matrix(const lsq_model *model, size_t i, unsigned output_axis, float *out, lsq_error *err)
{
    const lsq_tensor *t = lsq_model_tensor(model, i);
    return lsq_model_read_rows(model, i, output_axis, 0, t && output_axis < t->rank ? t->shape[output_axis] : 0, out,
                               err);
}
