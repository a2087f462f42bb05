/*
 * stream_open.c - of a file, only what says where its tensors are.
 */
#include "model/lsq2.h"
#include "model/runtime/stream.h"
#include "model/sizes.h"

#include <stdlib.h>
#include <string.h>

/*
 * Reading a header that our writer wrote takes less than so many times its bytes: JSON as objects in memory, claims, entries.
 * tests/test_no_memory.c measures it.
 */
enum { PARSED = 32 };

static lsq_status read_header(lsq_stream *s, const lsq_mapping *file, const lsq_preamble *preamble, lsq_error *err)
{
    uint8_t *header = malloc(preamble->header_bytes ? preamble->header_bytes : 1);
    if (!header)
        return lsq_fail(err, LSQ_E_NOMEM, file->path, "no memory for a header of %llu bytes",
                        (unsigned long long)preamble->header_bytes);
    lsq_status status =
        lsq_stream_pread(s->fd, header, preamble->header_bytes, preamble->header_offset, NULL, file->path, err);
    if (status == LSQ_OK)
        status = lsq_read_lsq2_header(s->model, file, preamble, header, err);
    free(header);
    return status;
}

/*
 * How many outliers each tensor has: the first 8 bytes of them. One takes 3 bits at least, so a count beyond that is none; it decides how
 * much memory is promised to them.
 */
static lsq_status count_outliers(lsq_stream *s, const char *path, lsq_error *err)
{
    for (size_t i = 0; i < s->model->count; i++) {
        lsq_entry *entry = &s->model->entries[i];
        uint8_t bytes[8];
        if (entry->tensor.outlier_bytes < sizeof bytes)
            continue; /* none, or too few bytes to be any: wrapping says so */
        lsq_status status = lsq_stream_pread(s->fd, bytes, sizeof bytes, entry->outliers, NULL, path, err);
        if (status != LSQ_OK)
            return status;
        entry->tensor.outliers = lsq_little_endian(bytes, sizeof bytes);
        if (entry->tensor.outliers > 8 * entry->tensor.outlier_bytes / 3)
            return lsq_fail(err, LSQ_E_MALFORMED, path, "tensor \"%s\", byte %llu: %llu outliers in %llu bytes",
                            entry->tensor.name, (unsigned long long)entry->outliers,
                            (unsigned long long)entry->tensor.outliers,
                            (unsigned long long)entry->tensor.outlier_bytes);
    }
    return LSQ_OK;
}

lsq_status lsq_stream_open(lsq_stream *s, const char *path, size_t memory, lsq_error *err)
{
    const lsq_mapping *file = NULL;
    uint8_t first[LSQ2_PREAMBLE] = {0};
    lsq_preamble preamble;
    s->fd = -1;
    s->model = calloc(1, sizeof *s->model);
    if (!s->model)
        return lsq_fail(err, LSQ_E_NOMEM, path, "no memory");
    lsq_status status = lsq_model_add_unread(s->model, path, &s->fd, &file, err);
    if (status != LSQ_OK) {
        s->fd = -1;
        return status;
    }
    const lsq_mapping beginning = {.bytes = first, .size = file->size < sizeof first ? file->size : sizeof first};
    status = lsq_stream_pread(s->fd, first, beginning.size, 0, NULL, path, err);
    if (status != LSQ_OK)
        return status;
    if (!lsq_is_lsq2(&beginning))
        return lsq_fail(err, LSQ_E_UNSUPPORTED, path, "only .lsq version 2 can be streamed: see 'lsq compress'");
    status = lsq_preamble_decode(first, file->size, path, &preamble, err);
    if (status != LSQ_OK)
        return status;
    if (preamble.header_bytes > memory / PARSED)
        return lsq_fail(err, LSQ_E_LIMIT, path, "%zu bytes of memory are not enough to read a header of %llu: %llu are",
                        memory, (unsigned long long)preamble.header_bytes,
                        (unsigned long long)(PARSED * preamble.header_bytes));
    s->model->format = "lsq2";
    status = read_header(s, file, &preamble, err);
    if (status == LSQ_OK && s->model->count == 0)
        status = lsq_fail(err, LSQ_E_UNSUPPORTED, path, "has no tensors to stream");
    if (status == LSQ_OK)
        status = count_outliers(s, path, err);
    if (status == LSQ_OK)
        lsq_model_sort_metadata(s->model);
    return status;
}
