/*
 * writer_rows.c - quantised tensors for .lsq version 2, whole or in strips of rows.
 *
 *     strip    codes | scales | row bytes | float         strip    codes | scales | row bytes | float
 *                |       |          |                                |       |          |         |
 *     file     codes, as they come ...   codes | scales ...   scales | row bytes ... row bytes | float, zeros
 *
 * Strips of 256 rows have parts of multiples of 64 bytes, so that what the last one has between its parts is what stands there in the file.
 */
#include "model/lsq2.h"
#include "model/model.h"
#include "model/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { CHAIN_ROWS = 256 };

struct lsq_strips {
    lsq_tensor tensor; /* name: malloc */
    lsq_parts parts;   /* of the whole matrix */
    uint64_t begin;    /* of the payload in the file */
    uint64_t row;      /* so many have come */
    uint8_t *waiting;  /* from parts.scales to the end of the packed form */
    size_t scales;     /* bytes of scales in it, */
    size_t rows;       /* and of row bytes behind those of all rows */
    XXH3_state_t *hash;
};

void lsq_strips_free(lsq_strips *s)
{
    if (!s)
        return;
    free((char *)(uintptr_t)s->tensor.name);
    free(s->waiting);
    if (s->hash)
        XXH3_freeState(s->hash);
    free(s);
}

static lsq_status begin(lsq_writer *w, const lsq_tensor *like, unsigned output_axis, const lsq_format *format,
                        lsq_error *err)
{
    lsq_tensor t = *like;
    t.quantised = 1;
    t.output_axis = output_axis;
    t.format = *format;
    t.outliers = t.outlier_bytes = 0;
    lsq_status status = lsq_writer_check(w, &t, err);
    if (status != LSQ_OK)
        return status;
    lsq_strips *s = calloc(1, sizeof *s);
    if (!s)
        return lsq_fail(err, LSQ_E_NOMEM, w->path, "no memory");
    s->tensor = t;
    s->tensor.name = strdup(t.name);
    s->hash = XXH3_createState();
    lsq_packed_parts(format, t.rows, t.columns, &s->parts); /* which there are, or the tensor would not be complete */
    s->waiting = malloc(t.bytes - s->parts.scales);
    if (!s->tensor.name || !s->hash || !s->waiting)
        status = lsq_fail(err, LSQ_E_NOMEM, w->path, "no memory for the scales of tensor \"%s\"", t.name);
    else
        status = lsq_output_align(w->output, LSQ2_ALIGNMENT, err);
    if (status != LSQ_OK) {
        lsq_strips_free(s);
        return status;
    }
    XXH3_128bits_reset(s->hash);
    s->begin = lsq_output_size(w->output);
    w->strips = s;
    return LSQ_OK;
}

/* Writes bytes of the payload; if they cannot be, the tensor stays without an end. */
static lsq_status append(lsq_writer *w, const void *bytes, size_t size, lsq_error *err)
{
    lsq_status status = size ? lsq_output_write(w->output, bytes, size, err) : LSQ_OK;
    if (status == LSQ_OK)
        XXH3_128bits_update(w->strips->hash, bytes, size);
    else
        w->failed = 1;
    return status;
}

static int same_format(const lsq_format *a, const lsq_format *b)
{
    return a->codec == b->codec && a->bits == b->bits && a->scale == b->scale && a->states == b->states &&
           a->curve == b->curve;
}

static lsq_status check_strip(const lsq_writer *w, const lsq_weights *strip, const lsq_parts *parts, lsq_error *err)
{
    const lsq_strips *s = w->strips;
    const lsq_tensor *t = &s->tensor;
    const lsq_format format = lsq_weights_format(strip);
    const uint64_t rows = lsq_weights_rows(strip), left = t->rows - s->row;
    if (!same_format(&format, &t->format))
        return lsq_fail(err, LSQ_E_ARGUMENT, w->path, "tensor \"%s\": a strip of another format", t->name);
    if (lsq_weights_columns(strip) != t->columns)
        return lsq_fail(err, LSQ_E_ARGUMENT, w->path, "tensor \"%s\": a strip of %llu columns, expected %llu", t->name,
                        (unsigned long long)lsq_weights_columns(strip), (unsigned long long)t->columns);
    if (rows > left || (rows != left && rows % CHAIN_ROWS))
        return lsq_fail(err, LSQ_E_ARGUMENT, w->path,
                        "tensor \"%s\": %llu rows after %llu of %llu, expected a multiple of 256, or the rest", t->name,
                        (unsigned long long)rows, (unsigned long long)s->row, (unsigned long long)t->rows);
    const uint8_t *scale = (const uint8_t *)lsq_weights_packed(strip) + parts->tensor;
    if (s->row && memcmp(scale, s->waiting + (s->parts.tensor - s->parts.scales), sizeof(float)) != 0)
        return lsq_fail(err, LSQ_E_ARGUMENT, w->path, "tensor \"%s\": a strip of another tensor's scale", t->name);
    return LSQ_OK;
}

