/*
 * test_safetensors.c - single .safetensors files: every type and every kind of damage.
 *
 * data/all_types.safetensors was written by the safetensors library (data/README.md).
 */
#include "tests/hostile.h"

#include <math.h>
#include <stdint.h>

static const char golden_path[] = TEST_DATA "/all_types.safetensors";

/* ---- What is read ----------------------------------------------------------------------------------------------- */

static lsq_model *open_golden(void)
{
    lsq_model *model = NULL;
    lsq_error err;
    ck_assert_msg(lsq_model_open(golden_path, 0, &model, &err) == LSQ_OK, "%s", err.text);
    return model;
}

START_TEST(all_types_are_read)
{
    static const struct {
        const char *name;
        lsq_dtype dtype;
        unsigned rank;
        uint64_t shape[2];
        uint64_t elements;
        float numbers[6];
    } tensors[] = {
        {"u64", LSQ_U64, 1, {2}, 2, {0, 18446744073709551616.0f}},
        {"i64", LSQ_I64, 1, {2}, 2, {-9223372036854775808.0f, 9223372036854775808.0f}},
        {"f64", LSQ_F64, 2, {1, 2}, 2, {3.14159274f, -INFINITY}},
        {"empty", LSQ_F32, 1, {0}, 0, {0}},
        {"f32", LSQ_F32, 2, {2, 3}, 6, {1.5f, -2.25f, 3e-5f, 0.0f, -0.0f, 65504.0f}},
        {"gr\xc3\xb6\xc3\x9f\x65", LSQ_F32, 1, {1}, 1, {7}},
        {"scalar", LSQ_F32, 0, {0}, 1, {0.125f}},
        {"u32", LSQ_U32, 1, {2}, 2, {0, 4294967296.0f}},
        {"i32", LSQ_I32, 1, {2}, 2, {-2147483648.0f, 2147483648.0f}},
        {"bf16", LSQ_BF16, 1, {3}, 3, {1.5f, -2.25f, -INFINITY}},
        {"f16", LSQ_F16, 1, {6}, 6, {1.5f, -2.25f, 503 * 0x1p-24f, 0.0f, -0.0f, 65504.0f}},
        {"u16", LSQ_U16, 1, {2}, 2, {0, 65535}},
        {"i16", LSQ_I16, 1, {2}, 2, {-32768, 32767}},
        {"f8 e4m3", LSQ_F8_E4M3, 2, {2, 1}, 2, {1, -2}},
        {"f8 e5m2", LSQ_F8_E5M2, 1, {2}, 2, {1, -2}},
        {"i8", LSQ_I8, 1, {2}, 2, {-128, 127}},
        {"u8", LSQ_U8, 1, {2}, 2, {0, 255}},
        {"bool", LSQ_BOOL, 1, {3}, 3, {1, 0, 1}},
    };
    lsq_model *model = open_golden();
    ck_assert_str_eq(lsq_model_format(model), "safetensors");
    ck_assert_uint_eq(lsq_model_count(model), sizeof(tensors) / sizeof(tensors[0]));
    for (size_t i = 0; i < lsq_model_count(model); i++) {
        const lsq_tensor *t = lsq_model_tensor(model, i);
        float numbers[6] = {0};
        ck_assert_str_eq(t->name, tensors[i].name);
        ck_assert_int_eq(t->dtype, tensors[i].dtype);
        ck_assert_uint_eq(t->rank, tensors[i].rank);
        for (unsigned axis = 0; axis < t->rank; axis++)
            ck_assert_uint_eq(t->shape[axis], tensors[i].shape[axis]);
        ck_assert_uint_eq(t->elements, tensors[i].elements);
        ck_assert_uint_eq(t->bytes, t->elements * lsq_dtype_bytes(t->dtype));
        ck_assert_int_eq(lsq_model_read(model, i, numbers, NULL), LSQ_OK);
        ck_assert_msg(memcmp(numbers, tensors[i].numbers, sizeof(numbers)) == 0, "%s", t->name);
    }
    const char *key, *value;
    ck_assert_int_eq(lsq_model_metadata(model, 0, &key, &value), 1);
    ck_assert_str_eq(key, "licence");
    ck_assert_str_eq(value, "none \"at all\"\n");
    ck_assert_int_eq(lsq_model_metadata(model, 1, &key, &value), 0);
    lsq_model_free(model);
}
END_TEST

