/*
 * writer.c - writes .lsq version 2 in one pass: payloads as they come, the header behind them, the preamble last.
 */
#include "model/dtype.h"
#include "model/json.h"
#include "model/limits.h"
#include "model/lsq2.h"
#include "model/mapping.h"
#include "model/model.h"
#include "model/output.h"
#include "model/text.h"
#include "model/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static lsq_status no_memory(const lsq_writer *w, lsq_error *err)
{
    return lsq_fail(err, LSQ_E_NOMEM, w->path, "no memory");
}

static lsq_status begin(lsq_writer *w, const char *path, int overwrite, lsq_error *err)
{
    static const uint8_t nothing_yet[LSQ2_PREAMBLE];
    w->tensors = json_object();
    w->metadata = json_object();
    w->path = strdup(path);
    if (!w->tensors || !w->metadata || !w->path)
        return lsq_fail(err, LSQ_E_NOMEM, path, "no memory");
    lsq_status status = lsq_output_new(path, overwrite, &w->output, err);
    return status == LSQ_OK ? lsq_output_write(w->output, nothing_yet, sizeof nothing_yet, err) : status;
}

lsq_status lsq_writer_new(const char *path, int overwrite, lsq_writer **writer, lsq_error *err)
{
    if (!path || !writer)
        return lsq_fail(err, LSQ_E_ARGUMENT, "lsq_writer_new", "no path, or no place for the writer");
    int before = errno;
    lsq_writer *w = calloc(1, sizeof *w);
    lsq_status status = w ? begin(w, path, overwrite, err) : lsq_fail(err, LSQ_E_NOMEM, path, "no memory");
    if (status == LSQ_OK)
        *writer = w;
    else
        lsq_writer_free(w);
    errno = before;
    return status;
}

void lsq_writer_free(lsq_writer *w)
{
    if (!w)
        return;
    int before = errno;
    lsq_strips_free(w->strips);
    lsq_output_free(w->output);
    json_decref(w->tensors);
    json_decref(w->metadata);
    free(w->path);
    free(w);
    errno = before;
}

void lsq_writer_abandon(const lsq_writer *w)
{
    const int before = errno;
    lsq_output_abandon(w->output);
    errno = before;
}

/* ---- Metadata ---------------------------------------------------------------------------------------------------- */

static int is_utf8(const char *text, size_t length)
{
    const uint8_t *p = (const uint8_t *)text;
    for (size_t step; length; p += step, length -= step)
        if ((step = lsq_utf8_step(p, length)) == 0)
            return 0;
    return 1;
}

lsq_status lsq_writer_metadata(lsq_writer *w, const char *key, const char *value, lsq_error *err)
{
    if (!w || !key || !value || !is_utf8(key, strlen(key)) || !is_utf8(value, strlen(value)))
        return lsq_fail(err, LSQ_E_ARGUMENT, "lsq_writer_metadata", "key and value must be UTF-8");
    int before = errno;
    const char *old = json_string_value(json_object_get(w->metadata, key));
    uint64_t bytes = w->metadata_bytes + strlen(value) + (old ? 0 : strlen(key)) - (old ? strlen(old) : 0);
    lsq_status status = LSQ_OK;
    if (bytes > LSQ_METADATA_MAX)
        status = lsq_fail(err, LSQ_E_LIMIT, w->path, "more than %llu bytes of metadata",
                          (unsigned long long)LSQ_METADATA_MAX);
    else if (json_object_set_new(w->metadata, key, json_string(value)) != 0)
        status = no_memory(w, err);
    else
        w->metadata_bytes = bytes;
    errno = before;
    return status;
}

/* ---- Tensors ----------------------------------------------------------------------------------------------------- */

/* Adds a pair; `value` is consumed. A NULL, what Jansson gives when memory runs out, fails. */
static int set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

static int append(json_t *array, uint64_t number)
{
    return json_array_append_new(array, json_integer((json_int_t)number)) == 0;
}

