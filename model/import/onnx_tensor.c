/*
 * onnx_tensor.c - one tensor of an ONNX model: a TensorProto, or the numbers of an AttributeProto.
 *
 * Numbers stand in one of three places: as bytes, little-endian, in `raw_data`; one by one, in the field for their
 * type; or in another file. Bytes stay where they are, and so do floats and doubles packed into one piece, which look
 * the same. Varints become numbers of the tensor's type, in memory of the model: at most 8 bytes for each byte of the
 * file.
 */
#include "model/import/onnx.h"
#include "model/limits.h"
#include "model/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Fields of a TensorProto. */
enum {
    DIMS = 1,
    DATA_TYPE = 2,
    SEGMENT = 3,
    FLOAT_DATA = 4,
    INT32_DATA = 5,
    STRING_DATA = 6,
    INT64_DATA = 7,
    NAME = 8,
    RAW_DATA = 9,
    DOUBLE_DATA = 10,
    UINT64_DATA = 11,
    DATA_LOCATION = 14,
};

/* Types as ONNX numbers them: what they are here, and the field that has their numbers one by one; 0: not read. */
static const struct {
    const char *name;
    lsq_dtype dtype;
    unsigned field;
} types[] = {
    {"UNDEFINED", 0, 0},
    {"FLOAT", LSQ_F32, FLOAT_DATA},
    {"UINT8", LSQ_U8, INT32_DATA},
    {"INT8", LSQ_I8, INT32_DATA},
    {"UINT16", LSQ_U16, INT32_DATA},
    {"INT16", LSQ_I16, INT32_DATA},
    {"INT32", LSQ_I32, INT32_DATA},
    {"INT64", LSQ_I64, INT64_DATA},
    {"STRING", 0, 0},
    {"BOOL", LSQ_BOOL, INT32_DATA},
    {"FLOAT16", LSQ_F16, INT32_DATA},
    {"DOUBLE", LSQ_F64, DOUBLE_DATA},
    {"UINT32", LSQ_U32, UINT64_DATA},
    {"UINT64", LSQ_U64, UINT64_DATA},
    {"COMPLEX64", 0, 0},
    {"COMPLEX128", 0, 0},
    {"BFLOAT16", LSQ_BF16, INT32_DATA},
    {"FLOAT8E4M3FN", LSQ_F8_E4M3, INT32_DATA},
    {"FLOAT8E4M3FNUZ", 0, 0},
    {"FLOAT8E5M2", LSQ_F8_E5M2, INT32_DATA},
    {"FLOAT8E5M2FNUZ", 0, 0},
    {"UINT4", 0, 0},
    {"INT4", 0, 0},
    {"FLOAT4E2M1", 0, 0},
    {"FLOAT8E8M0", 0, 0},
    {"UINT2", 0, 0},
    {"INT2", 0, 0},
    {"FLOAT6E2M3", 0, 0},
    {"FLOAT6E3M2", 0, 0},
};

/* Numbers in fields of a message. */
typedef struct {
    unsigned field, type; /* 0: there are none */
    uint64_t count;
    size_t at, pieces; /* fields that have some, and where the last of them has them */
} listed;

/* A TensorProto as it stands. A field with the number 0 is not there. */
typedef struct {
    lsq_tensor tensor;
    size_t at; /* where it stands, or its name does */
    uint64_t dims;
    lsq_field type, name, raw, location;
    listed list;
    int segment;
} claim;

/* ---- What stands there ------------------------------------------------------------------------------------------- */

static lsq_status count_numbers(const lsq_message *m, const lsq_field *f, unsigned type, listed *list)
{
    lsq_message numbers;
    uint64_t count = 0;
    if (list->field && list->field != f->number)
        return lsq_fail(m->err, LSQ_E_MALFORMED, m->file->path,
                        "offset %zu: numbers in field %u of %s, and in field %u", f->at, f->number, m->name,
                        list->field);
    const lsq_status status = lsq_field_numbers(m, f, type, &numbers, &count);
    list->field = f->number;
    list->type = type;
    list->count += count; /* each is a byte of the file or more */
    list->pieces += count > 0;
    if (count)
        list->at = f->at;
    return status;
}

