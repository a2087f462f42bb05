/*
 * convolution.h - a convolution with every field filled in, and the two ways through it.
 */
#ifndef LSQ_MODEL_RUNTIME_CONVOLUTION_H
#define LSQ_MODEL_RUNTIME_CONVOLUTION_H

#include <lsq/lsq_model.h>

/* One direction of the images. Positions, also those in the padding, are counted from the first element of the image. */
typedef struct lsq_axis {
    size_t in, out, kernel, stride, padding, dilation;
} lsq_axis;

typedef struct lsq_convolution {
    lsq_axis vertical, horizontal;
    size_t groups, inputs, outputs; /* the latter two: channels of a group */
} lsq_convolution;

/* Where the kernel begins for this output. */
static inline ptrdiff_t lsq_axis_begin(const lsq_axis *axis, size_t output)
{
    return (ptrdiff_t)(output * axis->stride) - (ptrdiff_t)axis->padding;
}

/* Elements [first, end) of the kernel meet the image if it begins here. */
typedef struct lsq_span {
    size_t first, end;
} lsq_span;

static inline lsq_span lsq_axis_span(const lsq_axis *axis, ptrdiff_t begin)
{
    const ptrdiff_t in = (ptrdiff_t)axis->in, step = (ptrdiff_t)axis->dilation;
    const size_t first = begin < 0 ? (size_t)((step - 1 - begin) / step) : 0;
    const size_t end = begin < in ? (size_t)((in - begin + step - 1) / step) : 0;
    const size_t kernel = axis->kernel;
    lsq_span span = {first < kernel ? first : kernel, end < kernel ? end : kernel};
    if (span.end < span.first)
        span.end = span.first;
    return span;
}

/*
 * Patches of outputs [p0, p1) of an image plane, one every `ld` floats, from the first channel of a group on: what meets the
 * kernel, in the order of the columns of W, with zeros for the padding. ld is lsq_patch_ld() or more, and every patch
 * is written up to there.
 */
void lsq_patches(const lsq_convolution *c, const float *image, size_t p0, size_t p1, float *to, size_t ld);
size_t lsq_patch_ld(size_t columns);

/*
 * The sums of output channel `output` of one group for one image, element by element in order; `image` is the first channel of
 * the group, `w` the decoded row.
 */
void lsq_convolve_directly(const lsq_convolution *c, const float *w, const float *image, float *y);

#endif
