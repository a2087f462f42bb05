/*
 * columns.h - several columns rounded once, as gemm kernels want them.
 */
#ifndef LSQ_DISPATCH_COLUMNS_H
#define LSQ_DISPATCH_COLUMNS_H

#include "dispatch/select.h"

/* Columns of floats: element i of column j at first[i * row_step + j * column_step]. */
typedef struct lsq_columns {
    const float *first;
    ptrdiff_t row_step, column_step;
    size_t rows, count;
} lsq_columns;

/* Bytes of scratch, a multiple of 64, for so many columns of `groups` groups. */
size_t lsq_columns_bytes(enum lsq_act act, size_t groups, size_t count);

/* Rounds them into scratch and points args at it. */
void lsq_columns_set(lsq_gemm_args *args, enum lsq_act act, size_t groups, const lsq_columns *x, void *scratch);

#endif