static lsq_status read_dims(const lsq_message *m, const lsq_field *f, claim *c)
{
    lsq_message numbers;
    uint64_t count;
    lsq_status status = lsq_field_numbers(m, f, LSQ_VARINT, &numbers, &count);
    while (!status && numbers.at < numbers.end) {
        const size_t at = numbers.at;
        uint64_t dim;
        status = lsq_number_next(&numbers, LSQ_VARINT, &dim);
        if (!status && dim > INT64_MAX)
            status = lsq_fail(m->err, LSQ_E_MALFORMED, m->file->path, "offset %zu: dimension %llu of a tensor is %lld",
                              at, (unsigned long long)c->dims, (long long)dim);
        if (!status && c->dims < LSQ_RANK_MAX)
            c->tensor.shape[c->dims] = dim;
        c->dims += !status;
    }
    return status;
}

static lsq_status read_field(const lsq_message *m, const lsq_field *f, claim *c)
{
    switch (f->number) {
    case DIMS:
        return read_dims(m, f, c);
    case DATA_TYPE:
        return lsq_field_once(m, f, LSQ_VARINT, &c->type);
    case NAME:
        return lsq_field_once(m, f, LSQ_BYTES, &c->name);
    case RAW_DATA:
        return lsq_field_once(m, f, LSQ_BYTES, &c->raw);
    case DATA_LOCATION:
        return lsq_field_once(m, f, LSQ_VARINT, &c->location);
    case FLOAT_DATA:
        return count_numbers(m, f, LSQ_FIXED32, &c->list);
    case DOUBLE_DATA:
        return count_numbers(m, f, LSQ_FIXED64, &c->list);
    case INT32_DATA:
    case INT64_DATA:
    case UINT64_DATA:
        return count_numbers(m, f, LSQ_VARINT, &c->list);
    case SEGMENT:
        c->segment = 1;
        return LSQ_OK;
    default: /* string_data has no type that is read; what later versions add must be safe to pass over */
        return LSQ_OK;
    }
}

/* ---- Its name ---------------------------------------------------------------------------------------------------- */

enum { NAME_BYTES = LSQ_NAME_MAX + 24 }; /* with a slash and a number behind it, and a NUL */

/* Makes the name that the tensor gets here. */
static lsq_status make_name(lsq_onnx *o, claim *c, char name[NAME_BYTES])
{
    const char *text = (const char *)o->file.bytes + c->name.at, *fault = lsq_name_fault(text, c->name.size);
    size_t i;
    if (fault)
        return lsq_fail(o->err, c->name.size > LSQ_NAME_MAX ? LSQ_E_LIMIT : LSQ_E_MALFORMED, o->file.path,
                        "offset %zu: the name of a tensor, \"%.*s\", %s", c->at,
                        (int)(c->name.size < 100 ? c->name.size : 100), text, fault);
    memcpy(name, text, c->name.size);
    name[c->name.size] = 0;
    c->tensor.name = name;
    if (!lsq_model_find(o->model, name, &i))
        return LSQ_OK;
    if (i >= o->first)
        return lsq_fail(o->err, LSQ_E_MALFORMED, o->file.path, "offset %zu: two tensors of a graph are called \"%s\"",
                        c->at, name);
    snprintf(name + c->name.size, NAME_BYTES - c->name.size, "/%zu", o->graph);
    return LSQ_OK;
}

/* ---- Its numbers ------------------------------------------------------------------------------------------------- */

/* Can a number of that type be this varint? */
static int fits(lsq_dtype dtype, uint64_t value)
{
    switch (dtype) {
    case LSQ_I8:
        return value + 0x80 <= 0xff;
    case LSQ_I16:
        return value + 0x8000 <= 0xffff;
    case LSQ_I32:
        return value + 0x80000000u <= 0xffffffffu;
    case LSQ_BOOL:
        return value <= 1;
    case LSQ_U8:
    case LSQ_F8_E4M3:
    case LSQ_F8_E5M2:
        return value <= 0xff;
    case LSQ_U16:
    case LSQ_F16:
    case LSQ_BF16:
        return value <= 0xffff;
    case LSQ_U32:
        return value <= 0xffffffffu;
    default:
        return 1;
    }
}

