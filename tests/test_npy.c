/*
 * test_npy.c - .npy files: versions, types and orders, and every kind of damage.
 *
 * data/npy/ was written by NumPy (data/README.md).
 */
#include "tests/hostile.h"

#include <stdint.h>

/* ---- What is read ----------------------------------------------------------------------------------------------- */

/* Arrays whose numbers are 0, 1, 2, ... in the order of their shape, whatever their order in the file. */
static const struct {
    const char *name;
    unsigned rank;
    uint64_t shape[LSQ_RANK_MAX];
} golden[] = {
    {"rows", 2, {2, 3}},
    {"columns", 2, {2, 3}},
    {"columns of rank 4", 4, {2, 3, 1, 4}},
    {"number", 0, {0}},
    {"vector", 1, {5}},
    {"empty", 2, {0, 3}},
    {"columns of rank 8", 8, {1, 2, 1, 2, 1, 1, 1, 2}},
    {"rank 8", 8, {1, 2, 1, 2, 1, 1, 1, 2}},
};

static void golden_path(const char *name, char path[1024])
{
    snprintf(path, 1024, "%s/npy/%s.npy", TEST_DATA, name);
}

static lsq_model *open_file(const char *path)
{
    lsq_model *model = NULL;
    lsq_error err;
    ck_assert_msg(lsq_model_open(path, 0, &model, &err) == LSQ_OK, "%s", err.text);
    return model;
}

START_TEST(golden_arrays_are_read)
{
    char path[1024];
    golden_path(golden[_i].name, path);
    lsq_model *model = open_file(path);
    ck_assert_str_eq(lsq_model_format(model), "npy");
    ck_assert_uint_eq(lsq_model_count(model), 1);
    const lsq_tensor *t = lsq_model_tensor(model, 0);
    ck_assert_str_eq(t->name, golden[_i].name);
    ck_assert_int_eq(t->dtype, LSQ_F32);
    ck_assert_uint_eq(t->rank, golden[_i].rank);
    for (unsigned axis = 0; axis < t->rank; axis++)
        ck_assert_uint_eq(t->shape[axis], golden[_i].shape[axis]);
    float numbers[32];
    ck_assert_uint_le(t->elements, 32);
    ck_assert_int_eq(lsq_model_read(model, 0, numbers, NULL), LSQ_OK);
    for (size_t i = 0; i < t->elements; i++)
        ck_assert_float_eq(numbers[i], (float)i);
    lsq_model_free(model);
}
END_TEST

/* ---- Files made here -------------------------------------------------------------------------------------------- */

/* A version 1.0 file of a header as it stands and some data; free() it. */
static uint8_t *file_of(const char *header, const void *data, size_t data_size, size_t *size)
{
    const size_t length = strlen(header);
    const uint8_t start[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (uint8_t)length, (uint8_t)(length >> 8)};
    *size = sizeof(start) + length + data_size;
    uint8_t *bytes = malloc(*size + 1);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, start, sizeof(start));
    memcpy(bytes + sizeof(start), header, length);
    memcpy(bytes + sizeof(start) + length, data, data_size);
    return bytes;
}

