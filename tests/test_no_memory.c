/*
 * test_no_memory.c - memory runs out at the first allocation, at the second, and so on until a call succeeds; and how much
 * of it layers and streams take.
 *
 * Every allocation of the process goes through the functions below, those within jansson and libc too. Sanitizers bring
 * their own allocator: then there is nothing to test here.
 */
#include "model/runtime/stream.h"
#include "tests/export_call.h"
#include "tests/hostile.h"

#include <errno.h>
#include <malloc.h>

#if MEMORY_LIMITED && defined(__GLIBC__)

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

static long left = -1;    /* allocations until one fails; negative: none will */
static int once;          /* there is memory again afterwards */
static long blocks;       /* allocated and not freed */
static size_t held, peak; /* bytes in these blocks, and at most since somebody set it */

static int refused(void)
{
    if (left < 0 || left-- > 0)
        return 0;
    left = once ? -1 : 0;
    errno = ENOMEM;
    return 1;
}

static void *counted(void *block)
{
    blocks += block != NULL;
    held += malloc_usable_size(block);
    peak = held > peak ? held : peak;
    return block;
}

void *malloc(size_t size)
{
    return refused() ? NULL : counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return refused() ? NULL : counted(__libc_calloc(count, size));
}

void *realloc(void *block, size_t size)
{
    if (refused())
        return NULL;
    if (!block)
        return counted(__libc_malloc(size));
    const size_t before = malloc_usable_size(block);
    void *moved = __libc_realloc(block, size);
    held += moved ? malloc_usable_size(moved) - before : 0;
    peak = held > peak ? held : peak;
    return moved;
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    *block = refused() ? NULL : counted(__libc_memalign(alignment, size));
    return *block ? 0 : ENOMEM;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return refused() ? NULL : counted(__libc_memalign(alignment, size));
}

void free(void *block)
{
    blocks -= block != NULL;
    held -= malloc_usable_size(block);
    __libc_free(block);
}

/* ---- What is called --------------------------------------------------------------------------------------------- */

static char folder[32], target[64];

static lsq_status open_and_close(const char *path, lsq_error *err)
{
    lsq_model *model = NULL;
    const lsq_status status = lsq_model_open(path, LSQ_OPEN_READ | LSQ_OPEN_VERIFY, &model, err);
    lsq_model_free(model);
    return status;
}

static lsq_status export(const char *path, lsq_error *err)
{
    const long armed = left;
    lsq_model *model = NULL;
    left = -1;
    ck_assert_int_eq(lsq_model_open(path, 0, &model, err), LSQ_OK);
    left = armed;
    lsq_status status = export_all(model, "safetensors", target, 1, NULL, err);
    if (!status)
        status = export_npy(model, 0, target, 1, err);
    lsq_model_free(model);
    return status;
}

/* The other formats, as far as they hold what there is. */
static lsq_status export_others(const char *path, lsq_error *err)
{
    const long armed = left;
    const size_t one = 1;
    const lsq_export_options options = {
        .size = sizeof(options), .overwrite = 1, .tensors = &one, .tensor_count = 1, .floats = LSQ_FORM_F16};
    lsq_model *model = NULL;
    left = -1;
    ck_assert_int_eq(lsq_model_open(path, 0, &model, err), LSQ_OK);
    left = armed;
    lsq_status status = export_all(model, "h", target, 1, NULL, err);
#if LSQ_ZLIB
    if (!status)
        status = export_all(model, "npz", target, 1, NULL, err);
#endif
    if (!status)
        status = lsq_export(model, "gguf", target, &options, NULL, err);
    lsq_model_free(model);
    return status;
}

/* Version 1, and a matrix along another axis, which passes through scratch memory. */
static lsq_status export_old(const char *path, lsq_error *err)
{
    const long armed = left;
    lsq_model *model = NULL;
    float numbers[6];
    left = -1;
    ck_assert_int_eq(lsq_model_open(path, 0, &model, err), LSQ_OK);
    left = armed;
    lsq_status status = export_all(model, "lsq1", target, 1, NULL, err);
    if (!status)
        status = lsq_model_read_matrix(model, 0, 1, numbers, err);
    lsq_model_free(model);
    return status;
}

