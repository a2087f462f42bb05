#include "bench/layer.h"

#include "bench/machine.h"
#include "bench/sources.h"
#include "kernels/codec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Runs in the units of a turn, so that its own steps are few beside them. */
enum { RUNS = 1024 };

const bench_layer_case bench_layer_cases[] = {
    {"conv 3x3", 64, 1, {.channels = 64, .height = 56, .width = 56, .kernel = {3, 3}, .padding = {1, 1}}},
    {"conv 3x3, stride 2",
     64,
     1,
     {.channels = 64, .height = 56, .width = 56, .kernel = {3, 3}, .padding = {1, 1}, .stride = {2, 2}}},
    {"conv 3x3, dilation 2",
     64,
     1,
     {.channels = 64, .height = 56, .width = 56, .kernel = {3, 3}, .padding = {2, 2}, .dilation = {2, 2}}},
    {"conv 3x3, 4 groups",
     64,
     1,
     {.channels = 64, .height = 56, .width = 56, .kernel = {3, 3}, .padding = {1, 1}, .groups = 4}},
    {"conv 3x3, depthwise",
     64,
     1,
     {.channels = 64, .height = 56, .width = 56, .kernel = {3, 3}, .padding = {1, 1}, .groups = 64}},
    {"conv 1x1", 64, 1, {.channels = 64, .height = 56, .width = 56, .kernel = {1, 1}}},
    {"linear, batch 1", 3072, 1, {.channels = 768}},
    {"linear, batch 8", 3072, 8, {.channels = 768}},
    {"linear, batch 64", 3072, 64, {.channels = 768}},
};
const size_t bench_layer_cases_count = sizeof bench_layer_cases / sizeof *bench_layer_cases;

static void set_unset(size_t *value)
{
    if (*value == 0)
        *value = 1;
}

/* Sizes of everything. */
static lsq_status measure_up(bench_layer *layer, lsq_error *err)
{
    bench_convolution *c = &layer->convolution;
    lsq_conv2d_shape *s = &c->shape;
    layer->is_linear = layer->of->shape.height == 0;
    *s = layer->of->shape;
    s->size = sizeof *s;
    set_unset(&s->height);
    set_unset(&s->width);
    set_unset(&s->groups);
    for (int i = 0; i < 2; i++) {
        set_unset(&s->kernel[i]);
        set_unset(&s->stride[i]);
        set_unset(&s->dilation[i]);
    }
    c->outputs = layer->of->outputs;
    layer->columns = s->channels / s->groups * s->kernel[0] * s->kernel[1];
    const lsq_status status = lsq_conv2d_output(s, &c->out_height, &c->out_width, err);
    layer->operations = 2.0 * (double)layer->of->batch * (double)c->outputs * (double)layer->columns *
                        (double)(c->out_height * c->out_width);
    return status;
}

/* ---- Running ---- */

static lsq_status run_once(const bench_layer *layer)
{
    const size_t k = layer->columns, m = layer->of->outputs, batch = layer->of->batch;
    const lsq_context *context = layer->trial->context;
    return layer->is_linear
               ? lsq_linear(context, layer->weights, NULL, LSQ_IDENTITY, batch, layer->x, k, layer->y, m, NULL)
               : lsq_conv2d(context, &layer->convolution.shape, layer->weights, NULL, LSQ_IDENTITY, batch, layer->x,
                            layer->y, NULL);
}

/* The status was looked at before anything is timed: the same call fails later only for want of memory. */
static void run_ours(const void *arg, unsigned thread, size_t first, size_t end)
{
    (void)thread;
    for (size_t i = first; i < end; i++)
        (void)run_once(arg);
}

