/*
 * sparse.h - products with outliers, after the dense ones: sums go on, one outlier after the other, multiply and add apart, so that they
 * are the same on every machine. x is always as the caller has it, never rounded.
 */
#ifndef LSQ_DISPATCH_SPARSE_H
#define LSQ_DISPATCH_SPARSE_H

#include "dispatch/outliers.h"
#include "kernels/kernel.h"

/* sum + row `row` times x. */
static inline float lsq_sparse_dot(const lsq_outliers *o, size_t row, const float *x, ptrdiff_t incx, float sum)
{
    for (size_t i = o->row[row]; i < o->row[row + 1]; i++) {
        uint32_t entry = o->entries[i];
        __asm__(
            ""
            : "+r"(entry)); /* one by one: gathering four into a vector, to add them in order, takes a third longer */
        sum += o->value[entry % OUTLIER_VALUES] * x[(ptrdiff_t)(entry / OUTLIER_VALUES) * incx];
    }
    return sum;
}

/* 16 floats: as plain loops, compilers take four outliers at once and gather their columns. */
typedef float lsq_strip __attribute__((vector_size(STRIP * sizeof(float)), may_alias));

/* The same for 16 columns at once, element c of all of them at x[c]. */
static inline void lsq_sparse_strip(const lsq_outliers *o, size_t row, const lsq_strip *x, lsq_strip *sum)
{
    lsq_strip s = *sum;
    for (size_t i = o->row[row]; i < o->row[row + 1]; i++) {
        const uint32_t entry = o->entries[i];
        __builtin_prefetch(x + o->entries[i + OUTLIERS_AHEAD] / OUTLIER_VALUES);
        s += o->value[entry % OUTLIER_VALUES] * x[entry / OUTLIER_VALUES];
    }
    *sum = s;
}

/* y += S^T x, row after row, with m elements of x. */
static inline void lsq_sparse_transposed(const lsq_outliers *o, size_t m, const float *x, ptrdiff_t incx, float *y)
{
    for (size_t r = 0; r < m; r++, x += incx)
        for (size_t i = o->row[r]; i < o->row[r + 1]; i++)
            y[o->entries[i] / OUTLIER_VALUES] += o->value[o->entries[i] % OUTLIER_VALUES] * *x;
}

/* out += row `row`, k numbers. */
static inline void lsq_sparse_add(const lsq_outliers *o, size_t row, float *out)
{
    for (size_t i = o->row[row]; i < o->row[row + 1]; i++)
        out[o->entries[i] / OUTLIER_VALUES] += o->value[o->entries[i] % OUTLIER_VALUES];
}

#endif
