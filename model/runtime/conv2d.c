/*
 * conv2d.c - a convolution: checks, and one of two ways through it.
 *
 *     patches of up to 256 outputs side by side   --lsq_sgemm_rows()-->  a block of the outputs of a group, where they belong
 *     a row of W, decoded                         ----direct.c-------->  one output channel of an image: for groups that would
 *                                                                        leave most rows of a panel of 16 unused
 *
 * Threads share blocks, or channels; of only a few blocks each product by itself.
 */
#include "model/limits.h"
#include "model/model.h"
#include "model/runtime/convolution.h"
#include "model/runtime/nonlinearity.h"
#include "model/sizes.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    PANEL = 16,            /* rows whose packed bytes lie together, see lsq_sgemm_rows() */
    COLUMNS = 256,         /* what lsq_sgemm_rows() takes at once */
    PATCH_BYTES = 1 << 19, /* as much as stays in a second cache, or nearly */
    STRIP = 16, /* columns that are rounded together: the fewest patches, however large, and a divisor of others */
    DECODED_BYTES = 64 << 10,
    SHARED_BLOCKS = 4,     /* from so many on threads share them */
    SHARED_TERMS = 1 << 18 /* likewise of all sums of some channels: what takes longer than waking a thread */
};

/* No sum of a few sizes overflows, and no array of floats is larger than a pointer can reach. */
static const uint64_t size_max = LSQ_DIMENSION_MAX < PTRDIFF_MAX / 4 ? LSQ_DIMENSION_MAX : PTRDIFF_MAX / 4;
static const uint64_t elements_max = LSQ_ELEMENTS_MAX < PTRDIFF_MAX / 4 ? LSQ_ELEMENTS_MAX : PTRDIFF_MAX / 4;

/* ---- Shapes ------------------------------------------------------------------------------------------------------ */

static lsq_status check_fields(const lsq_conv2d_shape *s, const char *where, lsq_error *err)
{
    const struct {
        const char *name;
        size_t value, least;
    } fields[] = {
        {"channels", s->channels, 1},       {"height", s->height, 1},           {"width", s->width, 1},
        {"kernel[0]", s->kernel[0], 0},     {"kernel[1]", s->kernel[1], 0},     {"stride[0]", s->stride[0], 0},
        {"stride[1]", s->stride[1], 0},     {"padding[0]", s->padding[0], 0},   {"padding[1]", s->padding[1], 0},
        {"dilation[0]", s->dilation[0], 0}, {"dilation[1]", s->dilation[1], 0}, {"groups", s->groups, 0},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (fields[i].value < fields[i].least)
            return lsq_fail(err, LSQ_E_ARGUMENT, where, "%s is 0", fields[i].name);
        if (fields[i].value > size_max)
            return lsq_fail(err, LSQ_E_LIMIT, where, "%s is %zu: at most %llu", fields[i].name, fields[i].value,
                            (unsigned long long)size_max);
    }
    return LSQ_OK;
}

static size_t or_one(size_t value)
{
    return value ? value : 1;
}

/* Direction i of the shape, 0 or 1. */
static lsq_status set_axis(lsq_axis *axis, const lsq_conv2d_shape *s, unsigned i, const char *where, lsq_error *err)
{
    *axis = (lsq_axis){
        .in = i ? s->width : s->height,
        .kernel = or_one(s->kernel[i]),
        .stride = or_one(s->stride[i]),
        .padding = s->padding[i],
        .dilation = or_one(s->dilation[i]),
    };
    const size_t padded = axis->in + 2 * axis->padding;
    uint64_t reach;
    if (!lsq_size_multiply(axis->dilation, axis->kernel - 1, &reach) || reach >= padded)
        return lsq_fail(err, LSQ_E_ARGUMENT, where,
                        "kernel[%u] is %zu, dilated by %zu: larger than %s %zu with padding %zu", i, axis->kernel,
                        axis->dilation, i ? "width" : "height", axis->in, axis->padding);
    axis->out = (padded - 1 - (size_t)reach) / axis->stride + 1;
    return LSQ_OK;
}

