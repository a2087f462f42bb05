/*
 * test_lsq1.c - .lsq version 1: the published files, byte for byte, and those that nobody should have written.
 */
#include "model/lsq1.h"
#include "tests/export_call.h"
#include "tests/model_sample.h"

#include <math.h>

static lsq_model *open_golden(const char *name)
{
    char path[512];
    lsq_model *model = NULL;
    snprintf(path, sizeof path, "%s/../golden/%s", TEST_DATA, name);
    OK(lsq_model_open(path, LSQ_OPEN_VERIFY, &model, &sample_err));
    ck_assert_str_eq(lsq_model_format(model), "lsq1");
    return model;
}

static void check_same_file(const char *path, const char *golden_name)
{
    char golden[512];
    size_t size, golden_size;
    snprintf(golden, sizeof golden, "%s/../golden/%s", TEST_DATA, golden_name);
    uint8_t *bytes = contents_of(path, &size), *expected = contents_of(golden, &golden_size);
    ck_assert_uint_eq(size, golden_size);
    ck_assert(memcmp(bytes, expected, size) == 0);
    free(bytes);
    free(expected);
}

/* ---- Golden files ------------------------------------------------------------------------------------------------ */

static const float published[6] = {0, 0.25f, -0.5f, 1, -1, 0.75f};
static const unsigned golden_b[4] = {3, 4, 7, 8};

static void check_matrix(const lsq_model *model, unsigned b)
{
    uint32_t codes[6], expected[6];
    float numbers[6];
    const lsq_weights *weights = NULL;
    const lsq_tensor *t = lsq_model_tensor(model, 0);
    ck_assert_str_eq(t->name, "fc.weight");
    ck_assert(t->dtype == LSQ_F32 && t->rank == 2 && t->shape[0] == 2 && t->shape[1] == 3 && t->elements == 6);
    ck_assert(t->quantised && t->output_axis == 0 && t->rows == 2 && t->columns == 3);
    ck_assert(t->format.codec == LSQ_CLASSIC && t->format.bits == b + 1 && t->format.scale == LSQ_SCALE_NONE);
    OK(lsq_model_weights(model, 0, &weights, &sample_err));
    OK(lsq_weights_codes(weights, 0, 2, codes, 3));
    OK(lsq_classic_encode(b + 1, 6, published, LSQ_ROUND_PUBLISHED, expected));
    ck_assert(memcmp(codes, expected, sizeof codes) == 0);
    OK(lsq_model_read(model, 0, numbers, &sample_err));
    for (size_t i = 0; i < 6; i++) {
        double value = log2(codes[i] & ((1u << b) - 1)) / b;
        ck_assert(numbers[i] == (float)(codes[i] >> b ? -value : value));
    }
}

START_TEST(golden_files_are_read_and_written_again)
{
    char name[32];
    size_t written = 99;
    snprintf(name, sizeof name, "v1_b%u.lsq", golden_b[_i]);
    lsq_model *model = open_golden(name);
    ck_assert_uint_eq(lsq_model_count(model), 1);
    ck_assert_ptr_null(lsq_model_warning(model, 0));
    check_matrix(model, golden_b[_i]);
    OK(export_all(model, "lsq1", in_folder("again.lsq"), 0, &written, &sample_err));
    ck_assert_uint_eq(written, 1);
    check_same_file(in_folder("again.lsq"), name);
    lsq_model_free(model);
}
END_TEST

START_TEST(published_numbers_give_the_golden_files)
{
    unsigned b = golden_b[_i];
    char name[32], format_name[16];
    lsq_writer *w = NULL;
    lsq_model *model = NULL;
    lsq_format format;
    lsq_weights *weights = NULL;
    snprintf(name, sizeof name, "v1_b%u.lsq", b);
    snprintf(format_name, sizeof format_name, "c%u.none", b + 1);
    OK(lsq_format_parse(format_name, &format, &sample_err));
    OK(lsq_quantize(NULL, &format, 2, 3, published, 3, NULL, &weights, &sample_err));
    lsq_tensor t = tensor_like("fc.weight", LSQ_F32, 2, 2, 3, 0, 0);
    OK(lsq_writer_new(in_folder("two.lsq"), 0, &w, &sample_err));
    OK(lsq_writer_quantised(w, &t, 0, weights, &sample_err));
    OK(lsq_writer_finish(w, &sample_err));
    lsq_writer_free(w);
    lsq_weights_free(weights);
    OK(lsq_model_open(in_folder("two.lsq"), 0, &model, &sample_err));
    OK(export_all(model, "lsq1", in_folder("one.lsq"), 0, NULL, &sample_err));
    check_same_file(in_folder("one.lsq"), name);
    lsq_model_free(model);
}
END_TEST

