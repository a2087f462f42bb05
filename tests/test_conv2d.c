/*
 * test_conv2d.c - lsq_conv2d() against loops that follow the definition, in double arithmetic on the decoded weights.
 */
#include "tests/guarded.h"
#include "tests/layer_sample.h"

#include <unistd.h>

/* ---- Shapes that are computed ------------------------------------------------------------------------------------ */

static const struct {
    size_t batch, channels, m, groups, image[2], kernel[2], stride[2], padding[2], dilation[2];
    const char *format;
    lsq_nonlinearity f;
} samples[] = {
    /* The published example; the same with one thing different each. */
    {1, 64, 64, 0, {56, 56}, {3, 3}, {0, 0}, {1, 1}, {0, 0}, "s4", LSQ_IDENTITY},
    {1, 64, 64, 0, {56, 56}, {3, 3}, {2, 2}, {1, 1}, {0, 0}, "t4", LSQ_RELU},
    {1, 64, 64, 0, {56, 56}, {3, 3}, {0, 0}, {2, 2}, {2, 2}, "s4", LSQ_RELU},
    {1, 64, 64, 4, {56, 56}, {3, 3}, {0, 0}, {1, 1}, {0, 0}, "s3", LSQ_GELU},
    {1, 64, 64, 64, {56, 56}, {3, 3}, {0, 0}, {1, 1}, {0, 0}, "t3", LSQ_SILU},
    /* Groups: of 2 outputs, of 17, of so long rows that not all are decoded at once, of one input and 16 outputs. */
    {2, 24, 48, 24, {9, 11}, {3, 3}, {0, 0}, {1, 1}, {0, 0}, "s5", LSQ_GELU_TANH},
    {2, 10, 34, 2, {9, 11}, {3, 3}, {0, 0}, {0, 0}, {0, 0}, "s4", LSQ_IDENTITY},
    {2, 128, 16, 2, {7, 6}, {5, 5}, {0, 0}, {1, 2}, {0, 0}, "s4", LSQ_IDENTITY},
    {3, 2, 32, 2, {7, 6}, {2, 3}, {0, 0}, {0, 0}, {0, 0}, "t2", LSQ_IDENTITY},
    {2, 6, 9, 3, {13, 17}, {3, 5}, {2, 3}, {4, 1}, {2, 3}, "s6", LSQ_RELU},
    /* 1 x 1: as X lies, in groups, and otherwise; of one channel. */
    {2, 40, 20, 0, {19, 23}, {0, 0}, {0, 0}, {0, 0}, {0, 0}, "s4", LSQ_SILU},
    {2, 40, 32, 2, {5, 3}, {0, 0}, {0, 0}, {0, 0}, {0, 0}, "s4", LSQ_IDENTITY},
    {2, 40, 20, 0, {5, 7}, {0, 0}, {2, 2}, {0, 0}, {0, 0}, "s4", LSQ_IDENTITY},
    {1, 40, 20, 0, {5, 7}, {0, 0}, {0, 0}, {1, 0}, {0, 0}, "t5", LSQ_IDENTITY},
    {1, 1, 1, 0, {1, 1}, {0, 0}, {0, 0}, {0, 0}, {0, 0}, "s4", LSQ_IDENTITY},
    /* Kernels of other widths, unequal pairs, odd images. */
    {3, 3, 5, 0, {13, 7}, {7, 3}, {2, 1}, {0, 2}, {0, 0}, "s4", LSQ_IDENTITY},
    {2, 3, 21, 0, {7, 31}, {1, 7}, {1, 3}, {1, 3}, {0, 0}, "s4", LSQ_IDENTITY},
    {1, 5, 4, 0, {12, 9}, {5, 1}, {0, 0}, {0, 0}, {2, 1}, "s4", LSQ_IDENTITY},
    {2, 5, 4, 0, {8, 9}, {2, 2}, {1, 4}, {0, 0}, {0, 0}, "s4", LSQ_IDENTITY},
    {2, 5, 4, 0, {8, 12}, {4, 4}, {0, 0}, {3, 3}, {0, 0}, "s4", LSQ_IDENTITY},
    {1, 2, 4, 0, {10, 21}, {8, 9}, {0, 0}, {0, 1}, {0, 0}, "s4", LSQ_IDENTITY},
    {1, 3, 16, 0, {11, 40}, {3, 6}, {0, 0}, {1, 0}, {1, 4}, "s4", LSQ_IDENTITY},
    /* A kernel as large as the padded image, and larger than the image; patches of nothing but padding; gaps between patches. */
    {2, 3, 4, 0, {3, 2}, {5, 6}, {0, 0}, {1, 2}, {0, 0}, "s4", LSQ_IDENTITY},
    {1, 3, 4, 0, {3, 2}, {3, 3}, {1, 2}, {7, 8}, {0, 0}, "s4", LSQ_IDENTITY},
    {1, 3, 3, 3, {3, 2}, {3, 3}, {0, 0}, {7, 8}, {0, 0}, "s4", LSQ_IDENTITY},
    {1, 3, 4, 0, {20, 20}, {2, 2}, {5, 7}, {0, 1}, {0, 0}, "s4", LSQ_IDENTITY},
    /* Patches so long that a block has fewer than an image. */
    {1, 600, 16, 0, {9, 9}, {3, 3}, {0, 0}, {1, 1}, {0, 0}, "s4", LSQ_IDENTITY},
};

