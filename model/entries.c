/*
 * entries.c - what readers fill a model with: tensors, metadata, warnings.
 */
#include "model/dtype.h"
#include "model/limits.h"
#include "model/model.h"
#include "model/sizes.h"
#include "model/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* ---- What a tensor says of itself -------------------------------------------------------------------------------- */

/* The product of the shape. A 0 makes it 0 whatever the other numbers are. */
static lsq_status count_elements(lsq_tensor *t, const char *where, lsq_error *err)
{
    uint64_t elements = 1;
    int empty = 0, fits = 1;
    for (unsigned i = 0; i < t->rank; i++) {
        if (t->shape[i] > LSQ_DIMENSION_MAX)
            return lsq_fail(err, LSQ_E_LIMIT, where, "tensor \"%s\": dimension %u is %llu, more than 2^40", t->name, i,
                            (unsigned long long)t->shape[i]);
        empty |= t->shape[i] == 0;
        fits = fits && lsq_size_multiply(elements, t->shape[i], &elements) && elements <= LSQ_ELEMENTS_MAX;
    }
    if (!empty && !fits)
        return lsq_fail(err, LSQ_E_LIMIT, where, "tensor \"%s\": more than 2^44 elements", t->name);
    t->elements = empty ? 0 : elements;
    return LSQ_OK;
}

static lsq_status complete_matrix(lsq_tensor *t, lsq_status bad, const char *where, lsq_error *err)
{
    if (t->rank < 2)
        return lsq_fail(err, bad, where, "tensor \"%s\": quantised, but of rank %u", t->name, t->rank);
    if (t->output_axis >= t->rank)
        return lsq_fail(err, bad, where, "tensor \"%s\": output axis %u of rank %u", t->name, t->output_axis, t->rank);
    if (t->elements == 0)
        return lsq_fail(err, bad, where, "tensor \"%s\": quantised, but without elements", t->name);
    t->rows = t->shape[t->output_axis];
    t->columns = t->elements / t->rows;
    size_t bytes = 0;
    lsq_status status = lsq_packed_bytes(&t->format, t->rows, t->columns, &bytes);
    if (status != LSQ_OK)
        return lsq_fail(err, status == LSQ_E_LIMIT ? LSQ_E_LIMIT : bad, where,
                        "tensor \"%s\": no packed form of %llu x %llu in this format", t->name,
                        (unsigned long long)t->rows, (unsigned long long)t->columns);
    t->bytes = bytes;
    return LSQ_OK;
}

lsq_status lsq_tensor_complete(lsq_tensor *t, lsq_status bad, const char *where, lsq_error *err)
{
    if (lsq_dtype_bytes(t->dtype) == 0)
        return lsq_fail(err, bad, where, "tensor \"%s\": no such type of numbers", t->name);
    if (t->rank > LSQ_RANK_MAX)
        return lsq_fail(err, LSQ_E_LIMIT, where, "tensor \"%s\": rank %u, more than %d", t->name, t->rank,
                        LSQ_RANK_MAX);
    lsq_status status = count_elements(t, where, err);
    if (status != LSQ_OK)
        return status;
    if (t->quantised)
        return complete_matrix(t, bad, where, err);
    t->bytes = t->elements * lsq_dtype_bytes(t->dtype); /* at most 2^44 * 8 */
    t->output_axis = 0;
    t->axis_known = 0;
    t->rows = t->columns = 0;
    t->outliers = t->outlier_bytes = 0;
    t->format = (lsq_format){0};
    return LSQ_OK;
}

/* ---- Names ------------------------------------------------------------------------------------------------------- */

/* Where the name is in the table, or where it belongs. The seed makes collisions hard to prepare in a file. */
static uint32_t *slot_of(const lsq_model *model, const char *name)
{
    uint64_t hash = XXH3_64bits_withSeed(name, strlen(name), (uintptr_t)model);
    for (size_t i = hash & (model->slot_count - 1);; i = (i + 1) & (model->slot_count - 1)) {
        uint32_t slot = model->slots[i];
        if (slot == 0 || strcmp(model->entries[slot - 1].tensor.name, name) == 0)
            return &model->slots[i];
    }
}

/* Twice as many slots, entries sorted in again. At most half of the slots are ever taken, so searches end. */
static int grow(lsq_model *model)
{
    size_t slot_count = model->slot_count ? 2 * model->slot_count : 16;
    lsq_entry *entries = realloc(model->entries, slot_count / 2 * sizeof *entries);
    if (!entries)
        return 0;
    model->entries = entries;
    uint32_t *slots = calloc(slot_count, sizeof *slots);
    if (!slots)
        return 0;
    free(model->slots);
    model->slots = slots;
    model->slot_count = slot_count;
    for (size_t i = 0; i < model->count; i++)
        *slot_of(model, entries[i].tensor.name) = (uint32_t)(i + 1);
    return 1;
}

