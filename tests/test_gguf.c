/*
 * test_gguf.c - GGUF files: metadata, numbers, and blocks.
 *
 * data/gguf/ was written by the gguf library (data/README.md).
 */
#include "model/import/gguf_blocks.h"
#include "tests/export_call.h"
#include "tests/gguf_script.h"

static float *numbers_of(const lsq_model *model, const char *name)
{
    size_t i;
    lsq_error err;
    const lsq_tensor *t = lsq_model_find(model, name, &i);
    ck_assert_msg(t != NULL, "no %s", name);
    float *numbers = malloc(t->elements * sizeof *numbers + 1);
    ck_assert_ptr_nonnull(numbers);
    ck_assert_msg(lsq_model_read(model, i, numbers, &err) == LSQ_OK, "%s", err.text);
    return numbers;
}

/* ---- What is read ------------------------------------------------------------------------------------------------ */

START_TEST(plain_numbers_are_read)
{
    static const struct {
        const char *name;
        lsq_dtype dtype;
        unsigned rank;
        uint64_t shape[4];
    } golden[] = {
        {"f32", LSQ_F32, 2, {2, 3}}, {"f16", LSQ_F16, 1, {5}},       {"f64", LSQ_F64, 4, {1, 2, 3, 4}},
        {"i8", LSQ_I8, 1, {3}},      {"i16", LSQ_I16, 3, {2, 1, 2}}, {"i32", LSQ_I32, 1, {1}},
        {"i64", LSQ_I64, 2, {2, 2}}, {"bf16", LSQ_BF16, 2, {2, 2}},
    };
    lsq_model *model = open_file(TEST_DATA "/gguf/plain.gguf");
    ck_assert_str_eq(lsq_model_format(model), "gguf");
    ck_assert_ptr_null(lsq_model_warning(model, 0));
    ck_assert_uint_eq(lsq_model_count(model), sizeof golden / sizeof golden[0]);
    unsigned next = 0; /* the numbers count on from tensor to tensor */
    for (size_t i = 0; i < lsq_model_count(model); i++) {
        const lsq_tensor *t = lsq_model_tensor(model, i);
        ck_assert_str_eq(t->name, golden[i].name);
        ck_assert_int_eq(t->dtype, golden[i].dtype);
        ck_assert_uint_eq(t->rank, golden[i].rank);
        ck_assert_int_eq(memcmp(t->shape, golden[i].shape, t->rank * sizeof *t->shape), 0);
        ck_assert_ptr_nonnull(lsq_model_bytes(model, i));
        ck_assert_ptr_null(lsq_model_blocks(model, i, NULL));
        float *numbers = numbers_of(model, t->name);
        for (size_t k = 0; k < t->elements; k++)
            ck_assert_float_eq(numbers[k], (float)next++);
        free(numbers);
    }
    lsq_model_free(model);
}
END_TEST

START_TEST(metadata_is_kept)
{
    static const char *const golden[][2] = {
        {"bool.False", "false"},
        {"bool.True", "true"},
        {"f32.infinite", "inf"},
        {"f32.nan", "nan"},
        {"f32.round", "10000.0"},
        {"f32.small", "9.99999975e-6"},
        {"f64.infinite", "-inf"},
        {"f64.nan", "nan"},
        {"f64.round", "-10000.0"},
        {"f64.small", "-1.0000000000000001e-5"},
        {"flags", "[2 booleans]"},
        {"general.alignment", "64"},
        {"general.architecture", "test"},
        {"i16", "-32768"},
        {"i32", "-2147483648"},
        {"i64", "-9223372036854775808"},
        {"i8", "-128"},
        {"kinds", "[3 int32 numbers]"},
        {"scores", "[2 float32 numbers]"},
        {"text", "line\n\"gr\xc3\xb6\xc3\x9f\x65\""},
        {"tokens", "[3 strings]"},
        {"u16", "65535"},
        {"u32", "4294967295"},
        {"u64", "18446744073709551615"},
        {"u8", "255"},
    };
    lsq_model *model = open_file(TEST_DATA "/gguf/plain.gguf");
    const char *key, *value;
    size_t i = 0;
    for (; lsq_model_metadata(model, i, &key, &value); i++) {
        ck_assert_uint_lt(i, sizeof golden / sizeof golden[0]);
        ck_assert_str_eq(key, golden[i][0]);
        if (strstr(key, "small")) /* how many digits the exponent has is up to jansson */
            ck_assert_double_eq(strtod(value, NULL), strtod(golden[i][1], NULL));
        else
            ck_assert_str_eq(value, golden[i][1]);
    }
    ck_assert_uint_eq(i, sizeof golden / sizeof golden[0]);
    lsq_model_free(model);
}
END_TEST

