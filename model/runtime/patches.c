/*
 * patches.c - what meets the kernel, for products of several columns (im2col): a row for each element of the kernel, a column for each
 * output.
 *
 *     image               a b c d e f     an element of the kernel meets a run of each row of the image,
 *     first element       0 a b c d e     and zeros where it is beside it, in the padding
 *     second element      a b c d e f
 *     third element       b c d e f 0
 *
 * Where rows of outputs are as long as those of the image, the run of the next row goes on where this one ends: all rows are copied at once,
 * and the ends of rows cleared.
 */
#include "model/runtime/convolution.h"

#include <string.h>

size_t lsq_patch_ld(size_t outputs)
{
    return outputs / 32 * 32 +
           (outputs % 32 <= 16 ? 16 : 48); /* an odd number of cache lines, so that rows are in all sets */
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline void zero(float *to, size_t n)
{
    if (n) /* mostly there is nothing to do, and a call to find that out costs more */
        memset(to, 0, n * sizeof(*to));
}

/* ---- Row after row of outputs ---- */

static void copy_spaced(float *restrict to, const float *restrict from, size_t n, size_t stride)
{
    if (stride == 1)
        memcpy(to, from, n * sizeof(*to));
    else if (stride == 2)
        for (size_t i = 0; i < n; i++)
            to[i] = from[2 * i];
    else
        for (size_t i = 0; i < n; i++)
            to[i] = from[i * stride];
}

/* Outputs [column, end) of a row that meets this line of the image, or the padding if it is NULL. */
static void set_row(const lsq_axis *h, lsq_span inside, const float *line, size_t j, size_t column, size_t end,
                    float *to)
{
    const size_t first = inside.first < column ? column : least(inside.first, end),
                 last = inside.end < first ? first : least(inside.end, end);
    if (!line || first == last) {
        zero(to, end - column);
        return;
    }
    zero(to, first - column);
    copy_spaced(to + (first - column), line + lsq_axis_at(h, first, j), last - first, h->stride);
    zero(to + (last - column), end - last);
}

/* Element (i, j) for outputs [p0, p1). */
static void set_rows(const lsq_convolution *c, const float *plane, size_t i, size_t j, size_t p0, size_t p1, float *to)
{
    const lsq_axis *v = &c->vertical, *h = &c->horizontal;
    const lsq_span inside = lsq_axis_outputs(h, j);
    size_t row = p0 / h->out, column = p0 % h->out;
    for (size_t p = p0; p < p1; row++, column = 0) {
        const size_t end = least(h->out, column + (p1 - p)), y = lsq_axis_at(v, row, i);
        set_row(h, inside, y < v->in ? plane + y * h->in : NULL, j, column, end, to + (p - p0));
        p += end - column;
    }
}

/* ---- All rows of outputs at once ---- */

/* Columns [first, end) of all rows, as far as they are among outputs [p0, p1). */
static void zero_columns(const lsq_axis *h, size_t first, size_t end, size_t p0, size_t p1, float *to)
{
    for (size_t p = p0 / h->out * h->out; p < p1 && first < end; p += h->out)
        for (size_t i = p + first; i < p + end; i++)
            if (i >= p0 && i < p1)
                to[i - p0] = 0;
}

/* Element (i, j), outputs [p0, p1): the plane from `from` on, and zeros before and behind it; strides are 1, and rows as long as its own. */
static void set_shifted(const lsq_convolution *c, const float *plane, size_t i, size_t j, size_t p0, size_t p1,
                        float *to)
{
    const lsq_axis *v = &c->vertical, *h = &c->horizontal;
    const size_t n = p1 - p0;
    const lsq_span inside = lsq_axis_outputs(h, j);
    const ptrdiff_t elements = (ptrdiff_t)(v->in * h->in),
                    from = (ptrdiff_t)(p0 + lsq_axis_at(v, 0, i) * h->in + lsq_axis_at(h, 0, j));
    const size_t before = from < 0 ? least((size_t)-from, n) : 0,
                 end = from < elements ? least((size_t)(elements - from), n) : 0;
    zero(to, before);
    if (before < end)
        memcpy(to + before, plane + (from + (ptrdiff_t)before), (end - before) * sizeof(*to));
    zero(to + end, n - end);
    zero_columns(h, 0, inside.first, p0, p1, to);
    zero_columns(h, inside.end, h->out, p0, p1, to);
}

void lsq_patches(const lsq_convolution *c, const float *image, size_t p0, size_t p1, float *to, size_t ld)
{
    const lsq_axis *v = &c->vertical, *h = &c->horizontal;
    const int seamless = v->stride == 1 && h->stride == 1 && h->out == h->in;
    for (size_t channel = 0; channel < c->inputs; channel++, image += v->in * h->in)
        for (size_t i = 0; i < v->kernel; i++)
            for (size_t j = 0; j < h->kernel; j++, to += ld)
                if (seamless)
                    set_shifted(c, image, i, j, p0, p1, to);
                else
                    set_rows(c, image, i, j, p0, p1, to);
}