/* All tensors into a .lsq file. */
static lsq_status copy(const char *path, lsq_error *err)
{
    const long armed = left;
    lsq_model *model = NULL;
    lsq_writer *writer = NULL;
    left = -1;
    ck_assert_int_eq(lsq_model_open(path, 0, &model, err), LSQ_OK);
    left = armed;
    lsq_status status = lsq_writer_new(target, 1, &writer, err);
    for (size_t i = 0; i < lsq_model_count(model) && !status; i++)
        status = lsq_writer_copy(writer, model, i, err);
    if (!status)
        status = lsq_writer_finish(writer, err);
    lsq_writer_free(writer);
    lsq_model_free(model);
    return status;
}

static lsq_status write_two(const char *path, lsq_error *err)
{
    static const float number = 1;
    const lsq_tensor names[2] = {{.name = "one", .rank = 1, .shape = {1}}, {.name = "other"}};
    lsq_writer *writer = NULL;
    (void)path;
    lsq_status status = lsq_writer_new(target, 1, &writer, err);
    if (!status)
        status = lsq_writer_metadata(writer, "key", "value", err);
    for (size_t i = 0; i < 2 && !status; i++)
        status = lsq_writer_plain(writer, &names[i], &number, err);
    if (!status)
        status = lsq_writer_finish(writer, err);
    lsq_writer_free(writer);
    return status;
}

/* Weights with outliers are made, written and read. */
static lsq_status write_outliers(const char *path, lsq_error *err)
{
    enum { M = 8, K = 256 };
    static float w[M * K];
    const lsq_format format = {.codec = LSQ_SCALAR, .bits = 4, .scale = LSQ_SCALE_BYTE32, .curve = 3};
    const lsq_quantize_options options = {.size = sizeof(options), .outliers = 0.01};
    const lsq_tensor like = {.name = "heavy", .rank = 2, .shape = {M, K}};
    lsq_weights *weights = NULL;
    lsq_writer *writer = NULL;
    (void)path;
    for (size_t i = 0; i < M * K; i++)
        w[i] = (float)(i * 37 % 101) - 50 + (i % 128 == 9 ? 900 : 0);
    lsq_status status = lsq_quantize(NULL, &format, M, K, w, K, &options, &weights, err);
    if (!status)
        status = lsq_writer_new(target, 1, &writer, err);
    if (!status)
        status = lsq_writer_quantised(writer, &like, 0, weights, err);
    if (!status)
        status = lsq_writer_finish(writer, err);
    if (!status)
        status = open_and_close(target, err);
    if (!status && !lsq_weights_outliers(weights, NULL, NULL))
        status = LSQ_E_VALUE;
    lsq_writer_free(writer);
    lsq_weights_free(weights);
    return status;
}

