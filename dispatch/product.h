/*
 * product.h - the pieces of gemv that gemm is made of.
 */
#ifndef LSQ_DISPATCH_PRODUCT_H
#define LSQ_DISPATCH_PRODUCT_H

#include "dispatch/context.h"
#include "dispatch/weights.h"

/* What x is rounded to for these weights in this context. */
enum lsq_act lsq_product_act(const lsq_context *ctx, const lsq_weights *w);

/* Bytes of scratch, a multiple of 64, for the two below. */
size_t lsq_product_scratch(const lsq_context *ctx, lsq_transpose trans, const lsq_weights *w);

/* y = alpha W x + beta y with alpha not 0. Increments as in lsq_sgemv(). */
void lsq_product_run(const lsq_context *ctx, float alpha, const lsq_weights *w, const float *x, ptrdiff_t incx,
                     float beta, float *y, ptrdiff_t incy, void *scratch);

/* y = alpha W^T x + beta y with alpha not 0. */
void lsq_product_transposed(const lsq_context *ctx, float alpha, const lsq_weights *w, const float *x, ptrdiff_t incx,
                            float beta, float *y, ptrdiff_t incy, void *scratch);

/* y = beta y, without reading y if beta is 0. */
void lsq_scale_vector(float beta, float *y, ptrdiff_t incy, size_t n);

/* Columns that lsq_decode_block() decodes at once. */
enum { BLOCK_GROUPS = 8, BLOCK_COLUMNS = BLOCK_GROUPS * GROUP };

/* Decodes groups [g0, g1), at most BLOCK_GROUPS, of panel p: 16 rows of 32 (g1 - g0) floats. */
void lsq_decode_block(const lsq_context *ctx, const lsq_weights *w, size_t p, size_t g0, size_t g1, float *out);

#endif
