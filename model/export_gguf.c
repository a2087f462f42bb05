/*
 * export_gguf.c - tensors as a GGUF file, version 3, of numbers in 32 or 16 bits (import/gguf.c draws the format).
 *
 * The metadata of a GGUF file are its bytes, types and arrays and all; those of other models are strings there too. Whoever reads such files
 * sees vectors as F32 beside matrices of F16, as programs expect that make them. What llama.cpp does not read is not written: names
 * of 64 bytes and more, more than four dimensions, tensors without numbers.
 */
#include "model/export.h"
#include "model/sizes.h"
#include "model/text.h"

#include <string.h>

#define VERSION          3
#define ALIGNMENT        32 /* unless the metadata say otherwise */
#define RANK_MAX         4
#define NAME_BYTES       63
#define TYPE_U32         4 /* of values */
#define TYPE_TEXT        8
#define KEY_ARCHITECTURE "general.architecture"
#define KEY_FILE_TYPE    "general.file_type"
#define KEY_ALIGNMENT    "general.alignment"

/* ---- What is written of a tensor --------------------------------------------------------------------------------- */

/* What ggml calls a type of numbers; -1: it has none. */
static int type_of(lsq_dtype dtype)
{
    static const int8_t types[LSQ_DTYPES] = {
        [LSQ_F32] = 0,  [LSQ_F16] = 1,   [LSQ_I8] = 24,   [LSQ_I16] = 25,     [LSQ_I32] = 26,
        [LSQ_I64] = 27, [LSQ_BF16] = -1, [LSQ_F64] = -1,  [LSQ_U8] = -1,      [LSQ_U16] = -1,
        [LSQ_U32] = -1, [LSQ_U64] = -1,  [LSQ_BOOL] = -1, [LSQ_F8_E4M3] = -1, [LSQ_F8_E5M2] = -1,
    };
    return types[dtype];
}

static lsq_form form_of(const lsq_export_job *job, const lsq_tensor *t)
{
    if (t->quantised || lsq_dtype_floating(t->dtype))
        return job->floats == LSQ_FORM_F16 && t->rank > 1 ? LSQ_FORM_F16 : LSQ_FORM_F32;
    return type_of(t->dtype) < 0 ? LSQ_FORM_F32 : LSQ_FORM_STORED;
}

static lsq_status check(const lsq_export_job *job, const lsq_tensor *t)
{
    const size_t length = strlen(t->name);
    if (length > NAME_BYTES)
        return lsq_fail(job->err, LSQ_E_UNSUPPORTED, job->path, "tensor \"%s\": a name of %zu bytes, GGUF has %d",
                        t->name, length, NAME_BYTES);
    if (t->rank > RANK_MAX)
        return lsq_fail(job->err, LSQ_E_UNSUPPORTED, job->path, "tensor \"%s\": rank %u, GGUF has %d", t->name, t->rank,
                        RANK_MAX);
    if (t->elements == 0)
        return lsq_fail(job->err, LSQ_E_UNSUPPORTED, job->path, "tensor \"%s\": has no numbers, GGUF wants some",
                        t->name);
    if (!t->quantised && (t->dtype == LSQ_U32 || t->dtype == LSQ_U64))
        return lsq_fail(job->err, LSQ_E_UNSUPPORTED, job->path, "tensor \"%s\": GGUF has no type for %s numbers",
                        t->name, lsq_dtype_name(t->dtype));
    return LSQ_OK;
}

/* ---- Metadata ---------------------------------------------------------------------------------------------------- */

static lsq_status put_string(lsq_export_job *job, const char *text)
{
    const size_t length = strlen(text);
    const lsq_status status = lsq_export_number(job, 8, length);
    return status == LSQ_OK ? lsq_export_put(job, text, length) : status;
}

static lsq_status put_text(lsq_export_job *job, const char *key, const char *value)
{
    lsq_status status = put_string(job, key);
    if (status == LSQ_OK)
        status = lsq_export_number(job, 4, TYPE_TEXT);
    return status == LSQ_OK ? put_string(job, value) : status;
}

/* 0: all are F32; 1: most are F16, but for vectors. */
static lsq_status put_file_type(lsq_export_job *job)
{
    lsq_status status = put_string(job, KEY_FILE_TYPE);
    if (status == LSQ_OK)
        status = lsq_export_number(job, 4, TYPE_U32);
    return status == LSQ_OK ? lsq_export_number(job, 4, job->floats == LSQ_FORM_F16) : status;
}