START_TEST(all_types_are_read)
{
    static const struct {
        const char *descr;
        lsq_dtype dtype;
        uint8_t bytes[8];
        float number;
    } types[] = {
        {"<f4", LSQ_F32, {0, 0, 0x20, 0xc0}, -2.5f},
        {"<f2", LSQ_F16, {0, 0xc1}, -2.5f},
        {"<f8", LSQ_F64, {0, 0, 0, 0, 0, 0, 4, 0xc0}, -2.5f},
        {"|i1", LSQ_I8, {0xfe}, -2},
        {"|u1", LSQ_U8, {0xfe}, 254},
        {"<i2", LSQ_I16, {0xfe, 0xff}, -2},
        {"<u2", LSQ_U16, {0xfe, 0xff}, 65534},
        {"<i4", LSQ_I32, {0xfe, 0xff, 0xff, 0xff}, -2},
        {"<u4", LSQ_U32, {0, 1, 0, 0}, 256},
        {"<i8", LSQ_I64, {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, -2},
        {"<u8", LSQ_U64, {0, 0, 0, 0, 0, 0, 0, 0x80}, 0x1p63f},
        {"|b1", LSQ_BOOL, {1}, 1},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        char header[128];
        lsq_model *model = NULL;
        lsq_error err;
        size_t size;
        float number = 0;
        snprintf(header, sizeof(header), "{'descr': '%s', 'fortran_order': False, 'shape': (1,), }\n", types[i].descr);
        uint8_t *bytes = file_of(header, types[i].bytes, lsq_dtype_bytes(types[i].dtype), &size);
        ck_assert_msg(lsq_model_open_memory(bytes, size, 0, &model, &err) == LSQ_OK, "%s", err.text);
        ck_assert_int_eq(lsq_model_tensor(model, 0)->dtype, types[i].dtype);
        ck_assert_int_eq(lsq_model_read(model, 0, &number, NULL), LSQ_OK);
        ck_assert_float_eq(number, types[i].number);
        lsq_model_free(model);
        free(bytes);
    }
}
END_TEST

/* The tensor is called what the file is, unless no tensor may be called that. */
START_TEST(names)
{
    static const struct {
        const char *file, *tensor;
    } cases[] = {{"weights.npy", "weights"}, {"weights", "weights"}, {"a.npy.npy", "a.npy"},      {".npy", ".npy"},
                 {"a\nb.npy", "array"},      {"\xff.npy", "array"},  {"\xc3\xa9.npy", "\xc3\xa9"}};
    static const char header[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (), }\n";
    char folder[] = "/tmp/lsq_npy_XXXXXX", path[256];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t size;
        uint8_t *bytes = file_of(header, "\0\0\0\0", 4, &size);
        snprintf(path, sizeof(path), "%s/%s", folder, cases[i].file);
        write_file(path, bytes, size);
        free(bytes);
        lsq_model *model = open_file(path);
        ck_assert_str_eq(lsq_model_tensor(model, 0)->name, cases[i].tensor);
        lsq_model_free(model);
        unlink(path);
    }
    rmdir(folder);
}
END_TEST

/* ---- Damage ----------------------------------------------------------------------------------------------------- */

START_TEST(every_prefix_is_truncated)
{
    char path[1024];
    size_t size;
    lsq_error err;
    golden_path(golden[_i].name, path);
    uint8_t *bytes = contents_of(path, &size);
    ck_assert_int_eq(status_of(bytes, size, &err), LSQ_OK);
    for (size_t length = 0; length < size; length++)
        ck_assert_msg(status_of(bytes, length, &err) == LSQ_E_TRUNCATED, "%zu bytes: status %d, %s", length, err.status,
                      err.text);
    free(bytes);
}
END_TEST

/*
 * No bit of the header can change unseen, but for two things that change nothing: versions 2 and 3 differ in the letters
 * that a header may have, and where one dimension is 0 the others are free.
 */
START_TEST(header_bit_flips_are_found)
{
    char path[1024];
    size_t size;
    lsq_error err;
    golden_path(golden[_i].name, path);
    uint8_t *bytes = contents_of(path, &size);
    const size_t end = (bytes[6] == 1 ? 10 : 12) + bytes[8] + 256u * bytes[9];
    for (size_t at = 0; at < end; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes[at] ^= (uint8_t)(1u << bit);
            const lsq_status status = status_of(bytes, size, &err);
            const int other_version = at == 6 && bit == 0 && bytes[6] >= 2;
            const int free_number = golden[_i].rank == 2 && golden[_i].shape[0] == 0 && bytes[at] >= '0' &&
                                    bytes[at] <= '9' && memchr(bytes, '(', at) != NULL;
            bytes[at] ^= (uint8_t)(1u << bit);
            ck_assert_msg((status == LSQ_OK && (other_version || free_number)) || status == LSQ_E_MALFORMED ||
                              status == LSQ_E_TRUNCATED || status == LSQ_E_LIMIT || status == LSQ_E_UNSUPPORTED,
                          "byte %zu, bit %u: status %d, %s", at, bit, status, err.text);
        }
    }
    free(bytes);
}
END_TEST

