/*
 * export_safetensors.c - a whole model as a .safetensors file, with the bytes that the safetensors library would write:
 * tensors by type, the widest first, then by name; compact JSON, padded with spaces to a multiple of 8.
 */
#include "model/export.h"
#include "model/sizes.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_MAX 100000000u /* what readers accept */

/* Where a type comes in the file: the reverse of its place in the safetensors library's list of types. */
static const uint8_t turn[LSQ_DTYPES] = {
    [LSQ_U64] = 0,      [LSQ_I64] = 1,      [LSQ_F64] = 2, [LSQ_F32] = 3, [LSQ_U32] = 4,
    [LSQ_I32] = 5,      [LSQ_BF16] = 6,     [LSQ_F16] = 7, [LSQ_U16] = 8, [LSQ_I16] = 9,
    [LSQ_F8_E4M3] = 10, [LSQ_F8_E5M2] = 11, [LSQ_I8] = 12, [LSQ_U8] = 13, [LSQ_BOOL] = 14,
};

/* A tensor as it will stand in the file. */
typedef struct {
    const lsq_tensor *tensor;
    size_t index; /* in the model */
    lsq_form form;
    lsq_dtype dtype; /* in this form */
    uint64_t bytes;
} item;

static int compare(const void *pa, const void *pb)
{
    const item *a = pa, *b = pb;
    if (a->dtype != b->dtype)
        return turn[a->dtype] < turn[b->dtype] ? -1 : 1;
    return strcmp(a->tensor->name, b->tensor->name);
}

static lsq_status list(const lsq_export_job *job, item *items)
{
    for (size_t k = 0; k < job->count; k++) {
        const size_t i = job->tensors[k];
        const lsq_tensor *tensor = lsq_model_tensor(job->model, i);
        const lsq_form form = lsq_export_form(job, tensor);
        const lsq_dtype dtype = lsq_form_dtype(form, tensor);
        if (strcmp(tensor->name, "__metadata__") == 0)
            return lsq_fail(job->err, LSQ_E_UNSUPPORTED, tensor->name, "safetensors has no tensors of this name");
        items[k] = (item){tensor, i, form, dtype, 0};
        if (!lsq_size_multiply(tensor->elements, lsq_dtype_bytes(dtype), &items[k].bytes))
            return lsq_fail(job->err, LSQ_E_LIMIT, tensor->name, "too many numbers");
    }
    qsort(items, job->count, sizeof(*items), compare);
    return LSQ_OK;
}

static json_t *describe(const item *it, uint64_t begin, uint64_t end)
{
    json_t *shape = json_array();
    int failed = !shape;
    for (unsigned axis = 0; axis < it->tensor->rank && !failed; axis++)
        failed = json_array_append_new(shape, json_integer((json_int_t)it->tensor->shape[axis]));
    if (failed) {
        json_decref(shape);
        return NULL;
    }
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", lsq_dtype_name(it->dtype), "shape", shape, "data_offsets",
                     (json_int_t)begin, (json_int_t)end);
}

/* The metadata of the model; NULL if memory ran out. */
static json_t *describe_metadata(const lsq_model *model)
{
    json_t *object = json_object();
    const char *key, *value;
    for (size_t i = 0; object && lsq_model_metadata(model, i, &key, &value); i++) {
        if (json_object_set_new(object, key, json_string(value)) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

/* Describes all; jansson keeps the order in which keys were set. */
static lsq_status make_header(const lsq_export_job *job, const item *items, json_t *header)
{
    const char *key, *value;
    uint64_t begin = 0, end;
    if (lsq_model_metadata(job->model, 0, &key, &value) &&
        json_object_set_new(header, "__metadata__", describe_metadata(job->model)) != 0)
        return lsq_fail(job->err, LSQ_E_NOMEM, "__metadata__", "no memory, or not UTF-8");
    for (size_t i = 0; i < job->count; i++, begin = end) {
        if (!lsq_size_add(begin, items[i].bytes, &end) || end > INT64_MAX)
            return lsq_fail(job->err, LSQ_E_LIMIT, items[i].tensor->name, "the data pass 2^63 bytes");
        if (json_object_set_new(header, items[i].tensor->name, describe(&items[i], begin, end)) != 0)
            return lsq_fail(job->err, LSQ_E_NOMEM, items[i].tensor->name, "no memory for its description");
    }
    return LSQ_OK;
}

/* Length, JSON and padding in one go. */
static lsq_status write_header(lsq_export_job *job, const json_t *header)
{
    const size_t length = json_dumpb(header, NULL, 0, JSON_COMPACT);
    const size_t padded = (length + 7) & ~(size_t)7;
    if (length == 0 || padded > HEADER_MAX)
        return lsq_fail(job->err, length == 0 ? LSQ_E_NOMEM : LSQ_E_LIMIT, job->path,
                        "a header of %zu bytes, expected at most %u", padded, HEADER_MAX);
    char *text = malloc(padded);
    if (!text)
        return lsq_fail(job->err, LSQ_E_NOMEM, job->path, "no memory for a header of %zu bytes", padded);
    memset(text, ' ', padded);
    lsq_status status = lsq_export_number(job, 8, padded);
    if (json_dumpb(header, text, length, JSON_COMPACT) != length)
        status = lsq_fail(job->err, LSQ_E_NOMEM, job->path, "no memory to write the header");
    if (status == LSQ_OK)
        status = lsq_export_put(job, text, padded);
    free(text);
    return status;
}

static lsq_status write_file(lsq_export_job *job, const item *items)
{
    json_t *header = json_object();
    lsq_status status =
        header ? make_header(job, items, header) : lsq_fail(job->err, LSQ_E_NOMEM, job->path, "no memory for a header");
    if (status == LSQ_OK)
        status = write_header(job, header);
    json_decref(header);
    for (size_t i = 0; i < job->count && status == LSQ_OK; i++)
        status = lsq_export_tensor(job, items[i].index, items[i].form);
    return status;
}

lsq_status lsq_write_safetensors(lsq_export_job *job)
{
    item *items = calloc(job->count + 1, sizeof(*items));
    if (!items)
        return lsq_fail(job->err, LSQ_E_NOMEM, job->path, "no memory for %zu tensors", job->count);
    lsq_status status = list(job, items);
    if (status == LSQ_OK)
        status = write_file(job, items);
    free(items);
    return status;
}