/* Writes the numbers of one field, little-endian, to *to and behind it. */
static lsq_status copy_field(const lsq_message *m, const lsq_field *f, const claim *c, uint8_t **to)
{
    const lsq_dtype dtype = c->tensor.dtype;
    lsq_message numbers;
    uint64_t count, value;
    lsq_status status = lsq_field_numbers(m, f, c->list.type, &numbers, &count);
    while (!status && numbers.at < numbers.end) {
        const size_t at = numbers.at;
        status = lsq_number_next(&numbers, c->list.type, &value);
        if (!status && !fits(dtype, value))
            status = lsq_fail(m->err, LSQ_E_MALFORMED, m->file->path, "tensor \"%s\": offset %zu: %lld is no %s",
                              c->tensor.name, at, (long long)value, lsq_dtype_name(dtype));
        for (size_t i = 0; !status && i < lsq_dtype_bytes(dtype); i++)
            *(*to)++ = (uint8_t)(value >> 8 * i);
    }
    return status;
}

/* Copies what count_numbers() has counted, c->tensor.elements numbers, into memory of its own. */
static lsq_status copy_numbers(lsq_onnx *o, lsq_message m, const claim *c, uint8_t **owned)
{
    uint8_t *numbers = calloc((size_t)c->tensor.elements, lsq_dtype_bytes(c->tensor.dtype)), *to = numbers;
    lsq_field f;
    if (!numbers)
        return lsq_fail(o->err, LSQ_E_NOMEM, o->file.path, "no memory for %llu numbers",
                        (unsigned long long)c->tensor.elements);
    lsq_status status = lsq_field_next(&m, &f);
    while (!status && f.number) {
        if (f.number == c->list.field)
            status = copy_field(&m, &f, c, &to);
        if (!status)
            status = lsq_field_next(&m, &f);
    }
    if (status)
        free(numbers);
    else
        *owned = numbers;
    return status;
}

/* Numbers one by one: as many as there should be, of the right kind. */
static lsq_status find_listed(lsq_onnx *o, const lsq_message *m, const claim *c, const uint8_t **data, uint8_t **owned)
{
    if (c->list.count != c->tensor.elements)
        return lsq_fail(o->err, LSQ_E_MALFORMED, o->file.path,
                        "tensor \"%s\": offset %zu: %llu numbers, where the shape asks for %llu", c->tensor.name, c->at,
                        (unsigned long long)c->list.count, (unsigned long long)c->tensor.elements);
    *data = o->file.bytes + c->list.at;
    if (c->tensor.elements == 0 || (c->list.type != LSQ_VARINT && c->list.pieces == 1))
        return LSQ_OK;
    const lsq_status status = copy_numbers(o, *m, c, owned);
    *data = *owned;
    return status;
}

static lsq_status find_numbers(lsq_onnx *o, const lsq_message *m, const claim *c, const uint8_t **data, uint8_t **owned)
{
    const lsq_tensor *t = &c->tensor;
    const unsigned field = types[c->type.value].field;
    if (c->location.value > 1)
        return lsq_fail(o->err, LSQ_E_UNSUPPORTED, o->file.path,
                        "tensor \"%s\": offset %zu: data location %llu, expected 0 (here) or 1 (another file)", t->name,
                        c->location.at, (unsigned long long)c->location.value);
    if (c->list.count && c->list.field != field)
        return lsq_fail(o->err, LSQ_E_MALFORMED, o->file.path,
                        "tensor \"%s\": offset %zu: numbers in field %u, expected those of %s in %u", t->name,
                        c->list.at, c->list.field, types[c->type.value].name, field);
    if ((c->location.value == 1) + (c->raw.size > 0) + (c->list.count > 0) > 1)
        return lsq_fail(o->err, LSQ_E_MALFORMED, o->file.path,
                        "tensor \"%s\": offset %zu: numbers in two places, expected one", t->name, c->at);
    if (c->location.value == 1)
        return lsq_onnx_external(o, m, t, c->at, data);
    if (c->list.count || !c->raw.number)
        return find_listed(o, m, c, data, owned);
    if (c->raw.size != t->bytes)
        return lsq_fail(o->err, LSQ_E_MALFORMED, o->file.path,
                        "tensor \"%s\": offset %zu: %zu bytes, where shape and type ask for %llu", t->name, c->raw.at,
                        c->raw.size, (unsigned long long)t->bytes);
    *data = lsq_field_bytes(m, &c->raw);
    return LSQ_OK;
}