/* ---- Attacks ---------------------------------------------------------------------------------------------------- */

#define HEAD         "{'descr': '<f4', 'fortran_order': False, "
#define SHAPE(shape) HEAD "'shape': " shape ", }\n"
#define X15          "xxxxxxxxxxxxxxx"
#define DESCR(descr) "{'descr': " descr ", 'fortran_order': False, 'shape': (1,), }\n"

/* A header, so many bytes of data behind it, and what must come of it: the status, and a word in the message. */
static const struct {
    const char *header;
    size_t data;
    lsq_status status;
    const char *says;
} attacks[] = {
    /* legal, if unusual */
    {"{'shape':(2,3),'fortran_order':True,'descr':'<f4'}\n", 24, LSQ_OK, ""},
    {"  { \"descr\" : \"<f4\" , \"fortran_order\" : False , \"shape\" : ( 1 , 1 , ) , }   \n", 4, LSQ_OK, ""},
    {SHAPE("(0, 1099511627776)"), 0, LSQ_OK, ""},
    /* shapes */
    {SHAPE("(65536, 65536)"), 0, LSQ_E_TRUNCATED, "expected 17179869184"},
    {SHAPE("(4294967296, 4294967296)"), 0, LSQ_E_LIMIT, "2^44"},
    {SHAPE("(18446744073709551615,)"), 0, LSQ_E_LIMIT, "2^40"},
    {SHAPE("(18446744073709551616,)"), 0, LSQ_E_LIMIT, "beyond 2^64"},
    {SHAPE("(99999999999999999999999999,)"), 0, LSQ_E_LIMIT, "beyond 2^64"},
    {SHAPE("(1, 1, 1, 1, 1, 1, 1, 1, 1)"), 4, LSQ_E_LIMIT, "8 dimensions"},
    {SHAPE("(2,)"), 7, LSQ_E_TRUNCATED, "after 7 bytes"},
    {SHAPE("(2,)"), 9, LSQ_E_MALFORMED, "1 bytes more"},
    {SHAPE("()"), 8, LSQ_E_MALFORMED, "4 bytes more"},
    {SHAPE("(1)"), 4, LSQ_E_MALFORMED, "after the only dimension"},
    {SHAPE("(,)"), 4, LSQ_E_MALFORMED, "a dimension"},
    {SHAPE("(1,,)"), 4, LSQ_E_MALFORMED, "a dimension"},
    {SHAPE("(1 1,)"), 4, LSQ_E_MALFORMED, "',' or ')'"},
    {SHAPE("(-1,)"), 4, LSQ_E_MALFORMED, "without a sign"},
    {SHAPE("(+1,)"), 4, LSQ_E_MALFORMED, "without a sign"},
    {SHAPE("(01,)"), 4, LSQ_E_MALFORMED, "leading zeros"},
    {SHAPE("(1L,)"), 4, LSQ_E_MALFORMED, "',' or ')'"},
    {SHAPE("(1.0,)"), 4, LSQ_E_MALFORMED, "',' or ')'"},
    {SHAPE("(0x1,)"), 4, LSQ_E_MALFORMED, "',' or ')'"},
    {SHAPE("(1_0,)"), 40, LSQ_E_MALFORMED, "',' or ')'"},
    {SHAPE("((1,),)"), 4, LSQ_E_MALFORMED, "a dimension"},
    {SHAPE("[1]"), 4, LSQ_E_MALFORMED, "a tuple"},
    {SHAPE("1"), 4, LSQ_E_MALFORMED, "a tuple"},
    {SHAPE("(1,"), 4, LSQ_E_MALFORMED, "a dimension"},
    {SHAPE("__import__('os').abort()"), 4, LSQ_E_MALFORMED, "a tuple"},
    /* types */
    {DESCR("'>f4'"), 4, LSQ_E_UNSUPPORTED, "big-endian"},
    {DESCR("'|O'"), 4, LSQ_E_UNSUPPORTED, "pickled"},
    {DESCR("'<c8'"), 8, LSQ_E_UNSUPPORTED, "'<c8'"},
    {DESCR("'<U4'"), 16, LSQ_E_UNSUPPORTED, "'<U4'"},
    {DESCR("'|V4'"), 4, LSQ_E_UNSUPPORTED, "'|V4'"},
    {DESCR("'f4'"), 4, LSQ_E_UNSUPPORTED, "'f4'"},
    {DESCR("'<f16'"), 16, LSQ_E_UNSUPPORTED, "'<f16'"},
    {DESCR("[('x', '<f4')]"), 4, LSQ_E_UNSUPPORTED, "records"},
    {DESCR("'<f\\x34'"), 4, LSQ_E_MALFORMED, "without escapes"},
    {DESCR("u'<f4'"), 4, LSQ_E_MALFORMED, "a string"},
    {DESCR("'<f' '4'"), 4, LSQ_E_UNSUPPORTED, "'<f'"},
    {DESCR("'<f4"), 4, LSQ_E_UNSUPPORTED, "'<f4, '"},
    {DESCR("'<f4\n'"), 4, LSQ_E_MALFORMED, "without escapes"},
    {DESCR("'" X15 X15 X15 X15 "xxx'"), 4, LSQ_E_UNSUPPORTED, "xxx'"},
    {DESCR("'" X15 X15 X15 X15 "xxxx'"), 4, LSQ_E_MALFORMED, "short"},
    {DESCR("'\x7f'"), 4, LSQ_E_MALFORMED, "short"},
    {DESCR("' ~'"), 4, LSQ_E_UNSUPPORTED, "' ~'"},
    /* keys */
    {HEAD "}\n", 4, LSQ_E_MALFORMED, "'shape'"},
    {"{'descr': '<f4', 'shape': (1,), }\n", 4, LSQ_E_MALFORMED, "'fortran_order'"},
    {"{'fortran_order': False, 'shape': (1,), }\n", 4, LSQ_E_MALFORMED, "'descr'"},
    {"{}\n", 4, LSQ_E_MALFORMED, "keys"},
    {HEAD "'shape': (1,), 'shape': (1,)}\n", 4, LSQ_E_MALFORMED, "once"},
    {HEAD "'shape': (1,), 'other': 1}\n", 4, LSQ_E_MALFORMED, "no other"},
    {HEAD "'" X15 "': 1}\n", 4, LSQ_E_MALFORMED, "no other"},
    {HEAD "'" X15 "x': 1}\n", 4, LSQ_E_MALFORMED, "short"},
    {HEAD "'shape' (1,)}\n", 4, LSQ_E_MALFORMED, "':'"},
    {HEAD "shape: (1,)}\n", 4, LSQ_E_MALFORMED, "a string"},
    {HEAD "'shape': (1,) 'x': 1}\n", 4, LSQ_E_MALFORMED, "',' or '}'"},
    {"{'descr': '<f4', 'fortran_order': 0, 'shape': (1,), }\n", 4, LSQ_E_MALFORMED, "True or False"},
    {"{'descr': '<f4', 'fortran_order': Falsehood, 'shape': (1,), }\n", 4, LSQ_E_MALFORMED, "',' or '}'"},
    /* the frame */
    {"", 0, LSQ_E_MALFORMED, "'{'"},
    {"\n", 0, LSQ_E_MALFORMED, "'{'"},
    {"[]\n", 4, LSQ_E_MALFORMED, "'{'"},
    {HEAD "'shape': (1,), }", 4, LSQ_E_MALFORMED, "newline"},
    {HEAD "'shape': (1,), }\n\n", 4, LSQ_E_MALFORMED, "newline"},
    {HEAD "'shape': (1,), } # 1\n", 4, LSQ_E_MALFORMED, "newline"},
    {HEAD "\n'shape': (1,), }\n", 4, LSQ_E_MALFORMED, "a string"},
    {HEAD "'shape': (1,)", 4, LSQ_E_MALFORMED, "',' or '}'"},
    {HEAD, 4, LSQ_E_MALFORMED, "a string"},
    /* the file ends where the header does: a parser that looks further is caught by sanitizers */
    {HEAD, 0, LSQ_E_MALFORMED, "a string"},
    {HEAD "  ", 0, LSQ_E_MALFORMED, "a string"},
    {HEAD "'shape", 0, LSQ_E_MALFORMED, "the end of a string"},
    {HEAD "'shape'", 0, LSQ_E_MALFORMED, "':'"},
    {HEAD "'shape': (1", 0, LSQ_E_MALFORMED, "',' or ')'"},
    {HEAD "'shape': (1,), }", 0, LSQ_E_MALFORMED, "newline"},
};

