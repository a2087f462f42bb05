/*
 * lsq2.c - reads .lsq version 2.
 *
 *     preamble | payload, padding | payload, padding | ... | JSON header
 *
 * The header names the payloads. Sorted by place they must follow each other without a gap but the zeros up to the next
 * multiple of 64, from the preamble's end to the header: then every byte of the file has been accounted for.
 */
#include "model/lsq2.h"
#include "model/dtype.h"
#include "model/json.h"
#include "model/limits.h"
#include "model/model.h"
#include "model/sizes.h"

#include <stdlib.h>
#include <string.h>

/* A tensor as the header has it. */
typedef struct claim {
    lsq_tensor tensor;
    uint64_t begin, end;
    uint8_t checksum[16];
    uint64_t outliers, outliers_end; /* their place; the same twice if there are none */
    uint8_t outlier_checksum[16];
} claim;

int lsq_is_lsq2(const lsq_mapping *file)
{
    return file->size > 0 && memcmp(file->bytes, LSQ2_MAGIC, file->size < 4 ? file->size : 4) == 0;
}

/* ---- The header -------------------------------------------------------------------------------------------------- */

/* The number under `key`, or the element i of an array; 0 if it is not a non-negative integer. */
static int natural(const json_t *value, uint64_t *number)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return 0;
    *number = (uint64_t)json_integer_value(value);
    return 1;
}

static int read_shape(const json_t *tensor, lsq_tensor *t)
{
    const json_t *shape = json_object_get(tensor, "shape");
    if (!json_is_array(shape))
        return 0;
    size_t rank = json_array_size(shape);
    t->rank = rank > LSQ_RANK_MAX ? LSQ_RANK_MAX + 1 : (unsigned)rank; /* too many: for lsq_model_add() to refuse */
    for (unsigned i = 0; i < t->rank && i < LSQ_RANK_MAX; i++)
        if (!natural(json_array_get(shape, i), &t->shape[i]))
            return 0;
    return 1;
}

static int read_place(const json_t *payload, uint64_t *begin, uint64_t *end)
{
    const json_t *place = json_object_get(payload, "data_offsets");
    return json_array_size(place) == 2 && natural(json_array_get(place, 0), begin) &&
           natural(json_array_get(place, 1), end) && *begin <= *end;
}

static int read_checksum(const json_t *payload, uint8_t checksum[16])
{
    static const char digits[] = "0123456789abcdef";
    const char *text = json_string_value(json_object_get(payload, "xxh3_128"));
    if (!text || strlen(text) != 32)
        return 0;
    memset(checksum, 0, 16);
    for (size_t i = 0; i < 32; i++) {
        const char *digit = strchr(digits, text[i]);
        if (!digit)
            return 0;
        checksum[i / 2] = (uint8_t)(checksum[i / 2] << 4 | (digit - digits));
    }
    return 1;
}

/* Only quantised tensors have a codec. Returns what is wrong, or NULL. */
static const char *read_codec(const json_t *tensor, lsq_tensor *t)
{
    const json_t *codec = json_object_get(tensor, "codec");
    if (!codec)
        return NULL;
    uint64_t axis = 0;
    if (!natural(json_object_get(tensor, "output_axis"), &axis) || axis > LSQ_RANK_MAX)
        return "\"output_axis\" is not an axis";
    if (!json_is_string(codec) || lsq_format_parse(json_string_value(codec), &t->format, NULL) != LSQ_OK)
        return "\"codec\" is not the name of a format";
    t->quantised = 1;
    t->output_axis = (unsigned)axis;
    return NULL;
}

/* Outliers have a place of their own, behind that of their tensor. Returns what is wrong, or NULL. */
static const char *read_outliers(const json_t *tensor, uint32_t features, claim *c)
{
    const json_t *outliers = json_object_get(tensor, "outliers");
    c->outliers = c->outliers_end = c->end;
    if (!outliers)
        return NULL;
    if (!(features & LSQ2_OUTLIERS))
        return "\"outliers\", but the preamble lacks feature 0x1";
    if (!c->tensor.quantised)
        return "\"outliers\" without \"codec\"";
    if (!read_place(outliers, &c->outliers, &c->outliers_end) || c->outliers == c->outliers_end)
        return "\"data_offsets\" of its outliers is not a beginning and an end";
    if (!read_checksum(outliers, c->outlier_checksum))
        return "\"xxh3_128\" of its outliers is not 32 hexadecimal digits";
    c->tensor.outlier_bytes = c->outliers_end - c->outliers;
    return NULL;
}