/* Everything but how many outputs a group has. */
static lsq_status set_convolution(lsq_convolution *c, const lsq_conv2d_shape *shape, const char *where, lsq_error *err)
{
    if (!shape)
        return lsq_fail(err, LSQ_E_ARGUMENT, where, "shape: none");
    if (shape->size != sizeof *shape)
        return lsq_fail(err, LSQ_E_ARGUMENT, where, "shape->size is %zu: expected sizeof(lsq_conv2d_shape), %zu",
                        shape->size, sizeof *shape);
    *c = (lsq_convolution){.groups = or_one(shape->groups)};
    lsq_status status = check_fields(shape, where, err);
    if (status == LSQ_OK && shape->channels % c->groups)
        status = lsq_fail(err, LSQ_E_ARGUMENT, where, "groups is %zu: does not divide %zu channels", c->groups,
                          shape->channels);
    c->inputs = shape->channels / c->groups;
    if (status == LSQ_OK)
        status = set_axis(&c->vertical, shape, 0, where, err);
    if (status == LSQ_OK)
        status = set_axis(&c->horizontal, shape, 1, where, err);
    return status;
}

lsq_status lsq_conv2d_output(const lsq_conv2d_shape *shape, size_t *height, size_t *width, lsq_error *err)
{
    static const char where[] = "lsq_conv2d_output";
    lsq_convolution c = {0};
    if (!height || !width)
        return lsq_fail(err, LSQ_E_ARGUMENT, where, "%s: no place for it", height ? "width" : "height");
    lsq_status status = set_convolution(&c, shape, where, err);
    if (status == LSQ_OK) {
        *height = c.vertical.out;
        *width = c.horizontal.out;
    }
    return status;
}

/* ---- The layer --------------------------------------------------------------------------------------------------- */

typedef struct layer {
    const lsq_context *ctx;
    lsq_convolution c;
    const lsq_weights *w;
    size_t columns;             /* of W */
    size_t in_plane, out_plane; /* elements of a channel */
    const float *bias;
    lsq_nonlinearity f;
    size_t batch;
    const float *x;
    float *y;
} layer;

/* n outputs of channel `output`. */
static void finish(const layer *l, size_t output, float *y, size_t n)
{
    const float bias = l->bias ? l->bias[output] : 0.0f;
    for (size_t i = 0; l->bias && i < n; i++)
        y[i] += bias;
    lsq_nonlinearity_apply(l->f, y, n);
}

/* A block of outputs of a group: column j of B is the patch of output p + j. */
static lsq_status multiply(const layer *l, size_t group, const float *b, size_t ldb, size_t n, float *y)
{
    const size_t outputs = l->c.outputs;
    lsq_status status = lsq_sgemm_rows(l->ctx, LSQ_ROW_MAJOR, LSQ_NO_TRANS, group * outputs, outputs, n, 1, l->w, b,
                                       ldb, 0, y, l->out_plane);
    for (size_t i = 0; status == LSQ_OK && i < outputs; i++)
        finish(l, group * outputs + i, y + i * l->out_plane, n);
    return status;
}

/* Is a patch one element of each channel, so that X is the matrix of patches as it lies? */
static int is_pointwise(const lsq_axis *axis)
{
    return axis->kernel == 1 && axis->stride == 1 && axis->padding == 0;
}

static size_t patches_at_once(size_t k, size_t outputs)
{
    size_t n = PATCH_BYTES / sizeof(float) / k / STRIP * STRIP;
    n = n > STRIP ? n : STRIP;
    n = n < COLUMNS ? n : COLUMNS;
    return n < outputs ? n : outputs;
}

/* Blocks of outputs, of all groups of all images. */
typedef struct blocks {
    const layer *layer;
    size_t block, each; /* outputs of a block, but of the last of each group; blocks of a group */
    int pointwise;
    atomic_int status;
} blocks;

