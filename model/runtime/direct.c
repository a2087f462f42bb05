/*
 * direct.c - a convolution with one decoded row of W: for groups of so few outputs that panels of 16 rows would be wasted.
 *
 * A row of outputs is summed in place. For each element of the kernel, in the order of the columns of W, its multiple of a row of
 * the image is added; where the element meets the padding nothing is, since that would be a zero.
 */
#include "model/runtime/convolution.h"

#include <string.h>

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
        const lsq_span s = lsq_axis_outputs(h, j);
        if (s.first < s.end)
            add_multiple(y + s.first, line + lsq_axis_at(h, s.first, j), h->stride, w[j], s.end - s.first);
    }
}

void lsq_convolve_directly(const lsq_convolution *c, const float *w, const float *image, float *y)
{
    const lsq_axis *v = &c->vertical, *h = &c->horizontal;
    for (size_t row = 0; row < v->out; row++, y += h->out) {
        memset(y, 0, h->out * sizeof *y);
        for (size_t channel = 0; channel < c->inputs; channel++)
            for (size_t i = 0; i < v->kernel; i++) {
                const size_t at = lsq_axis_at(v, row, i);
                if (at < v->in)
                    add_row(h, w + (channel * v->kernel + i) * h->kernel, image + (channel * v->in + at) * h->in, y);
            }
    }
}