START_TEST(attack)
{
    static const uint8_t zeros[64];
    lsq_error err;
    size_t size;
    ck_assert_uint_le(attacks[_i].data, sizeof(zeros));
    uint8_t *bytes = file_of(attacks[_i].header, zeros, attacks[_i].data, &size);
    const lsq_status status = limited_status_of(bytes, size, &err);
    free(bytes);
    ck_assert_msg(status == attacks[_i].status, "%s: status %d, %s", attacks[_i].header, status, err.text);
    ck_assert_msg(strstr(err.text, attacks[_i].says) != NULL, "%s: does not say %s: %s", attacks[_i].header,
                  attacks[_i].says, err.text);
}
END_TEST

START_TEST(versions_and_lengths)
{
    static const struct {
        uint8_t head[12]; /* after the magic and before an ordinary header: version, length */
        size_t size;
        lsq_status status;
    } cases[] = {{{0, 0, 60, 0}, 4, LSQ_E_UNSUPPORTED},       {{4, 0, 60, 0, 0, 0}, 6, LSQ_E_UNSUPPORTED},
                 {{1, 1, 60, 0}, 4, LSQ_E_UNSUPPORTED},       {{1, 0, 0x11, 0x27}, 4, LSQ_E_LIMIT}, /* 10,001 */
                 {{1, 0, 0x10, 0x27}, 4, LSQ_E_TRUNCATED},                                          /* 10,000 */
                 {{2, 0, 0, 0, 0, 0x80}, 6, LSQ_E_LIMIT},                                           /* 2^31 */
                 {{3, 0, 255, 255, 255, 255}, 6, LSQ_E_LIMIT}};
    static const char header[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (), }\n";
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t bytes[128] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
        lsq_error err;
        memcpy(bytes + 6, cases[i].head, cases[i].size);
        memcpy(bytes + 6 + cases[i].size, header, sizeof(header));
        ck_assert_msg(limited_status_of(bytes, sizeof(bytes), &err) == cases[i].status, "case %zu: %s", i, err.text);
    }
}
END_TEST

int main(void)
{
    const int arrays = sizeof(golden) / sizeof(golden[0]);
    Suite *suite = suite_create("npy");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, golden_arrays_are_read, 0, arrays);
    tcase_add_test(cases, all_types_are_read);
    tcase_add_test(cases, names);
    tcase_add_loop_test(cases, every_prefix_is_truncated, 0, arrays);
    tcase_add_loop_test(cases, header_bit_flips_are_found, 0, arrays);
    tcase_add_loop_test(cases, attack, 0, sizeof(attacks) / sizeof(attacks[0]));
    tcase_add_test(cases, versions_and_lengths);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
