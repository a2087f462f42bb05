/*
 * convolution.h - a convolution of floats by way of a matrix of patches (im2col) and a BLAS, as frameworks have it.
 */
#ifndef LSQ_BENCH_PEERS_CONVOLUTION_H
#define LSQ_BENCH_PEERS_CONVOLUTION_H

#include "bench/peers/openblas.h"

#include <lsq/lsq_model.h>

/* A valid shape with every field set, and what it makes. */
typedef struct bench_convolution {
    lsq_conv2d_shape shape;
    size_t outputs, out_height, out_width;
} bench_convolution;

/* How many floats the patches of one image and one group are. */
size_t bench_convolution_patches(const bench_convolution *c);

/*
 * Y = W * X for `batch` images; W is outputs x channels / groups x kernel, X and Y as lsq_conv2d() has them, `patches` scratch of
 * bench_convolution_patches() floats.
 */
void bench_convolve(const bench_blas *blas, const bench_convolution *c, size_t batch, const float *w, const float *x,
                    float *y, float *patches);

#endif
