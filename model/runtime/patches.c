/*
 * patches.c - what meets the kernel, copied side by side for products of several columns (im2col).
 *
 *     image               a b c d e f     a row of the kernel meets a run of neighbours, for the next output a stride further on
 *     patch of output 0   a b c ?         runs are copied as fours; what is too much is overwritten by the run of the next
 *     patch of output 1   b c d ?         row of the kernel, or lies between two patches
 *
 * The run of one row of the kernel is copied for a row of outputs at once: so what is read lies together, and what is written, a
 * few lines for each output, stays in the first cache.
 */
#include "model/runtime/convolution.h"

#include <string.h>

enum { FOUR = 4 * sizeof(float) };

size_t lsq_patch_ld(size_t columns)
{
    return (columns + 3 + 15) / 16 * 16; /* three floats may be too much; whole cache lines */
}

/* Outputs [first, end) of a row, whose patches are `ld` apart. */
typedef struct segment {
    size_t first, end;
    size_t inner_first, inner_end; /* of these, the ones whose runs, taken as fours, are all within the image */
    size_t ld;
} segment;

/* Output i, element by element. */
static void copy_elements(const lsq_axis *h, const float *line, size_t i, float *to)
{
    for (size_t j = 0; j < h->kernel; j++) {
        const size_t at = lsq_axis_at(h, i, j);
        to[j] = at < h->in ? line[at] : 0.0f;
    }
}

/* One row of the kernel for n outputs that do not meet the padding. */
static void copy_inner(const lsq_axis *h, const float *line, float *to, size_t ld, size_t n)
{
    const size_t run = h->kernel;
    for (size_t i = 0; i < n; i++, to += ld) {
        const float *from = line + i * h->stride;
        if (h->dilation != 1) {
            for (size_t j = 0; j < run; j++)
                to[j] = from[j * h->dilation];
        } else if (run <= 4) {
            memcpy(to, from, FOUR);
        } else {
            for (size_t j = 0; j + 4 < run; j += 4)
                memcpy(to + j, from + j, FOUR);
            memcpy(to + run - 4, from + run - 4, FOUR);
        }
    }
}

/* One row of the kernel for all outputs of the segment. */
static void copy_runs(const lsq_axis *h, const segment *s, const float *line, float *to)
{
    for (size_t i = s->first; i < s->inner_first; i++)
        copy_elements(h, line, i, to + (i - s->first) * s->ld);
    if (s->inner_first < s->inner_end)
        copy_inner(h, line + (s->inner_first * h->stride - h->padding), to + (s->inner_first - s->first) * s->ld, s->ld,
                   s->inner_end - s->inner_first);
    for (size_t i = s->inner_end; i < s->end; i++)
        copy_elements(h, line, i, to + (i - s->first) * s->ld);
}

static void zero_runs(size_t n, const segment *s, float *to)
{
    for (size_t i = s->first; i < s->end; i++, to += s->ld)
        for (size_t j = 0; j < n; j++)
            to[j] = 0.0f;
}

/* Between the first output whose run begins in the image, and the last one whose run ends there. */
static void set_inner(const lsq_axis *h, segment *s)
{
    const size_t reach = (h->kernel - 1) * h->dilation + 1, run = reach < 4 ? 4 : reach;
    const size_t padded = h->padding + h->in; /* the run begins at output * stride and is in [padding, padded) */
    const size_t first = (h->padding + h->stride - 1) / h->stride;
    const size_t end = run <= padded ? (padded - run) / h->stride + 1 : 0;
    s->inner_first = first < s->first ? s->first : first < s->end ? first : s->end;
    s->inner_end = end < s->inner_first ? s->inner_first : end < s->end ? end : s->end;
}

void lsq_patches(const lsq_convolution *c, const float *image, size_t p0, size_t p1, float *to, size_t ld)
{
    const lsq_axis *v = &c->vertical, *h = &c->horizontal;
    for (size_t p = p0, end; p < p1; p = end) {
        const size_t row = p / h->out, column = p % h->out;
        end = (row + 1) * h->out < p1 ? (row + 1) * h->out : p1;
        segment s = {.first = column, .end = column + (end - p), .ld = ld};
        set_inner(h, &s);
        float *at = to + (p - p0) * ld;
        for (size_t channel = 0; channel < c->inputs; channel++)
            for (size_t i = 0; i < v->kernel; i++, at += h->kernel) {
                const size_t y = lsq_axis_at(v, row, i);
                if (y < v->in)
                    copy_runs(h, &s, image + (channel * v->in + y) * h->in, at);
                else
                    zero_runs(h->kernel, &s, at);
            }
    }
}
