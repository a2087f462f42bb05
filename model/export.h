/*
 * export.h - what the writers of foreign formats share: what is wanted, and a file that is written through a buffer.
 */
#ifndef LSQ_MODEL_EXPORT_H
#define LSQ_MODEL_EXPORT_H

#include "model/model.h"
#include "model/output.h"

#define LSQ_EXPORT_BUFFER 65536

typedef struct lsq_export_job {
    const lsq_model *model;
    const char *path;
    const size_t *tensors; /* to be written, by their index, in the order that was asked for */
    size_t count, written; /* how many, and how many were */
    lsq_form floats;
    const lsq_model *like;
    lsq_visit_fn *each; /* or NULL */
    void *arg;
    lsq_output *output;
    size_t buffered;
    uint8_t buffer[LSQ_EXPORT_BUFFER];
    lsq_error *err;
} lsq_export_job;

/* One writer a format. `output` is there; what was written to it is flushed and finished by the caller. */
lsq_status lsq_write_safetensors(lsq_export_job *job);
lsq_status lsq_write_npy(lsq_export_job *job);
lsq_status lsq_write_npz(lsq_export_job *job);
lsq_status lsq_write_gguf(lsq_export_job *job);
lsq_status lsq_write_header(lsq_export_job *job);
lsq_status lsq_write_lsq1(lsq_export_job *job);

/* Appends bytes, or a text. */
lsq_status lsq_export_put(lsq_export_job *job, const void *bytes, size_t size);
lsq_status lsq_export_text(lsq_export_job *job, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends a number in so many bytes, the lowest first. */
lsq_status lsq_export_number(lsq_export_job *job, size_t bytes, uint64_t value);

/* Bytes appended so far. */
uint64_t lsq_export_size(const lsq_export_job *job);

/* Puts another number where lsq_export_number() put one of as many bytes. */
lsq_status lsq_export_patch(lsq_export_job *job, uint64_t offset, size_t bytes, uint64_t value);

/* The form of a tensor where a format takes all types. */
lsq_form lsq_export_form(const lsq_export_job *job, const lsq_tensor *tensor);

/* Appends tensor i in that form. */
lsq_status lsq_export_tensor(lsq_export_job *job, size_t i, lsq_form form);

/* The step of it: shows a piece to job->each, and appends it. `arg` is the job. */
lsq_status lsq_export_piece(void *arg, const lsq_piece *piece);

/*
 * The head of a .npy file with numbers of that type, in `text`; returns its length. 0 if NumPy has no such type. The text takes 53
 * characters, eight dimensions of 13 digits (2^40) take 8 * 15, room to grow and alignment 21 + 64.
 */
#define LSQ_NPY_HEAD_MAX 336
size_t lsq_npy_head(const lsq_tensor *tensor, lsq_dtype dtype, uint8_t head[LSQ_NPY_HEAD_MAX]);

#endif
