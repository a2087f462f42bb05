/*
 * safetensors.c - the reader of single .safetensors files.
 *
 *     0        u64      n, bytes of the header, little-endian
 *     8        n bytes  JSON: {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
 *     8 + n    buffer   the tensors' numbers; data_offsets count from here
 *
 * Together the tensors cover the buffer: a byte that belongs to none, or to two, makes the file malformed. The key
 * "__metadata__" stands for an object of strings.
 */
#include "model/sizes.h"
#include "model/dtype.h"
#include "model/json.h"
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_MAX 100000000u /* as in the safetensors library */

#define DEPTH      3 /* the header, a tensor, its shape */

/* A tensor as the header describes it. */
typedef struct {
    lsq_tensor tensor;
    uint64_t begin, end; /* in the buffer */
} claim;

/*
 * There is no magic. A header that begins with its brace, or one of a likely length: either is enough, so that damage to
 * the other is named as such. In a file too short to tell, the bytes of the length that no header needs must be 0.
 */
int lsq_is_safetensors(const lsq_mapping *file)
{
    if (file->size > 8) {
        const uint64_t length = lsq_little_endian(file->bytes, 8);
        return file->bytes[8] == '{' || (length > 0 && length <= HEADER_MAX);
    }
    for (size_t i = 4; i < file->size; i++)
        if (file->bytes[i] != 0)
            return 0;
    return 1;
}

static int whole_number(const json_t *value, uint64_t *number)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return 0;
    *number = (uint64_t)json_integer_value(value);
    return 1;
}

static lsq_status read_dtype(const lsq_mapping *file, const char *name, const json_t *value, lsq_dtype *dtype,
                             lsq_error *err)
{
    if (!json_is_string(value))
        return lsq_fail(err, LSQ_E_MALFORMED, file->path, "tensor \"%s\": no \"dtype\", expected a string", name);
    if (lsq_dtype_parse(json_string_value(value), dtype))
        return LSQ_OK;
    return lsq_fail(err, LSQ_E_UNSUPPORTED, file->path, "tensor \"%s\": dtype \"%.20s\" is not one of those read here",
                    name, json_string_value(value));
}

static lsq_status read_shape(const lsq_mapping *file, const char *name, const json_t *value, lsq_tensor *tensor,
                             lsq_error *err)
{
    if (!json_is_array(value))
        return lsq_fail(err, LSQ_E_MALFORMED, file->path, "tensor \"%s\": no \"shape\", expected an array", name);
    const size_t rank = json_array_size(value);
    if (rank > LSQ_RANK_MAX)
        return lsq_fail(err, LSQ_E_LIMIT, file->path, "tensor \"%s\": rank %zu, expected at most %d", name, rank,
                        LSQ_RANK_MAX);
    tensor->rank = (unsigned)rank;
    for (size_t i = 0; i < rank; i++)
        if (!whole_number(json_array_get(value, i), &tensor->shape[i]))
            return lsq_fail(err, LSQ_E_MALFORMED, file->path, "tensor \"%s\": shape[%zu] is no whole number", name, i);
    return LSQ_OK;
}

static lsq_status read_offsets(const lsq_mapping *file, const char *name, const json_t *value, claim *c, lsq_error *err)
{
    if (!json_is_array(value) || json_array_size(value) != 2 || !whole_number(json_array_get(value, 0), &c->begin) ||
        !whole_number(json_array_get(value, 1), &c->end) || c->begin > c->end)
        return lsq_fail(err, LSQ_E_MALFORMED, file->path,
                        "tensor \"%s\": \"data_offsets\" are not [begin, end] with begin <= end", name);
    c->tensor.bytes = c->end - c->begin;
    return LSQ_OK;
}

static lsq_status read_claim(const lsq_mapping *file, const char *name, const json_t *value, claim *c, lsq_error *err)
{
    memset(c, 0, sizeof(*c));
    c->tensor.name = name;
    if (!json_is_object(value))
        return lsq_fail(err, LSQ_E_MALFORMED, file->path, "tensor \"%s\": expected an object", name);
    lsq_status status = read_dtype(file, name, json_object_get(value, "dtype"), &c->tensor.dtype, err);
    if (!status)
        status = read_shape(file, name, json_object_get(value, "shape"), &c->tensor, err);
    if (!status)
        status = read_offsets(file, name, json_object_get(value, "data_offsets"), c, err);
    if (!status && json_object_size(value) != 3)
        return lsq_fail(err, LSQ_E_MALFORMED, file->path,
                        "tensor \"%s\": a key other than \"dtype\", \"shape\" and \"data_offsets\"", name);
    return status;
}

static lsq_status read_metadata(lsq_model *model, const lsq_mapping *file, json_t *object, lsq_error *err)
{
    if (!json_is_object(object))
        return lsq_fail(err, LSQ_E_MALFORMED, file->path, "\"__metadata__\": expected an object of strings");
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        if (!json_is_string(value))
            return lsq_fail(err, LSQ_E_MALFORMED, file->path, "\"__metadata__\": \"%s\" is not a string", key);
        const lsq_status status = lsq_model_add_metadata(model, key, json_string_value(value), err);
        if (status)
            return status;
    }
    return LSQ_OK;
}

