/*
 * product.h - C = alpha op(W') B + beta C, where W' are some rows of W: the ways to it, and the choice of one.
 */
#ifndef LSQ_DISPATCH_PRODUCT_H
#define LSQ_DISPATCH_PRODUCT_H

#include "dispatch/context.h"
#include "dispatch/weights.h"

/* Floats by row and column: element (i, j) at first[i * row_step + j * column_step]. Of a vector there is column 0 alone. */
typedef struct lsq_operand {
    const float *first;
    ptrdiff_t row_step, column_step;
} lsq_operand;

typedef struct lsq_product {
    const lsq_weights *w;
    size_t row, rows; /* W' is rows [row, row + rows) of W; transposed products take all */
    size_t n;         /* columns of B and C, at least 1 */
    float alpha, beta;
    lsq_operand b;
    float *c; /* steps as of an operand */
    ptrdiff_t c_row, c_column;
} lsq_product;

/* Chooses a way and goes it. Needs no valid b if alpha is 0. LSQ_E_NOMEM, with C as it was. */
lsq_status lsq_product_run(const lsq_context *ctx, lsq_transpose trans, const lsq_product *product);

/*
 * Four ways:
 *   vectors     column after column, straight from the codes
 *   direct      several columns at once, straight from the codes, where there is a kernel for that
 *   columns     several columns at once, panels expanded (with floats: decoded) for all of them
 *   transposed  W'^T for up to 16 columns at once, straight from the codes where there is a kernel for that, or expanded
 */
enum lsq_route { ROUTE_vectors, ROUTE_direct, ROUTE_columns, ROUTE_transposed, ROUTES };
extern const char *const lsq_route_names[ROUTES];

/* A way, and what is used on it: for what goes it, and for what explains it. */
typedef struct lsq_way {
    enum lsq_route route;
    enum lsq_act act; /* what columns are rounded to */
    const lsq_choice *round, *unpack,
        *multiply;        /* in this order; NULL: not on this way. unpack is expand, or decode with floats */
    size_t columns;       /* that many at once, or what is left of them */
    size_t together_from; /* from how many columns on they go together, directly or expanded; transposed: 1 */
    size_t expand_from;   /* from how many on they are expanded; transposed: 1 */
    size_t prefetch;      /* straight from the codes: as for a product with a vector */
    size_t parts, part_bytes, thread_bytes; /* what lsq_for_panels() divides, part_bytes for each column */
} lsq_way;

/* Of the weights, format, sizes and family count; and of the rest the rows, n, and how B lies. */
lsq_way lsq_way_of(const lsq_context *ctx, lsq_transpose trans, const lsq_product *product);

/*
 * Do products go directly, with this default kernel of their codec (or NULL), gemm or gemvt, and that one which they would need otherwise? One
 * of a plainer level, as in a hole of the table, would be the slower way.
 */
int lsq_product_goes_direct(const lsq_kernel *direct, const lsq_kernel *otherwise);

/*
 * From how many columns on panels are expanded by this kernel, unless a tune file knows better; fewer go directly by that one or, if it is
 * NULL, one by one.
 */
unsigned lsq_product_expand_from(const lsq_kernel *unpack, const lsq_kernel *direct);

/* Each way; alpha is not 0. Scratch is at a multiple of 64 bytes. */
size_t lsq_vectors_scratch(const lsq_way *way, const lsq_product *product);
void lsq_vectors_run(const lsq_context *ctx, const lsq_way *way, const lsq_product *product, void *scratch);

/* Columns together, directly or expanded. */
size_t lsq_columns_scratch(const lsq_way *way, const lsq_product *product);
void lsq_columns_run(const lsq_context *ctx, const lsq_way *way, const lsq_product *product, void *scratch);

size_t lsq_transposed_scratch(const lsq_way *way, const lsq_product *product);
void lsq_transposed_run(const lsq_context *ctx, const lsq_way *way, const lsq_product *product, void *scratch);

/* ---- What they share ---- */

/* Rounds columns; NULL if they stay floats. */
const lsq_kernel *lsq_way_round(const lsq_way *way);

/* What is expanded or decoded at once stays in half of a first cache; of floats that is so many groups of a panel. */
enum {
    EXPANDED_BYTES = GEMM_GROUPS * TILE,
    BLOCK_GROUPS = EXPANDED_BYTES / (TILE * 4),
    BLOCK_COLUMNS = BLOCK_GROUPS * GROUP
};

/*
 * Fills levels of groups [g0, g1) of panel p, 16 * 32 (g1 - g0) of them within EXPANDED_BYTES, as gemm and gemvt kernels want them:
 * integers, or weights.
 */
typedef struct lsq_expander {
    lsq_tiles w;
    const float *row; /* scales by the byte of a row */
    lsq_expand_fn *expand;
    lsq_decode_fn *decode; /* instead of it, with floats */
    size_t groups;         /* at most so many at once */
} lsq_expander;

lsq_expander lsq_expander_of(const lsq_way *way, const lsq_product *product);
void lsq_expander_run(const lsq_expander *e, size_t p, size_t g0, size_t g1, void *levels);

#endif