static lsq_status read_claim(const char *name, const json_t *tensor, uint32_t features, const char *where, claim *c,
                             lsq_error *err)
{
    *c = (claim){.tensor = {.name = name}};
    const char *dtype = json_string_value(json_object_get(tensor, "dtype"));
    const char *fault = NULL;
    if (!dtype || !lsq_dtype_parse(dtype, &c->tensor.dtype))
        fault = "\"dtype\" is not the name of a type";
    else if (!read_shape(tensor, &c->tensor))
        fault = "\"shape\" is not a list of sizes";
    else if (!read_place(tensor, &c->begin, &c->end))
        fault = "\"data_offsets\" is not a beginning and an end";
    else if (!read_checksum(tensor, c->checksum))
        fault = "\"xxh3_128\" is not 32 hexadecimal digits";
    else
        fault = read_codec(tensor, &c->tensor);
    if (!fault)
        fault = read_outliers(tensor, features, c);
    c->tensor.bytes = c->end - c->begin;
    return fault ? lsq_fail(err, LSQ_E_MALFORMED, where, "tensor \"%s\": %s", name, fault) : LSQ_OK;
}

static lsq_status read_metadata(lsq_model *model, json_t *root, const char *where, lsq_error *err)
{
    json_t *metadata = json_object_get(root, "metadata");
    if (metadata && !json_is_object(metadata))
        return lsq_fail(err, LSQ_E_MALFORMED, where, "\"metadata\" is not an object");
    const char *key;
    json_t *value;
    json_object_foreach(metadata, key, value)
    {
        if (!json_is_string(value))
            return lsq_fail(err, LSQ_E_MALFORMED, where, "metadata \"%s\" is not a string", key);
        lsq_status status = lsq_model_add_metadata(model, key, json_string_value(value), err);
        if (status != LSQ_OK)
            return status;
    }
    return LSQ_OK;
}

/* ---- The payloads ------------------------------------------------------------------------------------------------ */

/* By place; tensors without bytes, which can share one, by name. */
static int by_place(const void *a, const void *b)
{
    const claim *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    return strcmp(x->tensor.name, y->tensor.name);
}

/* Does [from, to) hold nothing but the zeros up to the next multiple of 64? Where the bytes are not there, its length is looked at. */
static lsq_status check_padding(const lsq_mapping *file, uint64_t from, uint64_t to, lsq_error *err)
{
    uint64_t aligned = 0;
    if (!lsq_size_align(from, LSQ2_ALIGNMENT, &aligned) || aligned != to)
        return lsq_fail(err, LSQ_E_MALFORMED, file->path, "byte %llu: the next part is at %llu, expected at %llu",
                        (unsigned long long)from, (unsigned long long)to, (unsigned long long)aligned);
    for (uint64_t i = from; file->bytes && i < to; i++)
        if (file->bytes[i])
            return lsq_fail(err, LSQ_E_MALFORMED, file->path, "byte %llu: padding is not zero", (unsigned long long)i);
    return LSQ_OK;
}