/* A matrix in two strips, surveyed twice, with outliers, and the file copied into another one. */
static lsq_status write_strips(const char *path, lsq_error *err)
{
    enum { M = 272, K = 32 };
    static float w[M * K];
    const lsq_format format = {
        .codec = LSQ_SCALAR, .bits = 2, .scale = LSQ_SCALE_ROW, .curve = 3}; /* quickly encoded */
    const lsq_quantize_options options = {
        .size = sizeof(options), .outliers = 0.05, .outlier_choice = LSQ_OUTLIERS_LARGEST};
    const lsq_tensor like = {.name = "strips", .rank = 2, .shape = {M, K}};
    lsq_survey *survey = NULL;
    lsq_quantizer *q = NULL;
    lsq_writer *writer = NULL, *second = NULL;
    lsq_model *model = NULL;
    lsq_magnitudes known;
    const lsq_weights *strip = NULL;
    const void *outliers = NULL;
    size_t size = 0;
    int again = 1;
    (void)path;
    for (size_t i = 0; i < M * K; i++)
        w[i] = (float)(i * 7919 % 10007) / 3 - 1500;
    lsq_status status = lsq_survey_new(K, options.outliers, &survey, err);
    while (!status && again) {
        status = lsq_survey_rows(survey, M, w, K, err);
        if (!status)
            status = lsq_survey_end(survey, &known, &again, err);
    }
    if (!status)
        status = lsq_quantizer_new(NULL, &format, M, K, &known, &options, &q, err);
    if (!status)
        status = lsq_writer_new(target, 1, &writer, err);
    if (!status)
        status = lsq_writer_begin_quantised(writer, &like, 0, &format, err);
    for (size_t row = 0; !status && row < M; row += 256) {
        status = lsq_quantizer_rows(q, M - row < 256 ? M - row : 256, w + row * K, K, &strip, err);
        if (!status)
            status = lsq_writer_rows(writer, strip, err);
    }
    if (!status)
        status = lsq_quantizer_outliers(q, &outliers, &size, err);
    if (!status)
        status = lsq_writer_end_quantised(writer, outliers, size, err);
    if (!status)
        status = lsq_writer_finish(writer, err);
    if (!status)
        status = lsq_model_open(target, 0, &model, err);
    if (!status)
        status = lsq_writer_new(target, 1, &second, err);
    if (!status)
        status = lsq_writer_copy(second, model, 0, err);
    if (!status)
        status = lsq_writer_finish(second, err);
    lsq_survey_free(survey);
    lsq_quantizer_free(q);
    lsq_writer_free(writer);
    lsq_writer_free(second);
    lsq_model_free(model);
    return status;
}

/* ---- Streams ---------------------------------------------------------------------------------------------------- */

/* A file with outliers, three times. */
static lsq_status stream(const char *path, lsq_error *err)
{
    const lsq_stream_options options = {.size = sizeof(options), .memory = 1 << 20, .no_prefetch = 1, .verify = 1};
    const long armed = left;
    lsq_stream *stream = NULL;
    lsq_stream_item item;
    left = -1;
    ck_assert_int_eq(write_outliers(path, err), LSQ_OK);
    left = armed;
    lsq_status status = lsq_stream_new(target, &options, &stream, err);
    for (unsigned i = 0; i < 3 && !status; i++)
        status = lsq_stream_next(stream, &item, err);
    lsq_stream_free(stream);
    return status;
}

/* ---- Layers ----------------------------------------------------------------------------------------------------- */

static float numbers[1 << 21], outputs[1 << 19];

static lsq_weights *weights_of(size_t m, size_t k)
{
    const lsq_format format = {.codec = LSQ_SCALAR, .bits = 5, .scale = LSQ_SCALE_BYTE32};
    lsq_weights *w = NULL;
    ck_assert_uint_le(m * k, sizeof(numbers) / sizeof(numbers[0]));
    ck_assert_int_eq(lsq_quantize(NULL, &format, m, k, numbers, k, NULL, &w, NULL), LSQ_OK);
    return w;
}

/* Check allocates, too. */
static void expect_untouched(lsq_status status)
{
    if (status && outputs[0] != 7) {
        left = -1;
        ck_abort_msg("a call that failed has written");
    }
}

/* With error feedback, column by column and path by path. */
static lsq_status quantise_for_inputs(const char *path, lsq_error *err)
{
    enum { K = 40 };
    static float gram[K * K];
    const lsq_quantize_options options = {.size = sizeof(options), .gram = gram};
    const long armed = left;
    lsq_status status = LSQ_OK;
    (void)path;
    for (size_t i = 0; i < K; i++)
        gram[i * K + i] = 1;
    left = -1;
    lsq_weights_free(weights_of(1, 1)); /* the default context is there from now on */
    left = armed;
    for (unsigned codec = LSQ_SCALAR; !status && codec <= LSQ_TRELLIS; codec++) {
        const lsq_format scalar = {.codec = LSQ_SCALAR, .bits = 3, .scale = LSQ_SCALE_BYTE32},
                         trellis = {.codec = LSQ_TRELLIS, .bits = 3, .scale = LSQ_SCALE_NIBBLE16, .states = 8};
        lsq_weights *w = NULL;
        status = lsq_quantize(NULL, codec == LSQ_SCALAR ? &scalar : &trellis, 20, K, numbers, K, &options, &w, err);
        lsq_weights_free(w);
    }
    return status;
}

