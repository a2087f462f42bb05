/*
 * writer.h - a .lsq version 2 file on its way: what is written, and the tensor that comes in strips.
 */
#ifndef LSQ_MODEL_WRITER_H
#define LSQ_MODEL_WRITER_H

#include "model/output.h"

#include <lsq/lsq_model.h>

#include <jansson.h>

/* A quantised tensor between its begin and its end; see writer_rows.c. */
typedef struct lsq_strips lsq_strips;

struct lsq_writer {
    char *path;
    lsq_output *output;
    json_t *tensors, *metadata;
    uint64_t metadata_bytes;
    size_t count;
    lsq_tensor last; /* that was added, if count > 0 */
    uint32_t features;
    lsq_strips *strips; /* NULL: there is none */
    int failed;         /* the file can no longer become whole, or has */
};

/* Bytes that have been written. */
typedef struct lsq_payload {
    uint64_t begin, end;
    uint8_t hash[16];
} lsq_payload;

/* Can this tensor be added now? `t` is complete afterwards. LSQ_E_ARGUMENT, LSQ_E_LIMIT, LSQ_E_IO. */
lsq_status lsq_writer_check(const lsq_writer *writer, lsq_tensor *t, lsq_error *err);

/*
 * Writes a payload at the next multiple of 64; if it is that of a model's file, its pages are given back on the way, otherwise `model` is NULL.
 * LSQ_E_NOMEM before anything is written; LSQ_E_IO, and then the writer has failed.
 */
lsq_status lsq_writer_payload(lsq_writer *writer, const lsq_model *model, const void *data, uint64_t bytes,
                              lsq_payload *payload, lsq_error *err);

/* Puts a tensor whose payloads are written into the header; `outliers` may be NULL. LSQ_E_NOMEM, and then the writer has failed. */
lsq_status lsq_writer_name(lsq_writer *writer, const lsq_tensor *t, const lsq_payload *data,
                           const lsq_payload *outliers, lsq_error *err);

void lsq_strips_free(lsq_strips *strips);

#endif