static lsq_status add_rows(lsq_writer *w, const lsq_weights *strip, lsq_error *err)
{
    lsq_strips *s = w->strips;
    lsq_parts parts;
    const lsq_format format = lsq_weights_format(strip);
    lsq_status status = lsq_packed_parts(&format, lsq_weights_rows(strip), lsq_weights_columns(strip), &parts);
    if (status == LSQ_OK)
        status = check_strip(w, strip, &parts, err);
    if (status == LSQ_OK)
        status = append(w, lsq_weights_packed(strip), parts.scales, err);
    if (status != LSQ_OK)
        return status;
    const uint8_t *packed = lsq_weights_packed(strip);
    uint8_t *rows = s->waiting + (s->parts.rows - s->parts.scales);
    memcpy(s->waiting + s->scales, packed + parts.scales, parts.rows - parts.scales);
    memcpy(rows + s->rows, packed + parts.rows, parts.tensor - parts.rows);
    memcpy(s->waiting + (s->parts.tensor - s->parts.scales), packed + parts.tensor, sizeof(float));
    s->scales += parts.rows - parts.scales;
    s->rows += parts.tensor - parts.rows;
    s->row += lsq_weights_rows(strip);
    return LSQ_OK;
}

static lsq_status end(lsq_writer *w, const void *outliers, size_t size, lsq_error *err)
{
    lsq_strips *s = w->strips;
    lsq_payload dense = {.begin = s->begin}, sparse = {0};
    const size_t written = s->parts.tensor - s->parts.scales + sizeof(float), all = s->tensor.bytes - s->parts.scales;
    if (s->row < s->tensor.rows)
        return lsq_fail(err, LSQ_E_ARGUMENT, w->path, "tensor \"%s\" has %llu of %llu rows", s->tensor.name,
                        (unsigned long long)s->row, (unsigned long long)s->tensor.rows);
    memset(s->waiting + written, 0, all - written);
    lsq_status status = append(w, s->waiting, all, err);
    dense.end = lsq_output_size(w->output);
    lsq_hash_end(s->hash, dense.hash);
    s->hash = NULL;
    if (status == LSQ_OK && size)
        status = lsq_writer_payload(w, NULL, outliers, size, &sparse, err);
    w->failed |= status != LSQ_OK; /* what has been written has no name */
    if (status == LSQ_OK)
        status = lsq_writer_name(w, &s->tensor, &dense, size ? &sparse : NULL, err);
    w->strips = NULL;
    lsq_strips_free(s);
    return status;
}

/* ---- What callers ask for ---------------------------------------------------------------------------------------- */

lsq_status lsq_writer_begin_quantised(lsq_writer *w, const lsq_tensor *like, unsigned output_axis,
                                      const lsq_format *format, lsq_error *err)
{
    if (!w || !like || !format)
        return lsq_fail(err, LSQ_E_ARGUMENT, "lsq_writer_begin_quantised", "no writer, no tensor or no format");
    int before = errno;
    lsq_status status = begin(w, like, output_axis, format, err);
    errno = before;
    return status;
}

lsq_status lsq_writer_rows(lsq_writer *w, const lsq_weights *strip, lsq_error *err)
{
    if (!w || !strip || !w->strips)
        return lsq_fail(err, LSQ_E_ARGUMENT, w ? w->path : "lsq_writer_rows",
                        "no writer, no strip, or no tensor begun");
    if (w->failed)
        return lsq_fail(err, LSQ_E_IO, w->path, "an earlier write failed");
    int before = errno;
    lsq_status status = add_rows(w, strip, err);
    errno = before;
    return status;
}

lsq_status lsq_writer_end_quantised(lsq_writer *w, const void *outliers, size_t size, lsq_error *err)
{
    if (!w || !w->strips || (size && !outliers))
        return lsq_fail(err, LSQ_E_ARGUMENT, w ? w->path : "lsq_writer_end_quantised",
                        "no writer, no tensor begun, or no outliers where there is a size of them");
    if (w->failed)
        return lsq_fail(err, LSQ_E_IO, w->path, "an earlier write failed");
    int before = errno;
    lsq_status status = end(w, outliers, size, err);
    errno = before;
    return status;
}

lsq_status lsq_writer_quantised(lsq_writer *w, const lsq_tensor *like, unsigned output_axis, const lsq_weights *weights,
                                lsq_error *err)
{
    if (!w || !like || !weights)
        return lsq_fail(err, LSQ_E_ARGUMENT, "lsq_writer_quantised", "no writer, no tensor or no weights");
    int before = errno;
    size_t size;
    const void *outliers = lsq_weights_outliers(weights, &size, NULL);
    const lsq_format format = lsq_weights_format(weights);
    lsq_status status = begin(w, like, output_axis, &format, err);
    const lsq_tensor *t = status == LSQ_OK ? &w->strips->tensor : NULL;
    if (t && (lsq_weights_rows(weights) != t->rows || lsq_weights_columns(weights) != t->columns)) {
        status =
            lsq_fail(err, LSQ_E_ARGUMENT, w->path, "tensor \"%s\" is %llu x %llu, the weights are %llu x %llu", t->name,
                     (unsigned long long)t->rows, (unsigned long long)t->columns,
                     (unsigned long long)lsq_weights_rows(weights), (unsigned long long)lsq_weights_columns(weights));
    }
    if (status == LSQ_OK)
        status = add_rows(w, weights, err);
    if (status == LSQ_OK)
        status = end(w, outliers, size, err);
    if (status != LSQ_OK && t) { /* as if it had not begun, unless the writer has failed */
        lsq_strips_free(w->strips);
        w->strips = NULL;
    }
    errno = before;
    return status;
}