static lsq_status add_claims(lsq_model *model, const lsq_mapping *file, const claim *claims, size_t count,
                             uint64_t header_offset, lsq_error *err)
{
    uint64_t at = LSQ2_PREAMBLE;
    for (size_t i = 0; i < count; i++) {
        const claim *c = &claims[i];
        const uint64_t end = c->outliers_end > c->end ? c->outliers_end : c->end;
        if (end > header_offset)
            return lsq_fail(err, LSQ_E_MALFORMED, file->path, "tensor \"%s\" ends at %llu, behind the header's offset",
                            c->tensor.name, (unsigned long long)end);
        lsq_status status = check_padding(file, at, c->begin, err);
        if (status == LSQ_OK && c->tensor.outlier_bytes)
            status = check_padding(file, c->end, c->outliers, err);
        lsq_entry *entry = NULL;
        if (status == LSQ_OK)
            status =
                lsq_model_add(model, file->path, &c->tensor, file->bytes ? file->bytes + c->begin : NULL,
                              file->bytes && c->tensor.outlier_bytes ? file->bytes + c->outliers : NULL, &entry, err);
        if (status != LSQ_OK)
            return status;
        entry->begin = c->begin;
        entry->outliers = c->outliers;
        lsq_size_align(c->outliers_end, LSQ2_ALIGNMENT, &entry->end); /* no more than the header's offset */
        entry->has_checksum = 1;
        memcpy(entry->checksum, c->checksum, sizeof entry->checksum);
        memcpy(entry->outlier_checksum, c->outlier_checksum, sizeof entry->outlier_checksum);
        at = c->outliers_end;
    }
    return check_padding(file, at, header_offset, err);
}

static lsq_status read_tensors(lsq_model *model, const lsq_mapping *file, json_t *tensors, const lsq_preamble *preamble,
                               lsq_error *err)
{
    size_t count = json_object_size(tensors), i = 0;
    if (count > LSQ_TENSORS_MAX)
        return lsq_fail(err, LSQ_E_LIMIT, file->path, "more than 2^22 tensors");
    claim *claims = calloc(count ? count : 1, sizeof *claims);
    if (!claims)
        return lsq_fail(err, LSQ_E_NOMEM, file->path, "no memory for %zu tensors", count);
    lsq_status status = LSQ_OK;
    const char *name;
    json_t *tensor;
    json_object_foreach(tensors, name, tensor)
    {
        if (status == LSQ_OK)
            status = read_claim(name, tensor, preamble->features, file->path, &claims[i++], err);
    }
    if (status == LSQ_OK) {
        qsort(claims, count, sizeof *claims, by_place);
        status = add_claims(model, file, claims, count, preamble->header_offset, err);
    }
    free(claims);
    return status;
}

static lsq_status read_header(lsq_model *model, const lsq_mapping *file, json_t *root, const lsq_preamble *preamble,
                              lsq_error *err)
{
    json_t *tensors = json_object_get(root, "tensors");
    if (!json_is_object(tensors))
        return lsq_fail(err, LSQ_E_MALFORMED, file->path, "the header has no object \"tensors\"");
    uint64_t chain = 0;
    if (!natural(json_object_get(root, "chain_panels"), &chain))
        return lsq_fail(err, LSQ_E_MALFORMED, file->path, "the header has no number \"chain_panels\"");
    if (chain != LSQ2_CHAIN_PANELS)
        return lsq_fail(err, LSQ_E_UNSUPPORTED, file->path, "chains of %llu panels, not 16", (unsigned long long)chain);
    lsq_status status = read_metadata(model, root, file->path, err);
    return status == LSQ_OK ? read_tensors(model, file, tensors, preamble, err) : status;
}

lsq_status lsq_read_lsq2_header(lsq_model *model, const lsq_mapping *file, const lsq_preamble *preamble,
                                const uint8_t *header, lsq_error *err)
{
    uint8_t hash[16];
    lsq_hash(header, preamble->header_bytes, hash);
    if (memcmp(hash, preamble->header_hash, sizeof hash) != 0)
        return lsq_fail(err, LSQ_E_CHECKSUM, file->path, "byte %llu: the header does not match its checksum",
                        (unsigned long long)preamble->header_offset);
    json_t *root = NULL;
    lsq_status status = lsq_json_parse(header, preamble->header_bytes, file->path, &root, err);
    if (status == LSQ_OK)
        status = read_header(model, file, root, preamble, err);
    json_decref(root);
    return status;
}

lsq_status lsq_read_lsq2(lsq_model *model, const lsq_mapping *file, unsigned flags, lsq_error *err)
{
    (void)flags;
    lsq_preamble preamble;
    lsq_status status = lsq_preamble_decode(file->bytes, file->size, file->path, &preamble, err);
    if (status != LSQ_OK)
        return status;
    return lsq_read_lsq2_header(model, file, &preamble, file->bytes + preamble.header_offset, err);
}