/* Descriptions are whole or not there, also if one thing alone could not be allocated. */
static lsq_status describe(const char *path, lsq_error *err)
{
    static char text[1 << 16], whole[1 << 16];
    const lsq_format format = {.codec = LSQ_SCALAR, .bits = 4, .scale = LSQ_SCALE_BYTE32, .curve = 3};
    (void)path;
    (void)err;
    once = 1;
    size_t length = lsq_describe(NULL, text, sizeof(text));
    if (length)
        length = lsq_describe_product(NULL, &format, 64, 64, LSQ_NO_TRANS, 20, text + length, sizeof(text) - length);
    once = 0;
    if (!length)
        return LSQ_E_NOMEM;
    if (!whole[0])
        memcpy(whole, text, sizeof(whole));
    return strcmp(text, whole) ? LSQ_E_VALUE : LSQ_OK;
}

/* Linear, by patches and row by row. Where memory is asked for before anything is written, nothing has been. */
static lsq_status run_layers(const char *path, lsq_error *err)
{
    const lsq_conv2d_shape full = {.size = sizeof(full), .channels = 40, .height = 20, .width = 20, .kernel = {3, 3}},
                           depthwise = {.size = sizeof(full), .channels = 40, .height = 20, .width = 20, .groups = 40};
    const long armed = left;
    (void)path;
    left = -1;
    lsq_weights *linear = weights_of(20, 400), *kernel = weights_of(16, 360), *row = weights_of(40, 1);
    left = armed;
    outputs[0] = 7;
    lsq_status status = lsq_linear(NULL, linear, NULL, LSQ_RELU, 50, numbers, 400, outputs, 20, err);
    expect_untouched(status);
    if (!status)
        status = lsq_conv2d(NULL, &full, kernel, NULL, LSQ_RELU, 2, numbers, outputs, err);
    if (!status) {
        outputs[0] = 7;
        status = lsq_conv2d(NULL, &depthwise, row, NULL, LSQ_RELU, 1, numbers, outputs, err);
        expect_untouched(status);
    }
    lsq_weights_free(linear);
    lsq_weights_free(kernel);
    lsq_weights_free(row);
    return status;
}

static const struct {
    lsq_status (*call)(const char *path, lsq_error *err);
    const char *path; /* NULL: the index of a set */
} calls[] = {
    {open_and_close, TEST_DATA "/all_types.safetensors"},
    {open_and_close, TEST_DATA "/npy/columns.npy"},
    {open_and_close, TEST_DATA "/gguf/plain.gguf"},
    {open_and_close, TEST_DATA "/gguf/blocks.gguf"},
    {open_and_close, TEST_DATA "/onnx/typed.onnx"},
    {open_and_close, TEST_DATA "/onnx/graphs.onnx"},
    {open_and_close, TEST_DATA "/onnx/external.onnx"},
    {open_and_close, TEST_DATA "/pth/old.pth"},
#if LSQ_ZLIB
    {open_and_close, TEST_DATA "/npz/deflated.npz"},
    {open_and_close, TEST_DATA "/npz/stored.npz"},
    {open_and_close, TEST_DATA "/pth/checkpoint.pth"},
    {open_and_close, TEST_DATA "/pth/views.pth"},
#endif
    {open_and_close, NULL},
    {open_and_close, TEST_DATA "/../golden/small.lsq"},
    {open_and_close, TEST_DATA "/../golden/v1_b4_two.lsq"},
    {export, TEST_DATA "/all_types.safetensors"},
    {export, TEST_DATA "/npy/rows.npy"},
    {export, TEST_DATA "/../golden/small.lsq"},
    {export, TEST_DATA "/gguf/blocks.gguf"},
    {export_others, TEST_DATA "/../golden/small.lsq"},
    {export_others, TEST_DATA "/gguf/blocks.gguf"},
    {copy, TEST_DATA "/gguf/blocks.gguf"},
    {export_old, TEST_DATA "/../golden/small.lsq"},
    {export_old, TEST_DATA "/../golden/v1_b4_two.lsq"},
    {write_two, ""},
    {write_outliers, ""},
    {write_strips, ""},
    {stream, ""},
    {run_layers, ""},
    {quantise_for_inputs, ""},
    {describe, ""},
};