/* ---- Damage ----------------------------------------------------------------------------------------------------- */

START_TEST(every_prefix_is_truncated)
{
    size_t size;
    uint8_t *bytes = contents_of(golden_path, &size);
    lsq_error err;
    ck_assert_int_eq(status_of(bytes, size, &err), LSQ_OK);
    for (size_t length = 0; length < size; length++)
        ck_assert_msg(status_of(bytes, length, &err) == LSQ_E_TRUNCATED, "%zu bytes: status %d, %s", length, err.status,
                      err.text);
    free(bytes);
}
END_TEST

/* Does byte `at` of the header belong to a name or to the metadata? There a changed letter is another legal file. */
static int in_free_text(const uint8_t *bytes, size_t at)
{
    static const char *const texts[] = {"\"licence\"",      "\"none \\\"at all\\\"\\n\"",
                                        "\"u64\":",         "\"i64\":",
                                        "\"f64\":",         "\"empty\":",
                                        "\"f32\":",         "\"gr\xc3\xb6\xc3\x9f\x65\":",
                                        "\"scalar\":",      "\"u32\":",
                                        "\"i32\":",         "\"bf16\":",
                                        "\"f16\":",         "\"u16\":",
                                        "\"i16\":",         "\"f8 e4m3\":",
                                        "\"f8 e5m2\":",     "\"i8\":",
                                        "\"u8\":",          "\"bool\":",
                                        "\"__metadata__\":"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const size_t length = strlen(texts[i]);
        for (size_t start = at > length ? at - length : 0; start <= at; start++)
            if (memcmp(bytes + start, texts[i], length) == 0 && at < start + length)
                return 1;
    }
    return 0;
}

START_TEST(header_bit_flips_are_found)
{
    size_t size;
    uint8_t *bytes = contents_of(golden_path, &size);
    size_t harmless = 0;
    lsq_error err;
    const size_t end = 8 + bytes[0] + 256u * bytes[1];
    for (size_t at = 0; at < end; at++) {
        const int open = in_free_text(bytes, at);
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes[at] ^= (uint8_t)(1u << bit);
            const lsq_status status = status_of(bytes, size, &err);
            bytes[at] ^= (uint8_t)(1u << bit);
            if (open && status == LSQ_OK)
                harmless++;
            else
                ck_assert_msg(status == LSQ_E_MALFORMED || status == LSQ_E_TRUNCATED || status == LSQ_E_LIMIT ||
                                  status == LSQ_E_UNSUPPORTED,
                              "byte %zu, bit %u: status %d, %s", at, bit, status, err.text);
        }
    }
    ck_assert_uint_gt(harmless, 100);
    free(bytes);
}
END_TEST

/* ---- Attacks ---------------------------------------------------------------------------------------------------- */

#define F32(shape, begin, end) "{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"
#define DEEP10                 "[[[[[[[[[["
#define DEEP100                DEEP10 DEEP10 DEEP10 DEEP10 DEEP10 DEEP10 DEEP10 DEEP10 DEEP10 DEEP10

