/*
 * pth_names.h - all that a pickle of torch.save() may name.
 */
#ifndef LSQ_MODEL_IMPORT_PTH_NAMES_H
#define LSQ_MODEL_IMPORT_PTH_NAMES_H

#include "model/import/pickle.h"

/* What a name is to the reader: its role. A storage or a type of numbers is the number below and its lsq_dtype. */
typedef enum lsq_pth_role {
    LSQ_PTH_NOTHING, /* nothing of it is kept */
    LSQ_PTH_SIZE,
    LSQ_PTH_TENSOR,
    LSQ_PTH_TENSOR_WITH_TYPE,
    LSQ_PTH_FIRST_TENSOR, /* of before torch 0.4 */
    LSQ_PTH_PARAMETER,
    LSQ_PTH_SUBCLASS, /* a tensor with a class or attributes of its own */
    LSQ_PTH_BYTES,
    LSQ_PTH_STORAGE = 100,
    LSQ_PTH_TYPE = 200
} lsq_pth_role;

const lsq_pickle_name *lsq_pth_names(size_t *count);

#endif