static size_t or_one(size_t n)
{
    return n ? n : 1;
}

/* Output (y, x) of channel o of an image, by the definition. */
static exact output_of(const lsq_conv2d_shape *s, const float *w, size_t m, const float *image, size_t o, size_t y,
                       size_t x)
{
    const size_t groups = or_one(s->groups), inputs = s->channels / groups, first = o / (m / groups) * inputs;
    const size_t kh = or_one(s->kernel[0]), kw = or_one(s->kernel[1]);
    exact e = {0};
    for (size_t column = 0; column < inputs * kh * kw; column++) {
        const size_t c = first + column / (kh * kw), i = column / kw % kh, j = column % kw;
        const size_t row = y * or_one(s->stride[0]) + i * or_one(s->dilation[0]);
        const size_t at = x * or_one(s->stride[1]) + j * or_one(s->dilation[1]);
        const int inside = row >= s->padding[0] && row - s->padding[0] < s->height && at >= s->padding[1] &&
                           at - s->padding[1] < s->width;
        exact_add(&e, column, w[o * inputs * kh * kw + column],
                  inside ? image[(c * s->height + row - s->padding[0]) * s->width + at - s->padding[1]] : 0.0);
    }
    return e;
}

/* A buffer of floats without a byte to spare behind it, or before it. */
static guarded floats(size_t n, int at_end)
{
    return guarded_new(n * sizeof(float), at_end);
}

static lsq_conv2d_shape shape_of(int i)
{
    lsq_conv2d_shape s = {.size = sizeof(s),
                          .channels = samples[i].channels,
                          .height = samples[i].image[0],
                          .width = samples[i].image[1],
                          .groups = samples[i].groups};
    memcpy(s.kernel, samples[i].kernel, sizeof(s.kernel));
    memcpy(s.stride, samples[i].stride, sizeof(s.stride));
    memcpy(s.padding, samples[i].padding, sizeof(s.padding));
    memcpy(s.dilation, samples[i].dilation, sizeof(s.dilation));
    return s;
}