START_TEST(two_tensors_come_back)
{
    float bias[2] = {0};
    const lsq_weights *weights = NULL;
    lsq_model *model = open_golden("v1_b4_two.lsq");
    ck_assert_uint_eq(lsq_model_count(model), 2);
    check_matrix(model, 4);
    const lsq_tensor *t = lsq_model_tensor(model, 1);
    ck_assert_str_eq(t->name, "fc.bias");
    ck_assert(!t->quantised && t->dtype == LSQ_F32 && t->rank == 1 && t->elements == 2 && t->bytes == 8);
    ck_assert_int_eq(lsq_model_weights(model, 1, &weights, &sample_err), LSQ_E_ARGUMENT);
    OK(lsq_model_read(model, 1, bias, &sample_err));
    ck_assert(memcmp(bias, lsq_model_bytes(model, 1), sizeof bias) ==
              0); /* on this machine, floats are what they say */
    ck_assert(bias[0] == 0 && bias[1] == 0 && !signbit(bias[0]) && signbit(bias[1])); /* codes 1 and 17 */
    OK(export_all(model, "lsq1", in_folder("again.lsq"), 0, NULL, &sample_err));
    check_same_file(in_folder("again.lsq"), "v1_b4_two.lsq");
    lsq_model_free(model);
}
END_TEST

START_TEST(a_count_without_tensors_is_an_empty_model)
{
    size_t written = 99;
    lsq_model *model = open_golden("v1_count_only.lsq");
    ck_assert_uint_eq(lsq_model_count(model), 0);
    ck_assert_ptr_nonnull(strstr(lsq_model_warning(model, 0), "counts 102 tensors and has 0"));
    ck_assert_ptr_null(lsq_model_warning(model, 1));
    ck_assert_int_eq(export_all(model, "lsq1", in_folder("none.lsq"), 0, &written, &sample_err), LSQ_E_UNSUPPORTED);
    ck_assert_uint_eq(written, 99);
    ck_assert_int_ne(access(in_folder("none.lsq"), F_OK), 0);
    lsq_model_free(model);
}
END_TEST

/* ---- Every width ------------------------------------------------------------------------------------------------- */

/* A file with one tensor of every legal code of the width, repeated over rows, as a matrix and as a vector. */
static uint8_t *make_file(unsigned bits, size_t *size)
{
    uint32_t b = bits - 1, per_sign = (1u << b) - 1, n = 2 * per_sign;
    size_t bytes = lsq_bit_string_bytes(bits, n);
    uint32_t *codes = malloc(n * sizeof *codes);
    uint8_t *file = calloc(2 * (bytes + 32) + 9, 1), *p = file + 9;
    for (uint32_t i = 0; i < n; i++)
        codes[i] = i < per_sign ? i + 1 : (1u << b) + (i - per_sign + 1);
    memcpy(file, "LSQ\1", 4);
    file[4] = (uint8_t)b;
    file[5] = 2;
    for (unsigned rank = 2; rank >= 1; rank--) {
        uint32_t fields[3] = {rank == 2 ? 2 : n, per_sign, (uint32_t)bytes};
        *p = 1;
        p[2] = rank == 2 ? 'm' : 'v';
        p[3] = (uint8_t)rank;
        p += 4;
        for (size_t f = 0; f < 3; f++) {
            if (f == 1 && rank == 1)
                continue;
            for (size_t i = 0; i < 4; i++)
                *p++ = (uint8_t)(fields[f] >> (8 * i));
        }
        OK(lsq_bit_string_pack(bits, n, codes, p));
        p += bytes;
        *p++ = (uint8_t)(8 * bytes - (size_t)n * bits);
    }
    free(codes);
    *size = (size_t)(p - file);
    return file;
}

