/*
 * export_npy.c - one tensor as a .npy file, version 1.0, with the very bytes that numpy.save() writes.
 */
#include "model/export.h"
#include "model/model.h"
#include "model/sizes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * NumPy leaves room for the first dimension to grow to 21 digits without moving the numbers, which begin at a multiple
 * of 64. The text takes 53 characters, eight dimensions of 13 digits (2^40) take 8 * 15, growth and alignment 21 + 64.
 */
#define GROWTH_DIGITS 21
#define ALIGNMENT     64
#define HEADER_ROOM   320

/* Quantised tensors are decoded whole, others a piece at a time. */
lsq_status lsq_export_floats(const lsq_model *model, size_t i, lsq_output *output, lsq_error *err)
{
    enum { PIECE = 1 << 18 };
    const lsq_tensor *tensor = lsq_model_tensor(model, i);
    const uint64_t elements = tensor->elements, most = tensor->quantised ? elements : PIECE;
    const uint64_t piece = elements < most ? elements : most;
    uint64_t bytes;
    if (!lsq_size_multiply(piece, sizeof(float), &bytes) || bytes > SIZE_MAX)
        return lsq_fail(err, LSQ_E_LIMIT, tensor->name, "too large for the address space as float32");
    if (bytes == 0)
        return LSQ_OK;
    lsq_status status = lsq_model_check(model, i, "lsq_export", err);
    if (status)
        return status;
    float *numbers = malloc((size_t)bytes);
    if (!numbers)
        return lsq_fail(err, LSQ_E_NOMEM, tensor->name, "no memory for %llu bytes", (unsigned long long)bytes);
    for (uint64_t at = 0, count; at < elements && !status; at += count) {
        count = elements - at < piece ? elements - at : piece;
        if (tensor->quantised)
            status = lsq_model_read(model, i, numbers, err);
        else
            lsq_entry_read(model, &model->entries[i], at, count, numbers);
        if (!status)
            status = lsq_output_write(output, numbers, (size_t)count * sizeof(float), err);
    }
    free(numbers);
    return status;
}

/* The text of the header, with its padding; returns its length. */
static size_t describe(const lsq_tensor *tensor, char text[HEADER_ROOM])
{
    size_t length = 0, first = 0;
    length += (size_t)snprintf(text, HEADER_ROOM, "{'descr': '<f4', 'fortran_order': False, 'shape': (");
    for (unsigned axis = 0; axis < tensor->rank; axis++) {
        length += (size_t)snprintf(text + length, HEADER_ROOM - length, axis == 0 ? "%llu" : ", %llu",
                                   (unsigned long long)tensor->shape[axis]);
        if (axis == 0)
            first = (size_t)snprintf(NULL, 0, "%llu", (unsigned long long)tensor->shape[axis]);
    }
    length += (size_t)snprintf(text + length, HEADER_ROOM - length, "%s), }", tensor->rank == 1 ? "," : "");
    const size_t growth = tensor->rank > 0 ? GROWTH_DIGITS - first : 0;
    const size_t padding = growth + ALIGNMENT - (10 + length + growth + 1) % ALIGNMENT;
    memset(text + length, ' ', padding);
    length += padding;
    text[length++] = '\n';
    return length;
}

static lsq_status write_file(const lsq_model *model, size_t i, lsq_output *output, lsq_error *err)
{
    char text[HEADER_ROOM];
    const size_t length = describe(lsq_model_tensor(model, i), text);
    uint8_t start[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (uint8_t)(length & 255), (uint8_t)(length >> 8)};
    lsq_status status = lsq_output_write(output, start, sizeof(start), err);
    if (!status)
        status = lsq_output_write(output, text, length, err);
    if (!status)
        status = lsq_export_floats(model, i, output, err);
    if (!status)
        status = lsq_output_finish(output, err);
    return status;
}

lsq_status lsq_export_npy(const lsq_model *model, size_t i, const char *path, int overwrite, lsq_error *err)
{
    if (!model || !path || i >= lsq_model_count(model))
        return lsq_fail(err, LSQ_E_ARGUMENT, "lsq_export_npy", "no model, no path, or no tensor %zu", i);
    const int saved = errno;
    lsq_output *output = NULL;
    lsq_status status = lsq_output_new(path, overwrite, &output, err);
    if (!status)
        status = write_file(model, i, output, err);
    lsq_output_free(output);
    errno = saved;
    return status;
}