START_TEST(convolutions_are_convolutions)
{
    const lsq_nonlinearity f = samples[_i].f;
    const size_t m = samples[_i].m, batch = samples[_i].batch;
    const lsq_conv2d_shape s = shape_of(_i);
    lsq_error err = {0};
    size_t oh = 0, ow = 0;
    const size_t inputs = s.channels / or_one(s.groups), k = inputs * or_one(s.kernel[0]) * or_one(s.kernel[1]);
    ck_assert_msg(lsq_conv2d_output(&s, &oh, &ow, &err) == LSQ_OK, "%s", err.text);
    const size_t nx = batch * s.channels * s.height * s.width, ny = batch * m * oh * ow;
    const int direct = or_one(s.groups) > 1 && m / s.groups < 16;
    float *decoded, *bias = bell_of(3, m);
    lsq_weights *w = weights_of(samples[_i].format, m, k, 1, &decoded);
    exact *exactly = memory(ny * sizeof(*exactly));
    for (int end = 0; end < 2; end++) {
        guarded x = floats(nx, end), y = floats(ny, end);
        float *out = y.data, *in = x.data;
        fill_bell(2, in, nx);
        guarded_seal(&x);
        for (size_t i = 0; !end && i < ny; i++)
            exactly[i] = output_of(&s, decoded, m, in + i / (m * oh * ow) * s.channels * s.height * s.width,
                                   i / (oh * ow) % m, i / ow % oh, i % ow);
        for (int act = 0; act < 2; act++) {
            const int with_bias = act ^ end;
            double largest = 0, worst = 0;
            memset(out, 0xff, ny * sizeof(*out));
            ck_assert_msg(lsq_conv2d(contexts[act], &s, w, with_bias ? bias : NULL, f, batch, in, out, &err) == LSQ_OK,
                          "%s", err.text);
            for (size_t i = 0; i < ny; i++) {
                const double b = with_bias ? bias[i / (oh * ow) % m] : 0, v = function_of(f, exactly[i].sum + b);
                EXPECT(is_output(out[i], &exactly[i], b, f, bound_of(&exactly[i], k, act == LSQ_ACT_INT, direct)),
                       "act %d, bias %d: y[%zu] is %.9g, exactly %.9g", act, with_bias, i, out[i], v);
                largest = fmax(largest, fabs(v));
                worst = fmax(worst, fabs(out[i] - v));
            }
            /* Of the largest output: 1e-4 with float activations; 2 % are 34 dB, where some 40 are what rounding leaves. */
            EXPECT(worst <= (act == LSQ_ACT_FLOAT || direct ? 1e-4 : 2e-2) * largest, "act %d: off by %g of %g", act,
                   worst, largest);
        }
        guarded_free(&x);
        guarded_free(&y);
    }
    free(exactly);
    free(bias);
    free(decoded);
    lsq_weights_free(w);
}
END_TEST

/* Rounded products are the same for every number of threads, and an image does not depend on its neighbours in the batch. */
START_TEST(threads_and_batches_change_nothing)
{
    enum { C = 40, H = 20, W = 25, BATCH = 3, IN = C * H * W };
    /* By patches, and sums of a channel each: of both as much as threads share. */
    const size_t groups[] = {1, C}, rows[] = {70, 2 * C};
    float *x = bell_of(5, BATCH * IN);
    for (int direct = 0; direct < 2; direct++) {
        const lsq_conv2d_shape s = {.size = sizeof(s),
                                    .channels = C,
                                    .height = H,
                                    .width = W,
                                    .kernel = {3, 3},
                                    .padding = {1, 1},
                                    .groups = groups[direct]};
        const size_t m = rows[direct], out = m * H * W;
        lsq_weights *w = weights_of("s4", m, C / groups[direct] * 9, 4, NULL);
        float *one = memory(BATCH * out * sizeof(float)), *y = memory(BATCH * out * sizeof(float));
        for (size_t i = 0; i < BATCH; i++)
            OK(lsq_conv2d(contexts[0], &s, w, NULL, LSQ_RELU, 1, x + i * IN, one + i * out, NULL));
        for (unsigned threads = 1; threads < 6; threads += 2) {
            const lsq_context_options options = {.size = sizeof(options), .threads = threads};
            lsq_context *ctx;
            OK(lsq_context_new(&options, &ctx, NULL));
            memset(y, 0xff, BATCH * out * sizeof(float));
            OK(lsq_conv2d(ctx, &s, w, NULL, LSQ_RELU, BATCH, x, y, NULL));
            ck_assert_mem_eq(y, one, BATCH * out * sizeof(float));
            lsq_context_free(ctx);
        }
        free(y);
        free(one);
        lsq_weights_free(w);
    }
    free(x);
}
END_TEST

/* ---- A tensor of rank 4 from a file ------------------------------------------------------------------------------- */

