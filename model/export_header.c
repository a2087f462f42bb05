/*
 * export_header.c - tensors as constants of a program, C11 and C++17: what is quantised in packed form, as products take it from where it is.
 *
 * Floats are written as whole numbers times a power of two, 0x3p-2f: exact, and the same whatever the locale has for a point. Names of tensors may
 * be any text, so none goes into a comment as it is, and identifiers are made of their letters and digits (symbols.c).
 */
#include "model/export.h"
#include "model/limits.h"
#include "model/sizes.h"
#include "model/symbols.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES_IN_LINE = 22, NUMBERS_IN_LINE = 6, ESCAPED_MAX = 4 * (int)LSQ_NAME_MAX + 1 };

/* An array on its way out. */
typedef struct {
    lsq_export_job *job;
    const char *symbol;
    lsq_dtype dtype;
    uint64_t in_line;
} array;

static lsq_form form_of(const lsq_tensor *t)
{
    return t->quantised || !lsq_dtype_floating(t->dtype) || t->dtype == LSQ_F64 ? LSQ_FORM_STORED : LSQ_FORM_F32;
}

/* ---- Numbers ----------------------------------------------------------------------------------------------------- */

static const char *const types[LSQ_DTYPES] = {
    [LSQ_F32] = "float",   [LSQ_F64] = "double",   [LSQ_I8] = "int8_t",    [LSQ_U8] = "uint8_t",
    [LSQ_I16] = "int16_t", [LSQ_U16] = "uint16_t", [LSQ_I32] = "int32_t",  [LSQ_U32] = "uint32_t",
    [LSQ_I64] = "int64_t", [LSQ_U64] = "uint64_t", [LSQ_BOOL] = "uint8_t",
};

static int text_of_real(double value, const char *suffix, char *text, size_t room)
{
    const char *sign = signbit(value) ? "-" : "";
    int exponent = 0;
    if (isnan(value))
        return snprintf(text, room, "NAN");
    if (isinf(value))
        return snprintf(text, room, "%sINFINITY", sign);
    if (value == 0)
        return snprintf(text, room, "%s0.0%s", sign, suffix);
    uint64_t whole = (uint64_t)ldexp(frexp(fabs(value), &exponent), 53);
    const int zeros = __builtin_ctzll(whole);
    whole >>= zeros;
    return snprintf(text, room, "%s0x%llxp%d%s", sign, (unsigned long long)whole, exponent - 53 + zeros, suffix);
}

static int text_of_number(lsq_dtype dtype, const uint8_t *p, char *text, size_t room)
{
    const size_t bytes = lsq_dtype_bytes(dtype);
    const uint64_t number = lsq_little_endian(p, bytes), top = (uint64_t)1 << (8 * bytes - 1);
    float single;
    double real;
    switch (dtype) {
    case LSQ_F32:
        memcpy(&single, p, sizeof single);
        return text_of_real((double)single, "f", text, room);
    case LSQ_F64:
        memcpy(&real, p, sizeof real);
        return text_of_real(real, "", text, room);
    case LSQ_I8:
    case LSQ_I16:
    case LSQ_I32:
    case LSQ_I64: /* the least one has no positive counterpart to put a sign before */
        if (number == top)
            return snprintf(text, room, "-%llu - 1", (unsigned long long)(top - 1));
        if (number & top)
            return snprintf(text, room, "-%llu", (unsigned long long)(2 * top - number));
        return snprintf(text, room, "%llu", (unsigned long long)number);
    case LSQ_U32:
    case LSQ_U64:
        return snprintf(text, room, "%lluu", (unsigned long long)number);
    case LSQ_BOOL:
        return snprintf(text, room, "%d", number != 0);
    default:
        return snprintf(text, room, "%llu", (unsigned long long)number);
    }
}

/* ---- Arrays ------------------------------------------------------------------------------------------------------ */

static lsq_status put_item(array *a, uint64_t most_in_line, const char *text, size_t length)
{
    lsq_status status = LSQ_OK;
    if (a->in_line == most_in_line) {
        status = lsq_export_put(a->job, "\n", 1);
        a->in_line = 0;
    }
    if (status == LSQ_OK)
        status = lsq_export_put(a->job, text, length);
    a->in_line++;
    return status;
}

