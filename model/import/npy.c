/*
 * npy.c - the reader of NumPy's .npy files, versions 1 to 3.
 *
 *     0    6 bytes    93 'N' 'U' 'M' 'P' 'Y'
 *     6    2 bytes    version, major and minor: 1.0, 2.0, 3.0
 *     8    u16, u32   n, bytes of the header (u16 in version 1), little-endian
 *     ..   n bytes    {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }, spaces, a newline
 *     ..              the numbers, up to the end of the file
 *
 * NumPy evaluates the header as Python. This reader knows the sentence above, its keys in any order, and nothing else.
 */
#include "model/import/npy.h"
#include "model/import/strides.h"
#include "model/sizes.h"
#include "model/text.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_MAX 10000u /* NumPy's own limit */

static const uint8_t magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

/* Where the parser stands. Nothing is read at or past `end`. */
typedef struct {
    const char *path;
    const uint8_t *bytes;
    size_t position, end;
    lsq_error *err;
} cursor;

typedef struct {
    lsq_tensor tensor;
    int fortran;
} header;

static lsq_status expected(const cursor *c, const char *what)
{
    return lsq_fail(c->err, LSQ_E_MALFORMED, c->path, "offset %zu: expected %s", c->position, what);
}

int lsq_is_npy(const lsq_mapping *file)
{
    const size_t size = file->size < sizeof(magic) ? file->size : sizeof(magic);
    return size > 0 && memcmp(file->bytes, magic, size) == 0;
}

/* Steps over spaces, then over `word` if it comes next. */
static int word(cursor *c, const char *text)
{
    while (c->position < c->end && c->bytes[c->position] == ' ')
        c->position++;
    const size_t length = strlen(text);
    if (length > c->end - c->position || memcmp(c->bytes + c->position, text, length) != 0)
        return 0;
    c->position += length;
    return 1;
}

/* A string of printable ASCII without escapes, in either kind of quotes. */
static lsq_status read_string(cursor *c, char *text, size_t size)
{
    const int single = word(c, "'");
    if (!single && !word(c, "\""))
        return expected(c, "a string");
    size_t length = 0;
    while (c->position < c->end && c->bytes[c->position] != (single ? '\'' : '"')) {
        const uint8_t b = c->bytes[c->position];
        if (b < ' ' || b > '~' || b == '\\' || length + 1 >= size)
            return expected(c, "a short string without escapes");
        text[length++] = (char)b;
        c->position++;
    }
    if (c->position == c->end)
        return expected(c, "the end of a string");
    c->position++;
    text[length] = 0;
    return LSQ_OK;
}

static lsq_status read_dimension(cursor *c, uint64_t *dimension)
{
    const size_t begin = c->position;
    uint64_t value = 0;
    while (c->position < c->end && c->bytes[c->position] >= '0' && c->bytes[c->position] <= '9') {
        if (!lsq_size_multiply(value, 10, &value) ||
            !lsq_size_add(value, c->bytes[c->position] - (unsigned)'0', &value))
            return lsq_fail(c->err, LSQ_E_LIMIT, c->path, "offset %zu: a dimension beyond 2^64", begin);
        c->position++;
    }
    if (c->position == begin || (c->bytes[begin] == '0' && c->position - begin > 1)) {
        c->position = begin;
        return expected(c, "a dimension, without a sign and leading zeros");
    }
    *dimension = value;
    return LSQ_OK;
}

/* A tuple: (), (2,), (2, 3), (2, 3,). A single number needs its comma, as in Python. */
static lsq_status read_shape(cursor *c, lsq_tensor *tensor)
{
    int comma = 1;
    if (!word(c, "("))
        return expected(c, "a tuple");
    while (!word(c, ")")) {
        if (!comma)
            return expected(c, "',' or ')'");
        if (tensor->rank == LSQ_RANK_MAX)
            return lsq_fail(c->err, LSQ_E_LIMIT, c->path, "offset %zu: more than %d dimensions", c->position,
                            LSQ_RANK_MAX);
        const lsq_status status = read_dimension(c, &tensor->shape[tensor->rank]);
        if (status)
            return status;
        tensor->rank++;
        comma = word(c, ",");
    }
    if (tensor->rank == 1 && !comma)
        return expected(c, "',' after the only dimension");
    return LSQ_OK;
}

