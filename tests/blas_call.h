/*
 * blas_call.h - a product as a value: to run, to hand to OpenBLAS, to print, and to say where its elements are.
 */
#ifndef LSQ_TESTS_BLAS_CALL_H
#define LSQ_TESTS_BLAS_CALL_H

#include "tests/blas_reference.h"

#include <stdio.h>

#if LSQ_OPENBLAS
#include <cblas.h>
#endif

/* ---- Calls ---- */

enum kind { GEMV, GEMM };
#define ROW LSQ_ROW_MAJOR
#define COL LSQ_COL_MAJOR
#define NO  LSQ_NO_TRANS
#define YES LSQ_TRANS

/* A product, but for its matrices. Of gemv, a product of one column, only what stands in its list of arguments counts. */
typedef struct call {
    enum kind kind;
    lsq_order order;
    lsq_transpose tw, tb;
    size_t n, ldb, ldc;
    ptrdiff_t incx, incy;
    float alpha, beta;
    lsq_activation act;
    unsigned threads;
} call;

static inline lsq_status run(const lsq_context *ctx, const call *c, const lsq_weights *w, const float *b, float *y)
{
    switch (c->kind) {
    case GEMV:
        return lsq_sgemv(ctx, c->tw, c->alpha, w, b, c->incx, c->beta, y, c->incy);
    case GEMM:
        return lsq_sgemm(ctx, c->order, c->tw, c->tb, c->n, c->alpha, w, b, c->ldb, c->beta, y, c->ldc);
    }
    return LSQ_E_UNSUPPORTED;
}

#if LSQ_OPENBLAS
static inline void run_openblas(const call *c, const matrix *a, const float *b, float *y)
{
    const int columns = c->kind == GEMM && c->order == COL, ld = (int)(columns ? a->m : a->k);
    if (c->kind == GEMV)
        cblas_sgemv(CblasRowMajor, (CBLAS_TRANSPOSE)c->tw, (int)a->m, (int)a->k, c->alpha, a->decoded[0], ld, b,
                    (int)c->incx, c->beta, y, (int)c->incy);
    else
        cblas_sgemm((CBLAS_ORDER)c->order, (CBLAS_TRANSPOSE)c->tw, (CBLAS_TRANSPOSE)c->tb, (int)outer_of(a, c->tw),
                    (int)c->n, (int)inner_of(a, c->tw), c->alpha, a->decoded[columns], ld, b, (int)c->ldb, c->beta, y,
                    (int)c->ldc);
}
#endif

static inline const char *text_of(const call *c, const matrix *a)
{
    static char text[400];
    char name[LSQ_FORMAT_NAME_MAX];
    OK(lsq_format_name(&a->f, name));
    int n = snprintf(text, sizeof(text), "%s %zu x %zu seed %llu, act %d, threads %u, alpha %a, beta %a, ", name, a->m,
                     a->k, (unsigned long long)a->seed, (int)c->act, c->threads, c->alpha, c->beta);
    if (c->kind == GEMV)
        snprintf(text + n, sizeof(text) - (size_t)n, "gemv trans %d, incx %td, incy %td", (int)c->tw, c->incx, c->incy);
    else
        snprintf(text + n, sizeof(text) - (size_t)n, "gemm order %d, trans %d %d, n %zu, ldb %zu, ldc %zu",
                 (int)c->order, (int)c->tw, (int)c->tb, c->n, c->ldb, c->ldc);
    return text;
}

/* ---- Where elements are ---- */

/* Element (i, j) is at first + i row + j column, within `room`, which no element could do without. */
typedef struct layout {
    size_t rows, columns, room, first;
    ptrdiff_t row, column;
} layout;

static inline layout vector_layout(size_t n, ptrdiff_t inc)
{
    const size_t room = 1 + (n - 1) * (size_t)(inc < 0 ? -inc : inc);
    return (layout){n, 1, room, inc < 0 ? room - 1 : 0, inc, 0};
}

/* rows x columns, stored as they are or as their transpose. */
static inline layout matrix_layout(lsq_order order, lsq_transpose t, size_t rows, size_t columns, size_t ld)
{
    if ((order == COL) == (t == NO))
        return (layout){rows, columns, (columns - 1) * ld + rows, 0, 1, (ptrdiff_t)ld};
    return (layout){rows, columns, (rows - 1) * ld + columns, 0, (ptrdiff_t)ld, 1};
}

static inline layout layout_of_b(const call *c, const matrix *a)
{
    const size_t inner = inner_of(a, c->tw);
    return c->kind == GEMV ? vector_layout(inner, c->incx) : matrix_layout(c->order, c->tb, inner, c->n, c->ldb);
}

static inline layout layout_of_c(const call *c, const matrix *a)
{
    const size_t outer = outer_of(a, c->tw);
    return c->kind == GEMV ? vector_layout(outer, c->incy) : matrix_layout(c->order, NO, outer, c->n, c->ldc);
}

static inline float *element(float *base, const layout *l, size_t i, size_t j)
{
    return base + ((ptrdiff_t)l->first + (ptrdiff_t)i * l->row + (ptrdiff_t)j * l->column);
}

#endif