/* Packed form and outliers are bytes that mean nothing one by one. */
static lsq_status put_bytes(array *a, const lsq_piece *piece)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = piece->bytes;
    char text[] = "0x00,";
    lsq_status status = LSQ_OK;
    for (size_t i = 0; i < piece->size && status == LSQ_OK; i++) {
        text[2] = digits[bytes[i] >> 4];
        text[3] = digits[bytes[i] & 15];
        status = put_item(a, BYTES_IN_LINE, text, 5);
    }
    return status;
}

static lsq_status put_numbers(array *a, const lsq_piece *piece)
{
    const uint8_t *bytes = piece->bytes;
    const size_t each = lsq_dtype_bytes(a->dtype);
    lsq_status status = LSQ_OK;
    for (size_t at = 0; at < piece->size && status == LSQ_OK; at += each) {
        char text[48];
        int length = text_of_number(a->dtype, bytes + at, text, sizeof text - 2);
        text[length++] = ',';
        status = put_item(a, NUMBERS_IN_LINE, text, (size_t)length);
    }
    return status;
}

/* The begin of an array, its numbers and its end, as far as they are in this piece. */
static lsq_status put_piece(void *arg, const lsq_piece *piece)
{
    array *a = arg;
    const lsq_tensor *t = piece->tensor;
    const int packed = t->quantised && piece->offset < t->bytes;
    const uint64_t begin = t->quantised && !packed ? t->bytes : 0, end = packed ? t->bytes : piece->total;
    lsq_status status = a->job->each ? a->job->each(a->job->arg, piece) : LSQ_OK;
    if (status != LSQ_OK)
        return lsq_fail(a->job->err, status, a->job->path, "was given up in tensor \"%s\"", t->name);
    if (piece->size == 0)
        return LSQ_OK;
    if (piece->offset == begin) {
        a->in_line = 0;
        status = lsq_export_text(a->job, "%sstatic const %s %s_%s[%llu] = {\n", packed ? "alignas(64) " : "",
                                 t->quantised ? "uint8_t" : types[a->dtype], a->symbol,
                                 packed         ? "packed"
                                 : t->quantised ? "outliers"
                                                : "numbers",
                                 (unsigned long long)(t->quantised ? end - begin : t->elements));
    }
    if (status == LSQ_OK)
        status = t->quantised ? put_bytes(a, piece) : put_numbers(a, piece);
    return status == LSQ_OK && piece->offset + piece->size == end ? lsq_export_put(a->job, "\n};\n", 4) : status;
}

/* ---- Tensors ----------------------------------------------------------------------------------------------------- */

/* A name that can stand in a comment. */
static const char *escape(const char *name, char text[ESCAPED_MAX])
{
    char *to = text;
    for (; *name; name++) {
        const uint8_t c = (uint8_t)*name;
        if (c < 0x20 || c >= 0x7f || strchr("*?\\", c))
            to += sprintf(to, "\\x%02x", c);
        else
            *to++ = (char)c;
    }
    *to = 0;
    return text;
}

static lsq_status put_description(lsq_export_job *job, const lsq_tensor *t)
{
    char name[ESCAPED_MAX], format[LSQ_FORMAT_NAME_MAX];
    lsq_status status = lsq_export_text(job, "\n/* %s: %s", escape(t->name, name), lsq_dtype_name(t->dtype));
    for (unsigned axis = 0; axis < t->rank && status == LSQ_OK; axis++)
        status = lsq_export_text(job, axis ? " x %llu" : ", %llu", (unsigned long long)t->shape[axis]);
    if (status == LSQ_OK && t->quantised && lsq_format_name(&t->format, format) == LSQ_OK)
        status = lsq_export_text(job, "; %s, %llu bytes and %llu of outliers", format, (unsigned long long)t->bytes,
                                 (unsigned long long)t->outlier_bytes);
    return status == LSQ_OK ? lsq_export_text(job, " */\n") : status;
}

static lsq_status put_constants(lsq_export_job *job, const lsq_tensor *t, const char *symbol)
{
    lsq_status status = lsq_export_text(job, "enum { %s_rank = %u", symbol, t->rank);
    for (unsigned axis = 0; axis < t->rank && status == LSQ_OK; axis++)
        status = lsq_export_text(job, ",\n       %s_dim%u = %llu", symbol, axis, (unsigned long long)t->shape[axis]);
    if (status == LSQ_OK && t->quantised)
        status = lsq_export_text(job, ",\n       %s_axis = %u,\n       %s_rows = %llu,\n       %s_columns = %llu",
                                 symbol, t->output_axis, symbol, (unsigned long long)t->rows, symbol,
                                 (unsigned long long)t->columns);
    if (status == LSQ_OK)
        status = lsq_export_text(job, " };\n");
    return status == LSQ_OK && t->quantised
               ? lsq_export_text(job, "#define %s_format {%u, %u, %u, %u, %u}\n", symbol, t->format.codec,
                                 t->format.bits, t->format.scale, t->format.states, t->format.curve)
               : status;
}