/* ---- Blocks ------------------------------------------------------------------------------------------------------ */

static const struct {
    const char *gguf, *decoded;
    size_t types;
    const char *first, *last; /* of the warning */
} blocks[] = {{TEST_DATA "/gguf/blocks.gguf", TEST_DATA "/gguf/blocks.safetensors", 13,
               "13 tensors are quantised already (Q4_0, Q4_1, ", "IQ4_XS)"},
              {TEST_DATA "/gguf/few_bits.gguf", TEST_DATA "/gguf/few_bits.safetensors", 11,
               "11 tensors are quantised already (IQ1_S, IQ1_M, ", "TQ2_0)"}};

/* All of them, bit for bit; and what such a tensor says of itself. */
START_TEST(blocks_are_decoded)
{
    lsq_model *model = open_file(blocks[_i].gguf);
    lsq_model *decoded = open_file(blocks[_i].decoded);
    ck_assert_uint_eq(lsq_model_count(model), blocks[_i].types);
    ck_assert_ptr_nonnull(strstr(lsq_model_warning(model, 0), blocks[_i].first));
    ck_assert_ptr_nonnull(strstr(lsq_model_warning(model, 0), blocks[_i].last));
    ck_assert_ptr_null(lsq_model_warning(model, 1));
    for (size_t i = 0; i < lsq_model_count(model); i++) {
        const lsq_tensor *t = lsq_model_tensor(model, i);
        const lsq_weights *weights = NULL;
        uint64_t bytes = 0;
        ck_assert_str_eq(lsq_model_blocks(model, i, &bytes), t->name);
        ck_assert_uint_eq(bytes, model->entries[i].blocks->bytes * 512 / model->entries[i].blocks->numbers);
        ck_assert_int_eq(t->dtype, LSQ_F32);
        ck_assert_uint_eq(t->bytes, 4 * 512);
        ck_assert_int_eq(t->quantised, 0);
        ck_assert_ptr_null(lsq_model_bytes(model, i));
        ck_assert_int_eq(lsq_model_weights(model, i, &weights, NULL), LSQ_E_ARGUMENT);
        ck_assert_int_eq(lsq_model_verify(model, i, NULL), LSQ_OK);
        float *numbers = numbers_of(model, t->name), *expected = numbers_of(decoded, t->name);
        for (size_t k = 0; k < 512; k++)
            ck_assert_msg(memcmp(numbers + k, expected + k, 4) == 0, "%s: number %zu is %a, expected %a", t->name, k,
                          (double)numbers[k], (double)expected[k]);
        free(numbers);
        free(expected);
        lsq_model_release(model, i);
    }
    lsq_model_free(model);
    lsq_model_free(decoded);
}
END_TEST

