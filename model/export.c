/*
 * export.c - the one way into files of other formats.
 */
#include "model/export.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct format {
    const char *name;
    lsq_status (*write)(lsq_export_job *job);
    int has_floats, has_like; /* options that mean something */
} formats[] = {
    {"safetensors", lsq_write_safetensors, 1, 0},
    {"npy", lsq_write_npy, 1, 0},
    {"npz", lsq_write_npz, 1, 0},
    {"gguf", lsq_write_gguf, 1, 1},
    {"h", lsq_write_header, 0, 0},
    {"lsq1", lsq_write_lsq1, 0, 0},
};

/* ---- What writers use -------------------------------------------------------------------------------------------- */

static lsq_status flush(lsq_export_job *job)
{
    const size_t size = job->buffered;
    job->buffered = 0;
    return size ? lsq_output_write(job->output, job->buffer, size, job->err) : LSQ_OK;
}

lsq_status lsq_export_put(lsq_export_job *job, const void *bytes, size_t size)
{
    lsq_status status = LSQ_OK;
    if (size > LSQ_EXPORT_BUFFER - job->buffered)
        status = flush(job);
    if (status != LSQ_OK || size == 0)
        return status;
    if (size > LSQ_EXPORT_BUFFER)
        return lsq_output_write(job->output, bytes, size, job->err);
    memcpy(job->buffer + job->buffered, bytes, size);
    job->buffered += size;
    return LSQ_OK;
}

lsq_status lsq_export_text(lsq_export_job *job, const char *format, ...)
{
    char text[8192];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof text)
        return lsq_fail(job->err, LSQ_E_LIMIT, job->path, "a line of %d characters, expected fewer than %zu", length,
                        sizeof text);
    return lsq_export_put(job, text, (size_t)length);
}

/* The bytes of a number, the lowest first. */
static const uint8_t *bytes_of(uint64_t value, uint8_t bytes[8])
{
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    return bytes;
}

lsq_status lsq_export_number(lsq_export_job *job, size_t bytes, uint64_t value)
{
    uint8_t number[8];
    return lsq_export_put(job, bytes_of(value, number), bytes);
}

/* What was put at once is in the buffer, or written, as a whole. */
lsq_status lsq_export_patch(lsq_export_job *job, uint64_t offset, size_t bytes, uint64_t value)
{
    uint8_t number[8];
    const uint64_t written = lsq_output_size(job->output);
    bytes_of(value, number);
    if (offset < written)
        return lsq_output_patch(job->output, offset, number, bytes, job->err);
    memcpy(job->buffer + (offset - written), number, bytes);
    return LSQ_OK;
}

uint64_t lsq_export_size(const lsq_export_job *job)
{
    return lsq_output_size(job->output) + job->buffered;
}

lsq_form lsq_export_form(const lsq_export_job *job, const lsq_tensor *tensor)
{
    if (!tensor->quantised && !lsq_dtype_floating(tensor->dtype))
        return LSQ_FORM_STORED;
    return tensor->quantised && job->floats == LSQ_FORM_STORED ? LSQ_FORM_F32 : job->floats;
}

lsq_status lsq_export_piece(void *arg, const lsq_piece *piece)
{
    lsq_export_job *job = arg;
    const lsq_status status = job->each ? job->each(job->arg, piece) : LSQ_OK;
    if (status != LSQ_OK)
        return lsq_fail(job->err, status, job->path, "was given up in tensor \"%s\"", piece->tensor->name);
    return lsq_export_put(job, piece->bytes, piece->size);
}

lsq_status lsq_export_tensor(lsq_export_job *job, size_t i, lsq_form form)
{
    return lsq_model_visit(job->model, i, form, lsq_export_piece, job, job->err);
}

/* ---- The file ---------------------------------------------------------------------------------------------------- */

