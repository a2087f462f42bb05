/*
 * mapping.h - how files come into a model, and leave it.
 */
#ifndef LSQ_MODEL_MAPPING_H
#define LSQ_MODEL_MAPPING_H

#include "model/model.h"

/* Adds a copy of the bytes as a file called "memory". LSQ_E_NOMEM. */
lsq_status lsq_model_add_copy(lsq_model *model, const void *bytes, size_t size, const lsq_mapping **file,
                              lsq_error *err);

void lsq_mapping_close(lsq_mapping *file);

#endif
