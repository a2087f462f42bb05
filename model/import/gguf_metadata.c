/*
 * gguf_metadata.c - what stands before the tensors of a GGUF file: numbers, strings, and the pairs made of them.
 */
#include "model/dtype.h"
#include "model/import/gguf.h"
#include "model/sizes.h"
#include "model/text.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT_MAX   (1u << 20)
#define SCALAR_TEXT_MAX 64

enum { U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64, TYPES };

static const struct {
    const char *many; /* in "[3 strings]" */
    unsigned bytes;   /* 0: it depends */
} types[TYPES] = {
    [U8] = {"uint8 numbers", 1},    [I8] = {"int8 numbers", 1},    [U16] = {"uint16 numbers", 2},
    [I16] = {"int16 numbers", 2},   [U32] = {"uint32 numbers", 4}, [I32] = {"int32 numbers", 4},
    [F32] = {"float32 numbers", 4}, [BOOL] = {"booleans", 1},      [STRING] = {"strings", 0},
    [ARRAY] = {"arrays", 0},        [U64] = {"uint64 numbers", 8}, [I64] = {"int64 numbers", 8},
    [F64] = {"float64 numbers", 8},
};

typedef struct {
    const uint8_t *bytes;
    uint64_t size;
} string;

static lsq_status malformed(const lsq_gguf *c, uint64_t at, const char *what)
{
    return lsq_fail(c->err, LSQ_E_MALFORMED, c->path, "offset %llu: %s", (unsigned long long)at, what);
}

/* ---- Numbers and strings ----------------------------------------------------------------------------------------- */

lsq_status lsq_gguf_take(lsq_gguf *c, uint64_t count, uint64_t each, const char *what, const uint8_t **bytes)
{
    uint64_t size;
    if (!lsq_size_multiply(count, each, &size) || size > c->file->size - c->at)
        return lsq_fail(c->err, LSQ_E_TRUNCATED, c->path,
                        "offset %zu: the file ends, expected %s at offset %llu: %llu times %llu bytes", c->file->size,
                        what, (unsigned long long)c->at, (unsigned long long)count, (unsigned long long)each);
    *bytes = c->file->bytes + c->at;
    c->at += size;
    return LSQ_OK;
}

lsq_status lsq_gguf_number(lsq_gguf *c, unsigned bytes, const char *what, uint64_t *number)
{
    const uint8_t *p = NULL;
    const lsq_status status = lsq_gguf_take(c, 1, bytes, what, &p);
    if (status == LSQ_OK)
        *number = lsq_little_endian(p, bytes);
    return status;
}

static lsq_status take_string(lsq_gguf *c, const char *what, string *s)
{
    const lsq_status status = lsq_gguf_number(c, 8, what, &s->size);
    return status == LSQ_OK ? lsq_gguf_take(c, s->size, 1, what, &s->bytes) : status;
}

lsq_status lsq_gguf_name(lsq_gguf *c, const char *what, char name[LSQ_NAME_MAX + 1])
{
    const uint64_t begin = c->at;
    string s = {0};
    const lsq_status status = take_string(c, what, &s);
    if (status != LSQ_OK)
        return status;
    const char *fault = lsq_name_fault((const char *)s.bytes, (size_t)s.size);
    if (fault)
        return lsq_fail(c->err, s.size > LSQ_NAME_MAX ? LSQ_E_LIMIT : LSQ_E_MALFORMED, c->path, "offset %llu: %s %s",
                        (unsigned long long)begin, what, fault);
    memcpy(name, s.bytes, (size_t)s.size);
    name[s.size] = 0;
    return LSQ_OK;
}

/* ---- Metadata ---------------------------------------------------------------------------------------------------- */

/* jansson writes numbers with a point whatever the locale has in its place, but knows neither NaN nor infinities. */
static lsq_status text_of_float(const lsq_gguf *c, double value, size_t digits, char text[SCALAR_TEXT_MAX])
{
    if (!isfinite(value)) {
        snprintf(text, SCALAR_TEXT_MAX, "%s", isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
        return LSQ_OK;
    }
    json_t *number = json_real(value);
    const size_t length =
        number ? json_dumpb(number, text, SCALAR_TEXT_MAX - 1, JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits)) : 0;
    json_decref(number);
    if (length == 0 || length >= SCALAR_TEXT_MAX)
        return lsq_fail(c->err, LSQ_E_NOMEM, c->path, "no memory for metadata");
    text[length] = 0;
    return LSQ_OK;
}