/* In the order of the buffer; tensors without numbers before the one that begins at the same place, by name. */
static int compare(const void *pa, const void *pb)
{
    const claim *a = pa, *b = pb;
    if (a->begin != b->begin)
        return a->begin < b->begin ? -1 : 1;
    if (a->end != b->end)
        return a->end < b->end ? -1 : 1;
    return strcmp(a->tensor.name, b->tensor.name);
}

/* Sorts the claims and sees that each begins where the one before it ends, up to the end of the file. */
static lsq_status cover(const lsq_mapping *file, claim *claims, size_t count, size_t start, lsq_error *err)
{
    const uint64_t size = file->size - start;
    uint64_t covered = 0;
    qsort(claims, count, sizeof(*claims), compare);
    for (size_t i = 0; i < count; i++) {
        const claim *c = &claims[i];
        if (c->begin != covered)
            return lsq_fail(err, LSQ_E_MALFORMED, file->path,
                            "tensor \"%s\": begins at %llu of the data, expected %llu: %s", c->tensor.name,
                            (unsigned long long)c->begin, (unsigned long long)covered,
                            c->begin < covered ? "it overlaps another" : "the bytes between belong to no tensor");
        covered = c->end;
    }
    if (covered > size)
        return lsq_fail(err, LSQ_E_TRUNCATED, file->path,
                        "offset %zu: the file ends after %llu bytes of data, expected %llu", file->size,
                        (unsigned long long)size, (unsigned long long)covered);
    if (covered < size)
        return lsq_fail(err, LSQ_E_MALFORMED, file->path,
                        "offset %llu: %llu bytes after the last tensor, expected the end of the file",
                        (unsigned long long)(start + covered), (unsigned long long)(size - covered));
    return LSQ_OK;
}

static lsq_status add_all(lsq_model *model, const lsq_mapping *file, json_t *header, claim *claims, size_t start,
                          lsq_error *err)
{
    size_t count = 0;
    const char *name;
    json_t *value;
    json_object_foreach(header, name, value)
    {
        const lsq_status status = strcmp(name, "__metadata__") == 0
                                      ? read_metadata(model, file, value, err)
                                      : read_claim(file, name, value, &claims[count++], err);
        if (status)
            return status;
    }
    lsq_status status = cover(file, claims, count, start, err);
    for (size_t i = 0; i < count && !status; i++)
        status =
            lsq_model_add(model, file->path, &claims[i].tensor, file->bytes + start + claims[i].begin, NULL, NULL, err);
    return status;
}

lsq_status lsq_read_safetensors(lsq_model *model, const lsq_mapping *file, unsigned flags, lsq_error *err)
{
    (void)flags; /* there are no checksums to verify */
    if (file->size < 8)
        return lsq_fail(err, LSQ_E_TRUNCATED, file->path,
                        "offset %zu: the file ends, expected the 8 bytes of a safetensors header's length", file->size);
    const uint64_t length = lsq_little_endian(file->bytes, 8);
    if (length > HEADER_MAX)
        return lsq_fail(err, LSQ_E_LIMIT, file->path, "offset 0: a header of %llu bytes, expected at most %u",
                        (unsigned long long)length, HEADER_MAX);
    if (length > file->size - 8)
        return lsq_fail(err, LSQ_E_TRUNCATED, file->path, "offset %zu: the file ends, expected a header of %llu bytes",
                        file->size, (unsigned long long)length);
    const size_t start = 8 + (size_t)length;
    if (length == 0 || file->bytes[8] != '{')
        return lsq_fail(err, LSQ_E_MALFORMED, file->path, "offset 8: expected a header that begins with '{'");
    if (file->bytes[start - 1] == 0)
        return lsq_fail(err, LSQ_E_MALFORMED, file->path,
                        "offset %zu: the header is padded with NUL bytes, expected spaces", start - 1);

    const lsq_json_outline outline = lsq_json_look(file->bytes + 8, (size_t)length);
    if (outline.deepest > DEPTH || outline.nested_in_array)
        return lsq_fail(err, LSQ_E_MALFORMED, file->path, "a header nested deeper than tensor and shape");
    json_t *header;
    lsq_status status = lsq_json_parse(file->bytes + 8, (size_t)length, file->path, &header, err);
    if (status)
        return status;
    model->format = "safetensors";
    claim *claims = malloc((json_object_size(header) + 1) * sizeof(*claims));
    if (claims)
        status = add_all(model, file, header, claims, start, err);
    else
        status = lsq_fail(err, LSQ_E_NOMEM, file->path, "no memory for %zu tensors", json_object_size(header));
    free(claims);
    json_decref(header);
    return status;
}