/* A header, so many bytes of data behind it, and what must come of it: the status, and a word in the message. */
static const struct {
    const char *header;
    size_t data;
    lsq_status status;
    const char *says;
} attacks[] = {
    /* legal, if unusual */
    {"{}", 0, LSQ_OK, ""},
    {"{}        ", 0, LSQ_OK, ""},
    {"{\"__metadata__\":{}}", 0, LSQ_OK, ""},
    {"{\"a\":" F32("[]", 0, 4) "}", 4, LSQ_OK, ""},
    {"{\"b\":" F32("[1]", 4, 8) ",\"a\":" F32("[1]", 0, 4) "}", 8, LSQ_OK, ""},
    {"{\"z\":" F32("[0,9]", 4, 4) ",\"a\":" F32("[1]", 0, 4) ",\"b\":" F32("[1]", 4, 8) "}", 8, LSQ_OK, ""},
    {"{\"z\":" F32("[0]", 0, 0) ",\"a\":" F32("[0]", 0, 0) "}", 0, LSQ_OK, ""},
    {"{\"z\":" F32("[1099511627776,0,1099511627776]", 0, 0) "}", 0, LSQ_OK, ""},
    {"{\"a\":" F32("[1,1,1,1,1,1,1,2]", 0, 8) "}", 8, LSQ_OK, ""},
    /* offsets */
    {"{\"a\":" F32("[1]", 4, 8) "}", 8, LSQ_E_MALFORMED, "belong to no tensor"},
    {"{\"a\":" F32("[1]", 0, 4) ",\"b\":" F32("[1]", 8, 12) "}", 12, LSQ_E_MALFORMED, "belong to no tensor"},
    {"{\"a\":" F32("[2]", 0, 8) ",\"b\":" F32("[1]", 4, 8) "}", 8, LSQ_E_MALFORMED, "overlaps"},
    {"{\"a\":" F32("[1]", 0, 4) ",\"b\":" F32("[1]", 0, 4) "}", 4, LSQ_E_MALFORMED, "overlaps"},
    {"{\"a\":" F32("[1]", 0, 4) "}", 5, LSQ_E_MALFORMED, "after the last tensor"},
    {"{\"a\":" F32("[1]", 0, 4) "}", 3, LSQ_E_TRUNCATED, "ends after 3 bytes"},
    {"{}", 1, LSQ_E_MALFORMED, "after the last tensor"},
    {"{\"a\":" F32("[1]", 4, 0) "}", 4, LSQ_E_MALFORMED, "begin <= end"},
    {"{\"a\":" F32("[1]", -4, 0) "}", 4, LSQ_E_MALFORMED, "data_offsets"},
    {"{\"a\":" F32("[1]", 0, 4.0) "}", 4, LSQ_E_MALFORMED, "data_offsets"},
    {"{\"a\":" F32("[1]", 0, 4e0) "}", 4, LSQ_E_MALFORMED, "data_offsets"},
    {"{\"a\":" F32("[1]", 0, 18446744073709551615) "}", 4, LSQ_E_MALFORMED, "too big integer"},
    {"{\"a\":" F32("[1]", 0, 9223372036854775807) "}", 4, LSQ_E_TRUNCATED, "ends after 4 bytes"},
    {"{\"a\":" F32("[1]", 9223372036854775803, 9223372036854775807) "}", 4, LSQ_E_MALFORMED, "belong to no"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", 8, LSQ_E_MALFORMED, "data_offsets"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":4}}", 4, LSQ_E_MALFORMED, "data_offsets"},
    /* shapes */
    {"{\"a\":" F32("[2]", 0, 4) "}", 4, LSQ_E_MALFORMED, "ask for 8"},
    {"{\"a\":" F32("[0]", 0, 4) "}", 4, LSQ_E_MALFORMED, "ask for 0"},
    {"{\"a\":" F32("[1.0]", 0, 4) "}", 4, LSQ_E_MALFORMED, "shape[0]"},
    {"{\"a\":" F32("[-1]", 0, 4) "}", 4, LSQ_E_MALFORMED, "shape[0]"},
    {"{\"a\":" F32("[[1]]", 0, 4) "}", 4, LSQ_E_MALFORMED, "nested"},
    {"{\"a\":" F32("1", 0, 4) "}", 4, LSQ_E_MALFORMED, "shape"},
    {"{\"a\":" F32("[1,1,1,1,1,1,1,1,1]", 0, 4) "}", 4, LSQ_E_LIMIT, "rank 9, expected at most 8"},
    {"{\"a\":" F32("[4294967296,4294967296]", 0, 0) "}", 0, LSQ_E_LIMIT, "2^44"},
    {"{\"a\":" F32("[1099511627776,1099511627776,16777216]", 0, 0) "}", 0, LSQ_E_LIMIT, "2^44"},
    {"{\"a\":" F32("[9223372036854775807]", 0, 4) "}", 4, LSQ_E_LIMIT, "2^40"},
    {"{\"a\":" F32("[4611686018427387904,4]", 0, 0) "}", 0, LSQ_E_LIMIT, "2^40"},
    {"{\"a\":" F32("[268435456]", 0, 1073741824) "}", 0, LSQ_E_TRUNCATED, "expected 1073741824"},
    /* names, keys, types */
    {"{\"a\":" F32("[1]", 0, 4) ",\"a\":" F32("[1]", 0, 4) "}", 4, LSQ_E_MALFORMED, "duplicate"},
    {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, LSQ_E_MALFORMED, "dupl"},
    {"{\"\":" F32("[1]", 0, 4) "}", 4, LSQ_E_MALFORMED, "name"},
    {"{\"a\\u0000b\":" F32("[1]", 0, 4) "}", 4, LSQ_E_MALFORMED, "\\u0000"},
    {"{\"a\\u001b[2Jb\":" F32("[1]", 0, 4) "}", 4, LSQ_E_MALFORMED, "name"},
    {"{\"\xff\":" F32("[1]", 0, 4) "}", 4, LSQ_E_MALFORMED, "decode byte 0xff"},
    {"{\"\\ud800\":" F32("[1]", 0, 4) "}", 4, LSQ_E_MALFORMED, "Unicode"},
    {"{\"a\":{\"dtype\":\"F4\",\"shape\":[2],\"data_offsets\":[0,1]}}", 1, LSQ_E_UNSUPPORTED, "\"F4\""},
    {"{\"a\":{\"dtype\":\"f32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, LSQ_E_UNSUPPORTED, "\"f32\""},
    {"{\"a\":{\"dtype\":0,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, LSQ_E_MALFORMED, "dtype"},
    {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, LSQ_E_MALFORMED, "dtype"},
    {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, LSQ_E_MALFORMED, "shape"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, LSQ_E_MALFORMED, "data_offsets"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":0}}", 4, LSQ_E_MALFORMED, "other than"},
    {"{\"a\":null}", 0, LSQ_E_MALFORMED, "expected an object"},
    {"{\"__metadata__\":[]}", 0, LSQ_E_MALFORMED, "__metadata__"},
    {"{\"__metadata__\":{\"n\":1}}", 0, LSQ_E_MALFORMED, "\"n\" is not a string"},
    {"{\"__metadata__\":{\"n\":\"1\",\"n\":\"2\"}}", 0, LSQ_E_MALFORMED, "duplicate"},
    /* not JSON */
    {"", 0, LSQ_E_MALFORMED, "begins with '{'"},
    {"[]", 0, LSQ_E_MALFORMED, "begins with '{'"},
    {" {}", 0, LSQ_E_MALFORMED, "begins with '{'"},
    {"{", 0, LSQ_E_MALFORMED, ""},
    {"{}{}", 0, LSQ_E_MALFORMED, "end of file expected"},
    {"{\"a\":{\"b\":{\"c\":{}}}}", 0, LSQ_E_MALFORMED, "nested"},
    {"{\"a\":[{}]}", 0, LSQ_E_MALFORMED, "nested"},
    {"{\"a\":" DEEP100 DEEP100, 0, LSQ_E_MALFORMED, "nested"},
};

