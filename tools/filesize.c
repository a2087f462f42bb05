/*
 * filesize.c - how large a .lsq file of version 2 will be.
 *
 * The payloads are simple; the header is JSON that names each tensor, its place and its codec, and is measured by making one.
 */
#include "tools/filesize.h"

#include <jansson.h>
#include <string.h>

enum { ALIGNMENT = 64, PREAMBLE = 64, CHAIN_PANELS = 16, METADATA_MOST = 65536 };

static uint64_t align(uint64_t at)
{
    return (at + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* What the header says of a tensor that begins at `begin`. */
static json_t *entry(const lsq_tensor *t, uint64_t begin)
{
    static const char hash[] = "0123456789abcdef0123456789abcdef";
    char codec[LSQ_FORMAT_NAME_MAX] = "";
    json_t *shape = json_array();
    for (unsigned i = 0; shape && i < t->rank; i++)
        if (json_array_append_new(shape, json_integer((json_int_t)t->shape[i])) != 0) {
            json_decref(shape);
            return NULL;
        }
    if (!t->quantised)
        return json_pack("{s:s, s:o, s:[I, I], s:s}", "dtype", lsq_dtype_name(t->dtype), "shape", shape, "data_offsets",
                         (json_int_t)begin, (json_int_t)(begin + t->bytes), "xxh3_128", hash);
    lsq_format_name(&t->format, codec);
    json_t *quantised = json_pack("{s:s, s:o, s:[I, I], s:s, s:s, s:i}", "dtype", lsq_dtype_name(t->dtype), "shape",
                                  shape, "data_offsets", (json_int_t)begin, (json_int_t)(begin + t->bytes), "xxh3_128",
                                  hash, "codec", codec, "output_axis", (int)t->output_axis);
    uint64_t beside = align(begin + t->bytes);
    if (t->outlier_bytes &&
        json_object_set_new(quantised, "outliers",
                            json_pack("{s:[I, I], s:s}", "data_offsets", (json_int_t)beside,
                                      (json_int_t)(beside + t->outlier_bytes), "xxh3_128", hash)) != 0) {
        json_decref(quantised);
        return NULL;
    }
    return quantised;
}

/* The pairs that a file takes before its limit, as lsq_writer_metadata() does. */
static json_t *metadata(const lsq_model *model)
{
    const char *key, *value;
    size_t bytes = 0;
    json_t *object = json_object();
    for (size_t i = 0; object && lsq_model_metadata(model, i, &key, &value); i++) {
        size_t pair = strlen(key) + strlen(value);
        if (bytes + pair > METADATA_MOST)
            continue;
        bytes += pair;
        if (json_object_set_new(object, key, json_string(value)) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

uint64_t file_size(const lsq_model *model, size_t count, lsq_tensor (*tensor_at)(const void *arg, size_t i),
                   const void *arg)
{
    uint64_t at = PREAMBLE;
    json_t *tensors = json_object(), *pairs = metadata(model);
    int lost = !tensors || !pairs;
    for (size_t i = 0; !lost && i < count; i++) {
        lsq_tensor t = tensor_at(arg, i);
        at = align(at);
        lost = json_object_set_new(tensors, t.name, entry(&t, at)) != 0;
        at += t.bytes;
        if (t.outlier_bytes)
            at = align(at) + t.outlier_bytes;
    }
    json_t *header =
        lost ? NULL
        : json_object_size(pairs) == 0
            ? json_pack("{s:i, s:O}", "chain_panels", CHAIN_PANELS, "tensors", tensors)
            : json_pack("{s:i, s:O, s:O}", "chain_panels", CHAIN_PANELS, "tensors", tensors, "metadata", pairs);
    size_t bytes = header ? json_dumpb(header, NULL, 0, JSON_COMPACT) : 0;
    json_decref(header);
    json_decref(tensors);
    json_decref(pairs);
    return bytes ? align(at) + bytes : 0;
}