/* By hand: d = 2, m = -0.5; scale 3 for the group, its minimum 5; codes from the lowest bit on. */
START_TEST(blocks_by_hand)
{
    uint8_t q4_1[20] = {0x00, 0x40, 0x00, 0xb8, 0xf0, 0x21}, q4_k[144] = {0x00, 0x40, 0x00, 0xb8},
            iq4_nl[18] = {0x00, 0x40, 0x0f, 0xf7}, q6_k[210] = {0x0c};
    float to[256];
    lsq_gguf_block_type(3)->decode(q4_1, to);
    ck_assert_float_eq(to[0], 0 * 2 - 0.5f);
    ck_assert_float_eq(to[16], 15 * 2 - 0.5f);
    ck_assert_float_eq(to[1], 1 * 2 - 0.5f);
    ck_assert_float_eq(to[17], 2 * 2 - 0.5f);
    q4_k[4 + 9] = 3 | 5 << 4; /* group 5: low bits of both */
    q4_k[4 + 1] = 1 << 6;     /* and their high ones: 3 + 16, */
    q4_k[4 + 5] = 2 << 6;     /* 5 + 32 */
    q4_k[16 + 2 * 32 + 7] = 9 << 4;
    lsq_gguf_block_type(12)->decode(q4_k, to);
    ck_assert_float_eq(to[5 * 32 + 7], 2 * 19 * 9 + 0.5f * 37);
    lsq_gguf_block_type(20)->decode(iq4_nl, to);
    ck_assert_float_eq(to[0], 2 * 113);
    ck_assert_float_eq(to[16], 2 * -127);
    ck_assert_float_eq(to[1], 2 * -10);
    ck_assert_float_eq(to[17], 2 * 113);
    q6_k[128] = 2 << 0;                      /* number 0: 12 + 2 * 16 */
    q6_k[192] = (uint8_t)-3;                 /* its scale */
    q6_k[64 + 32 + 31] = 7 << 4;             /* number 128 + 96 + 31: 7 */
    q6_k[128 + 32 + 31] = (uint8_t)(3 << 6); /* + 3 * 16 */
    q6_k[192 + 15] = 4;
    q6_k[209] = 0x40;
    lsq_gguf_block_type(14)->decode(q6_k, to);
    ck_assert_float_eq(to[0], 2 * -3 * (44 - 32));
    ck_assert_float_eq(to[255], 2 * 4 * (55 - 32));
    for (uint32_t type = 0; type < 100; type++)
        ck_assert(!lsq_gguf_block_type(type) || lsq_gguf_block_type(type)->numbers <= LSQ_BLOCK_MAX);
}
END_TEST

/* ---- Files made here --------------------------------------------------------------------------------------------- */

static lsq_model *open_script(const char *script)
{
    size_t size;
    lsq_model *model = NULL;
    lsq_error err;
    uint8_t *bytes = file_of(script, &size);
    ck_assert_msg(lsq_model_open_memory(bytes, size, 0, &model, &err) == LSQ_OK, "%s: %s", script, err.text);
    free(bytes);
    return model;
}

/* Number k of a row of Q8_0 is made d times its code. */
START_TEST(parts_of_blocks_are_read)
{
    enum { ROWS = 3, MIDDLE = 5, ROW = 64 };
    lsq_model *model = open_script("i3 q1 q0 st i3 q64 q5 q3 i8 q0 a32 z1020");
    uint8_t *data = (uint8_t *)(uintptr_t)model->entries[0].data; /* a copy: it can be written to */
    for (unsigned block = 0; block < 30; block++, data += 34) {
        data[1] = 0x3c; /* d = 1 */
        for (unsigned k = 0; k < 32; k++)
            data[2 + k] = (uint8_t)(block * 7 + k * 5);
    }
    float *all = numbers_of(model, "t"), rows[ROWS * MIDDLE * ROW];
    const lsq_tensor *t = lsq_model_tensor(model, 0);
    ck_assert_uint_eq(t->shape[0], ROWS);
    ck_assert_uint_eq(t->shape[1], MIDDLE);
    ck_assert_uint_eq(t->shape[2], ROW);
    for (unsigned k = 0; k < t->elements; k++)
        ck_assert_float_eq(all[k], (float)(int8_t)(k / 32 * 7 + k % 32 * 5));
    for (unsigned axis = 0; axis < 3; axis++) {
        for (uint64_t row = 0; row < t->shape[axis]; row++) {
            const uint64_t left = t->shape[axis] - row, count = left < 7 ? left : 7;
            ck_assert_int_eq(lsq_model_read_rows(model, 0, axis, row, count, rows, NULL), LSQ_OK);
            const float *next = rows;
            for (uint64_t r = row; r < row + count; r++)
                for (uint64_t k = 0; k < t->elements; k++)
                    if ((axis == 0 ? k / ROW / MIDDLE : axis == 1 ? k / ROW % MIDDLE : k % ROW) == r)
                        ck_assert_float_eq(*next++, all[k]);
        }
    }
    free(all);
    lsq_model_free(model);
}
END_TEST