static lsq_status run_block(const blocks *j, size_t i, float *patches, size_t ld)
{
    const layer *l = j->layer;
    const size_t plane = i / j->each, p = i % j->each * j->block, left = l->out_plane - p,
                 n = left < j->block ? left : j->block;
    const float *x = l->x + plane * l->c.inputs * l->in_plane;
    float *y = l->y + plane * l->c.outputs * l->out_plane + p;
    if (j->pointwise)
        return multiply(l, plane % l->c.groups, x + p, l->in_plane, n, y);
    lsq_patches(&l->c, x, p, p + n, patches, ld);
    return multiply(l, plane % l->c.groups, patches, ld, n, y);
}

static void run_blocks(void *job, size_t first, size_t end)
{
    blocks *j = job;
    const size_t ld = lsq_patch_ld(j->block);
    float *patches = j->pointwise ? NULL : malloc(j->layer->columns * ld * sizeof *patches);
    lsq_status status = j->pointwise || patches ? LSQ_OK : LSQ_E_NOMEM;
    for (size_t i = first; i < end && status == LSQ_OK; i++)
        status = run_block(j, i, patches, ld);
    free(patches);
    if (status != LSQ_OK)
        atomic_store(&j->status, status);
}

/* The same on one of several threads: products stay on it. */
static void run_blocks_alone(void *job, size_t first, size_t end)
{
    const unsigned former = lsq_set_num_threads_local(1);
    run_blocks(job, first, end);
    lsq_set_num_threads_local(former);
}

static lsq_status by_patches(const layer *l)
{
    const lsq_convolution *c = &l->c;
    const int pointwise = is_pointwise(&c->vertical) && is_pointwise(&c->horizontal);
    const size_t block = pointwise ? COLUMNS : patches_at_once(l->columns, l->out_plane),
                 each = (l->out_plane + block - 1) / block, count = l->batch * c->groups * each;
    blocks job = {l, block, each, pointwise, LSQ_OK};
    if (count < SHARED_BLOCKS) {
        run_blocks(&job, 0, count);
        return atomic_load(&job.status);
    }
    const lsq_status status = lsq_for_ranges(l->ctx, count, run_blocks_alone, &job);
    return status == LSQ_OK ? (lsq_status)atomic_load(&job.status) : status;
}

/* Rows [r0, r1) of W, decoded, for all images. */
typedef struct summing {
    const layer *layer;
    size_t r0, r1;
    const float *decoded;
} summing;

static void sum_channels(void *job, size_t first, size_t end)
{
    const summing *j = job;
    const layer *l = j->layer;
    const lsq_convolution *c = &l->c;
    const size_t rows = c->groups * c->outputs, block = j->r1 - j->r0;
    for (size_t i = first; i < end; i++) {
        const size_t image = i / block, r = j->r0 + i % block,
                     channel = (image * c->groups + r / c->outputs) * c->inputs;
        float *y = l->y + (image * rows + r) * l->out_plane;
        lsq_convolve_directly(c, j->decoded + (r - j->r0) * l->columns, l->x + channel * l->in_plane, y);
        finish(l, r, y, l->out_plane);
    }
}

static lsq_status share_sums(const layer *l, size_t channels, summing *job)
{
    if (channels * l->out_plane >= SHARED_TERMS / l->columns)
        return lsq_for_ranges(l->ctx, channels, sum_channels, job);
    sum_channels(job, 0, channels);
    return LSQ_OK;
}