START_TEST(every_width_is_read_and_written_again)
{
    unsigned bits = (unsigned)_i;
    uint32_t per_sign = (1u << (bits - 1)) - 1;
    size_t size, again_size;
    uint8_t *file = make_file(bits, &size);
    lsq_model *model = NULL;
    OK(lsq_model_open_memory(file, size, 0, &model, &sample_err));
    ck_assert_uint_eq(lsq_model_count(model), 2);
    ck_assert_int_eq(lsq_model_tensor(model, 0)->quantised, bits <= 9);
    ck_assert_int_eq(lsq_model_tensor(model, 1)->quantised, 0);
    float *numbers = malloc(2 * per_sign * sizeof *numbers);
    for (size_t tensor = 0; tensor < 2; tensor++) {
        OK(lsq_model_read(model, tensor, numbers, &sample_err));
        for (uint32_t v = 1; v <= per_sign; v++) {
            float level = (float)(log2(v) / (bits - 1));
            ck_assert(fabsf(numbers[v - 1] - level) <=
                      0x1p-23f * level); /* libm is not the last word on the last bit */
            ck_assert(numbers[per_sign + v - 1] == -numbers[v - 1]);
        }
    }
    free(numbers);
    OK(export_all(model, "lsq1", in_folder("again.lsq"), 0, NULL, &sample_err));
    uint8_t *again = contents_of(in_folder("again.lsq"), &again_size);
    ck_assert(again_size == size && memcmp(again, file, size) == 0);
    free(again);
    free(file);
    lsq_model_free(model);
}
END_TEST

/* ---- What version 1 cannot hold, or can -------------------------------------------------------------------------- */

START_TEST(other_tensors_are_left_out)
{
    size_t written = 0;
    lsq_model *model = NULL, *one = NULL;
    write_sample(in_folder("sample.lsq"));
    OK(lsq_model_open(in_folder("sample.lsq"), 0, &model, &sample_err));
    OK(export_all(model, "lsq1", in_folder("one.lsq"), 0, &written, &sample_err));
    ck_assert_uint_eq(written, 1);
    OK(lsq_model_open(in_folder("one.lsq"), 0, &one, &sample_err));
    ck_assert_uint_eq(lsq_model_count(one), 1);
    float expected[66], got[66];
    OK(lsq_model_read(model, 2, expected, &sample_err));
    OK(lsq_model_read(one, 0, got, &sample_err));
    ck_assert(memcmp(expected, got, sizeof got) == 0);
    ck_assert_str_eq(lsq_model_tensor(one, 0)->name, "old.weight");
    lsq_model_free(one);
    lsq_model_free(model);
}
END_TEST

/* A tensor quantised along its last axis is written in the order of its shape. */
START_TEST(codes_are_written_in_the_order_of_the_shape)
{
    lsq_writer *w = NULL;
    lsq_model *model = NULL, *one = NULL;
    float expected[2 * 5 * 21], got[2 * 5 * 21];
    OK(lsq_writer_new(in_folder("two.lsq"), 0, &w, &sample_err));
    lsq_tensor t = tensor_like("kernel", LSQ_F32, 3, 2, 5, 21, 0);
    add_quantised(w, &t, (unsigned)_i, "c6.none", 5);
    OK(lsq_writer_finish(w, &sample_err));
    lsq_writer_free(w);
    OK(lsq_model_open(in_folder("two.lsq"), 0, &model, &sample_err));
    OK(export_all(model, "lsq1", in_folder("one.lsq"), 0, NULL, &sample_err));
    OK(lsq_model_open(in_folder("one.lsq"), 0, &one, &sample_err));
    OK(lsq_model_read(model, 0, expected, &sample_err));
    OK(lsq_model_read(one, 0, got, &sample_err));
    ck_assert(memcmp(expected, got, sizeof got) == 0);
    lsq_model_free(one);
    lsq_model_free(model);
}
END_TEST

START_TEST(one_width_a_file)
{
    lsq_writer *w = NULL;
    lsq_model *model = NULL;
    OK(lsq_writer_new(in_folder("two.lsq"), 0, &w, &sample_err));
    lsq_tensor t = tensor_like("a", LSQ_F32, 2, 4, 4, 0, 0);
    add_quantised(w, &t, 0, "c6.none", 5);
    t.name = "b";
    add_quantised(w, &t, 0, "c5.none", 5);
    OK(lsq_writer_finish(w, &sample_err));
    lsq_writer_free(w);
    OK(lsq_model_open(in_folder("two.lsq"), 0, &model, &sample_err));
    ck_assert_int_eq(export_all(model, "lsq1", in_folder("one.lsq"), 0, NULL, &sample_err), LSQ_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(sample_err.text, "6 and 5 bits"));
    ck_assert_int_eq(export_all(model, "lsq1", NULL, 0, NULL, NULL), LSQ_E_ARGUMENT);
    lsq_model_free(model);
}
END_TEST

