/*
 * pth_tensors.h - the tensors that a pickle of torch.save() describes, wherever the file has their storages.
 */
#ifndef LSQ_MODEL_IMPORT_PTH_TENSORS_H
#define LSQ_MODEL_IMPORT_PTH_TENSORS_H

#include "model/import/pickle.h"
#include "model/limits.h"
#include "model/model.h"

typedef struct lsq_pth_storage {
    const uint8_t *bytes;
    uint64_t size;
} lsq_pth_storage;

/* What stands for a storage in the pickle. */
typedef struct lsq_pth_id {
    int role;        /* of its type: LSQ_PTH_STORAGE and an lsq_dtype, LSQ_PTH_BYTES, or anything */
    const char *key; /* `length` bytes of the pickle */
    size_t length;
    int64_t numbers;
    const lsq_pickle_value *view; /* the sixth part, or NULL */
} lsq_pth_id;

/* What the reader is about. The caller sets what is above `name`, and the pickle is one that was read. */
typedef struct lsq_pth {
    lsq_model *model;
    const lsq_mapping *file;
    lsq_pickle pickle;
    size_t id_parts; /* of an id: 5 or 6 */
    int (*find)(const struct lsq_pth *r, const char *key, size_t length,
                lsq_pth_storage *found); /* 0: it is not there */
    const void *storages;                /* find()'s */
    lsq_error *err;
    char name[LSQ_NAME_MAX + 1]; /* of the value at hand: keys with dots between them */
    uint64_t copied;             /* bytes */
    size_t passed_over;
    char *first; /* name of the first of these */
} lsq_pth;

/* What a persistent value says, as far as kinds go. Returns 0 if it stands for no storage. */
int lsq_pth_read_id(const lsq_pth *r, const lsq_pickle_value *persistent, lsq_pth_id *id);

/* Adds all tensors to the model. LSQ_E_MALFORMED, LSQ_E_UNSUPPORTED, LSQ_E_LIMIT, LSQ_E_NOMEM. */
lsq_status lsq_pth_read_tensors(lsq_pth *r);

#endif