static lsq_status put_tensor(lsq_export_job *job, size_t i, const char *symbol)
{
    const lsq_tensor *t = lsq_model_tensor(job->model, i);
    const lsq_form form = form_of(t);
    array a = {job, symbol, lsq_form_dtype(form, t), 0};
    lsq_status status = put_description(job, t);
    if (status == LSQ_OK)
        status = put_constants(job, t, symbol);
    return status == LSQ_OK ? lsq_model_visit(job->model, i, form, put_piece, &a, job->err) : status;
}

/* ---- The file ---------------------------------------------------------------------------------------------------- */

/* Bytes of all arrays. Constants of a program are ints. */
static lsq_status count_bytes(const lsq_export_job *job, uint64_t *bytes)
{
    *bytes = 0;
    for (size_t k = 0; k < job->count; k++) {
        const lsq_tensor *t = lsq_model_tensor(job->model, job->tensors[k]);
        const uint64_t own =
            t->quantised ? t->bytes + t->outlier_bytes : t->elements * lsq_dtype_bytes(lsq_form_dtype(form_of(t), t));
        uint64_t largest = t->quantised && t->columns > own ? t->columns : own;
        for (unsigned axis = 0; axis < t->rank; axis++)
            largest = t->shape[axis] > largest ? t->shape[axis] : largest;
        *bytes += own;
        if (largest > INT32_MAX || *bytes > INT32_MAX)
            return lsq_fail(job->err, LSQ_E_LIMIT, job->path,
                            "tensor \"%s\" passes 2^31 - 1 bytes, too much to compile", t->name);
    }
    return LSQ_OK;
}

static lsq_status put_head(lsq_export_job *job, const char *prefix, uint64_t bytes)
{
    return lsq_export_text(
        job,
        "/*\n * %s.h - weights of %zu tensors as constants, C11 and C++17; written by liblsq %s.\n *\n"
        " * %llu bytes of arrays, that is of flash, without what a linker puts between them; each file that includes "
        "this has its own.\n *\n"
        " * Of NAME, which is quantised, the matrix has rows that are axis NAME_axis of the tensor:\n *\n"
        " *     const lsq_format format = NAME_format;\n"
        " *     lsq_weights_wrap_outliers(&format, NAME_rows, NAME_columns, NAME_packed, sizeof NAME_packed,\n"
        " *                               NAME_outliers, sizeof NAME_outliers, &weights, &err);\n *\n"
        " * or lsq_weights_wrap() where there are no outliers. Others are arrays, NAME_numbers, in the order of their "
        "shape.\n */\n"
        "#ifndef LSQ_WEIGHTS_%s_H\n#define LSQ_WEIGHTS_%s_H\n\n"
        "#include <math.h>\n#include <stdint.h>\n#ifndef __cplusplus\n#include <stdalign.h>\n#endif\n",
        prefix, job->count, lsq_version(), (unsigned long long)bytes, prefix, prefix);
}

static lsq_status put_all(lsq_export_job *job, const char *prefix, char *const *symbols)
{
    uint64_t bytes;
    lsq_status status = count_bytes(job, &bytes);
    if (status == LSQ_OK)
        status = put_head(job, prefix, bytes);
    for (size_t k = 0; k < job->count && status == LSQ_OK; k++)
        status = put_tensor(job, job->tensors[k], symbols[k]);
    return status == LSQ_OK ? lsq_export_text(job, "\n#endif\n") : status;
}

lsq_status lsq_write_header(lsq_export_job *job)
{
    char *prefix = lsq_symbol_of_path(job->path);
    char **symbols = prefix ? lsq_symbols(job->model, job->tensors, job->count, prefix) : NULL;
    const lsq_status status =
        symbols ? put_all(job, prefix, symbols) : lsq_fail(job->err, LSQ_E_NOMEM, job->path, "no memory for names");
    lsq_symbols_free(symbols, job->count);
    free(prefix);
    return status;
}