/* The pairs of a GGUF file as they stand, but for those that were about that file. */
static lsq_status copy_pairs(lsq_export_job *job, const lsq_model *from)
{
    const lsq_gguf_pairs *pairs = &from->pairs;
    const uint8_t *bytes = from->files[0].bytes;
    uint64_t at = pairs->begin;
    lsq_status status = lsq_export_number(job, 8, pairs->count - pairs->apart_count + 1);
    for (unsigned i = 0; i <= pairs->apart_count && status == LSQ_OK; i++) {
        const uint64_t end = i < pairs->apart_count ? pairs->apart[i][0] : pairs->end;
        status = lsq_export_put(job, bytes + at, (size_t)(end - at));
        at = i < pairs->apart_count ? pairs->apart[i][1] : end;
    }
    return status == LSQ_OK ? put_file_type(job) : status;
}

/* Those that this file says itself, or that are not text in any GGUF file. */
static int is_ours(const char *key)
{
    return strcmp(key, KEY_ARCHITECTURE) == 0 || strcmp(key, KEY_FILE_TYPE) == 0 || strcmp(key, KEY_ALIGNMENT) == 0;
}

static lsq_status put_strings(lsq_export_job *job)
{
    const char *key, *value, *architecture = "unknown";
    uint64_t count = 2;
    for (size_t k = 0; lsq_model_metadata(job->model, k, &key, &value); k++) {
        const char *fault = lsq_name_fault(key, strlen(key));
        if (fault)
            return lsq_fail(job->err, LSQ_E_UNSUPPORTED, job->path, "a key of the metadata %s, GGUF has none such",
                            fault);
        architecture = strcmp(key, KEY_ARCHITECTURE) == 0 ? value : architecture;
        count += !is_ours(key);
    }
    lsq_status status = lsq_export_number(job, 8, count);
    if (status == LSQ_OK)
        status = put_text(job, KEY_ARCHITECTURE, architecture);
    if (status == LSQ_OK)
        status = put_file_type(job);
    for (size_t k = 0; status == LSQ_OK && lsq_model_metadata(job->model, k, &key, &value); k++)
        if (!is_ours(key))
            status = put_text(job, key, value);
    return status;
}

/* ---- The file ---------------------------------------------------------------------------------------------------- */

static lsq_status put_info(lsq_export_job *job, const lsq_tensor *t, uint64_t alignment, uint64_t *offset)
{
    const lsq_dtype dtype = lsq_form_dtype(form_of(job, t), t);
    lsq_status status = check(job, t);
    if (status == LSQ_OK)
        status = put_string(job, t->name);
    if (status == LSQ_OK)
        status = lsq_export_number(job, 4, t->rank);
    for (unsigned axis = t->rank; axis-- > 0 && status == LSQ_OK;)
        status = lsq_export_number(job, 8, t->shape[axis]);
    if (status == LSQ_OK)
        status = lsq_export_number(job, 4, (uint64_t)type_of(dtype));
    if (status == LSQ_OK)
        status = lsq_export_number(job, 8, *offset);
    if (!lsq_size_add(*offset, t->elements * lsq_dtype_bytes(dtype), offset) ||
        !lsq_size_align(*offset, alignment, offset))
        return lsq_fail(job->err, LSQ_E_LIMIT, t->name, "the data pass 2^64 bytes");
    return status;
}

static lsq_status align(lsq_export_job *job, uint64_t alignment)
{
    static const uint8_t zeros[64]; /* the usual alignment is 32, and small pieces are buffered */
    uint64_t left = (alignment - lsq_export_size(job) % alignment) % alignment, some;
    lsq_status status = LSQ_OK;
    for (; left && status == LSQ_OK; left -= some) {
        some = left < sizeof zeros ? left : sizeof zeros;
        status = lsq_export_put(job, zeros, (size_t)some);
    }
    return status;
}

lsq_status lsq_write_gguf(lsq_export_job *job)
{
    const lsq_model *like = job->like ? job->like : strcmp(job->model->format, "gguf") == 0 ? job->model : NULL;
    const uint64_t alignment = like ? like->pairs.alignment : ALIGNMENT;
    uint64_t offset = 0;
    lsq_status status = lsq_export_put(job, "GGUF", 4);
    if (status == LSQ_OK)
        status = lsq_export_number(job, 4, VERSION);
    if (status == LSQ_OK)
        status = lsq_export_number(job, 8, job->count);
    if (status == LSQ_OK)
        status = like ? copy_pairs(job, like) : put_strings(job);
    for (size_t k = 0; k < job->count && status == LSQ_OK; k++)
        status = put_info(job, lsq_model_tensor(job->model, job->tensors[k]), alignment, &offset);
    if (status == LSQ_OK)
        status = align(job, alignment);
    for (size_t k = 0; k < job->count && status == LSQ_OK; k++) {
        status = lsq_export_tensor(job, job->tensors[k], form_of(job, lsq_model_tensor(job->model, job->tensors[k])));
        if (status == LSQ_OK)
            status = align(job, alignment);
    }
    return status;
}
