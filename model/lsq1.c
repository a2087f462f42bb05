/*
 * lsq1.c - reads .lsq version 1.
 *
 * Matrices of up to 9 bits are packed anew, so that products can use them; everything else is decoded to float32. All
 * keep a pointer to their codes in the file, so that they can be written again as they are.
 */
#include "model/limits.h"
#include "model/lsq1.h"
#include "model/model.h"
#include "model/sizes.h"
#include "model/text.h"

#include <stdlib.h>
#include <string.h>

/* What is left of the file. A part is taken only if all of it is there. */
typedef struct cursor {
    const lsq_mapping *file;
    size_t at;
} cursor;

static const uint8_t *take(cursor *c, size_t bytes)
{
    if (bytes > c->file->size - c->at)
        return NULL;
    c->at += bytes;
    return c->file->bytes + c->at - bytes;
}

static int take_number(cursor *c, size_t bytes, uint64_t *number)
{
    const uint8_t *p = take(c, bytes);
    *number = 0;
    for (size_t i = 0; p && i < bytes; i++)
        *number |= (uint64_t)p[i] << (8 * i);
    return p != NULL;
}

static lsq_status truncated(const cursor *c, const char *what, lsq_error *err)
{
    return lsq_fail(err, LSQ_E_TRUNCATED, c->file->path, "byte %zu: ends within %s", c->at, what);
}

int lsq_is_lsq1(const lsq_mapping *file)
{
    return file->size > 0 && memcmp(file->bytes, "LSQ", file->size < 3 ? file->size : 3) == 0;
}

int lsq_v1_code_bytes(unsigned bits, uint64_t elements, uint64_t *bytes)
{
    uint64_t product = 0;
    if (!lsq_size_multiply(elements, bits, &product) || product > 8 * (uint64_t)UINT32_MAX)
        return 0;
    *bytes = (product + 7) / 8;
    return 1;
}

/* ---- One tensor -------------------------------------------------------------------------------------------------- */

static lsq_status read_name(cursor *c, char name[LSQ_NAME_MAX + 1], lsq_error *err)
{
    uint64_t length = 0;
    size_t begin = c->at;
    const uint8_t *bytes = take_number(c, 2, &length) ? take(c, length) : NULL;
    if (!bytes)
        return truncated(c, "a name", err);
    const char *fault = lsq_name_fault((const char *)bytes, length);
    if (fault)
        return lsq_fail(err, length > LSQ_NAME_MAX ? LSQ_E_LIMIT : LSQ_E_MALFORMED, c->file->path,
                        "byte %zu: a tensor's name %s", begin, fault);
    memcpy(name, bytes, length);
    name[length] = '\0';
    return LSQ_OK;
}

/* Rank and dimensions; version 1 has no tensors without elements. */
static lsq_status read_shape(cursor *c, lsq_tensor *t, lsq_error *err)
{
    uint64_t rank = 0;
    if (!take_number(c, 1, &rank))
        return truncated(c, "a shape", err);
    if (rank > LSQ_RANK_MAX)
        return lsq_fail(err, LSQ_E_LIMIT, c->file->path, "byte %zu: rank %u, more than %d", c->at - 1, (unsigned)rank,
                        LSQ_RANK_MAX);
    t->rank = (unsigned)rank;
    for (unsigned i = 0; i < t->rank; i++) {
        if (!take_number(c, 4, &t->shape[i]))
            return truncated(c, "a shape", err);
        if (t->shape[i] == 0)
            return lsq_fail(err, LSQ_E_MALFORMED, c->file->path, "byte %zu: dimension %u is 0", c->at - 4, i);
    }
    return lsq_tensor_complete(t, LSQ_E_MALFORMED, c->file->path, err);
}

/* The codes and the count of padding bits behind them, which must be those that the count of elements leaves. */
static lsq_status read_bits(cursor *c, const lsq_tensor *t, unsigned bits, const uint8_t **string, lsq_error *err)
{
    uint64_t stated = 0, expected = 0, padding = 0;
    if (!take_number(c, 4, &stated))
        return truncated(c, "a byte count", err);
    if (!lsq_v1_code_bytes(bits, t->elements, &expected))
        return lsq_fail(err, LSQ_E_LIMIT, c->file->path, "byte %zu: tensor \"%s\" is too large for version 1",
                        c->at - 4, t->name);
    if (stated != expected)
        return lsq_fail(err, LSQ_E_MALFORMED, c->file->path, "byte %zu: tensor \"%s\" has %llu bytes, expected %llu",
                        c->at - 4, t->name, (unsigned long long)stated, (unsigned long long)expected);
    *string = take(c, stated);
    if (!*string || !take_number(c, 1, &padding))
        return truncated(c, "the codes", err);
    unsigned unused = (unsigned)(8 * stated - t->elements * bits);
    if (padding != unused)
        return lsq_fail(err, LSQ_E_MALFORMED, c->file->path, "byte %zu: %u padding bits, expected %u", c->at - 1,
                        (unsigned)padding, unused);
    if (stated && (*string)[stated - 1] & ((1u << unused) - 1))
        return lsq_fail(err, LSQ_E_MALFORMED, c->file->path, "byte %zu: padding bits are not zero", c->at - 2);
    return LSQ_OK;
}

