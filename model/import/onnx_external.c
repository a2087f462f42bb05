/*
 * onnx_external.c - numbers of an ONNX model that stand in another file.
 *
 * The tensor says where, as pairs of strings: `location`, a file's name; `offset`, 0 if it is not there; `length`, the
 * rest of the file if it is not there. Other keys are passed over: a `checksum` (SHA-1) is not compared.
 *
 * Any bytes can be called numbers, so a link to a private file, that came with the model, would carry that file away in what
 * is made of the model. neighbour.c sees where links lead; of a hard link nobody can tell.
 */
#include "model/import/neighbour.h"
#include "model/import/onnx.h"
#include "model/limits.h"
#include "model/text.h"

#include <string.h>

enum { EXTERNAL_DATA = 13 };

typedef struct {
    lsq_field location, offset, length; /* the values */
} place;

/* Reads one StringStringEntryProto. */
static lsq_status read_pair(lsq_message m, place *p)
{
    lsq_field key, value;
    const lsq_status status = lsq_onnx_read_pair(&m, LSQ_BYTES, &key, &value);
    if (status)
        return status;
    lsq_field *to = lsq_field_is(&m, &key, "location") ? &p->location
                    : lsq_field_is(&m, &key, "offset") ? &p->offset
                    : lsq_field_is(&m, &key, "length") ? &p->length
                                                       : NULL;
    if (!to)
        return LSQ_OK;
    if (to->number || !value.number)
        return lsq_fail(m.err, LSQ_E_MALFORMED, m.file->path, "offset %zu: external data with %s \"%.*s\"", key.at,
                        to->number ? "a second" : "no", (int)key.size, (const char *)lsq_field_bytes(&m, &key));
    *to = value;
    return LSQ_OK;
}

static lsq_status read_number(const lsq_message *m, const lsq_field *f, const lsq_tensor *t, uint64_t *number)
{
    const uint8_t *digits = lsq_field_bytes(m, f);
    int good = f->size > 0;
    *number = 0;
    for (size_t i = 0; i < f->size && good; i++) {
        good = digits[i] >= '0' && digits[i] <= '9' && *number <= (INT64_MAX - 9) / 10;
        *number = *number * 10 + (uint64_t)(digits[i] - '0');
    }
    if (good)
        return LSQ_OK;
    return lsq_fail(
        m->err, LSQ_E_MALFORMED, m->file->path,
        "tensor \"%s\": offset %zu: \"%.*s\", expected an offset or a length in the digits of a number below 2^63",
        t->name, f->at, (int)(f->size < 40 ? f->size : 40), (const char *)digits);
}

/* Is the tensor in that file, where the model says? */
static lsq_status compare(const lsq_mapping *file, const lsq_tensor *t, uint64_t offset, lsq_error *err)
{
    const uint64_t left = offset < file->size ? file->size - offset : 0;
    if (offset <= file->size && t->bytes <= left)
        return LSQ_OK;
    return lsq_fail(err, LSQ_E_TRUNCATED, file->path,
                    "tensor \"%s\": the file ends at offset %zu, expected %llu bytes from offset %llu on", t->name,
                    file->size, (unsigned long long)t->bytes, (unsigned long long)offset);
}

lsq_status lsq_onnx_external(lsq_onnx *o, const lsq_message *proto, const lsq_tensor *t, size_t at,
                             const uint8_t **data)
{
    const char *path = o->file.path;
    place p = {.location.number = 0};
    uint64_t offset = 0, length = t->bytes;
    char name[LSQ_NAME_MAX + 1];
    lsq_message m = *proto, pair;
    lsq_field f;
    lsq_status status = lsq_field_next(&m, &f);
    while (!status && f.number) {
        if (f.number == EXTERNAL_DATA) {
            status = lsq_field_message(&m, &f, "StringStringEntryProto", &pair);
            status = status ? status : read_pair(pair, &p);
        }
        if (!status)
            status = lsq_field_next(&m, &f);
    }
    if (!status && p.offset.number)
        status = read_number(&m, &p.offset, t, &offset);
    if (!status && p.length.number)
        status = read_number(&m, &p.length, t, &length);
    if (status)
        return status;
    if (length != t->bytes)
        return lsq_fail(o->err, LSQ_E_MALFORMED, path,
                        "tensor \"%s\": offset %zu: a length of %llu bytes, where shape and type ask for %llu", t->name,
                        p.length.at, (unsigned long long)length, (unsigned long long)t->bytes);
    const char *text = (const char *)lsq_field_bytes(&m, &p.location);
    const char *fault = lsq_name_fault(text, p.location.size);
    if (fault)
        return lsq_fail(o->err, LSQ_E_MALFORMED, path,
                        "tensor \"%s\": offset %zu: the name of the file that has its numbers %s", t->name,
                        p.location.number ? p.location.at : at, fault);
    memcpy(name, text, p.location.size);
    name[p.location.size] = 0;
    const lsq_mapping *file;
    status = lsq_model_add_neighbour(o->model, path, name, o->flags, &file, o->err);
    if (!status && file->many_names)
        status =
            lsq_fail(o->err, LSQ_E_UNSUPPORTED, file->path,
                     "tensor \"%s\": is a file of several names (hard links), expected one that is this model's alone: "
                     "copy it if it is part of the model",
                     t->name);
    if (!status)
        status = compare(file, t, offset, o->err);
    if (status)
        return status;
    if (!p.length.number && file->size - offset != t->bytes)
        return lsq_fail(o->err, LSQ_E_MALFORMED, file->path,
                        "tensor \"%s\": %llu bytes from offset %llu on, where shape and type ask for %llu", t->name,
                        (unsigned long long)(file->size - offset), (unsigned long long)offset,
                        (unsigned long long)t->bytes);
    *data = file->bytes + offset;
    return LSQ_OK;
}
