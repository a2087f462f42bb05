/*
 * gguf.h - where the reader of a GGUF file stands, and its steps.
 */
#ifndef LSQ_MODEL_IMPORT_GGUF_H
#define LSQ_MODEL_IMPORT_GGUF_H

#include "model/limits.h"
#include "model/model.h"

/* Pairs that are about the file: which one of a model it is, numbers, 0 if they are not there; and the type of its numbers. */
enum { LSQ_GGUF_SPLIT_NO, LSQ_GGUF_SPLIT_COUNT, LSQ_GGUF_SPLIT_TENSORS, LSQ_GGUF_FILE_TYPE, LSQ_GGUF_APART };

/* Nothing is read at or past the end of the file. */
typedef struct lsq_gguf {
    lsq_model *model;    /* that is being filled */
    lsq_model *metadata; /* where metadata goes: the same, or one that is thrown away */
    const lsq_mapping *file;
    const char *path;
    uint64_t at;
    uint64_t kept; /* bytes of metadata so far */
    size_t first;  /* tensor of this file */
    uint64_t split[LSQ_GGUF_FILE_TYPE];
    unsigned apart_seen;  /* a bit for each */
    lsq_gguf_pairs pairs; /* where they are */
    lsq_error *err;
} lsq_gguf;

/* Steps over `count` things of `each` bytes, all of which are there, or LSQ_E_TRUNCATED; `what` is for the message. */
lsq_status lsq_gguf_take(lsq_gguf *c, uint64_t count, uint64_t each, const char *what, const uint8_t **bytes);

/* Steps over an unsigned number. */
lsq_status lsq_gguf_number(lsq_gguf *c, unsigned bytes, const char *what, uint64_t *number);

/* Steps over a key, or a tensor's name: one that a tensor of this library may have. LSQ_E_MALFORMED, LSQ_E_LIMIT. */
lsq_status lsq_gguf_name(lsq_gguf *c, const char *what, char name[LSQ_NAME_MAX + 1]);

/* Reads so many pairs into `metadata`, sorted: arrays as what they were, "[3 strings]", all else as text; `split` apart. */
lsq_status lsq_gguf_metadata(lsq_gguf *c, uint64_t pairs);

/* Reads one file, c->file, of which nothing has been read. */
lsq_status lsq_gguf_read_file(lsq_gguf *c);

/* Reads the other files of a model whose first, which has been read, says that it was split. */
lsq_status lsq_gguf_read_others(const lsq_gguf *first, unsigned flags);

#endif