static void run_blas(const void *arg, unsigned thread, size_t first, size_t end)
{
    const bench_layer *layer = arg;
    const bench_blas *blas = layer->trial->blas;
    const size_t k = layer->columns, m = layer->of->outputs, batch = layer->of->batch;
    (void)thread;
    for (size_t i = first; i < end; i++)
        if (layer->is_linear)
            blas->multiply(0, m, k, batch, layer->w, layer->x, layer->blas_y);
        else
            bench_convolve(blas, &layer->convolution, batch, layer->w, layer->x, layer->blas_y, layer->patches);
}

/* ---- Setting up ---- */

/* Any bytes are weights, if only the tensor's float is one. */
static lsq_status make_weights(bench_layer *layer, const lsq_format *format, lsq_error *err)
{
    const size_t m = layer->of->outputs, k = layer->columns;
    const float one = 1;
    lsq_geometry geometry;
    lsq_status status = lsq_geometry_of(format, m, k, &geometry);
    if (status)
        return status;
    layer->packed = bench_alloc(geometry.bytes, 1);
    layer->w = bench_alloc(m * k * sizeof *layer->w, 1);
    if (!layer->packed || !layer->w)
        return LSQ_E_NOMEM;
    bench_fill_random(layer->packed, geometry.bytes, 2);
    memcpy(layer->packed + geometry.tensor, &one, sizeof one);
    status = lsq_weights_wrap(format, m, k, layer->packed, geometry.bytes, &layer->weights, err);
    return status ? status : lsq_dequantize(layer->trial->context, layer->weights, 0, m, layer->w, k);
}

static lsq_status make_images(bench_layer *layer)
{
    const bench_convolution *c = &layer->convolution;
    const size_t in = layer->of->batch * c->shape.channels * c->shape.height * c->shape.width;
    const size_t out = layer->of->batch * c->outputs * c->out_height * c->out_width;
    bench_random random = {1};
    layer->x = bench_alloc(in * sizeof *layer->x, 1);
    layer->y = bench_alloc(out * sizeof *layer->y, 1);
    layer->blas_y = bench_alloc(out * sizeof *layer->blas_y, 1);
    layer->patches = bench_alloc(bench_convolution_patches(c) * sizeof *layer->patches, 1);
    if (!layer->x || !layer->y || !layer->blas_y || !layer->patches)
        return LSQ_E_NOMEM;
    for (size_t i = 0; i < in; i++)
        layer->x[i] = (float)bench_random_unit(&random) - 0.5f;
    return LSQ_OK;
}

lsq_status bench_layer_begin(bench_layer *layer, const bench_layer_case *of, const lsq_format *format,
                             const bench_trial *trial, lsq_error *err)
{
    *layer = (bench_layer){.of = of, .trial = trial};
    lsq_status status = measure_up(layer, err);
    if (!status)
        status = make_weights(layer, format, err);
    if (!status)
        status = make_images(layer);
    if (!status)
        status = run_once(layer);
    if (status) {
        bench_layer_end(layer);
        return status;
    }
    const bench_work ours = {run_ours, layer, RUNS}, blas = {run_blas, layer, RUNS};
    bench_trial_prepare(trial, &layer->ours, &ours);
    if (trial->blas)
        bench_trial_prepare(trial, &layer->blas, &blas);
    return LSQ_OK;
}

void bench_layer_end(bench_layer *layer)
{
    lsq_weights_free(layer->weights);
    free(layer->packed);
    free(layer->w);
    free(layer->x);
    free(layer->y);
    free(layer->blas_y);
    free(layer->patches);
    *layer = (bench_layer){0};
}

double bench_layer_difference(const bench_layer *layer)
{
    const bench_convolution *c = &layer->convolution;
    const size_t count = layer->of->batch * c->outputs * c->out_height * c->out_width;
    double signal = 0, noise = 0;
    for (size_t i = 0; layer->trial->blas && i < count; i++) {
        const double exact = (double)layer->blas_y[i], off = (double)layer->y[i] - exact;
        signal += exact * exact;
        noise += off * off;
    }
    return signal > 0 ? sqrt(noise / signal) : NAN;
}