static lsq_status read_descr(cursor *c, lsq_dtype *dtype)
{
    static const struct {
        const char *descr;
        lsq_dtype dtype;
    } types[] = {{"<f4", LSQ_F32}, {"<f2", LSQ_F16}, {"<f8", LSQ_F64}, {"|i1", LSQ_I8},
                 {"|u1", LSQ_U8},  {"<i2", LSQ_I16}, {"<u2", LSQ_U16}, {"<i4", LSQ_I32},
                 {"<u4", LSQ_U32}, {"<i8", LSQ_I64}, {"<u8", LSQ_U64}, {"|b1", LSQ_BOOL}};
    char descr[64];
    if (word(c, "["))
        return lsq_fail(c->err, LSQ_E_UNSUPPORTED, c->path, "offset %zu: records, expected an array of numbers",
                        c->position - 1);
    const size_t begin = c->position;
    const lsq_status status = read_string(c, descr, sizeof(descr));
    if (status)
        return status;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(descr, types[i].descr) == 0) {
            *dtype = types[i].dtype;
            return LSQ_OK;
        }
    }
    return lsq_fail(c->err, LSQ_E_UNSUPPORTED, c->path, "offset %zu: '%s'%s, expected a type such as '<f4'", begin,
                    descr,
                    descr[0] == '>'      ? " is big-endian"
                    : strchr(descr, 'O') ? " are pickled objects"
                                         : "");
}

/* The value of one key; `seen` has a bit for each of the three. */
static lsq_status read_value(cursor *c, const char *key, unsigned *seen, header *h)
{
    const unsigned bit = strcmp(key, "descr") == 0           ? 1
                         : strcmp(key, "fortran_order") == 0 ? 2
                         : strcmp(key, "shape") == 0         ? 4
                                                             : 0;
    if (bit == 0 || (*seen & bit))
        return expected(c, "each of the keys 'descr', 'fortran_order', 'shape' once, and no other, before this place");
    *seen |= bit;
    if (!word(c, ":"))
        return expected(c, "':'");
    if (bit == 4)
        return read_shape(c, &h->tensor);
    if (bit == 1)
        return read_descr(c, &h->tensor.dtype);
    h->fortran = word(c, "True");
    return h->fortran || word(c, "False") ? LSQ_OK : expected(c, "True or False");
}

static lsq_status read_header(cursor *c, header *h)
{
    unsigned seen = 0;
    int comma = 1;
    if (!word(c, "{"))
        return expected(c, "'{'");
    while (!word(c, "}")) {
        char key[16];
        if (!comma)
            return expected(c, "',' or '}'");
        lsq_status status = read_string(c, key, sizeof(key));
        if (!status)
            status = read_value(c, key, &seen, h);
        if (status)
            return status;
        comma = word(c, ",");
    }
    if (seen != 7)
        return expected(c, "the keys 'descr', 'fortran_order' and 'shape' before this place");
    if (!word(c, "\n") || c->position != c->end)
        return expected(c, "spaces and one newline up to the end of the header");
    return LSQ_OK;
}

/* Sets the cursor to the header, all of which is then there. */
static lsq_status find_header(const lsq_mapping *file, cursor *c)
{
    const uint8_t *b = file->bytes;
    if (file->size < 8)
        return lsq_fail(c->err, LSQ_E_TRUNCATED, c->path, "offset %zu: the file ends, expected an npy header",
                        file->size);
    if (b[6] < 1 || b[6] > 3 || b[7] != 0)
        return lsq_fail(c->err, LSQ_E_UNSUPPORTED, c->path, "offset 6: npy version %u.%u, expected 1.0 to 3.0", b[6],
                        b[7]);
    c->position = b[6] == 1 ? 10 : 12;
    if (file->size < c->position)
        return lsq_fail(c->err, LSQ_E_TRUNCATED, c->path, "offset %zu: the file ends, expected the header's length",
                        file->size);
    uint32_t length = b[8] | (uint32_t)b[9] << 8;
    if (b[6] > 1)
        length |= (uint32_t)b[10] << 16 | (uint32_t)b[11] << 24;
    if (length > HEADER_MAX)
        return lsq_fail(c->err, LSQ_E_LIMIT, c->path, "offset 8: a header of %u bytes, expected at most %u", length,
                        HEADER_MAX);
    if (length > file->size - c->position)
        return lsq_fail(c->err, LSQ_E_TRUNCATED, c->path, "offset %zu: the file ends, expected a header of %u bytes",
                        file->size, length);
    c->end = c->position + length;
    return LSQ_OK;
}

