/*
 * npy.h - arrays as NumPy writes them, in a file of their own or within another.
 */
#ifndef LSQ_MODEL_IMPORT_NPY_H
#define LSQ_MODEL_IMPORT_NPY_H

#include "model/model.h"

/*
 * Adds the array that fills file->bytes, which are the model's and stay, as a tensor of that name; file->path says in
 * errors where it is. Fortran order is transposed into memory of the entry. Statuses as lsq_model_open().
 */
lsq_status lsq_add_npy(lsq_model *model, const lsq_mapping *file, const char *name, lsq_error *err);

#endif