static lsq_status row_by_row(const layer *l)
{
    const size_t rows = lsq_weights_rows(l->w), k = l->columns;
    size_t block = DECODED_BYTES / sizeof(float) / k;
    block = block < 1 ? 1 : block < rows ? block : rows;
    float *decoded = malloc(block * k * sizeof *decoded);
    lsq_status status = decoded ? LSQ_OK : LSQ_E_NOMEM;
    for (size_t r0 = 0; r0 < rows && status == LSQ_OK; r0 += block) {
        const size_t r1 = r0 + block < rows ? r0 + block : rows;
        status = lsq_dequantize(l->ctx, l->w, r0, r1 - r0, decoded, k);
        summing job = {l, r0, r1, decoded};
        const size_t channels = l->batch * (r1 - r0);
        if (status == LSQ_OK)
            status = share_sums(l, channels, &job);
    }
    free(decoded);
    return status;
}

/* What the shape and W have in common, and how large X and Y are. */
static lsq_status check_sizes(layer *l, const char *where, lsq_error *err)
{
    lsq_convolution *c = &l->c;
    const size_t m = lsq_weights_rows(l->w), channels = c->groups * c->inputs;
    uint64_t columns, x, y;
    l->columns = lsq_weights_columns(l->w);
    if (!lsq_size_multiply(c->vertical.kernel, c->horizontal.kernel, &columns) ||
        !lsq_size_multiply(columns, c->inputs, &columns) || columns != l->columns)
        return lsq_fail(err, LSQ_E_ARGUMENT, where,
                        "w has %zu columns: expected channels / groups * kernel, %zu x %zu x %zu", l->columns,
                        c->inputs, c->vertical.kernel, c->horizontal.kernel);
    if (m % c->groups)
        return lsq_fail(err, LSQ_E_ARGUMENT, where, "groups is %zu: does not divide the %zu rows of w", c->groups, m);
    c->outputs = m / c->groups;
    if (!lsq_size_multiply(c->vertical.in, c->horizontal.in, &x) || !lsq_size_multiply(x, channels, &x) ||
        !lsq_size_multiply(x, l->batch, &x) || x > elements_max)
        return lsq_fail(err, LSQ_E_LIMIT, where, "x would be %zu x %zu x %zu x %zu", l->batch, channels, c->vertical.in,
                        c->horizontal.in);
    if (!lsq_size_multiply(c->vertical.out, c->horizontal.out, &y) || !lsq_size_multiply(y, m, &y) ||
        !lsq_size_multiply(y, l->batch, &y) || y > elements_max)
        return lsq_fail(err, LSQ_E_LIMIT, where, "y would be %zu x %zu x %zu x %zu", l->batch, m, c->vertical.out,
                        c->horizontal.out);
    l->in_plane = c->vertical.in * c->horizontal.in;
    l->out_plane = c->vertical.out * c->horizontal.out;
    return LSQ_OK;
}

lsq_status lsq_conv2d(const lsq_context *ctx, const lsq_conv2d_shape *shape, const lsq_weights *w, const float *bias,
                      lsq_nonlinearity f, size_t batch, const float *x, float *y, lsq_error *err)
{
    static const char where[] = "lsq_conv2d";
    layer l = {.ctx = ctx, .w = w, .bias = bias, .f = f, .batch = batch, .x = x, .y = y};
    if (!w)
        return lsq_fail(err, LSQ_E_ARGUMENT, where, "w: no weights");
    if (!lsq_nonlinearity_valid(f))
        return lsq_fail(err, LSQ_E_ARGUMENT, where, "f is %d: not one of lsq_nonlinearity", (int)f);
    lsq_status status = set_convolution(&l.c, shape, where, err);
    if (status == LSQ_OK)
        status = check_sizes(&l, where, err);
    if (status != LSQ_OK || batch == 0)
        return status;
    if (!x || !y)
        return lsq_fail(err, LSQ_E_ARGUMENT, where, "%s: no images", x ? "y" : "x");
    const int before = errno;
    status = l.c.groups == 1 || l.c.outputs >= PANEL ? by_patches(&l) : row_by_row(&l);
    errno = before;
    return status == LSQ_OK ? status : lsq_fail(err, status, where, "%s", lsq_strerror(status));
}
