/*
 * export.h - what the writers of foreign formats share.
 */
#ifndef LSQ_MODEL_EXPORT_H
#define LSQ_MODEL_EXPORT_H

#include "model/output.h"

#include <lsq/lsq_model.h>

/* Appends tensor i as float32, whatever it is in the model. Needs memory for that one tensor if it is quantised, or 1 MiB. */
lsq_status lsq_export_floats(const lsq_model *model, size_t i, lsq_output *output, lsq_error *err);

#endif