/* A set of one file, with metadata and a total_size that give two warnings. */
static void make_set(char path[64])
{
    static const char index[] = "{\"metadata\":{\"total_size\":1},\"weight_map\":{\"a\":\"1\",\"b\":\"2\"}}";
    for (char part = '1'; part <= '2'; part++) {
        char bytes[256] = {0};
        const int length = snprintf(bytes + 8, sizeof(bytes) - 8,
                                    "{\"__metadata__\":{\"part\":\"%c\"},"
                                    "\"%c\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}",
                                    part, 'a' + part - '1');
        bytes[0] = (char)length;
        snprintf(path, 64, "%s/%c", folder, part);
        write_file(path, bytes, 8 + (size_t)length);
    }
    snprintf(path, 64, "%s/index.json", folder);
    write_file(path, index, sizeof(index) - 1);
}

static void remove_all(void)
{
    static const char *const names[] = {"1", "2", "index.json", "target"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[64];
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    ck_assert_int_eq(rmdir(folder), 0);
}

START_TEST(every_allocation_fails_once)
{
    char index[64];
    const char *path = calls[_i].path ? calls[_i].path : index;
    lsq_error err;
    lsq_status status = LSQ_E_NOMEM;
    long k = 0;
    strcpy(folder, "/tmp/lsq_memory_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(target, sizeof(target), "%s/target", folder);
    make_set(index);
    ck_assert_msg(calls[_i].call(path, &err) == LSQ_OK, "%s", err.text); /* what is allocated once and kept, is now */

    for (; status != LSQ_OK; k++) {
        const long before = blocks;
        errno = 12345;
        left = k;
        status = calls[_i].call(path, &err);
        left = -1;
        ck_assert_int_eq(errno, 12345);
        ck_assert_msg(status == LSQ_OK || status == LSQ_E_NOMEM, "allocation %ld: status %d, %s", k, status, err.text);
        ck_assert_msg(blocks == before, "allocation %ld: %ld blocks are left", k, blocks - before);
    }
    ck_assert_int_gt(k, 3);
    remove_all();
}
END_TEST

/* ---- How much layers take ---------------------------------------------------------------------------------------- */

static size_t taken_by_product(const lsq_context *ctx, const lsq_weights *w, size_t n)
{
    const size_t k = lsq_weights_columns(w), before = peak = held;
    ck_assert_int_eq(
        lsq_sgemm(ctx, LSQ_COL_MAJOR, LSQ_NO_TRANS, LSQ_NO_TRANS, n, 1, w, numbers, k, 0, outputs, lsq_weights_rows(w)),
        LSQ_OK);
    return peak - before;
}

/*
 * As lsq_model.h has it: patches (1 MiB, none, 16 of them) beside a product with so many columns, or 64 KiB of W. At once
 * they would be 3.5 MiB, 441 KiB, 4 MiB, and 162 KiB.
 */
static const struct {
    size_t channels, side, kernel[2], groups, m, product, most;
} scratches[] = {
    {64, 42, {3, 3}, 1, 16, 256, 1 << 20},
    {64, 42, {1, 1}, 1, 16, 256, 0},
    {512, 45, {45, 1}, 1, 1, 16, 16 * sizeof(float) * (512 * 45 + 18)},
    {512, 24, {9, 9}, 512, 512, 0, 64 << 10},
};

enum { SCRATCHES = sizeof(scratches) / sizeof(scratches[0]) };

START_TEST(convolutions_have_little_scratch)
{
    const size_t i = (size_t)_i % SCRATCHES, kh = scratches[i].kernel[0], kw = scratches[i].kernel[1];
    const lsq_context_options options = {.size = sizeof(options), .activation = _i / SCRATCHES};
    const lsq_conv2d_shape shape = {.size = sizeof(shape),
                                    .channels = scratches[i].channels,
                                    .height = scratches[i].side,
                                    .width = scratches[i].side,
                                    .kernel = {kh, kw},
                                    .groups = scratches[i].groups};
    lsq_context *ctx;
    ck_assert_int_eq(lsq_context_new(&options, &ctx, NULL), LSQ_OK);
    lsq_weights *w = weights_of(scratches[i].m, shape.channels / shape.groups * kh * kw);
    const size_t product = scratches[i].product ? taken_by_product(ctx, w, scratches[i].product) : 0;
    const size_t before = peak = held;
    ck_assert_int_eq(lsq_conv2d(ctx, &shape, w, NULL, LSQ_RELU, 1, numbers, outputs, NULL), LSQ_OK);
    ck_assert_uint_le(peak - before, scratches[i].most + product + 4096);
    lsq_weights_free(w);
    lsq_context_free(ctx);
}
END_TEST

/* Of a layer with 4096 inputs, which would take 64 MiB as floats if it had as many outputs: 4 MiB, whatever the batch. */
START_TEST(linear_layers_expand_nothing)
{
    const size_t k = 4096, m = 32; /* memory does not depend on m */
    lsq_weights *w = weights_of(m, k);
    for (size_t batch = 1; batch <= 512; batch *= 8) {
        const size_t before = peak = held;
        ck_assert_int_eq(lsq_linear(NULL, w, NULL, LSQ_RELU, batch, numbers, k, outputs, m, NULL), LSQ_OK);
        ck_assert_uint_le(peak - before, (size_t)4 << 20);
    }
    lsq_weights_free(w);
}
END_TEST

/* ---- How much blocks take ---------------------------------------------------------------------------------------- */

/* Of 64 MiB as floats, 9 MiB of zeros in the file, 1 MiB is there at a time. */
START_TEST(blocks_are_converted_in_pieces)
{
    static const uint8_t start[96] = "GGUF\3\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                     "\1\0\0\0\0\0\0\0t\2\0\0\0\0\20\0\0\0\0\0\0\0\20\0\0\0\0\0\0\2";
    char path[64];
    lsq_error err;
    lsq_model *model = NULL;
    strcpy(folder, "/tmp/lsq_memory_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(target, sizeof(target), "%s/target", folder);
    snprintf(path, sizeof(path), "%s/1", folder);
    write_file(path, start, sizeof(start));
    ck_assert_int_eq(truncate(path, 96 + (4096 * 4096 / 32 * 18)), 0);
    const size_t before = peak = held;
    ck_assert_msg(lsq_model_open(path, 0, &model, &err) == LSQ_OK, "%s", err.text);
    ck_assert_uint_eq(lsq_model_tensor(model, 0)->bytes, 64 << 20);
    ck_assert_int_eq(export_all(model, "safetensors", target, 1, NULL, &err), LSQ_OK);
    ck_assert_int_eq(export_npy(model, 0, target, 1, &err), LSQ_OK);
    lsq_model_free(model);
    ck_assert_int_eq(copy(path, &err), LSQ_OK);
    ck_assert_uint_le(peak - before, (1 << 20) + (96 << 10));
    remove_all();
}
END_TEST

/* ---- How much exports take --------------------------------------------------------------------------------------- */

/* A matrix of zeros: 64 MiB as floats, 2 MiB in packed form. */
static void write_zeros(const lsq_format *format)
{
    enum { SIDE = 4096 };
    const lsq_tensor like = {.name = "zeros", .rank = 2, .shape = {SIDE, SIDE}};
    lsq_writer *writer = NULL;
    lsq_weights *w = NULL;
    size_t bytes;
    ck_assert_int_eq(lsq_packed_bytes(format, SIDE, SIDE, &bytes), LSQ_OK);
    void *packed = calloc(1, bytes);
    ck_assert_int_eq(lsq_weights_wrap(format, SIDE, SIDE, packed, bytes, &w, NULL), LSQ_OK);
    ck_assert_int_eq(lsq_writer_new(target, 1, &writer, NULL), LSQ_OK);
    ck_assert_int_eq(lsq_writer_quantised(writer, &like, 0, w, NULL), LSQ_OK);
    ck_assert_int_eq(lsq_writer_finish(writer, NULL), LSQ_OK);
    lsq_writer_free(writer);
    lsq_weights_free(w);
    free(packed);
}

/* A piece, and a buffer of 64 KiB: numbers are never there as a whole, codes never but in the file. */
START_TEST(exports_take_a_piece)
{
    static const char *const formats[] = {"safetensors", "npy", "gguf", "h", "npz"};
    const lsq_format format = {.codec = LSQ_SIGN, .bits = 1, .scale = LSQ_SCALE_ROW};
    lsq_model *model = NULL;
    char path[64];
    lsq_error err;
    strcpy(folder, "/tmp/lsq_memory_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(target, sizeof(target), "%s/1", folder);
    snprintf(path, sizeof(path), "%s/target", folder);
    write_zeros(&format);
    ck_assert_msg(lsq_model_open(target, 0, &model, &err) == LSQ_OK, "%s", err.text);
    ck_assert_int_eq(export_npy(model, 0, path, 1, &err), LSQ_OK); /* what is allocated once and kept, is now */
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]) - !LSQ_ZLIB; i++) {
        const size_t before = peak = held;
        ck_assert_msg(export_all(model, formats[i], path, 1, NULL, &err) == LSQ_OK, "%s", err.text);
        ck_assert_uint_le(peak - before, (1 << 20) + (96 << 10));
    }
    lsq_model_free(model);
    remove_all();
}
END_TEST

/* ---- How much headers take --------------------------------------------------------------------------------------- */

/* As many tensors as a header can have: one number each, with no padding between them. */
START_TEST(headers_take_some_times_their_size)
{
    enum { TENSORS = 100000, EACH = 8 + 3 + 4 + 4 + 8, HEAD = 24 + 8 + 17 + 4 + 4 };
    const size_t header = HEAD + (size_t)TENSORS * EACH, size = header + TENSORS;
    uint8_t *bytes = calloc(1, size), *to = bytes + HEAD;
    lsq_model *model = NULL;
    lsq_error err;
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, "GGUF\3", 5);
    for (unsigned i = 0; i < 4; i++)
        bytes[8 + i] = (uint8_t)(TENSORS >> (8 * i));
    bytes[16] = 1;
    bytes[24] = 17;
    memcpy(bytes + 32, "general.alignment\4\0\0\0\1", 22);
    for (unsigned i = 0; i < TENSORS; i++, to += EACH) {
        to[0] = 3;
        for (unsigned k = 0; k < 3; k++)
            to[8 + k] = (uint8_t)('0' + (i >> (6 * k) & 63));
        to[15] = 24;
        for (unsigned k = 0; k < 3; k++)
            to[19 + k] = (uint8_t)(i >> (8 * k));
    }
    const size_t before = peak = held;
    ck_assert_msg(lsq_model_open_memory(bytes, size, 0, &model, &err) == LSQ_OK, "%s", err.text);
    ck_assert_uint_eq(lsq_model_count(model), TENSORS);
    ck_assert_msg(peak - before - size <= 30 * header, "%zu times", (peak - before - size) / header);
    lsq_model_free(model);
    free(bytes);
}
END_TEST