/* ---- What becomes of its codes ----------------------------------------------------------------------------------- */

static lsq_status pack(lsq_entry *entry, const uint32_t *codes)
{
    lsq_tensor *t = &entry->tensor;
    lsq_status status =
        lsq_weights_from_codes(entry->width, t->rows, t->columns, codes, t->columns, &entry->weights, NULL);
    if (status == LSQ_OK)
        entry->data = lsq_weights_packed(entry->weights);
    return status;
}

static lsq_status decode(lsq_entry *entry, const uint32_t *codes)
{
    float *numbers = malloc(entry->tensor.bytes);
    if (!numbers)
        return LSQ_E_NOMEM;
    lsq_status status = lsq_classic_decode(entry->width, entry->tensor.elements, codes, 0, numbers);
    uint8_t *bytes = (uint8_t *)numbers;
    for (uint64_t i = 0; i < entry->tensor.elements; i++) { /* little-endian, as all plain numbers of a model are */
        uint32_t bits;
        memcpy(&bits, numbers + i, sizeof bits);
        for (size_t b = 0; b < 4; b++)
            bytes[4 * i + b] = (uint8_t)(bits >> (8 * b));
    }
    entry->owned = bytes;
    entry->data = bytes;
    return status;
}

static lsq_status add(lsq_model *model, const char *path, lsq_tensor *t, unsigned bits, const uint8_t *string,
                      lsq_error *err)
{
    t->quantised = t->rank >= 2 && bits <= 9;
    t->format = (lsq_format){.codec = LSQ_CLASSIC, .bits = (uint8_t)bits, .scale = LSQ_SCALE_NONE, .curve = 7};
    lsq_status status = lsq_tensor_complete(t, LSQ_E_MALFORMED, path, err);
    lsq_entry *entry = NULL;
    if (status == LSQ_OK)
        status = lsq_model_add(model, path, t, NULL, NULL, &entry, err);
    if (status != LSQ_OK)
        return status;
    entry->bits = string;
    entry->width = bits;
    uint32_t *codes = malloc(t->elements * sizeof *codes);
    status = codes ? lsq_bit_string_unpack(bits, t->elements, string, codes) : LSQ_E_NOMEM;
    if (status == LSQ_OK)
        status = t->quantised ? pack(entry, codes) : decode(entry, codes);
    free(codes);
    return status == LSQ_OK ? LSQ_OK : lsq_fail(err, status, path, "tensor \"%s\": %s", t->name, lsq_strerror(status));
}

static lsq_status read_tensor(lsq_model *model, cursor *c, unsigned bits, lsq_error *err)
{
    char name[LSQ_NAME_MAX + 1];
    const uint8_t *string = NULL;
    lsq_tensor t = {.name = name, .dtype = LSQ_F32};
    lsq_status status = read_name(c, name, err);
    if (status == LSQ_OK)
        status = read_shape(c, &t, err);
    if (status == LSQ_OK)
        status = read_bits(c, &t, bits, &string, err);
    return status == LSQ_OK ? add(model, c->file->path, &t, bits, string, err) : status;
}

/* ---- The file ---------------------------------------------------------------------------------------------------- */

static lsq_status read_head(cursor *c, unsigned *bits, uint64_t *count, lsq_error *err)
{
    uint64_t version = 0, width = 0;
    if (!take(c, 3) || !take_number(c, 1, &version))
        return truncated(c, "the header", err);
    if (version != LSQ1_VERSION)
        return lsq_fail(err, LSQ_E_UNSUPPORTED, c->file->path, "byte 3: version %u of \"LSQ\", not 1",
                        (unsigned)version);
    if (!take_number(c, 1, &width) || !take_number(c, 4, count))
        return truncated(c, "the header", err);
    *bits = (unsigned)width + 1;
    if (width == 0)
        return lsq_fail(err, LSQ_E_MALFORMED, c->file->path, "byte 4: B = 0, which divides by zero");
    if (*bits < LSQ1_BITS_MIN || *bits > LSQ1_BITS_MAX)
        return lsq_fail(err, LSQ_E_UNSUPPORTED, c->file->path, "byte 4: B = %u, expected 2 to 15", (unsigned)width);
    return LSQ_OK;
}

lsq_status lsq_read_lsq1(lsq_model *model, const lsq_mapping *mapping, unsigned flags, lsq_error *err)
{
    (void)flags;
    cursor c = {.file = mapping};
    unsigned bits = 0;
    uint64_t count = 0, read = 0;
    lsq_status status = read_head(&c, &bits, &count, err);
    for (; status == LSQ_OK && read < count && c.at < mapping->size; read++)
        status = read_tensor(model, &c, bits, err);
    if (status != LSQ_OK)
        return status;
    if (c.at < mapping->size)
        return lsq_fail(err, LSQ_E_MALFORMED, mapping->path, "byte %zu: goes on after the last of %llu tensors", c.at,
                        (unsigned long long)count);
    /* The published writer counts tensors that it then leaves out, so such files are common. */
    if (read < count && lsq_model_warn(model, "counts %llu tensors and has %llu", (unsigned long long)count,
                                       (unsigned long long)read) != LSQ_OK)
        return lsq_fail(err, LSQ_E_NOMEM, mapping->path, "no memory");
    return LSQ_OK;
}
