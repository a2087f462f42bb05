/*
 * visit.c - a tensor in pieces, in the order of its shape.
 */
#include "model/dtype.h"
#include "model/mapping.h"
#include "model/model.h"
#include "model/permute.h"

#include <errno.h>
#include <stdlib.h>

enum {
    PIECE = 1 << 20,  /* bytes that are handed over at a time */
    TURNED = 1 << 24, /* numbers at a time of a tensor that is decoded anew for each time */
};

typedef struct visit {
    const lsq_model *model;
    const lsq_entry *entry;
    lsq_form form;
    lsq_visit_fn *each;
    void *arg;
    lsq_piece piece;
    lsq_error *err;
} visit;

static lsq_status hand(visit *v, const void *bytes, size_t size)
{
    v->piece.bytes = bytes;
    v->piece.size = size;
    const lsq_status status = v->each(v->arg, &v->piece);
    v->piece.offset += size;
    return status;
}

/* Bytes as they stand in memory. */
static lsq_status hand_stored(visit *v, const uint8_t *bytes, uint64_t size)
{
    lsq_status status = LSQ_OK;
    for (uint64_t at = 0, some; at < size && status == LSQ_OK; at += some) {
        some = size - at < PIECE ? size - at : PIECE;
        status = hand(v, bytes + at, (size_t)some);
        lsq_mapping_release(v->model, bytes + at, (size_t)some);
    }
    return status;
}

/* Float16 numbers take the place of the floats that they are made of. */
static lsq_status hand_numbers(visit *v, float *numbers, size_t count)
{
    lsq_status status = LSQ_OK;
    for (size_t some; count && status == LSQ_OK; numbers += some, count -= some) {
        some = count < PIECE / sizeof *numbers ? count : PIECE / sizeof *numbers;
        const int halved = v->form == LSQ_FORM_F16;
        const size_t fit = halved ? lsq_dtype_to_half(numbers, some, (uint8_t *)numbers) : some;
        if (fit < some)
            return lsq_fail(v->err, LSQ_E_UNSUPPORTED, v->piece.tensor->name,
                            "number %llu is %g, more than float16 can hold",
                            (unsigned long long)(v->piece.offset / 2 + fit), (double)numbers[fit]);
        status = hand(v, numbers, some * (halved ? 2 : sizeof *numbers));
    }
    return status;
}

/* Where the rows of a quantised tensor are its order too, they are decoded one after the other. */
static lsq_status hand_decoded(visit *v)
{
    const lsq_tensor *t = v->piece.tensor;
    const int in_order = t->quantised && lsq_axis_of(t, t->output_axis).outer == 1;
    const unsigned axis = in_order ? t->output_axis : 0;
    const uint64_t rows = t->quantised ? t->shape[axis] : t->elements, columns = t->elements / rows;
    const uint64_t most = t->quantised && !in_order ? TURNED : PIECE / sizeof(float);
    uint64_t some = columns < most ? most / columns : 1;
    some = some < rows ? some : rows;
    if (some * columns > SIZE_MAX / sizeof(float))
        return lsq_fail(v->err, LSQ_E_LIMIT, t->name, "a row of it is too large for the address space as float32");
    float *numbers = malloc((size_t)(some * columns) * sizeof *numbers);
    if (!numbers)
        return lsq_fail(v->err, LSQ_E_NOMEM, t->name, "no memory for %llu numbers",
                        (unsigned long long)(some * columns));
    lsq_status status = LSQ_OK;
    for (uint64_t row = 0; row < rows && status == LSQ_OK; row += some) {
        some = some < rows - row ? some : rows - row;
        if (t->quantised)
            status = lsq_model_read_rows(v->model, v->piece.index, axis, row, some, numbers, v->err);
        else
            lsq_entry_read(v->model, v->entry, row, some, numbers);
        if (status == LSQ_OK)
            status = hand_numbers(v, numbers, (size_t)(some * columns));
    }
    free(numbers);
    lsq_model_release(v->model, v->piece.index);
    return status;
}

static lsq_status hand_all(visit *v)
{
    const lsq_entry *entry = v->entry;
    const lsq_tensor *t = &entry->tensor;
    if (v->piece.total == 0)
        return hand(v, NULL, 0);
    if (!t->quantised && (entry->blocks || t->dtype != lsq_form_dtype(v->form, t)))
        return hand_decoded(v);
    if (t->quantised && v->form != LSQ_FORM_STORED)
        return hand_decoded(v);
    lsq_status status = hand_stored(v, entry->data, t->bytes);
    if (status == LSQ_OK && t->quantised)
        status = hand_stored(v, lsq_weights_outliers(entry->weights, NULL, NULL), t->outlier_bytes);
    return status;
}

lsq_dtype lsq_form_dtype(lsq_form form, const lsq_tensor *tensor)
{
    return form == LSQ_FORM_STORED ? tensor->dtype : form == LSQ_FORM_F16 ? LSQ_F16 : LSQ_F32;
}

lsq_status lsq_model_visit(const lsq_model *model, size_t i, lsq_form form, lsq_visit_fn *each, void *arg,
                           lsq_error *err)
{
    if (!model || !each || (unsigned)form > LSQ_FORM_F16)
        return lsq_fail(err, LSQ_E_ARGUMENT, "lsq_model_visit", "no model, no function, or no such form");
    lsq_status status = lsq_model_check(model, i, "lsq_model_visit", err);
    if (status != LSQ_OK)
        return status;
    const lsq_tensor *t = lsq_model_tensor(model, i);
    const uint64_t numbers = t->elements * lsq_dtype_bytes(lsq_form_dtype(form, t)),
                   total = t->quantised && form == LSQ_FORM_STORED ? t->bytes + t->outlier_bytes : numbers;
    const int before = errno;
    visit v = {model, &model->entries[i], form, each, arg, {.index = i, .tensor = t, .total = total}, err};
    status = hand_all(&v);
    errno = before;
    return status;
}