START_TEST(tensors_of_files_are_kernels)
{
    enum { H = 10, W = 13 };
    char path[] = "/tmp/lsq-conv2d-XXXXXX";
    lsq_error err = {0};
    lsq_model *source, *model;
    lsq_writer *writer;
    size_t i = 0, b = 0;
    const int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    close(file);
    OK(lsq_model_open(TEST_DATA "/fixture.safetensors", 0, &source, &err));
    const lsq_tensor *t = lsq_model_find(source, "esrgan.first.weight", &i);
    ck_assert_ptr_nonnull(t);
    ck_assert_ptr_nonnull(lsq_model_find(source, "esrgan.first.bias", &b));
    const size_t m = t->shape[0], c = t->shape[1], kh = t->shape[2], kw = t->shape[3], k = c * kh * kw;
    float *numbers = memory(m * k * sizeof(float)), *bias = memory(m * sizeof(float));
    lsq_weights *quantised;
    const lsq_format format = format_named("s5");
    OK(lsq_model_read_matrix(source, i, 0, numbers, &err));
    OK(lsq_model_read(source, b, bias, &err));
    OK(lsq_quantize(NULL, &format, m, k, numbers, k, NULL, &quantised, &err));
    OK(lsq_writer_new(path, 1, &writer, &err));
    OK(lsq_writer_quantised(writer, t, 0, quantised, &err));
    OK(lsq_writer_finish(writer, &err));
    lsq_writer_free(writer);
    lsq_weights_free(quantised);
    lsq_model_free(source);

    const lsq_weights *w;
    OK(lsq_model_open(path, LSQ_OPEN_VERIFY, &model, &err));
    OK(lsq_model_weights(model, 0, &w, &err));
    OK(lsq_model_read(model, 0, numbers, &err)); /* in the order of the tensor */
    const lsq_conv2d_shape s = {
        .size = sizeof(s), .channels = c, .height = H, .width = W, .kernel = {kh, kw}, .padding = {kh / 2, kw / 2}};
    float *x = bell_of(6, c * H * W), *y = memory(m * H * W * sizeof(float));
    OK(lsq_conv2d(contexts[1], &s, w, bias, LSQ_RELU, 1, x, y, &err));
    for (size_t o = 0; o < m * H * W; o++) {
        const exact e = output_of(&s, numbers, m, x, o / (H * W), o / W % H, o % W);
        EXPECT(is_output(y[o], &e, bias[o / (H * W)], LSQ_RELU, bound_of(&e, k, 0, 0)), "y[%zu] is %.9g", o, y[o]);
    }
    free(x);
    free(y);
    free(numbers);
    free(bias);
    lsq_model_free(model);
    unlink(path);
}
END_TEST

/* ---- Shapes that are refused -------------------------------------------------------------------------------------- */

#define HUGE ((size_t)1 << 41)

