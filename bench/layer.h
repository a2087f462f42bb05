/*
 * layer.h - layers of networks that lsq-bench measures, with quantised weights and with the same ones as floats.
 */
#ifndef LSQ_BENCH_LAYER_H
#define LSQ_BENCH_LAYER_H

#include "bench/peers/convolution.h"
#include "bench/trial.h"

typedef struct bench_layer_case {
    const char *name;
    size_t outputs, batch;
    lsq_conv2d_shape shape; /* of an image; a linear layer has `channels` inputs, and nothing else */
} bench_layer_case;

extern const bench_layer_case bench_layer_cases[];
extern const size_t bench_layer_cases_count;

/* A layer ready to run. */
typedef struct bench_layer {
    const bench_layer_case *of;
    const bench_trial *trial;
    bench_convolution convolution;
    int is_linear;
    size_t columns;    /* of W */
    double operations; /* of a run, a multiplication and an addition being two */
    uint8_t *packed;
    lsq_weights *weights;
    float *w, *x, *y, *blas_y, *patches; /* w: decoded */
    bench_turn ours, blas;
} bench_layer;

/* With random weights. Everything is run once, so statuses are all there can be. `layer` must stay where it is. */
lsq_status bench_layer_begin(bench_layer *layer, const bench_layer_case *of, const lsq_format *format,
                             const bench_trial *trial, lsq_error *err);
void bench_layer_end(bench_layer *layer);

/* How far our results are from those with floats: the root of the share of squares. NaN without a BLAS. */
double bench_layer_difference(const bench_layer *layer);

#endif