static lsq_status add(lsq_onnx *o, const claim *c, const uint8_t *data, uint8_t *owned)
{
    lsq_entry *entry;
    const lsq_status status = lsq_model_add(o->model, o->file.path, &c->tensor, data, NULL, &entry, o->err);
    if (status)
        free(owned);
    else
        entry->owned = owned;
    return status;
}

/* ---- What is asked for ------------------------------------------------------------------------------------------- */

/* The type and the shape, checked. */
static lsq_status complete(lsq_onnx *o, claim *c)
{
    const uint64_t type = c->type.value, known = sizeof(types) / sizeof(types[0]);
    if (c->segment)
        return lsq_fail(o->err, LSQ_E_UNSUPPORTED, o->file.path, "tensor \"%s\": offset %zu: one segment of a tensor",
                        c->tensor.name, c->at);
    if (type == 0)
        return lsq_fail(o->err, LSQ_E_MALFORMED, o->file.path, "tensor \"%s\": offset %zu: no type of numbers",
                        c->tensor.name, c->at);
    if (type >= known || !types[type].field)
        return lsq_fail(o->err, LSQ_E_UNSUPPORTED, o->file.path,
                        "tensor \"%s\": offset %zu: type %llu%s%s is not one of those read here", c->tensor.name,
                        c->type.at, (unsigned long long)type, type < known ? ", " : "",
                        type < known ? types[type].name : "");
    if (c->dims > LSQ_RANK_MAX)
        return lsq_fail(o->err, LSQ_E_LIMIT, o->file.path, "tensor \"%s\": offset %zu: rank %llu, expected at most %d",
                        c->tensor.name, c->at, (unsigned long long)c->dims, LSQ_RANK_MAX);
    c->tensor.dtype = types[type].dtype;
    c->tensor.rank = (unsigned)c->dims;
    return lsq_tensor_complete(&c->tensor, LSQ_E_MALFORMED, o->file.path, o->err);
}

lsq_status lsq_onnx_add_tensor(lsq_onnx *o, const lsq_message *proto, const lsq_field *name)
{
    claim c = {.at = proto->at};
    char buffer[NAME_BYTES];
    const uint8_t *data = NULL;
    uint8_t *owned = NULL;
    lsq_message m = *proto;
    lsq_field f;
    lsq_status status = lsq_field_next(&m, &f);
    while (!status && f.number) {
        status = read_field(&m, &f, &c);
        if (!status)
            status = lsq_field_next(&m, &f);
    }
    if (!status && name)
        c.name = *name;
    if (!status)
        status = make_name(o, &c, buffer);
    if (!status)
        status = complete(o, &c);
    if (!status)
        status = find_numbers(o, proto, &c, &data, &owned);
    return status ? status : add(o, &c, data, owned);
}

lsq_status lsq_onnx_add_numbers(lsq_onnx *o, const lsq_message *proto, unsigned field, unsigned type, int vector,
                                const lsq_field *name)
{
    claim c = {.at = proto->at, .name = *name, .tensor.dtype = type == LSQ_VARINT ? LSQ_I64 : LSQ_F32};
    char buffer[NAME_BYTES];
    const uint8_t *data = NULL;
    uint8_t *owned = NULL;
    lsq_message m = *proto;
    lsq_field f;
    lsq_status status = lsq_field_next(&m, &f);
    while (!status && f.number) {
        if (f.number == field)
            status = count_numbers(&m, &f, type, &c.list);
        if (!status)
            status = lsq_field_next(&m, &f);
    }
    if (!vector && c.list.count == 0)
        c.list = (listed){.count = 1}; /* writers of the third kind of Protocol Buffers leave zeros out */
    c.tensor.rank = vector ? 1 : 0;
    c.tensor.shape[0] = c.list.count;
    if (!status)
        status = make_name(o, &c, buffer);
    if (!status)
        status = lsq_tensor_complete(&c.tensor, LSQ_E_MALFORMED, o->file.path, o->err);
    if (!status)
        status = find_listed(o, proto, &c, &data, &owned);
    return status ? status : add(o, &c, data, owned);
}
