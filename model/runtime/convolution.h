/*
 * convolution.h - a convolution with every field filled in, and the two ways through it.
 */
#ifndef LSQ_MODEL_RUNTIME_CONVOLUTION_H
#define LSQ_MODEL_RUNTIME_CONVOLUTION_H

#include <lsq/lsq_model.h>

/* One direction of the images: elements, and the fields of lsq_conv2d_shape. */
typedef struct lsq_axis {
    size_t in, out, kernel, stride, padding, dilation;
} lsq_axis;

typedef struct lsq_convolution {
    lsq_axis vertical, horizontal;
    size_t groups, inputs, outputs; /* the latter two: channels of a group */
} lsq_convolution;

/* Where this element of the kernel is for this output: before the image that wraps around and is very large. */
static inline size_t lsq_axis_at(const lsq_axis *axis, size_t output, size_t element)
{
    return output * axis->stride + element * axis->dilation - axis->padding;
}

typedef struct lsq_span {
    size_t first, end;
} lsq_span;

/* Outputs [first, end) for which this element of the kernel meets the image. */
static inline lsq_span lsq_axis_outputs(const lsq_axis *axis, size_t element)
{
    const size_t at = element * axis->dilation,
                 limit = axis->in + axis->padding; /* output * stride + at is in [padding, limit) */
    size_t first = at < axis->padding ? axis->padding - at : 0, end = at < limit ? limit - at : 0;
    if (axis->stride != 1) { /* a division may take longer than what it is asked for */
        first = (first + axis->stride - 1) / axis->stride;
        end = (end + axis->stride - 1) / axis->stride;
    }
    lsq_span s = {first < axis->out ? first : axis->out, end < axis->out ? end : axis->out};
    s.end = s.end < s.first ? s.first : s.end;
    return s;
}

/*
 * Patches of outputs [p0, p1) of an image plane, from the first channel of a group on: what meets the kernel, in rows of p1 - p0, `ld`
 * floats apart and in the order of the columns of W, with zeros for the padding. lsq_patch_ld() is a good ld for so many outputs.
 */
void lsq_patches(const lsq_convolution *c, const float *image, size_t p0, size_t p1, float *to, size_t ld);
size_t lsq_patch_ld(size_t outputs);

/*
 * The sums of one output channel for one image; `image` is the first channel of its group there, `w` the decoded row.
 */
void lsq_convolve_directly(const lsq_convolution *c, const float *w, const float *image, float *y);

#endif