/* The file of a header and so many zero bytes; free() it. */
static uint8_t *file_of(const char *header, size_t length, size_t data, size_t *size)
{
    uint8_t *bytes = calloc(8 + length + data + 1, 1);
    ck_assert_ptr_nonnull(bytes);
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(length >> (8 * i));
    memcpy(bytes + 8, header, length);
    *size = 8 + length + data;
    return bytes;
}

START_TEST(attack)
{
    lsq_error err;
    size_t size;
    uint8_t *bytes = file_of(attacks[_i].header, strlen(attacks[_i].header), attacks[_i].data, &size);
    const lsq_status status = limited_status_of(bytes, size, &err);
    free(bytes);
    ck_assert_msg(status == attacks[_i].status, "%s: status %d, %s", attacks[_i].header, status, err.text);
    ck_assert_msg(strstr(err.text, attacks[_i].says) != NULL, "%s: does not say '%s': %s", attacks[_i].header,
                  attacks[_i].says, err.text);
}
END_TEST

START_TEST(lengths_are_not_believed)
{
    static const struct {
        uint64_t length;
        lsq_status status;
    } claims[] = {{3, LSQ_E_TRUNCATED},
                  {100000000, LSQ_E_TRUNCATED},
                  {100000001, LSQ_E_LIMIT},
                  {UINT64_C(1) << 30, LSQ_E_LIMIT},
                  {UINT64_C(1) << 63, LSQ_E_LIMIT},
                  {UINT64_MAX, LSQ_E_LIMIT},
                  {UINT64_MAX - 7, LSQ_E_LIMIT},
                  {1, LSQ_E_MALFORMED},
                  {0, LSQ_E_MALFORMED}};
    lsq_error err;
    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
        uint8_t bytes[10] = {0, 0, 0, 0, 0, 0, 0, 0, '{', '}'};
        for (unsigned b = 0; b < 8; b++)
            bytes[b] = (uint8_t)(claims[i].length >> (8 * b));
        ck_assert_msg(limited_status_of(bytes, sizeof(bytes), &err) == claims[i].status, "%llu: %s",
                      (unsigned long long)claims[i].length, err.text);
    }
}
END_TEST