/* Each is { 8 channels, 6 x 5, kernel 3 x 3 } but for what it says; W is 4 x 72. */
static const struct {
    lsq_conv2d_shape s; /* what is not 0 replaces that field */
    size_t m, k, batch;
    lsq_status status;
    const char *text;
} refused[] = {
    {{.size = 8}, 4, 72, 1, LSQ_E_ARGUMENT, "shape->size is 8"},
    {{.size = sizeof(lsq_conv2d_shape) + 8}, 4, 72, 1, LSQ_E_ARGUMENT, "shape->size"},
    {{.groups = 3}, 4, 72, 1, LSQ_E_ARGUMENT, "groups is 3: does not divide 8"},
    {{.groups = 9}, 4, 72, 1, LSQ_E_ARGUMENT, "groups is 9: does not divide 8"},
    {{.groups = 8}, 4, 9, 1, LSQ_E_ARGUMENT, "groups is 8: does not divide the 4 rows"},
    {{.groups = 2}, 4, 72, 1, LSQ_E_ARGUMENT, "w has 72 columns"},
    {{.channels = 7}, 4, 72, 1, LSQ_E_ARGUMENT, "w has 72 columns"},
    {{.kernel = {2, 0}}, 4, 72, 1, LSQ_E_ARGUMENT, "w has 72 columns"},
    {{.kernel = {7, 0}}, 4, 168, 1, LSQ_E_ARGUMENT, "kernel[0] is 7"},
    {{.kernel = {0, 6}}, 4, 144, 1, LSQ_E_ARGUMENT, "kernel[1] is 6"},
    {{.dilation = {3, 0}}, 4, 72, 1, LSQ_E_ARGUMENT, "kernel[0] is 3, dilated by 3"},
    {{.dilation = {0, (size_t)1 << 40}}, 4, 72, 1, LSQ_E_ARGUMENT, "kernel[1] is 3, dilated by 1099511627776"},
    {{.kernel = {0, (size_t)1 << 40}, .dilation = {0, (size_t)1 << 40}}, 4, 72, 1, LSQ_E_ARGUMENT, "kernel[1] is"},
    {{.channels = HUGE}, 4, 72, 1, LSQ_E_LIMIT, "channels is"},
    {{.height = HUGE}, 4, 72, 1, LSQ_E_LIMIT, "height is"},
    {{.width = SIZE_MAX}, 4, 72, 1, LSQ_E_LIMIT, "width is"},
    {{.kernel = {HUGE, 0}}, 4, 72, 1, LSQ_E_LIMIT, "kernel[0] is"},
    {{.stride = {0, HUGE}}, 4, 72, 1, LSQ_E_LIMIT, "stride[1] is"},
    {{.padding = {SIZE_MAX, 0}}, 4, 72, 1, LSQ_E_LIMIT, "padding[0] is"},
    {{.padding = {0, SIZE_MAX / 2 + 1}}, 4, 72, 1, LSQ_E_LIMIT, "padding[1] is"},
    {{.dilation = {HUGE, 0}}, 4, 72, 1, LSQ_E_LIMIT, "dilation[0] is"},
    {{.groups = HUGE}, 4, 72, 1, LSQ_E_LIMIT, "groups is"},
    {{.height = (size_t)1 << 40, .width = (size_t)1 << 40}, 4, 72, 1, LSQ_E_LIMIT, "x would be 1 x 8 x 1099511627776"},
    {{.padding = {(size_t)1 << 40, (size_t)1 << 40}}, 4, 72, 1, LSQ_E_LIMIT, "y would be 1 x 4 x 2199023255556"},
    {{.channels = 8}, 4, 72, SIZE_MAX, LSQ_E_LIMIT, "x would be 18446744073709551615 x 8"},
    {{.channels = 8}, 4, 72, (size_t)1 << 60, LSQ_E_LIMIT, "x would be"},
};

static size_t either(size_t value, size_t usual)
{
    return value ? value : usual;
}

START_TEST(hostile_shapes_are_refused)
{
    const lsq_conv2d_shape *r = &refused[_i].s;
    const lsq_conv2d_shape s = {
        .size = either(r->size, sizeof(s)),
        .channels = either(r->channels, 8),
        .height = either(r->height, 6),
        .width = either(r->width, 5),
        .kernel = {either(r->kernel[0], 3), either(r->kernel[1], 3)},
        .stride = {r->stride[0], r->stride[1]},
        .padding = {r->padding[0], r->padding[1]},
        .dilation = {r->dilation[0], r->dilation[1]},
        .groups = r->groups,
    };
    float x[8 * 6 * 5] = {0}, y[4] = {7, 7, 7, 7};
    lsq_error err = {0};
    lsq_weights *w = weights_of("s4", refused[_i].m, refused[_i].k, 7, NULL);
    ck_assert_int_eq(lsq_conv2d(NULL, &s, w, NULL, LSQ_IDENTITY, refused[_i].batch, x, y, &err), refused[_i].status);
    ck_assert_int_eq(err.status, refused[_i].status);
    ck_assert_msg(strstr(err.text, refused[_i].text) != NULL, "\"%s\" instead of \"%s\"", err.text, refused[_i].text);
    ck_assert_int_eq(lsq_conv2d(NULL, &s, w, NULL, LSQ_IDENTITY, refused[_i].batch, x, y, NULL), refused[_i].status);
    for (size_t i = 0; i < 4; i++)
        ck_assert(y[i] == 7);
    lsq_weights_free(w);
}
END_TEST

static void refuse(lsq_status status, const lsq_error *err, const char *text)
{
    ck_assert_int_eq(status, LSQ_E_ARGUMENT);
    ck_assert_msg(strstr(err->text, text) != NULL, "\"%s\" instead of \"%s\"", err->text, text);
}

