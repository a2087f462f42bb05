/*
 * mapping.h - how files come into a model, and leave it.
 */
#ifndef LSQ_MODEL_MAPPING_H
#define LSQ_MODEL_MAPPING_H

#include "model/model.h"

/* Adds a copy of the bytes as a file called "memory". LSQ_E_NOMEM. */
lsq_status lsq_model_add_copy(lsq_model *model, const void *bytes, size_t size, const lsq_mapping **file,
                              lsq_error *err);

/*
 * Lets the system drop the pages of these bytes, if they are those of a mapped file: they are read again when they are touched again. Others
 * may read them at the same time. May change errno.
 */
void lsq_mapping_release(const lsq_model *model, const uint8_t *bytes, size_t size);

/* Has the system read these bytes, as far as they are those of a mapped file, into its cache. May change errno. */
void lsq_mapping_prefetch(const lsq_model *model, const uint8_t *bytes, uint64_t size);

void lsq_mapping_close(lsq_mapping *file);

#endif
