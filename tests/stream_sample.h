/*
 * stream_sample.h - files to stream, of random codes and of every kind of tensor, and what of them must come out.
 */
#ifndef LSQ_TESTS_STREAM_SAMPLE_H
#define LSQ_TESTS_STREAM_SAMPLE_H

#include "kernels/codec.h"
#include "tests/model_sample.h"

/* Adds a matrix of random codes. Any bytes are codes; the tensor's scale must be a float. */
static inline void add_random(lsq_writer *w, const char *name, const char *format_name, size_t rows, size_t columns,
                              uint32_t seed)
{
    const lsq_tensor like = tensor_like(name, LSQ_F16, 2, rows, columns, 0, 0);
    lsq_format format;
    lsq_geometry geometry;
    lsq_weights *weights = NULL;
    OK(lsq_format_parse(format_name, &format, &sample_err));
    ck_assert_int_eq(lsq_geometry_of(&format, rows, columns, &geometry), LSQ_OK);
    uint8_t *bytes = malloc(geometry.bytes);
    ck_assert_ptr_nonnull(bytes);
    uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
    for (size_t i = 0; i < geometry.bytes; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (uint8_t)(state >> 56);
    }
    const float scale = format.scale == LSQ_SCALE_NONE ? 1 : 0.01f;
    memcpy(bytes + geometry.tensor, &scale, sizeof scale);
    OK(lsq_weights_wrap(&format, rows, columns, bytes, geometry.bytes, &weights, &sample_err));
    OK(lsq_writer_quantised(w, &like, 0, weights, &sample_err));
    lsq_weights_free(weights);
    free(bytes);
}

static inline void add_with_outliers(lsq_writer *w, const char *name, size_t rows, size_t columns, uint32_t seed)
{
    const lsq_quantize_options options = {.size = sizeof options, .outliers = 0.01};
    const lsq_tensor like = tensor_like(name, LSQ_F32, 2, rows, columns, 0, 0);
    float *numbers = malloc(rows * columns * sizeof *numbers);
    lsq_format format;
    lsq_weights *weights = NULL;
    size_t count;
    fill(numbers, rows * columns, seed);
    for (size_t i = 7; i < rows * columns; i += 150)
        numbers[i] *= 10;
    OK(lsq_format_parse("s3", &format, &sample_err));
    OK(lsq_quantize(NULL, &format, rows, columns, numbers, columns, &options, &weights, &sample_err));
    lsq_weights_outliers(weights, NULL, &count);
    ck_assert_uint_gt(count, 10);
    OK(lsq_writer_quantised(w, &like, 0, weights, &sample_err));
    lsq_weights_free(weights);
    free(numbers);
}

static inline void add_plain(lsq_writer *w, const char *name, size_t count, uint32_t seed)
{
    const lsq_tensor like = tensor_like(name, LSQ_F32, 1, count, 0, 0, 0);
    float *numbers = malloc(count * sizeof *numbers + 1);
    fill(numbers, count, seed);
    OK(lsq_writer_plain(w, &like, numbers, &sample_err));
    free(numbers);
}

/* A network of a few layers: matrices of several codecs and sizes, some with outliers, vectors, and a tensor without numbers. */
enum { STREAM_LAYERS = 4 };

static inline void write_network(const char *path)
{
    static const char *const formats[] = {"t2", "s4.row", "t4.st8", "c5.none"};
    lsq_writer *w = NULL;
    OK(lsq_writer_new(path, 1, &w, &sample_err));
    OK(lsq_writer_metadata(w, "layers", "4", &sample_err));
    OK(lsq_writer_metadata(w, "about", "random", &sample_err));
    add_random(w, "embed", "s8", 100, 64, 1);
    for (uint32_t i = 0; i < STREAM_LAYERS; i++) {
        char name[32];
        snprintf(name, sizeof name, "layer.%u.norm", i);
        add_plain(w, name, 64, 10 * i);
        snprintf(name, sizeof name, "layer.%u.v", i);
        add_random(w, name, i == 3 ? "s5" : formats[i], 70, 200, 10 * i + 1);
        snprintf(name, sizeof name, "layer.%u.heavy", i);
        add_with_outliers(w, name, 24 + i, 200, 10 * i + 2);
        snprintf(name, sizeof name, "layer.%u.none", i);
        add_plain(w, name, 0, 0);
        snprintf(name, sizeof name, "layer.%u.bias", i);
        add_plain(w, name, 3, 10 * i + 3);
    }
    add_random(w, "head", "t6.nib32", 130, 333, 2);
    OK(lsq_writer_finish(w, &sample_err));
    lsq_writer_free(w);
}

static inline lsq_stream_options options_of(size_t memory)
{
    return (lsq_stream_options){.size = sizeof(lsq_stream_options), .memory = memory};
}

/* The least limit with which a file can be opened, and the least that holds all of it, by trying. */
static inline size_t least_memory(const char *path, lsq_stream_options options, int all)
{
    size_t low = 1, high = (size_t)1 << 40;
    while (low < high) {
        lsq_stream *stream = NULL;
        lsq_stream_figures figures = {0};
        options.memory = low + (high - low) / 2;
        options.no_prefetch = 1;
        const lsq_status status = lsq_stream_new(path, &options, &stream, &sample_err);
        if (status == LSQ_OK)
            lsq_stream_stats(stream, &figures);
        else
            ck_assert_int_eq(status, LSQ_E_LIMIT);
        struct stat file;
        ck_assert_int_eq(stat(path, &file), 0);
        const int holds = status == LSQ_OK && (!all || figures.bytes_resident + 64 + 65536 > (uint64_t)file.st_size);
        lsq_stream_free(stream);
        if (holds)
            high = options.memory;
        else
            low = options.memory + 1;
    }
    return low;
}

/* Is the item what the whole file has there? Multiplies, too: all that a product reads must be in place. */
static inline void check_item(const lsq_stream_item *item, const lsq_model *whole, size_t position, size_t index)
{
    const lsq_tensor *t = lsq_model_tensor(whole, index);
    ck_assert_uint_eq(item->position, position);
    ck_assert_uint_eq(item->index, index);
    ck_assert_str_eq(item->tensor->name, t->name);
    ck_assert_uint_eq(item->tensor->outliers, t->outliers);
    ck_assert_uint_eq((uintptr_t)item->data % 64, 0);
    if (t->bytes)
        ck_assert(memcmp(item->data, lsq_model_bytes(whole, index), t->bytes) == 0);
    ck_assert_int_eq(item->weights != NULL, t->quantised);
    if (!t->quantised)
        return;
    const lsq_weights *weights;
    float *x = malloc(t->columns * sizeof *x), *y = malloc(2 * t->rows * sizeof *y);
    OK(lsq_model_weights(whole, index, &weights, &sample_err));
    fill(x, t->columns, (uint32_t)index);
    OK(lsq_sgemv(NULL, LSQ_NO_TRANS, 1, weights, x, 1, 0, y, 1));
    OK(lsq_sgemv(NULL, LSQ_NO_TRANS, 1, item->weights, x, 1, 0, y + t->rows, 1));
    ck_assert(memcmp(y, y + t->rows, t->rows * sizeof *y) == 0);
    free(x);
    free(y);
}

#endif