/* Which of the pairs that are about the file is it? LSQ_GGUF_APART: none, and so one about the model. */
static int apart_of(const char *key)
{
    static const char *const keys[LSQ_GGUF_APART] = {"split.no", "split.count", "split.tensors.count",
                                                     "general.file_type"};
    int i = 0;
    while (i < LSQ_GGUF_APART && strcmp(key, keys[i]) != 0)
        i++;
    return i;
}

/* Notes where such a pair is. */
static lsq_status set_apart(lsq_gguf *c, const char *key, uint64_t begin)
{
    const int i = apart_of(key);
    if (i == LSQ_GGUF_APART)
        return LSQ_OK;
    if (c->apart_seen >> i & 1)
        return lsq_fail(c->err, LSQ_E_MALFORMED, c->path, "the key \"%s\" is there twice", key);
    c->apart_seen |= 1u << i;
    c->pairs.apart[c->pairs.apart_count][0] = begin;
    c->pairs.apart[c->pairs.apart_count++][1] = c->at;
    return LSQ_OK;
}

static lsq_status take_scalar(lsq_gguf *c, uint64_t type, const char *key, char text[SCALAR_TEXT_MAX])
{
    const uint64_t begin = c->at;
    const unsigned bytes = types[type].bytes;
    uint64_t value = 0;
    const lsq_status status = lsq_gguf_number(c, bytes, "a value", &value);
    if (status != LSQ_OK)
        return status;
    const int apart = apart_of(key);
    if (apart < LSQ_GGUF_FILE_TYPE)
        c->split[apart] = value;
    float single;
    double number;
    switch (type) {
    case F32:
        lsq_dtype_to_float(LSQ_F32, c->file->bytes + begin, 1, &single);
        return text_of_float(c, (double)single, 9, text);
    case F64:
        memcpy(&number, &value, sizeof number);
        return text_of_float(c, number, 17, text);
    case BOOL:
        if (value > 1)
            return malformed(c, begin, "a boolean that is neither 0 nor 1");
        snprintf(text, SCALAR_TEXT_MAX, "%s", value ? "true" : "false");
        return LSQ_OK;
    case I8:
    case I16:
    case I32:
    case I64: /* the sign, 1 bit of 8 `bytes`, fills what is above it */
        value = (value ^ (uint64_t)1 << (8 * bytes - 1)) - ((uint64_t)1 << (8 * bytes - 1));
        snprintf(text, SCALAR_TEXT_MAX, "%lld", (long long)value);
        return LSQ_OK;
    default:
        break;
    }
    snprintf(text, SCALAR_TEXT_MAX, "%llu", (unsigned long long)value);
    return LSQ_OK;
}

/* The elements are passed over: what is kept is how many there were. */
static lsq_status take_array(lsq_gguf *c, char text[SCALAR_TEXT_MAX])
{
    const uint64_t begin = c->at;
    uint64_t type = 0, count = 0;
    const uint8_t *passed = NULL;
    string s = {0};
    lsq_status status = lsq_gguf_number(c, 4, "the type of an array", &type);
    if (status == LSQ_OK)
        status = lsq_gguf_number(c, 8, "the length of an array", &count);
    if (status != LSQ_OK)
        return status;
    if (type == ARRAY)
        return lsq_fail(c->err, LSQ_E_UNSUPPORTED, c->path, "offset %llu: an array of arrays",
                        (unsigned long long)begin);
    if (type >= TYPES)
        return malformed(c, begin, "no such type of elements");
    if (type != STRING) {
        status = lsq_gguf_take(c, count, types[type].bytes, "the elements of an array", &passed);
    } else {
        for (uint64_t i = 0; i < count && status == LSQ_OK; i++)
            status = take_string(c, "a string of an array", &s);
    }
    snprintf(text, SCALAR_TEXT_MAX, "[%llu %s]", (unsigned long long)count, types[type].many);
    return status;
}

