/*
 * model_sample.h - files of .lsq version 2 to test with: written as a caller would, and forged byte by byte.
 */
#ifndef LSQ_TESTS_MODEL_SAMPLE_H
#define LSQ_TESTS_MODEL_SAMPLE_H

#include "model/lsq2.h"
#include "model/model.h"
#include "tests/hostile.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Asserts success of a call that was given &sample_err. */
#define OK(call) ck_assert_msg((call) == LSQ_OK, "%s", sample_err.text)

static lsq_error sample_err;

/* ---- A folder for each test -------------------------------------------------------------------------------------- */

static char folder[64];

static inline void make_folder(void)
{
    strcpy(folder, "/tmp/lsq-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static inline void drop_folder(void)
{
    char command[256];
    snprintf(command, sizeof command, "chmod -R u+w %s && rm -r %s", folder, folder);
    ck_assert_int_eq(system(command), 0);
}

/* A path in the folder; good until the next but three. */
static inline char *in_folder(const char *name)
{
    static char paths[4][512];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* ---- Numbers ----------------------------------------------------------------------------------------------------- */

/* Numbers in [-1, 1) that look random and are the same everywhere. */
static inline void fill(float *numbers, size_t count, uint32_t seed)
{
    uint32_t state = seed * 2654435761u + 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        numbers[i] = (float)(int32_t)(state & 0xffffff00u) / 2147483648.0f;
    }
}

static inline lsq_tensor tensor_like(const char *name, lsq_dtype dtype, unsigned rank, uint64_t a, uint64_t b,
                                     uint64_t c, uint64_t d)
{
    return (lsq_tensor){.name = name, .dtype = dtype, .rank = rank, .shape = {a, b, c, d}};
}

/* Quantises numbers as a matrix along `axis` of the shape and adds them. */
static inline void add_quantised(lsq_writer *w, const lsq_tensor *like, unsigned axis, const char *format_name,
                                 uint32_t seed)
{
    uint64_t elements = 1;
    for (unsigned i = 0; i < like->rank; i++)
        elements *= like->shape[i];
    uint64_t rows = like->shape[axis], columns = elements / rows;
    float *numbers = malloc(elements * sizeof *numbers);
    lsq_format format;
    lsq_weights *weights = NULL;
    fill(numbers, elements, seed);
    OK(lsq_format_parse(format_name, &format, &sample_err));
    OK(lsq_quantize(NULL, &format, rows, columns, numbers, columns, NULL, &weights, &sample_err));
    OK(lsq_writer_quantised(w, like, axis, weights, &sample_err));
    lsq_weights_free(weights);
    free(numbers);
}

/* ---- The sample file: each codec, an axis that is not the first, numbers, no numbers, metadata ------------------- */

static inline void write_sample(const char *path)
{
    static const float bias[5] = {0.5f, -0.25f, 0, 3, -1e-20f};
    static const uint8_t steps[8] = {0x39, 0x30};
    lsq_writer *w = NULL;
    OK(lsq_writer_new(path, 1, &w, &sample_err));
    OK(lsq_writer_metadata(w, "source", "tests/model_sample.h", &sample_err));
    OK(lsq_writer_metadata(w, "author", "nobody\n\xc3\xa9", &sample_err));
    lsq_tensor t = tensor_like("embed", LSQ_BF16, 2, 20, 40, 0, 0);
    add_quantised(w, &t, 0, "t4", 1);
    t = tensor_like("conv.weight", LSQ_F32, 4, 3, 3, 4, 18);
    add_quantised(w, &t, 3, "s3.row", 2);
    t = tensor_like("old.weight", LSQ_F32, 2, 2, 33, 0, 0);
    add_quantised(w, &t, 0, "c5.none", 3);
    t = tensor_like("norm.bias", LSQ_F32, 1, 5, 0, 0, 0);
    OK(lsq_writer_plain(w, &t, bias, &sample_err));
    t = tensor_like("empty", LSQ_F16, 2, 0, 3, 0, 0);
    OK(lsq_writer_plain(w, &t, NULL, &sample_err));
    t = tensor_like("steps", LSQ_I64, 0, 0, 0, 0, 0);
    OK(lsq_writer_plain(w, &t, steps, &sample_err));
    OK(lsq_writer_finish(w, &sample_err));
    lsq_writer_free(w);
}

/* A matrix with outliers and some without, between plain tensors. */
static inline void write_with_outliers(const char *path)
{
    enum { ROWS = 24, COLUMNS = 200 };
    static float numbers[ROWS * COLUMNS];
    const lsq_quantize_options options = {.size = sizeof options, .outliers = 0.01};
    lsq_writer *w = NULL;
    lsq_format format;
    lsq_weights *weights = NULL;
    size_t count;
    fill(numbers, ROWS * COLUMNS, 4);
    for (size_t i = 7; i < ROWS * COLUMNS; i += 150)
        numbers[i] *= 10;
    OK(lsq_writer_new(path, 1, &w, &sample_err));
    lsq_tensor t = tensor_like("one", LSQ_F32, 0, 0, 0, 0, 0);
    OK(lsq_writer_plain(w, &t, numbers, &sample_err));
    OK(lsq_format_parse("s3", &format, &sample_err));
    OK(lsq_quantize(NULL, &format, ROWS, COLUMNS, numbers, COLUMNS, &options, &weights, &sample_err));
    lsq_weights_outliers(weights, NULL, &count);
    ck_assert_uint_gt(count, 10);
    t = tensor_like("heavy", LSQ_F32, 3, ROWS, 4, 50, 0);
    OK(lsq_writer_quantised(w, &t, 0, weights, &sample_err));
    t = tensor_like("light", LSQ_F32, 2, 3, 20, 0, 0);
    add_quantised(w, &t, 0, "s2.row", 5);
    t = tensor_like("two", LSQ_F32, 1, 2, 0, 0, 0);
    OK(lsq_writer_plain(w, &t, numbers, &sample_err));
    OK(lsq_writer_finish(w, &sample_err));
    lsq_writer_free(w);
    lsq_weights_free(weights);
}

/* The file of docs/format.md: one matrix and one vector. */
static inline void write_small(const char *path)
{
    static const float weight[6] = {0, 0.25f, -0.5f, 1, -1, 0.75f}, bias[2] = {0.5f, -0.125f};
    lsq_writer *w = NULL;
    lsq_format format;
    lsq_weights *weights = NULL;
    OK(lsq_writer_new(path, 1, &w, &sample_err));
    OK(lsq_writer_metadata(w, "about", "the example of docs/format.md", &sample_err));
    OK(lsq_format_parse("c5.none", &format, &sample_err));
    OK(lsq_quantize(NULL, &format, 2, 3, weight, 3, NULL, &weights, &sample_err));
    lsq_tensor t = tensor_like("fc.weight", LSQ_F32, 2, 2, 3, 0, 0);
    OK(lsq_writer_quantised(w, &t, 0, weights, &sample_err));
    lsq_weights_free(weights);
    t = tensor_like("fc.bias", LSQ_F32, 1, 2, 0, 0, 0);
    OK(lsq_writer_plain(w, &t, bias, &sample_err));
    OK(lsq_writer_finish(w, &sample_err));
    lsq_writer_free(w);
}

/* ---- Forged files ------------------------------------------------------------------------------------------------ */

/* Makes the hashes of a changed file right again: what is left wrong is what the test is about. */
static inline void rehash(uint8_t *bytes, size_t size)
{
    lsq_preamble p = {.version = LSQ2_VERSION};
    for (size_t i = 0; i < 8; i++) {
        p.header_offset |= (uint64_t)bytes[16 + i] << (8 * i);
        p.header_bytes |= (uint64_t)bytes[24 + i] << (8 * i);
        p.file_bytes |= (uint64_t)bytes[32 + i] << (8 * i);
    }
    p.features = bytes[12] | (uint32_t)bytes[13] << 8 | (uint32_t)bytes[14] << 16 | (uint32_t)bytes[15] << 24;
    if (p.header_offset <= size && p.header_bytes <= size - p.header_offset)
        lsq_hash(bytes + p.header_offset, p.header_bytes, p.header_hash);
    lsq_preamble_encode(&p, bytes);
}

/* A file with this header behind `payload` bytes of zeros (padded to 64), all of its hashes right; free() it. */
static inline uint8_t *forge(const char *header, size_t header_bytes, size_t payload, size_t *size)
{
    size_t offset = LSQ2_PREAMBLE + (payload + 63) / 64 * 64;
    *size = offset + header_bytes;
    uint8_t *bytes = calloc(*size, 1);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes + offset, header, header_bytes);
    lsq_preamble p = {
        .version = LSQ2_VERSION, .header_offset = offset, .header_bytes = header_bytes, .file_bytes = *size};
    lsq_hash(header, header_bytes, p.header_hash);
    lsq_preamble_encode(&p, bytes);
    return bytes;
}

#endif
