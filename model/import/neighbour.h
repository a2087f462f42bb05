/*
 * neighbour.h - files that another file names: of its own folder, and no other.
 */
#ifndef LSQ_MODEL_IMPORT_NEIGHBOUR_H
#define LSQ_MODEL_IMPORT_NEIGHBOUR_H

#include "model/model.h"

/*
 * Adds the file called `name`, which `path` has named, from the folder of `path`, unless the model has it. The pointer
 * stays valid until the next call. A name with a folder in it is LSQ_E_MALFORMED. LSQ_E_UNSUPPORTED: a link that leads
 * elsewhere, or any file if the model was opened from memory and has no folder. Else as lsq_model_add_file().
 */
lsq_status lsq_model_add_neighbour(lsq_model *model, const char *path, const char *name, unsigned flags,
                                   const lsq_mapping **file, lsq_error *err);

#endif
