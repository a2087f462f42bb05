/*
 * finish.h - sums of a panel, times scales, into C.
 */
#ifndef LSQ_DISPATCH_FINISH_H
#define LSQ_DISPATCH_FINISH_H

#include "dispatch/product.h"

/* Of several columns, as gemm leaves them. */
typedef struct lsq_panel_sums {
    const float *sums;              /* column j is in the strip at j / STRIP * STRIP * PANEL */
    unsigned row_step, column_step; /* in a strip */
    size_t count;                   /* of columns */
    const float *scale;             /* of each of 16 rows */
} lsq_panel_sums;

/* c[i, j] = alpha * (sum * scale) + beta * c[i, j] for rows r0 + i < r1 of the panel; c is not read if beta is 0. */
void lsq_finish_panel(const lsq_product *product, const lsq_panel_sums *s, unsigned r0, unsigned r1, float *c);

#endif