START_TEST(bad_arguments_are_refused)
{
    lsq_conv2d_shape s = {.size = sizeof(s), .channels = 2, .height = 1, .width = 1}, none = s;
    lsq_weights *w = weights_of("s4", 2, 2, 8, NULL);
    float x[2] = {1, 1}, y[2] = {7, 7};
    size_t h = 5, wide = 6;
    lsq_error e = {0};
    refuse(lsq_conv2d(NULL, NULL, w, NULL, LSQ_IDENTITY, 1, x, y, &e), &e, "shape: none");
    refuse(lsq_conv2d(NULL, &s, NULL, NULL, LSQ_IDENTITY, 1, x, y, &e), &e, "w: no weights");
    refuse(lsq_conv2d(NULL, &s, w, NULL, LSQ_IDENTITY, 1, NULL, y, &e), &e, "x: no images");
    refuse(lsq_conv2d(NULL, &s, w, NULL, LSQ_IDENTITY, 1, x, NULL, &e), &e, "y: no images");
    refuse(lsq_conv2d(NULL, &s, w, NULL, (lsq_nonlinearity)5, 1, x, y, &e), &e, "f is 5");
    refuse(lsq_conv2d(NULL, &s, w, NULL, (lsq_nonlinearity)-1, 1, x, y, &e), &e, "f is -1");
    OK(lsq_conv2d(NULL, &s, w, NULL, LSQ_IDENTITY, 0, NULL, NULL, &e));
    none.channels = 0;
    refuse(lsq_conv2d(NULL, &none, w, NULL, LSQ_IDENTITY, 1, x, y, &e), &e, "channels is 0");
    refuse(lsq_conv2d_output(&none, &h, &wide, &e), &e, "channels is 0");
    refuse(lsq_conv2d_output(NULL, &h, &wide, &e), &e, "shape: none");
    refuse(lsq_conv2d_output(&s, NULL, &wide, &e), &e, "height: no place");
    refuse(lsq_conv2d_output(&s, &h, NULL, &e), &e, "width: no place");
    none = s, none.width = 0;
    refuse(lsq_conv2d_output(&none, &h, &wide, &e), &e, "width is 0");
    none = s, none.height = 0;
    refuse(lsq_conv2d_output(&none, &h, &wide, &e), &e, "height is 0");
    ck_assert(h == 5 && wide == 6 && y[0] == 7 && y[1] == 7);
    lsq_weights_free(w);
}
END_TEST

/* floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1, up to the limits. */
START_TEST(outputs_have_their_size)
{
    const size_t most = (size_t)1 << 40;
    const struct {
        size_t in, kernel, stride, padding, dilation, out;
    } t[] = {
        {56, 3, 0, 1, 0, 56},
        {56, 3, 2, 1, 0, 28},
        {56, 3, 0, 2, 2, 56},
        {224, 7, 2, 3, 0, 112},
        {5, 5, 1, 0, 1, 1},
        {5, 5, 9, 0, 1, 1},
        {6, 3, 3, 0, 2, 1},
        {7, 3, 3, 0, 2, 1},
        {8, 3, 3, 0, 2, 2},
        {most, 0, 0, most, 0, 3 * most},
        {most, most, most, most, 0, 3},
    };
    for (size_t i = 0; i < COUNT(t); i++)
        for (unsigned side = 0; side < 2; side++) {
            lsq_conv2d_shape s = {.size = sizeof(s), .channels = 1, .height = 4, .width = 4};
            size_t out[2] = {0, 0};
            *(side ? &s.width : &s.height) = t[i].in;
            s.kernel[side] = t[i].kernel;
            s.stride[side] = t[i].stride;
            s.padding[side] = t[i].padding;
            s.dilation[side] = t[i].dilation;
            OK(lsq_conv2d_output(&s, &out[0], &out[1], NULL));
            ck_assert_uint_eq(out[side], t[i].out);
            ck_assert_uint_eq(out[!side], 4);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conv2d");
    TCase *values = new_case(suite, "values"), *arguments = new_case(suite, "arguments");
    tcase_add_checked_fixture(values, make_contexts, drop_contexts);
    tcase_add_loop_test(values, convolutions_are_convolutions, 0, COUNT(samples));
    tcase_add_test(values, threads_and_batches_change_nothing);
    tcase_add_test(values, tensors_of_files_are_kernels);
    tcase_add_loop_test(arguments, hostile_shapes_are_refused, 0, COUNT(refused));
    tcase_add_test(arguments, bad_arguments_are_refused);
    tcase_add_test(arguments, outputs_have_their_size);
    return run_suite(suite);
}