/* ---- How much streams take --------------------------------------------------------------------------------------- */

/* A hundred tensors, two of them with many outliers: handles and tables of what stays are a good part of it. */
static void write_many(void)
{
    const lsq_quantize_options options = {.size = sizeof(options), .outliers = 0.01};
    const lsq_format format = {.codec = LSQ_SCALAR, .bits = 2, .scale = LSQ_SCALE_ROW, .curve = 3};
    lsq_writer *writer = NULL;
    ck_assert_int_eq(lsq_writer_new(target, 1, &writer, NULL), LSQ_OK);
    for (unsigned i = 0; i < 100; i++) {
        const int heavy = i % 50 == 49;
        const size_t m = heavy ? 1000 : 20 + i, k = heavy ? 2000 : 30;
        char name[16];
        lsq_weights *w = NULL;
        for (size_t j = 0; j < m * k; j++)
            numbers[j] = (float)(j * 37 % 101) - 50 + (heavy && j % 110 == 9 ? 900 : 0);
        snprintf(name, sizeof(name), "matrix %u", i);
        const lsq_tensor like = {.name = name, .rank = 2, .shape = {m, k}};
        ck_assert_int_eq(lsq_quantize(NULL, &format, m, k, numbers, k, heavy ? &options : NULL, &w, NULL), LSQ_OK);
        ck_assert_int_eq(lsq_weights_outliers(w, NULL, NULL) != NULL, heavy);
        ck_assert_int_eq(lsq_writer_quantised(writer, &like, 0, w, NULL), LSQ_OK);
        lsq_weights_free(w);
    }
    ck_assert_int_eq(lsq_writer_metadata(writer, "key", "value", NULL), LSQ_OK);
    ck_assert_int_eq(lsq_writer_finish(writer, NULL), LSQ_OK);
    lsq_writer_free(writer);
}