START_TEST(fields_have_32_bits)
{
    uint64_t bytes = 0;
    ck_assert(lsq_v1_code_bytes(8, UINT32_MAX, &bytes) && bytes == UINT32_MAX);
    ck_assert(!lsq_v1_code_bytes(8, (uint64_t)UINT32_MAX + 1, &bytes));
    ck_assert(!lsq_v1_code_bytes(16, UINT64_MAX / 2, &bytes));
    lsq_tensor t = tensor_like("t", LSQ_F32, 1, (uint64_t)1 << 32, 0, 0, 0);
    t.elements = t.shape[0];
    ck_assert(!lsq_v1_tensor_bytes(3, &t, &bytes)); /* a dimension of 2^32, though its 1.5 GB of codes would fit */
}
END_TEST

/* ---- Hostile files ----------------------------------------------------------------------------------------------- */

START_TEST(prefixes_are_truncated_or_end_between_tensors)
{
    size_t size;
    uint8_t *bytes = contents_of(TEST_DATA "/../golden/v1_b4_two.lsq", &size);
    for (size_t length = 0; length < size; length++) {
        lsq_status status = status_of(bytes, length, &sample_err);
        int between = length == 9 || length == 38;
        ck_assert_msg(status == (between ? LSQ_OK : LSQ_E_TRUNCATED), "%zu bytes: %d", length, status);
    }
    free(bytes);
}
END_TEST

/* Without checksums a flip may give another sound file. It must not give anything worse. */
START_TEST(flipped_bits_do_no_harm)
{
    size_t size;
    uint8_t *bytes = contents_of(TEST_DATA "/../golden/v1_b4_two.lsq", &size);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        lsq_model *model = NULL;
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        lsq_status status = lsq_model_open_memory(bytes, size, 0, &model, &sample_err);
        ck_assert_msg(status == LSQ_OK || status == LSQ_E_UNSUPPORTED || status == LSQ_E_MALFORMED ||
                          status == LSQ_E_TRUNCATED || status == LSQ_E_LIMIT,
                      "bit %zu of byte %zu: %d", bit % 8, bit / 8, status);
        ck_assert(bit >= 40 || status != LSQ_OK || bit / 8 == 4); /* magic and version */
        lsq_model_free(model);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    free(bytes);
}
END_TEST

#define HEAD "LSQ\x01\x04\x01\x00\x00\x00"

