/*
 * protobuf.c - the wire format of Protocol Buffers, read where it lies.
 *
 *     varint    7 bits a byte, the lowest first; the top bit says that more follow; at most 10 bytes
 *     fixed64   8 bytes, little-endian
 *     bytes     a varint, and so many bytes
 *     fixed32   4 bytes, little-endian
 *
 * The bytes of a model are its weights, gigabytes of them, and stay where the file is mapped. Libraries for this copy
 * them (protobuf-c), or hand them out as a stream that does not say where in the file it is (nanopb); so it is done
 * here.
 */
#include "model/sizes.h"
#include "model/import/protobuf.h"

#include <string.h>

#define NUMBER_MAX (((uint64_t)1 << 29) - 1) /* of a field, by the definition of the format */

/* So many bytes come next, or this is where the message ends too early. */
static lsq_status need(const lsq_message *m, uint64_t bytes, const char *what)
{
    if (bytes <= m->end - m->at)
        return LSQ_OK;
    if (!m->nested)
        return lsq_fail(m->err, LSQ_E_TRUNCATED, m->file->path, "offset %zu: the file ends, expected %llu bytes of %s",
                        m->end, (unsigned long long)bytes, what);
    return lsq_fail(m->err, LSQ_E_MALFORMED, m->file->path,
                    "offset %zu: expected %llu bytes of %s, more than the %zu left of %s", m->at,
                    (unsigned long long)bytes, what, m->end - m->at, m->name);
}

static lsq_status varint(lsq_message *m, const char *what, uint64_t *value)
{
    const size_t start = m->at;
    uint64_t sum = 0;
    for (unsigned shift = 0;; shift += 7) {
        const lsq_status status = need(m, 1, what);
        if (status)
            return status;
        const uint8_t byte = m->file->bytes[m->at++];
        if (shift == 63 && byte > 1)
            return lsq_fail(m->err, LSQ_E_MALFORMED, m->file->path, "offset %zu: %s in %s is a varint beyond 2^64",
                            start, what, m->name);
        sum |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            break;
    }
    *value = sum;
    return LSQ_OK;
}

static lsq_status fixed(lsq_message *m, size_t bytes, uint64_t *value)
{
    const lsq_status status = need(m, bytes, "a number");
    if (status)
        return status;
    *value = lsq_little_endian(m->file->bytes + m->at, bytes);
    m->at += bytes;
    return LSQ_OK;
}

lsq_status lsq_number_next(lsq_message *numbers, unsigned type, uint64_t *value)
{
    if (type == LSQ_VARINT)
        return varint(numbers, "a number", value);
    return fixed(numbers, type == LSQ_FIXED64 ? 8 : 4, value);
}

static lsq_status step_over_bytes(lsq_message *m, lsq_field *f)
{
    uint64_t size;
    lsq_status status = varint(m, "a length", &size);
    if (!status)
        status = need(m, size, "a field");
    if (status)
        return status;
    f->at = m->at;
    f->size = (size_t)size;
    m->at += f->size;
    return LSQ_OK;
}

lsq_status lsq_field_next(lsq_message *m, lsq_field *f)
{
    const size_t start = m->at;
    *f = (lsq_field){.number = 0};
    if (m->at == m->end)
        return LSQ_OK;
    uint64_t tag;
    lsq_status status = varint(m, "a tag", &tag);
    if (status)
        return status;
    if (tag >> 3 == 0 || tag >> 3 > NUMBER_MAX)
        return lsq_fail(m->err, LSQ_E_MALFORMED, m->file->path, "offset %zu: expected a field of %s, found number %llu",
                        start, m->name, (unsigned long long)(tag >> 3));
    f->type = tag & 7;
    f->at = m->at;
    if (f->type == LSQ_BYTES)
        status = step_over_bytes(m, f);
    else if (f->type == LSQ_VARINT || f->type == LSQ_FIXED64 || f->type == LSQ_FIXED32)
        status = lsq_number_next(m, f->type, &f->value);
    else
        return lsq_fail(m->err, LSQ_E_MALFORMED, m->file->path,
                        "offset %zu: field %u of %s has type %u, expected 0, 1, 2 or 5", start, (unsigned)(tag >> 3),
                        m->name, f->type);
    if (status)
        return status;
    if (f->type != LSQ_BYTES)
        f->size = m->at - f->at;
    f->number = (uint32_t)(tag >> 3);
    return LSQ_OK;
}

static lsq_status expect(const lsq_message *m, const lsq_field *f, unsigned type)
{
    if (f->type == type)
        return LSQ_OK;
    return lsq_fail(m->err, LSQ_E_MALFORMED, m->file->path, "offset %zu: field %u of %s has type %u, expected %u",
                    f->at, f->number, m->name, f->type, type);
}

lsq_status lsq_field_once(const lsq_message *m, const lsq_field *f, unsigned type, lsq_field *kept)
{
    if (kept->number)
        return lsq_fail(m->err, LSQ_E_MALFORMED, m->file->path, "offset %zu: field %u of %s a second time", f->at,
                        f->number, m->name);
    *kept = *f;
    return expect(m, f, type);
}

lsq_status lsq_field_message(const lsq_message *m, const lsq_field *f, const char *name, lsq_message *inner)
{
    *inner = (lsq_message){m->file, name, f->at, f->at + f->size, 1, m->err};
    return expect(m, f, LSQ_BYTES);
}

const uint8_t *lsq_field_bytes(const lsq_message *m, const lsq_field *f)
{
    return m->file->bytes + f->at;
}

int lsq_field_is(const lsq_message *m, const lsq_field *f, const char *text)
{
    return f->size == strlen(text) && memcmp(lsq_field_bytes(m, f), text, f->size) == 0;
}

lsq_status lsq_field_numbers(const lsq_message *m, const lsq_field *f, unsigned type, lsq_message *numbers,
                             uint64_t *count)
{
    *numbers = (lsq_message){m->file, m->name, f->at, f->at + f->size, 1, m->err};
    if (f->type != LSQ_BYTES) {
        *count = 1;
        return expect(m, f, type);
    }
    const size_t bytes = type == LSQ_FIXED64 ? 8 : 4;
    *count = 0;
    if (type != LSQ_VARINT) {
        *count = f->size / bytes;
        if (f->size % bytes)
            return lsq_fail(m->err, LSQ_E_MALFORMED, m->file->path,
                            "offset %zu: %zu bytes of field %u of %s, expected numbers of %zu", f->at, f->size,
                            f->number, m->name, bytes);
    }
    for (size_t i = 0; type == LSQ_VARINT && i < f->size; i++)
        *count += m->file->bytes[f->at + i] < 0x80;
    return LSQ_OK;
}