/* Copies `from`, whose first axis runs fastest, so that the last one does. */
static void transpose(const lsq_tensor *tensor, const uint8_t *from, uint8_t *to)
{
    uint64_t stride[LSQ_RANK_MAX], step = lsq_dtype_bytes(tensor->dtype);
    for (unsigned axis = 0; axis < tensor->rank; axis++) {
        stride[axis] = step;
        step *= tensor->shape[axis];
    }
    lsq_copy_strided(tensor, stride, from, to);
}

/* Adds the tensor over `data`, which is as long as it should be, or over a transposed copy of it. */
static lsq_status add(lsq_model *model, const cursor *c, const header *h, const uint8_t *data)
{
    lsq_entry *entry;
    const lsq_status status = lsq_model_add(model, c->path, &h->tensor, data, NULL, &entry, c->err);
    if (status || !h->fortran || h->tensor.bytes == 0)
        return status;
    entry->owned = malloc((size_t)h->tensor.bytes);
    if (!entry->owned)
        return lsq_fail(c->err, LSQ_E_NOMEM, c->path, "no memory for %llu bytes in row order",
                        (unsigned long long)h->tensor.bytes);
    transpose(&entry->tensor, data, entry->owned);
    entry->data = entry->owned;
    return LSQ_OK;
}

/*
 * The name of the file without its folder and `.npy`. A file may be called what a tensor may not: then it is "array".
 */
static char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    size_t length = strlen(base);
    if (length > 4 && strcmp(base + length - 4, ".npy") == 0)
        length -= 4;
    if (lsq_name_fault(base, length)) {
        base = "array";
        length = strlen(base);
    }
    return lsq_copy_text(base, length);
}

lsq_status lsq_add_npy(lsq_model *model, const lsq_mapping *file, const char *name, lsq_error *err)
{
    cursor c = {file->path, file->bytes, 0, 0, err};
    header h = {.fortran = 0};
    lsq_status status = find_header(file, &c);
    if (!status)
        status = read_header(&c, &h);
    h.tensor.name = name;
    if (!status)
        status = lsq_tensor_complete(&h.tensor, LSQ_E_MALFORMED, file->path, err);
    if (status)
        return status;
    const uint64_t left = file->size - c.end;
    if (h.tensor.bytes > left)
        return lsq_fail(err, LSQ_E_TRUNCATED, file->path,
                        "offset %zu: the file ends after %llu bytes of data, expected %llu", file->size,
                        (unsigned long long)left, (unsigned long long)h.tensor.bytes);
    if (h.tensor.bytes < left)
        return lsq_fail(err, LSQ_E_MALFORMED, file->path, "offset %llu: %llu bytes more, expected the end of the file",
                        (unsigned long long)(c.end + h.tensor.bytes), (unsigned long long)(left - h.tensor.bytes));
    return add(model, &c, &h, file->bytes + c.end);
}

lsq_status lsq_read_npy(lsq_model *model, const lsq_mapping *file, unsigned flags, lsq_error *err)
{
    (void)flags; /* there are no checksums to verify */
    model->format = "npy";
    char *name = name_of(file->path);
    if (!name)
        return lsq_fail(err, LSQ_E_NOMEM, file->path, "no memory for a name");
    const lsq_status status = lsq_add_npy(model, file, name, err);
    free(name);
    return status;
}