static const struct {
    const char *bytes;
    size_t size;
    lsq_status status;
    const char *text;
} hostile[] = {
#define FILE_OF(text) text, sizeof text - 1
    {FILE_OF("LSQ\x02\x04\x00\x00\x00\x00"), LSQ_E_UNSUPPORTED, "version 2"},
    {FILE_OF("LSQ\x00\x04\x00\x00\x00\x00"), LSQ_E_UNSUPPORTED, "version 0"},
    {FILE_OF("LSQ\x01\x00\x00\x00\x00\x00"), LSQ_E_MALFORMED, "B = 0"},
    {FILE_OF("LSQ\x01\x01\x00\x00\x00\x00"), LSQ_E_UNSUPPORTED, "B = 1,"},
    {FILE_OF("LSQ\x01\x10\x00\x00\x00\x00"), LSQ_E_UNSUPPORTED, "B = 16"},
    {FILE_OF("LSQ\x01\xff\x00\x00\x00\x00"), LSQ_E_UNSUPPORTED, "B = 255"},
    {FILE_OF("LSQ\x01\x04\x00\x00\x00\x00"), LSQ_OK, ""},
    {FILE_OF("LSQ\x01\x04\x00\x00\x00\x00\x00"), LSQ_E_MALFORMED, "goes on after the last of 0 tensors"},
    {FILE_OF("LSQ\x01\x04\xff\xff\xff\xff\xff\xff"), LSQ_E_TRUNCATED, "a name"},
    {FILE_OF(HEAD "\x00\x00\x00\x01\x00\x00\x00\x08\x03"), LSQ_E_MALFORMED, "is empty"},
    {FILE_OF(HEAD "\x01\x00\x00\x00\x01\x00\x00\x00\x08\x03"), LSQ_E_MALFORMED, "control"}, /* a name that is NUL */
    {FILE_OF(HEAD "\x01\x00\xff\x00\x01\x00\x00\x00\x08\x03"), LSQ_E_MALFORMED, "UTF-8"},
    {FILE_OF(HEAD "\x01\x00n\x00\x01\x00\x00\x00\x08\x03"), LSQ_OK, ""}, /* one number, code 1 */
    {FILE_OF(HEAD "\x01\x00n\x00\x01\x00\x00\x00\x00\x03"), LSQ_OK, ""}, /* code 0: read as 0 */
    {FILE_OF(HEAD "\x01\x00n\x00\x01\x00\x00\x00\x08\x02"), LSQ_E_MALFORMED, "2 padding bits, expected 3"},
    {FILE_OF(HEAD "\x01\x00n\x00\x01\x00\x00\x00\x0c\x03"), LSQ_E_MALFORMED, "not zero"},
    {FILE_OF(HEAD "\x01\x00n\x00\x02\x00\x00\x00\x08\x00\x0b"), LSQ_E_MALFORMED, "2 bytes, expected 1"},
    {FILE_OF(HEAD "\x01\x00n\x00\xff\xff\xff\xff\x08\x00\x0b"), LSQ_E_MALFORMED, "4294967295 bytes, expected 1"},
    {FILE_OF(HEAD "\x01\x00n\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00"), LSQ_E_MALFORMED, "dimension 0 is 0"},
    {FILE_OF(HEAD "\x01\x00n\x09\x01\x00\x00\x00"), LSQ_E_LIMIT, "rank 9"},
    {FILE_OF(HEAD "\x01\x00n\xff\x01\x00\x00\x00"), LSQ_E_LIMIT, "rank 255"},
    {FILE_OF(HEAD "\x01\x00n\x08\x01\x00\x00\x00"), LSQ_E_TRUNCATED, "a shape"},
    {FILE_OF(HEAD "\x01\x00n\x02\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00"), LSQ_E_MALFORMED,
     "0 bytes"}, /* 2^32 */
    {FILE_OF(HEAD "\x01\x00n\x02\x00\x00\x04\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00"), LSQ_E_LIMIT,
     "too large"}, /* 2^36 */
    {FILE_OF(HEAD "\x01\x00n\x02\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00"), LSQ_E_LIMIT, "2^44"},
    {FILE_OF(HEAD "\x01\x00n\x01\x33\x33\x33\x33\x00\x00\x00\x20\x00"), LSQ_E_TRUNCATED, "codes"}, /* 512 MiB claimed */
    {FILE_OF(HEAD "\x01\x00n\x00\x01\x00\x00\x00\x08\x03+"), LSQ_E_MALFORMED, "byte 19: goes on"},
    {FILE_OF("LSQ\x01\x04\x02\x00\x00\x00\x01\x00n\x00\x01\x00\x00\x00\x08\x03\x01\x00n\x00\x01\x00\x00\x00\x08\x03"),
     LSQ_E_MALFORMED, "two tensors are called \"n\""},
#undef FILE_OF
};

START_TEST(hostile_files_are_refused)
{
    lsq_status status = limited_status_of(hostile[_i].bytes, hostile[_i].size, &sample_err);
    ck_assert_msg(status == hostile[_i].status, "row %d: %d, %s", _i, status, sample_err.text);
    ck_assert_msg(strstr(sample_err.text, hostile[_i].text), "row %d: %s", _i, sample_err.text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lsq1");
    TCase *files = tcase_create("files"), *refused = tcase_create("refused");
    tcase_add_checked_fixture(files, make_folder, drop_folder);
    tcase_add_loop_test(files, golden_files_are_read_and_written_again, 0, 4);
    tcase_add_loop_test(files, published_numbers_give_the_golden_files, 0, 4);
    tcase_add_test(files, two_tensors_come_back);
    tcase_add_test(files, a_count_without_tensors_is_an_empty_model);
    tcase_add_loop_test(files, every_width_is_read_and_written_again, LSQ1_BITS_MIN, LSQ1_BITS_MAX + 1);
    tcase_add_test(files, other_tensors_are_left_out);
    tcase_add_loop_test(files, codes_are_written_in_the_order_of_the_shape, 0, 3);
    tcase_add_test(files, one_width_a_file);
    suite_add_tcase(suite, files);
    tcase_add_test(refused, fields_have_32_bits);
    tcase_add_test(refused, prefixes_are_truncated_or_end_between_tensors);
    tcase_add_test(refused, flipped_bits_do_no_harm);
    tcase_add_loop_test(refused, hostile_files_are_refused, 0, sizeof hostile / sizeof hostile[0]);
    suite_add_tcase(suite, refused);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
