/*
 * permute.h - the matrix view of a tensor along one of its axes (read.c draws it).
 */
#ifndef LSQ_MODEL_PERMUTE_H
#define LSQ_MODEL_PERMUTE_H

#include <lsq/lsq_model.h>

typedef struct lsq_axis {
    uint64_t outer, middle, inner;
} lsq_axis;

lsq_axis lsq_axis_of(const lsq_tensor *tensor, unsigned axis);

#endif