static const char *fault_of(const struct format *format, const lsq_export_options *options)
{
    if (options->size != sizeof *options)
        return "options of another size";
    if (options->floats && (!format->has_floats || (unsigned)options->floats > LSQ_FORM_F16))
        return "this format has no such form of numbers";
    if (options->like && (!format->has_like || strcmp(lsq_model_format(options->like), "gguf") != 0))
        return "metadata like those of a GGUF file are for such a file, and come from one";
    return NULL;
}

/* All tensors, or those that were asked for if they are there, none of them twice. */
static lsq_status choose(const lsq_export_options *options, lsq_export_job *job, size_t *chosen)
{
    const size_t there = lsq_model_count(job->model);
    uint8_t *taken = calloc(there + 1, 1);
    if (!taken)
        return lsq_fail(job->err, LSQ_E_NOMEM, job->path, "no memory for %zu tensors", there);
    lsq_status status = LSQ_OK;
    for (size_t i = 0; i < job->count && status == LSQ_OK; i++) {
        chosen[i] = options->tensors ? options->tensors[i] : i;
        if (chosen[i] >= there || taken[chosen[i]]++)
            status =
                lsq_fail(job->err, LSQ_E_ARGUMENT, "lsq_export",
                         chosen[i] < there ? "tensor %zu is asked for twice" : "there is no tensor %zu", chosen[i]);
    }
    free(taken);
    return status;
}

static lsq_status write_file(const struct format *format, const lsq_export_options *options, lsq_export_job *job)
{
    lsq_status status = lsq_output_new(job->path, options->overwrite, &job->output, job->err);
    if (status == LSQ_OK)
        status = format->write(job);
    if (status == LSQ_OK)
        status = flush(job);
    if (status == LSQ_OK)
        status = lsq_output_finish(job->output, job->err);
    lsq_output_free(job->output);
    return status;
}

static lsq_status export(const lsq_model *model, const struct format *format, const char *path,
                         const lsq_export_options *options, size_t *written, lsq_error *err)
{
    const size_t count = options->tensors ? options->tensor_count : lsq_model_count(model);
    lsq_export_job *job = calloc(1, sizeof *job);
    size_t *chosen = count < SIZE_MAX / sizeof *chosen ? malloc((count + 1) * sizeof *chosen) : NULL;
    lsq_status status = LSQ_E_NOMEM;
    if (job && chosen) {
        job->model = model;
        job->path = path;
        job->tensors = chosen;
        job->count = job->written = count;
        job->floats = (lsq_form)options->floats;
        job->like = options->like;
        job->each = options->each;
        job->arg = options->arg;
        job->err = err;
        status = choose(options, job, chosen);
        if (status == LSQ_OK)
            status = write_file(format, options, job);
        if (status == LSQ_OK && written)
            *written = job->written;
    } else {
        lsq_fail(err, status, path, "no memory for %zu tensors", count);
    }
    free(chosen);
    free(job);
    return status;
}

lsq_status lsq_export(const lsq_model *model, const char *format, const char *path, const lsq_export_options *options,
                      size_t *written, lsq_error *err)
{
    static const lsq_export_options usual = {.size = sizeof usual};
    const struct format *found = NULL;
    if (!model || !format || !path)
        return lsq_fail(err, LSQ_E_ARGUMENT, "lsq_export", "no model, no format, or no path");
    for (size_t i = 0; i < sizeof formats / sizeof formats[0] && !found; i++)
        if (strcmp(formats[i].name, format) == 0)
            found = &formats[i];
    if (!found)
        return lsq_fail(err, LSQ_E_ARGUMENT, "lsq_export", "no format is called \"%s\"", format);
    if (!options)
        options = &usual;
    const char *fault = fault_of(found, options);
    if (fault)
        return lsq_fail(err, LSQ_E_ARGUMENT, "lsq_export", "%s", fault);
    const int before = errno;
    const lsq_status status = export(model, found, path, options, written, err);
    errno = before;
    return status;
}