/* What is allocated, while the file is opened too, is no more than the limit; what the stream says of it, no less. */
START_TEST(streams_keep_their_limit)
{
    size_t opened = 0;
    strcpy(folder, "/tmp/lsq_memory_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(target, sizeof(target), "%s/target", folder);
    write_many();
    for (size_t memory = 200000; memory < 12000000; memory += memory / 7) {
        const lsq_stream_options options = {.size = sizeof(options), .memory = memory, .no_prefetch = 1};
        lsq_stream *stream = NULL;
        lsq_stream_item item;
        lsq_stream_figures figures;
        const size_t before = peak = held;
        const lsq_status status = lsq_stream_new(target, &options, &stream, NULL);
        ck_assert_uint_le(peak - before, memory);
        if (status == LSQ_E_LIMIT)
            continue;
        ck_assert_int_eq(status, LSQ_OK);
        opened++;
        peak = held;
        for (unsigned i = 0; i < 250; i++)
            ck_assert_int_eq(lsq_stream_next(stream, &item, NULL), LSQ_OK);
        lsq_stream_stats(stream, &figures);
        ck_assert_uint_le(figures.bytes_peak, memory);
        ck_assert_uint_le(peak - before, figures.bytes_peak - LSQ_STREAM_STACK); /* there is no thread */
        lsq_stream_free(stream);
    }
    ck_assert_uint_gt(opened, 10);
    remove_all();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("no_memory");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, every_allocation_fails_once, 0, sizeof(calls) / sizeof(calls[0]));
    tcase_add_loop_test(cases, convolutions_have_little_scratch, 0, 2 * SCRATCHES);
    tcase_add_test(cases, linear_layers_expand_nothing);
    tcase_add_test(cases, blocks_are_converted_in_pieces);
    tcase_add_test(cases, exports_take_a_piece);
    tcase_add_test(cases, headers_take_some_times_their_size);
    tcase_add_test(cases, streams_keep_their_limit);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

#else

int main(void)
{
    puts("skipped: needs the allocator of glibc, without a sanitizer");
    return 77;
}

#endif