/* Copied and exported, blocks are the numbers they decode to. */
START_TEST(blocks_leave_as_numbers)
{
    char folder[] = "/tmp/lsq_gguf_XXXXXX", path[64];
    lsq_error err;
    lsq_writer *w = NULL;
    lsq_model *model = open_file(TEST_DATA "/gguf/blocks.gguf"), *again[2];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/copy", folder);
    ck_assert_int_eq(lsq_writer_new(path, 0, &w, &err), LSQ_OK);
    for (size_t i = 0; i < lsq_model_count(model); i++)
        ck_assert_int_eq(lsq_writer_copy(w, model, i, &err), LSQ_OK);
    ck_assert_int_eq(lsq_writer_finish(w, &err), LSQ_OK);
    lsq_writer_free(w);
    ck_assert_int_eq(lsq_model_open(path, LSQ_OPEN_VERIFY | LSQ_OPEN_READ, &again[0], &err), LSQ_OK);
    ck_assert_int_eq(export_all(model, "safetensors", path, 1, NULL, &err), LSQ_OK);
    again[1] = open_file(path);
    for (size_t i = 0; i < lsq_model_count(model); i++) {
        const char *name = lsq_model_tensor(model, i)->name;
        float *numbers = numbers_of(model, name);
        for (size_t k = 0; k < 2; k++) {
            float *copied = numbers_of(again[k], name);
            ck_assert_int_eq(memcmp(numbers, copied, 4 * 512), 0);
            ck_assert_int_eq(lsq_model_find(again[k], name, NULL)->dtype, LSQ_F32);
            free(copied);
        }
        ck_assert_int_eq(export_npy(model, i, path, 1, &err), LSQ_OK);
        lsq_model *npy = open_file(path);
        ck_assert_int_eq(memcmp(lsq_model_bytes(npy, 0), numbers, 4 * 512), 0);
        lsq_model_free(npy);
        free(numbers);
    }
    lsq_model_free(again[0]);
    lsq_model_free(again[1]);
    lsq_model_free(model);
    unlink(path);
    rmdir(folder);
}
END_TEST

/* 9 GiB of zeros that take no place on the disk, but for the last row of a matrix of blocks and a number behind it. */
START_TEST(large_offsets)
{
    char path[] = "/tmp/lsq_gguf_XXXXXX";
    const uint64_t row = 1024 / 32 * 18, rows = (uint64_t)1 << 24, start = 128, second = start + rows * row;
    static float numbers[1024];
    size_t size;
    char script[128];
    snprintf(script, sizeof script, "i3 q2 q0 sa i2 q1024 q%llu i2 q0 sb i1 q1 i0 q%llu a32", (unsigned long long)rows,
             (unsigned long long)(rows * row));
    uint8_t *bytes = file_of(script, &size), block[18] = {0x00, 0x3c, 0x9f};
    const int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_uint_eq(size, start);
    ck_assert_int_eq(pwrite(fd, bytes, size, 0), (ssize_t)size);
    ck_assert_int_eq(pwrite(fd, "\0\0\x80\x3f", 4, (off_t)second), 4);
    ck_assert_int_eq(pwrite(fd, block, sizeof block, (off_t)(second - row)), (ssize_t)sizeof block);
    close(fd);
    lsq_model *model = open_file(path);
    ck_assert_uint_gt(lsq_model_file_bytes(model), (uint64_t)9 << 30);
    ck_assert_int_eq(lsq_model_read_rows(model, 0, 0, rows - 1, 1, numbers, NULL), LSQ_OK);
    ck_assert_float_eq(numbers[0], 7);
    ck_assert_float_eq(numbers[16], 1);
    ck_assert_float_eq(numbers[1], -8);
    ck_assert_int_eq(lsq_model_read(model, 1, numbers, NULL), LSQ_OK);
    ck_assert_float_eq(numbers[0], 1);
    lsq_model_free(model);
    unlink(path);
    free(bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gguf");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, plain_numbers_are_read);
    tcase_add_test(cases, metadata_is_kept);
    tcase_add_loop_test(cases, blocks_are_decoded, 0, sizeof blocks / sizeof blocks[0]);
    tcase_add_test(cases, blocks_by_hand);
    tcase_add_test(cases, parts_of_blocks_are_read);
    tcase_add_test(cases, blocks_leave_as_numbers);
    tcase_add_test(cases, large_offsets);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