START_TEST(nul_padding_is_named)
{
    static const char header[] = "{}\0\0\0\0\0";
    lsq_error err;
    size_t size;
    uint8_t *bytes = file_of(header, sizeof(header), 0, &size);
    ck_assert_int_eq(status_of(bytes, size, &err), LSQ_E_MALFORMED);
    ck_assert_msg(strstr(err.text, "padded with NUL") != NULL, "%s", err.text);
    free(bytes);
}
END_TEST

/* Files of other kinds are not taken for damaged safetensors. */
START_TEST(other_files)
{
    static const struct {
        const char bytes[20];
        lsq_status status;
    } files[] = {{"GGUF\3\0\0\0\0\0\0", LSQ_E_TRUNCATED},
                 {"\x7f"
                  "ELF\2\1\1\0\0\0",
                  LSQ_E_UNSUPPORTED},
                 {"PK\3\4\0\0\x8\x8\0\0\0", LSQ_ZLIB ? LSQ_E_TRUNCATED : LSQ_E_UNSUPPORTED},
                 {"version https://git", LSQ_E_UNSUPPORTED},
                 {"\0\0\0\0\0\0\0\0\0\0\0", LSQ_E_UNSUPPORTED},
                 {"\x80\2}q\0(X\5\0\0\0", LSQ_E_UNSUPPORTED}};
    lsq_error err;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        ck_assert_msg(status_of(files[i].bytes, sizeof(files[i].bytes), &err) == files[i].status, "file %zu: %s", i,
                      err.text);
}
END_TEST

/* Long headers without a single tensor in them: what they cost stays in proportion, also on the stack. */
START_TEST(long_headers)
{
    static const struct {
        const char *begin, *repeat;
        lsq_status status;
    } kinds[] = {{"{\"a\":", "[", LSQ_E_MALFORMED},    {"{", "{\"a\":", LSQ_E_MALFORMED},
                 {"{\"a\":\"", "x", LSQ_E_MALFORMED},  {"{\"a\":", "1", LSQ_E_MALFORMED},
                 {"{\"a\":[", "[],", LSQ_E_MALFORMED}, {"{\"a\":[", "{},", LSQ_E_MALFORMED},
                 {"{", " ", LSQ_E_MALFORMED}};
    const size_t length = 1500000;
    char *header = malloc(length + 16);
    ck_assert_ptr_nonnull(header);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t size, at = strlen(kinds[i].begin);
        memcpy(header, kinds[i].begin, at);
        for (; at < length; at += strlen(kinds[i].repeat))
            memcpy(header + at, kinds[i].repeat, strlen(kinds[i].repeat));
        lsq_error err;
        uint8_t *bytes = file_of(header, at, 0, &size);
        ck_assert_msg(limited_status_of(bytes, size, &err) == kinds[i].status, "kind %zu: %s", i, err.text);
        free(bytes);
    }
    free(header);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("safetensors");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, all_types_are_read);
    tcase_add_test(cases, every_prefix_is_truncated);
    tcase_add_test(cases, header_bit_flips_are_found);
    tcase_add_loop_test(cases, attack, 0, sizeof(attacks) / sizeof(attacks[0]));
    tcase_add_test(cases, lengths_are_not_believed);
    tcase_add_test(cases, nul_padding_is_named);
    tcase_add_test(cases, other_files);
    tcase_add_test(cases, long_headers);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
