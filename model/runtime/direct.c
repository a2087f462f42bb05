/*
 * direct.c - a convolution with one decoded row of W: for groups of so few outputs that panels of 16 rows would be wasted.
 *
 * A row of outputs is summed in place. For each element of the kernel, in the order of the columns of W, its multiple of a row of
 * the image is added; where the element meets the padding nothing is, since that would be a zero.
 */
#include "model/runtime/convolution.h"

#include <string.h>

/* Outputs [first, end) for which this element of the kernel meets the image. */
static lsq_span outputs_of(const lsq_axis *axis, size_t element)
{
    const size_t at = element * axis->dilation,
                 limit = axis->in + axis->padding; /* output * stride + at is in [padding, limit) */
    const size_t first = at < axis->padding ? (axis->padding - at + axis->stride - 1) / axis->stride : 0;
    const size_t end = at < limit ? (limit - at + axis->stride - 1) / axis->stride : 0;
    lsq_span span = {first < axis->out ? first : axis->out, end < axis->out ? end : axis->out};
    if (span.end < span.first)
        span.end = span.first;
    return span;
}

static void add_multiple(float *restrict y, const float *restrict x, size_t stride, float w, size_t n)
{
    if (stride == 1)
        for (size_t i = 0; i < n; i++)
            y[i] += w * x[i];
    else
        for (size_t i = 0; i < n; i++)
            y[i] += w * x[i * stride];
}

/* One row of the kernel over one row of the image. */
static void add_row(const lsq_axis *h, const float *w, const float *line, float *y)
{
    for (size_t j = 0; j < h->kernel; j++) {
        const lsq_span span = outputs_of(h, j);
        if (span.first == span.end)
            continue;
        const size_t from = span.first * h->stride + j * h->dilation - h->padding;
        add_multiple(y + span.first, line + from, h->stride, w[j], span.end - span.first);
    }
}

void lsq_convolve_directly(const lsq_convolution *c, const float *w, const float *image, float *y)
{
    const lsq_axis *v = &c->vertical, *h = &c->horizontal;
    for (size_t row = 0; row < v->out; row++, y += h->out) {
        const ptrdiff_t top = lsq_axis_begin(v, row);
        const lsq_span rows = lsq_axis_span(v, top);
        memset(y, 0, h->out * sizeof *y);
        for (size_t channel = 0; channel < c->inputs; channel++)
            for (size_t i = rows.first; i < rows.end; i++) {
                const size_t line = channel * v->in + (size_t)(top + (ptrdiff_t)(i * v->dilation));
                add_row(h, w + (channel * v->kernel + i) * h->kernel, image + line * h->in, y);
            }
    }
}