const lsq_tensor *lsq_model_find(const lsq_model *model, const char *name, size_t *i)
{
    if (!model || !name || !model->slot_count)
        return NULL;
    uint32_t slot = *slot_of(model, name);
    if (slot == 0)
        return NULL;
    if (i)
        *i = slot - 1;
    return &model->entries[slot - 1].tensor;
}

/* ---- Adding ------------------------------------------------------------------------------------------------------ */

static lsq_status check(const lsq_model *model, const char *where, const lsq_tensor *tensor, lsq_tensor *complete,
                        lsq_error *err)
{
    size_t length = strlen(tensor->name);
    const char *fault = lsq_name_fault(tensor->name, length);
    if (fault)
        return lsq_fail(err, length > LSQ_NAME_MAX ? LSQ_E_LIMIT : LSQ_E_MALFORMED, where,
                        "the name of tensor %zu, \"%.100s\", %s", model->count, tensor->name, fault);
    if (lsq_model_find(model, tensor->name, NULL))
        return lsq_fail(err, LSQ_E_MALFORMED, where, "two tensors are called \"%s\"", tensor->name);
    if (model->count >= LSQ_TENSORS_MAX)
        return lsq_fail(err, LSQ_E_LIMIT, where, "more than 2^22 tensors");
    *complete = *tensor;
    lsq_status status = lsq_tensor_complete(complete, LSQ_E_MALFORMED, where, err);
    if (status == LSQ_OK && complete->bytes != tensor->bytes)
        return lsq_fail(err, LSQ_E_MALFORMED, where, "tensor \"%s\": %llu bytes, where shape and type ask for %llu",
                        tensor->name, (unsigned long long)tensor->bytes, (unsigned long long)complete->bytes);
    return status;
}

lsq_status lsq_model_add(lsq_model *model, const char *where, const lsq_tensor *tensor, const uint8_t *data,
                         const uint8_t *outliers, lsq_entry **entry, lsq_error *err)
{
    lsq_entry added = {.data = data};
    lsq_status status = check(model, where, tensor, &added.tensor, err);
    if (status != LSQ_OK)
        return status;
    if (2 * model->count >= model->slot_count && !grow(model))
        return lsq_fail(err, LSQ_E_NOMEM, where, "no memory for %zu tensors", model->count + 1);
    if (added.tensor.quantised && data) {
        const lsq_tensor *t = &added.tensor;
        lsq_error why = {.text = ""};
        size_t count = 0;
        status = lsq_weights_wrap_outliers(&t->format, t->rows, t->columns, data, t->bytes, outliers, t->outlier_bytes,
                                           &added.weights, &why);
        if (status != LSQ_OK)
            return lsq_fail(err, status, where, "tensor \"%s\": %s", t->name, why.text);
        lsq_weights_outliers(added.weights, NULL, &count);
        added.tensor.outliers = count;
    }
    char *name = strdup(tensor->name);
    if (!name) {
        lsq_weights_free(added.weights);
        return lsq_fail(err, LSQ_E_NOMEM, where, "no memory");
    }
    added.tensor.name = name;
    model->entries[model->count] = added;
    *slot_of(model, name) = (uint32_t)++model->count;
    if (entry)
        *entry = &model->entries[model->count - 1];
    return LSQ_OK;
}

/* Room for one more string at the end of a list whose capacity is the power of two at or above its count. */
static char **extend(char ***list, size_t count)
{
    if ((count & (count - 1)) == 0) {
        char **longer = realloc(*list, (count ? 2 * count : 1) * sizeof *longer);
        if (!longer)
            return NULL;
        *list = longer;
    }
    return *list + count;
}

lsq_status lsq_model_add_metadata(lsq_model *model, const char *key, const char *value, lsq_error *err)
{
    char *copies[2] = {strdup(key), strdup(value)};
    char **place = NULL;
    for (size_t i = 0; i < 2; i++) {
        place = copies[0] && copies[1] ? extend(&model->metadata, 2 * model->metadata_count + i) : NULL;
        if (!place) {
            free(copies[0]);
            free(copies[1]);
            return lsq_fail(err, LSQ_E_NOMEM, key, "no memory for metadata");
        }
    }
    place[-1] = copies[0];
    place[0] = copies[1];
    model->metadata_count++;
    return LSQ_OK;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void lsq_model_sort_metadata(lsq_model *model)
{
    if (model->metadata_count)
        qsort(model->metadata, model->metadata_count, 2 * sizeof *model->metadata, by_key);
}

lsq_status lsq_model_warn(lsq_model *model, const char *format, ...)
{
    lsq_error line;
    char text[sizeof line.text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    lsq_fail(&line, LSQ_OK, model->file_count ? model->files[0].path : "model", "%s", text);
    char *copy = strdup(line.text);
    char **place = copy ? extend(&model->warnings, model->warning_count) : NULL;
    if (!place) {
        free(copy);
        return LSQ_E_NOMEM;
    }
    *place = copy;
    model->warning_count++;
    return LSQ_OK;
}
