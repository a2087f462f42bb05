#include "bench/peers/convolution.h"

#include <string.h>

size_t bench_convolution_patches(const bench_convolution *c)
{
    const lsq_conv2d_shape *s = &c->shape;
    return s->channels / s->groups * s->kernel[0] * s->kernel[1] * c->out_height * c->out_width;
}

/* One row of the patches that meets column j of the kernel: `from` is a row of the image, or NULL for one of padding. */
static void copy_row(const bench_convolution *c, size_t j, const float *from, float *to)
{
    const size_t stride = c->shape.stride[1], width = c->shape.width, skip = j * c->shape.dilation[1];
    size_t first = 0, end = c->out_width; /* outputs whose element is within the image */
    while (first < end && (!from || first * stride + skip < c->shape.padding[1]))
        first++;
    while (end > first && (end - 1) * stride + skip >= width + c->shape.padding[1])
        end--;
    memset(to, 0, first * sizeof *to);
    if (first < end) {
        const float *in = from + (first * stride + skip - c->shape.padding[1]);
        if (stride == 1)
            memcpy(to + first, in, (end - first) * sizeof *to);
        for (size_t i = first; stride > 1 && i < end; i++, in += stride)
            to[i] = *in;
    }
    memset(to + end, 0, (c->out_width - end) * sizeof *to);
}

/* The elements of one group's channels that meet each element of the kernel: a row for each, a column for each output. */
static void collect(const bench_convolution *c, const float *x, float *patches)
{
    const lsq_conv2d_shape *s = &c->shape;
    for (size_t channel = 0; channel < s->channels / s->groups; channel++)
        for (size_t i = 0; i < s->kernel[0]; i++)
            for (size_t j = 0; j < s->kernel[1]; j++)
                for (size_t out = 0; out < c->out_height; out++, patches += c->out_width) {
                    const size_t row = out * s->stride[0] + i * s->dilation[0] - s->padding[0]; /* beyond: wraps */
                    const float *image = x + channel * s->height * s->width;
                    copy_row(c, j, row < s->height ? image + row * s->width : NULL, patches);
                }
}

void bench_convolve(const bench_blas *blas, const bench_convolution *c, size_t batch, const float *w, const float *x,
                    float *y, float *patches)
{
    const lsq_conv2d_shape *s = &c->shape;
    const size_t m = c->outputs / s->groups, k = s->channels / s->groups * s->kernel[0] * s->kernel[1];
    const size_t n = c->out_height * c->out_width;
    for (size_t image = 0; image < batch; image++)
        for (size_t g = 0; g < s->groups; g++) {
            collect(c, x + (image * s->groups + g) * (s->channels / s->groups) * s->height * s->width, patches);
            blas->multiply_rows(m, k, n, w + g * m * k, patches, y + (image * s->groups + g) * m * n);
        }
}
