/*
 * export_npy.c - one tensor as a .npy file, version 1.0, with the very bytes that numpy.save() writes.
 */
#include "model/export.h"

#include <stdio.h>
#include <string.h>

/*
 * NumPy leaves room for the first dimension to grow to 21 digits without moving the numbers, which begin at a multiple
 * of 64.
 */
#define GROWTH_DIGITS 21
#define ALIGNMENT     64
#define MAGIC_BYTES   10

/* What NumPy calls its types. */
static const char *const descriptions[LSQ_DTYPES] = {
    [LSQ_F32] = "<f4", [LSQ_F16] = "<f2", [LSQ_F64] = "<f8", [LSQ_I8] = "|i1",  [LSQ_U8] = "|u1",  [LSQ_I16] = "<i2",
    [LSQ_U16] = "<u2", [LSQ_I32] = "<i4", [LSQ_U32] = "<u4", [LSQ_I64] = "<i8", [LSQ_U64] = "<u8", [LSQ_BOOL] = "|b1",
};

size_t lsq_npy_head(const lsq_tensor *tensor, lsq_dtype dtype, uint8_t head[LSQ_NPY_HEAD_MAX])
{
    char *text = (char *)head + MAGIC_BYTES;
    const size_t room = LSQ_NPY_HEAD_MAX - MAGIC_BYTES;
    size_t length = 0, first = 0;
    if (!descriptions[dtype])
        return 0;
    length += (size_t)snprintf(text, room, "{'descr': '%s', 'fortran_order': False, 'shape': (", descriptions[dtype]);
    for (unsigned axis = 0; axis < tensor->rank; axis++) {
        length += (size_t)snprintf(text + length, room - length, axis == 0 ? "%llu" : ", %llu",
                                   (unsigned long long)tensor->shape[axis]);
        if (axis == 0)
            first = (size_t)snprintf(NULL, 0, "%llu", (unsigned long long)tensor->shape[axis]);
    }
    length += (size_t)snprintf(text + length, room - length, "%s), }", tensor->rank == 1 ? "," : "");
    const size_t growth = tensor->rank > 0 ? GROWTH_DIGITS - first : 0;
    const size_t padding = growth + ALIGNMENT - (MAGIC_BYTES + length + growth + 1) % ALIGNMENT;
    memset(text + length, ' ', padding);
    length += padding;
    text[length++] = '\n';
    memcpy(head, "\x93NUMPY\1", 8);
    head[8] = (uint8_t)(length & 255);
    head[9] = (uint8_t)(length >> 8);
    return MAGIC_BYTES + length;
}

lsq_status lsq_write_npy(lsq_export_job *job)
{
    uint8_t head[LSQ_NPY_HEAD_MAX];
    if (job->count != 1)
        return lsq_fail(job->err, LSQ_E_ARGUMENT, job->path, "a .npy file holds one tensor, not %zu", job->count);
    const lsq_tensor *tensor = lsq_model_tensor(job->model, job->tensors[0]);
    const lsq_form form = job->floats ? job->floats : LSQ_FORM_F32;
    const lsq_status status = lsq_export_put(job, head, lsq_npy_head(tensor, lsq_form_dtype(form, tensor), head));
    return status == LSQ_OK ? lsq_export_tensor(job, job->tensors[0], form) : status;
}
