/*
 * columns.h - several columns rounded once, as gemm kernels want them.
 */
#ifndef LSQ_DISPATCH_COLUMNS_H
#define LSQ_DISPATCH_COLUMNS_H

#include "dispatch/product.h"

/* Bytes of scratch, a multiple of 64, for so many columns of `groups` groups. */
size_t lsq_columns_bytes(enum lsq_act act, size_t groups, size_t count);

/*
 * Rounds the first `count` columns of b, of k elements, into scratch, on threads of the context, and points args at it. `round` is a
 * kernel for these activations: of `roundt` if elements of a row of b are next to each other, of `round` if those of a column are; NULL if
 * they stay floats.
 */
void lsq_columns_set(const lsq_context *ctx, lsq_gemm_args *args, enum lsq_act act, const lsq_kernel *round,
                     size_t groups, const lsq_operand *b, size_t k, size_t count, void *scratch);

/* How many threads it takes. */
size_t lsq_columns_threads(const lsq_context *ctx, size_t k, size_t count);

#endif
