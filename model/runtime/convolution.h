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

/*
 * Patches of outputs [p0, p1) of an image plane, one every `ld` floats, from the first channel of a group on: what meets the
 * kernel, in the order of the columns of W, with zeros for the padding. ld is lsq_patch_ld() or more, and what lies
 * between two patches may be written.
 */
void lsq_patches(const lsq_convolution *c, const float *image, size_t p0, size_t p1, float *to, size_t ld);
size_t lsq_patch_ld(size_t columns);

/*
 * The sums of one output channel for one image; `image` is the first channel of its group there, `w` the decoded row.
 */
void lsq_convolve_directly(const lsq_convolution *c, const float *w, const float *image, float *y);

#endif