/* Bounded, so that who keeps or prints metadata need not. */
static lsq_status keep(lsq_gguf *c, const char *key, const char *value, size_t length)
{
    if (apart_of(key) < LSQ_GGUF_FILE_TYPE)
        return LSQ_OK;
    c->kept += strlen(key) + length;
    if (c->kept > LSQ_HEADER_MAX)
        return lsq_fail(c->err, LSQ_E_LIMIT, c->path, "more than %llu bytes of metadata, without its arrays",
                        (unsigned long long)LSQ_HEADER_MAX);
    return lsq_model_add_metadata(c->metadata, key, value, c->err);
}

static lsq_status keep_string(lsq_gguf *c, const char *key)
{
    const uint64_t begin = c->at;
    string s = {0};
    lsq_status status = take_string(c, "a string", &s);
    if (status != LSQ_OK)
        return status;
    for (uint64_t i = 0, step; i < s.size; i += step) {
        step = lsq_utf8_step(s.bytes + i, (size_t)(s.size - i));
        if (step == 0 || s.bytes[i] == 0)
            return malformed(c, begin, step ? "a string with a NUL in it" : "a string that is not UTF-8");
    }
    char *text = lsq_copy_text(s.bytes, (size_t)s.size);
    if (!text)
        return lsq_fail(c->err, LSQ_E_NOMEM, c->path, "no memory for metadata");
    status = keep(c, key, text, (size_t)s.size);
    free(text);
    return status;
}

static lsq_status set_alignment(lsq_gguf *c, uint64_t begin, uint64_t type)
{
    if (type != U32)
        return malformed(c, begin, "general.alignment is no uint32");
    c->pairs.alignment = lsq_little_endian(c->file->bytes + c->at - 4, 4);
    if (c->pairs.alignment == 0 || (c->pairs.alignment & (c->pairs.alignment - 1)) != 0)
        return malformed(c, begin, "general.alignment is no power of two");
    if (c->pairs.alignment > ALIGNMENT_MAX)
        return lsq_fail(c->err, LSQ_E_LIMIT, c->path, "offset %llu: general.alignment is %llu, expected at most %u",
                        (unsigned long long)begin, (unsigned long long)c->pairs.alignment, ALIGNMENT_MAX);
    return LSQ_OK;
}

static lsq_status read_pair(lsq_gguf *c)
{
    char key[LSQ_NAME_MAX + 1], text[SCALAR_TEXT_MAX];
    const uint64_t begin = c->at;
    uint64_t type = 0;
    lsq_status status = lsq_gguf_name(c, "a key", key);
    if (status == LSQ_OK)
        status = lsq_gguf_number(c, 4, "the type of a value", &type);
    if (status != LSQ_OK)
        return status;
    if (type >= TYPES)
        return malformed(c, c->at - 4, "no such type of values");
    if (type == STRING)
        status = keep_string(c, key);
    else if (type == ARRAY)
        status = take_array(c, text);
    else
        status = take_scalar(c, type, key, text);
    if (status == LSQ_OK && strcmp(key, "general.alignment") == 0)
        status = set_alignment(c, begin, type);
    if (status == LSQ_OK)
        status = set_apart(c, key, begin);
    return status != LSQ_OK || type == STRING ? status : keep(c, key, text, strlen(text));
}

lsq_status lsq_gguf_metadata(lsq_gguf *c, uint64_t pairs)
{
    lsq_status status = LSQ_OK;
    for (uint64_t i = 0; i < pairs && status == LSQ_OK; i++)
        status = read_pair(c);
    if (status != LSQ_OK)
        return status;
    const lsq_model *kept = c->metadata;
    lsq_model_sort_metadata(c->metadata);
    for (size_t i = 1; i < kept->metadata_count; i++)
        if (strcmp(kept->metadata[2 * i - 2], kept->metadata[2 * i]) == 0)
            return lsq_fail(c->err, LSQ_E_MALFORMED, c->path, "the key \"%s\" is there twice", kept->metadata[2 * i]);
    return LSQ_OK;
}