/* Where they are, and their hash, as an object or in one. NULL, with `object` freed, if memory runs out or there is none. */
static json_t *locate(json_t *object, const lsq_payload *p)
{
    static const char digits[] = "0123456789abcdef";
    char hex[33] = {0};
    for (size_t i = 0; i < 32; i++)
        hex[i] = digits[p->hash[i / 2] >> (i % 2 ? 0 : 4) & 15];
    json_t *place = json_array();
    const int ok = object && place && append(place, p->begin) && append(place, p->end) &&
                   set(object, "xxh3_128", json_string(hex)) && json_object_set(object, "data_offsets", place) == 0;
    json_decref(place);
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

/* What the header says of a tensor; `outliers` may be NULL. NULL if memory runs out. */
static json_t *describe(const lsq_tensor *t, const lsq_payload *data, const lsq_payload *outliers)
{
    char codec[LSQ_FORMAT_NAME_MAX];
    json_t *object = locate(json_object(), data), *shape = json_array();
    int ok = object && shape;
    for (unsigned i = 0; i < t->rank; i++)
        ok = ok && append(shape, t->shape[i]);
    ok = ok && set(object, "dtype", json_string(lsq_dtype_name(t->dtype))) &&
         json_object_set(object, "shape", shape) == 0;
    if (t->quantised)
        ok = ok && lsq_format_name(&t->format, codec) == LSQ_OK && set(object, "codec", json_string(codec)) &&
             set(object, "output_axis", json_integer((json_int_t)t->output_axis));
    if (outliers)
        ok = ok && set(object, "outliers", locate(json_object(), outliers));
    json_decref(shape);
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

/* Name and size of a tensor; `t` is complete afterwards. */
lsq_status lsq_writer_check(const lsq_writer *w, lsq_tensor *t, lsq_error *err)
{
    const char *fault = t->name ? lsq_name_fault(t->name, strlen(t->name)) : "is missing";
    if (w->failed)
        return lsq_fail(err, LSQ_E_IO, w->path, "an earlier write failed");
    if (w->strips)
        return lsq_fail(err, LSQ_E_ARGUMENT, w->path, "there are rows to come, and an end, before another tensor");
    if (fault)
        return lsq_fail(err, LSQ_E_ARGUMENT, w->path, "the name \"%.100s\" %s", t->name ? t->name : "", fault);
    if (json_object_get(w->tensors, t->name))
        return lsq_fail(err, LSQ_E_ARGUMENT, w->path, "two tensors would be called \"%s\"", t->name);
    if (w->count >= LSQ_TENSORS_MAX)
        return lsq_fail(err, LSQ_E_LIMIT, w->path, "more than 2^22 tensors");
    return lsq_tensor_complete(t, LSQ_E_ARGUMENT, w->path, err);
}

/* A payload begins: where, and what its checksum will be made with. */
static lsq_status begin_payload(lsq_writer *w, lsq_payload *p, XXH3_state_t **hash, lsq_error *err)
{
    *hash = XXH3_createState();
    if (!*hash)
        return no_memory(w, err);
    XXH3_128bits_reset(*hash);
    lsq_status status = lsq_output_align(w->output, LSQ2_ALIGNMENT, err);
    p->begin = lsq_output_size(w->output);
    return status;
}

static lsq_status append_piece(lsq_writer *w, XXH3_state_t *hash, const void *piece, size_t bytes, lsq_error *err)
{
    XXH3_128bits_update(hash, piece, bytes);
    return lsq_output_write(w->output, piece, bytes, err);
}

static lsq_status end_payload(lsq_writer *w, lsq_payload *p, XXH3_state_t *hash, lsq_status status)
{
    p->end = lsq_output_size(w->output);
    lsq_hash_end(hash, p->hash);
    w->failed |= status != LSQ_OK;
    return status;
}

lsq_status lsq_writer_payload(lsq_writer *w, const lsq_model *model, const void *data, uint64_t bytes, lsq_payload *p,
                              lsq_error *err)
{
    enum { PIECE = 4 << 20 };
    XXH3_state_t *hash;
    lsq_status status = begin_payload(w, p, &hash, err);
    if (!hash)
        return status;
    for (uint64_t at = 0, piece; status == LSQ_OK && at < bytes; at += piece) {
        const uint8_t *from = (const uint8_t *)data + at;
        piece = bytes - at < PIECE ? bytes - at : PIECE;
        status = append_piece(w, hash, from, piece, err);
        if (model)
            lsq_mapping_release(model, from, piece);
    }
    return end_payload(w, p, hash, status);
}

/* The numbers of a tensor that the file has in blocks. As above: LSQ_E_NOMEM before anything is written. */
static lsq_status decoded_payload(lsq_writer *w, const lsq_model *model, size_t i, lsq_payload *p, lsq_error *err)
{
    enum { PIECE = 1 << 18 };
    const lsq_entry *entry = &model->entries[i];
    const uint64_t elements = entry->tensor.elements;
    XXH3_state_t *hash = NULL;
    float *numbers = malloc(PIECE * sizeof *numbers);
    lsq_status status = numbers ? begin_payload(w, p, &hash, err) : no_memory(w, err);
    for (uint64_t at = 0, piece; status == LSQ_OK && at < elements; at += piece) {
        piece = elements - at < PIECE ? elements - at : PIECE;
        lsq_entry_read(model, entry, at, piece, numbers);
        status = append_piece(w, hash, numbers, piece * sizeof *numbers, err);
    }
    free(numbers);
    return hash ? end_payload(w, p, hash, status) : status;
}

lsq_status lsq_writer_name(lsq_writer *w, const lsq_tensor *t, const lsq_payload *data, const lsq_payload *outliers,
                           lsq_error *err)
{
    if (!set(w->tensors, t->name, describe(t, data, outliers))) {
        w->failed = 1; /* the payload has no name */
        return no_memory(w, err);
    }
    w->features |= outliers ? LSQ2_OUTLIERS : 0;
    w->count++;
    w->last = *t;
    w->last.name = json_object_iter_key(json_object_iter_at(w->tensors, t->name));
    w->last.outlier_bytes = outliers ? outliers->end - outliers->begin : 0;
    return LSQ_OK;
}

const lsq_tensor *lsq_writer_last(const lsq_writer *w)
{
    return w->count ? &w->last : NULL;
}

void lsq_writer_limit(lsq_writer *w, uint64_t bytes)
{
    lsq_output_limit(w->output, bytes);
}

uint64_t lsq_writer_bytes(const lsq_writer *w)
{
    return lsq_output_size(w->output);
}

lsq_status lsq_writer_plain(lsq_writer *w, const lsq_tensor *like, const void *data, lsq_error *err)
{
    if (!w || !like)
        return lsq_fail(err, LSQ_E_ARGUMENT, "lsq_writer_plain", "no writer, or no tensor");
    int before = errno;
    lsq_tensor t = *like;
    lsq_payload payload = {0};
    t.quantised = 0;
    lsq_status status = lsq_writer_check(w, &t, err);
    if (status == LSQ_OK && t.bytes && !data)
        status = lsq_fail(err, LSQ_E_ARGUMENT, w->path, "no numbers for tensor \"%s\"", t.name);
    if (status == LSQ_OK)
        status = lsq_writer_payload(w, NULL, data, t.bytes, &payload, err);
    if (status == LSQ_OK)
        status = lsq_writer_name(w, &t, &payload, NULL, err);
    errno = before;
    return status;
}

lsq_status lsq_writer_copy(lsq_writer *w, const lsq_model *model, size_t i, lsq_error *err)
{
    if (!w || !model)
        return lsq_fail(err, LSQ_E_ARGUMENT, "lsq_writer_copy", "no writer, or no model");
    lsq_status status = lsq_model_check(model, i, "lsq_writer_copy", err);
    if (status != LSQ_OK)
        return status;
    int before = errno;
    lsq_tensor t = *lsq_model_tensor(model, i);
    const lsq_weights *weights = NULL;
    lsq_payload dense = {0}, sparse = {0};
    status = lsq_writer_check(w, &t, err);
    if (status == LSQ_OK)
        status = lsq_model_blocks(model, i, NULL)
                     ? decoded_payload(w, model, i, &dense, err)
                     : lsq_writer_payload(w, model, lsq_model_bytes(model, i), t.bytes, &dense, err);
    if (status == LSQ_OK && t.outliers) {
        status = lsq_model_weights(model, i, &weights, err);
        if (status == LSQ_OK)
            status =
                lsq_writer_payload(w, model, lsq_weights_outliers(weights, NULL, NULL), t.outlier_bytes, &sparse, err);
        w->failed |= status != LSQ_OK; /* the other payload has no name */
    }
    if (status == LSQ_OK)
        status = lsq_writer_name(w, &t, &dense, t.outliers ? &sparse : NULL, err);
    errno = before;
    return status;
}

/* ---- The header -------------------------------------------------------------------------------------------------- */

/* The header as text: compact, keys sorted, so that the same calls give the same bytes. NULL if memory runs out. */
static char *header_text(lsq_writer *w, size_t *size)
{
    json_t *root = json_object();
    char *text = NULL;
    if (root && set(root, "chain_panels", json_integer(LSQ2_CHAIN_PANELS)) &&
        json_object_set(root, "tensors", w->tensors) == 0 &&
        (json_object_size(w->metadata) == 0 || json_object_set(root, "metadata", w->metadata) == 0)) {
        *size = json_dumpb(root, NULL, 0, JSON_COMPACT | JSON_SORT_KEYS);
        text = *size ? malloc(*size) : NULL;
        if (text && json_dumpb(root, text, *size, JSON_COMPACT | JSON_SORT_KEYS) != *size) {
            free(text);
            text = NULL;
        }
    }
    json_decref(root);
    return text;
}

static lsq_status finish(lsq_writer *w, const char *header, size_t size, lsq_error *err)
{
    if (size > LSQ_HEADER_MAX)
        return lsq_fail(err, LSQ_E_LIMIT, w->path, "a header of %zu bytes, more than 64 MiB", size);
    lsq_status status = lsq_output_align(w->output, LSQ2_ALIGNMENT, err);
    lsq_preamble preamble = {.version = LSQ2_VERSION,
                             .features = w->features,
                             .header_offset = lsq_output_size(w->output),
                             .header_bytes = size};
    preamble.file_bytes = preamble.header_offset + size;
    lsq_hash(header, size, preamble.header_hash);
    uint8_t bytes[LSQ2_PREAMBLE];
    lsq_preamble_encode(&preamble, bytes);
    if (status == LSQ_OK)
        status = lsq_output_write(w->output, header, size, err);
    if (status == LSQ_OK)
        status = lsq_output_patch(w->output, 0, bytes, sizeof bytes, err);
    return status == LSQ_OK ? lsq_output_finish(w->output, err) : status;
}

lsq_status lsq_writer_finish(lsq_writer *w, lsq_error *err)
{
    if (!w)
        return lsq_fail(err, LSQ_E_ARGUMENT, "lsq_writer_finish", "no writer");
    if (w->failed)
        return lsq_fail(err, LSQ_E_IO, w->path, "cannot be completed: an earlier call failed, or finished it");
    if (w->strips)
        return lsq_fail(err, LSQ_E_ARGUMENT, w->path, "there are rows to come, and an end, before the file is whole");
    int before = errno;
    size_t size = 0;
    char *header = header_text(w, &size);
    lsq_status status = header ? finish(w, header, size, err) : no_memory(w, err);
    w->failed = 1; /* once is enough, whatever came of it */
    free(header);
    errno = before;
    return status;
}
