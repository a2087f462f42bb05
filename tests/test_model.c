/*
 * test_model.c - open models: what can be opened, numbers of all types as float32, tensors as matrices.
 */
#include "model/dtype.h"
#include "model/text.h"
#include "tests/model_sample.h"

#include <errno.h>
#include <math.h>

/* ---- Numbers ----------------------------------------------------------------------------------------------------- */

/* A small float by the book: sign, exponent with its bias, mantissa; the topmost exponent as the type has it. */
static double by_the_book(uint32_t bits, int exponent_bits, int mantissa_bits, int infinities)
{
    int exponent = (int)(bits >> mantissa_bits) & ((1 << exponent_bits) - 1), bias = (1 << (exponent_bits - 1)) - 1;
    uint32_t mantissa = bits & ((1u << mantissa_bits) - 1), all = (1u << mantissa_bits) - 1;
    double sign = bits >> (exponent_bits + mantissa_bits) ? -1 : 1;
    if (exponent == (1 << exponent_bits) - 1 && (infinities || mantissa == all))
        return infinities && mantissa == 0 ? sign * INFINITY : NAN;
    if (exponent == 0)
        return sign * ldexp(mantissa, 1 - bias - mantissa_bits);
    return sign * ldexp(mantissa + (1u << mantissa_bits), exponent - bias - mantissa_bits);
}

static void check_all(lsq_dtype dtype, int exponent_bits, int mantissa_bits, int infinities)
{
    uint32_t count = 1u << (exponent_bits + mantissa_bits + 1);
    for (uint32_t bits = 0; bits < count; bits++) {
        uint8_t bytes[2] = {(uint8_t)bits, (uint8_t)(bits >> 8)};
        float got = 0;
        double expected = by_the_book(bits, exponent_bits, mantissa_bits, infinities);
        lsq_dtype_to_float(dtype, bytes, 1, &got);
        ck_assert_msg(isnan(expected) ? isnan(got) : (double)got == expected && !signbit(got) == !signbit(expected),
                      "%s %#x: %g, expected %g", lsq_dtype_name(dtype), bits, (double)got, expected);
    }
}

START_TEST(small_floats_are_exact)
{
    check_all(LSQ_F16, 5, 10, 1);
    check_all(LSQ_BF16, 8, 7, 1);
    check_all(LSQ_F8_E5M2, 5, 2, 1);
    check_all(LSQ_F8_E4M3, 4, 3, 0);
}
END_TEST

static const struct {
    lsq_dtype dtype;
    uint8_t bytes[8];
    float value;
} numbers[] = {
    {LSQ_F32, {0, 0, 0xc0, 0x3f}, 1.5f},
    {LSQ_F32, {1, 0, 0, 0x80}, -0x1p-149f},
    {LSQ_F64, {0, 0, 0, 0, 0, 0, 0xf8, 0x3f}, 1.5f},
    {LSQ_F64, {1, 0, 0, 0x10, 0, 0, 0xf0, 0x3f}, 1 + 0x1p-23f}, /* above the middle between 1 and the next float */
    {LSQ_I8, {0x80}, -128},
    {LSQ_U8, {0x80}, 128},
    {LSQ_I16, {0xfe, 0xff}, -2},
    {LSQ_U16, {0xfe, 0xff}, 65534},
    {LSQ_I32, {0, 0, 0, 0x80}, -0x1p31f},
    {LSQ_U32, {0, 0, 0, 0x80}, 0x1p31f},
    {LSQ_I64, {0, 0, 0, 0, 0, 0, 0, 0x80}, -0x1p63f},
    {LSQ_I64, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, -1},
    {LSQ_U64, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 0x1p64f},
    {LSQ_BOOL, {0}, 0},
    {LSQ_BOOL, {1}, 1},
    {LSQ_BOOL, {0x80}, 1},
};

START_TEST(numbers_of_each_type)
{
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        uint8_t unaligned[9] = {0};
        float got = NAN;
        memcpy(unaligned + 1, numbers[i].bytes, 8);
        lsq_dtype_to_float(numbers[i].dtype, unaligned + 1, 1, &got);
        ck_assert_msg(got == numbers[i].value, "row %zu: %a, expected %a", i, (double)got, (double)numbers[i].value);
    }
}
END_TEST

START_TEST(types_have_names)
{
    for (unsigned i = 0; i < LSQ_DTYPES; i++) {
        lsq_dtype found = LSQ_DTYPES;
        ck_assert_uint_gt(lsq_dtype_bytes((lsq_dtype)i), 0);
        ck_assert(lsq_dtype_parse(lsq_dtype_name((lsq_dtype)i), &found) && (unsigned)found == i);
    }
    lsq_dtype found;
    ck_assert(!lsq_dtype_parse("F31", &found) && !lsq_dtype_parse("", &found));
    ck_assert_ptr_null(lsq_dtype_name(LSQ_DTYPES));
    ck_assert_uint_eq(lsq_dtype_bytes((lsq_dtype)-1), 0);
}
END_TEST

/* ---- Matrices ---------------------------------------------------------------------------------------------------- */

static const uint64_t shape[4] = {3, 70, 20, 17}; /* more numbers than pass through scratch memory at a time */

/* Where number i of the tensor stands in the matrix along `axis`: from the definition, index by index. */
static size_t place_in_matrix(size_t i, unsigned axis)
{
    size_t index[4], columns = 1, column = 0;
    for (unsigned a = 4; a-- > 0; i /= shape[a])
        index[a] = i % shape[a];
    for (unsigned a = 0; a < 4; a++) {
        if (a == axis)
            continue;
        column = column * shape[a] + index[a];
        columns *= shape[a];
    }
    return index[axis] * columns + column;
}

START_TEST(matrices_along_each_axis)
{
    unsigned axis = (unsigned)_i;
    size_t count = shape[0] * shape[1] * shape[2] * shape[3];
    float *source = malloc(count * sizeof *source), *matrix = malloc(count * sizeof *matrix);
    float *back = malloc(count * sizeof *back);
    fill(source, count, 7);
    lsq_writer *w = NULL;
    lsq_model *model = NULL;
    const lsq_weights *weights = NULL;
    lsq_tensor t = tensor_like("plain", LSQ_F32, 4, shape[0], shape[1], shape[2], shape[3]);
    OK(lsq_writer_new(in_folder("m.lsq"), 0, &w, &sample_err));
    OK(lsq_writer_plain(w, &t, source, &sample_err));
    t.name = "quantised";
    add_quantised(w, &t, axis, "s4.row", 8);
    OK(lsq_writer_finish(w, &sample_err));
    lsq_writer_free(w);
    OK(lsq_model_open(in_folder("m.lsq"), LSQ_OPEN_VERIFY, &model, &sample_err));

    OK(lsq_model_read_matrix(model, 0, axis, matrix, &sample_err));
    for (size_t i = 0; i < count; i++)
        ck_assert(matrix[place_in_matrix(i, axis)] == source[i]);

    const lsq_tensor *q = lsq_model_tensor(model, 1);
    ck_assert(q->quantised && q->output_axis == axis && q->rows == shape[axis] && q->rows * q->columns == count);
    OK(lsq_model_weights(model, 1, &weights, &sample_err));
    OK(lsq_dequantize(NULL, weights, 0, q->rows, matrix, q->columns));
    OK(lsq_model_read(model, 1, back, &sample_err));
    for (size_t i = 0; i < count; i++)
        ck_assert(back[i] == matrix[place_in_matrix(i, axis)]);

    for (unsigned other = 0; other < 4; other++) { /* a matrix along another axis than the one it was quantised along */
        OK(lsq_model_read_matrix(model, 1, other, matrix, &sample_err));
        for (size_t i = 0; i < count; i++)
            ck_assert(matrix[place_in_matrix(i, other)] == back[i]);
    }
    ck_assert_int_eq(lsq_model_read_matrix(model, 1, 4, matrix, &sample_err), LSQ_E_ARGUMENT);
    ck_assert_int_eq(lsq_model_read_matrix(model, 2, 0, matrix, &sample_err), LSQ_E_ARGUMENT);
    ck_assert_int_eq(lsq_model_read(model, 2, matrix, &sample_err), LSQ_E_ARGUMENT);
    ck_assert_int_eq(lsq_model_weights(model, 0, &weights, &sample_err), LSQ_E_ARGUMENT);
    ck_assert_int_eq(lsq_model_verify(model, 2, &sample_err), LSQ_E_ARGUMENT);
    lsq_model_free(model);
    free(source);
    free(matrix);
    free(back);
}
END_TEST

/* ---- Opening ----------------------------------------------------------------------------------------------------- */

static lsq_status open_status(const char *path, unsigned flags)
{
    lsq_model *model = (lsq_model *)&sample_err; /* must be left alone on failure */
    sample_err.text[0] = '\0';
    errno = 12345;
    lsq_status status = lsq_model_open(path, flags, &model, &sample_err);
    ck_assert_int_eq(errno, 12345);
    if (status == LSQ_OK) {
        lsq_model_free(model);
        ck_assert_int_eq(errno, 12345);
    } else {
        ck_assert_ptr_eq(model, &sample_err);
        ck_assert_int_eq(sample_err.status, status);
        ck_assert_str_ne(sample_err.text, "");
        ck_assert_int_eq(lsq_model_open(path, flags, &model, NULL), status);
    }
    errno = 0;
    return status;
}

START_TEST(only_regular_files_are_opened)
{
    unsigned flags = _i ? LSQ_OPEN_READ : 0;
    ck_assert_int_eq(mkfifo(in_folder("pipe"), 0600), 0);
    ck_assert_int_eq(open_status(in_folder("pipe"), flags), LSQ_E_IO);
    ck_assert_int_eq(open_status(folder, flags), LSQ_E_IO);
    ck_assert_int_eq(open_status("/dev/zero", flags), LSQ_E_IO);
    ck_assert_int_eq(open_status(in_folder("nothing"), flags), LSQ_E_IO);
    ck_assert_int_eq(symlink("loop", in_folder("loop")), 0);
    ck_assert_int_eq(open_status(in_folder("loop"), flags), LSQ_E_IO);
    write_file(in_folder("empty"), "", 0);
    ck_assert_int_eq(open_status(in_folder("empty"), flags), LSQ_E_TRUNCATED);
    write_file(in_folder("text"), "Good day to you, reader of files.\n", 34);
    ck_assert_int_eq(open_status(in_folder("text"), flags), LSQ_E_UNSUPPORTED);
    write_sample(in_folder("s.lsq"));
    ck_assert_int_eq(open_status(in_folder("s.lsq"), flags), LSQ_OK);
    ck_assert_int_eq(open_status(in_folder("s.lsq"), 4), LSQ_E_ARGUMENT);
    ck_assert_int_eq(open_status(NULL, flags), LSQ_E_ARGUMENT);
}
END_TEST

START_TEST(a_file_that_was_read_may_change)
{
    lsq_model *model = NULL;
    write_sample(in_folder("s.lsq"));
    OK(lsq_model_open(in_folder("s.lsq"), LSQ_OPEN_READ, &model, &sample_err));
    ck_assert_int_eq(truncate(in_folder("s.lsq"), 0), 0);
    for (size_t i = 0; i < lsq_model_count(model); i++)
        OK(lsq_model_verify(model, i, &sample_err));
    lsq_model_free(model);
    lsq_model_free(NULL);
}
END_TEST

/* Who replaces a file writes another one, and moves it there; a mapped file stays what it was. */
START_TEST(a_mapped_file_may_be_replaced)
{
    lsq_model *model = NULL;
    write_sample(in_folder("s.lsq"));
    OK(lsq_model_open(in_folder("s.lsq"), 0, &model, &sample_err));
    write_file(in_folder("other"), "other", 5);
    char to[128];
    snprintf(to, sizeof to, "%s", in_folder("s.lsq"));
    ck_assert_int_eq(rename(in_folder("other"), to), 0);
    for (size_t i = 0; i < lsq_model_count(model); i++)
        OK(lsq_model_verify(model, i, &sample_err));
    lsq_model_free(model);
}
END_TEST

/* Files of sysfs claim a page and have less: so does a file that another program cuts short meanwhile. */
START_TEST(a_file_that_becomes_shorter)
{
    static const char path[] = "/sys/devices/system/cpu/online";
    struct stat st;
    if (stat(path, &st) != 0 || st.st_size == 0)
        return; /* a machine without sysfs */
    ck_assert_int_eq(open_status(path, LSQ_OPEN_READ), LSQ_E_TRUNCATED);
    ck_assert_ptr_nonnull(strstr(sample_err.text, "became shorter while it was read"));
    ck_assert_int_eq(open_status(path, 0), LSQ_E_IO);
}
END_TEST

START_TEST(errors_are_one_printable_line)
{
    char name[300];
    ck_assert_int_eq(open_status(in_folder("a\nb\x1b[31mc\x7f\xff\xc2\x9b\xc3\xa9"), 0), LSQ_E_IO);
    ck_assert_ptr_nonnull(strstr(sample_err.text, "/a?b?[31mc??"
                                                  "??\xc3\xa9: cannot open"));
    memset(name, 'x', 255);
    name[255] = '\0';
    ck_assert_int_eq(open_status(in_folder(name), 0), LSQ_E_IO);
    ck_assert(strncmp(sample_err.text, "...xxx", 6) == 0 && strstr(sample_err.text, ": cannot open: "));
}
END_TEST

static const struct {
    const char *name;
    size_t length;
    int valid;
} names[] = {
    {"model.layers.0/w:1 \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 28, 1}, /* two, three and four bytes */
    {"", 0, 0},
    {"a\0b", 3, 0},
    {"a\x1f", 2, 0},
    {"\x7f", 1, 0},
    {"\xc2\x85", 2, 0},
    {"\xc2\xa0", 2, 1},
    {"\xc3", 1, 0},             /* cut */
    {"\x80", 1, 0},             /* a continuation alone */
    {"\xc0\xaf", 2, 0},         /* overlong, two bytes */
    {"\xe0\x9f\xbf", 3, 0},     /* overlong, three bytes */
    {"\xf0\x8f\xbf\xbf", 4, 0}, /* overlong, four bytes */
    {"\xed\xa0\x80", 3, 0},     /* a surrogate */
    {"\xed\x9f\xbf", 3, 1},     /* the last one before them */
    {"\xf4\x8f\xbf\xbf", 4, 1}, /* U+10FFFF */
    {"\xf4\x90\x80\x80", 4, 0}, /* beyond it */
    {"\xff", 1, 0},
    {"\xe2\x82\x41", 3, 0},
};

START_TEST(names_are_utf8_without_controls)
{
    char *name = malloc(1025); /* exact, so that a sanitizer sees a read behind it */
    memset(name, 'x', 1025);
    ck_assert_ptr_null(lsq_name_fault(name, 1024));
    ck_assert_ptr_nonnull(lsq_name_fault(name, 1025));
    free(name);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        name = malloc(names[i].length + 1);
        memcpy(name, names[i].name, names[i].length);
        name = realloc(name, names[i].length ? names[i].length : 1);
        ck_assert_msg((lsq_name_fault(name, names[i].length) == NULL) == names[i].valid, "row %zu", i);
        free(name);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model");
    TCase *numbers_case = tcase_create("numbers");
    tcase_add_test(numbers_case, small_floats_are_exact);
    tcase_add_test(numbers_case, numbers_of_each_type);
    tcase_add_test(numbers_case, types_have_names);
    tcase_add_test(numbers_case, names_are_utf8_without_controls);
    suite_add_tcase(suite, numbers_case);
    TCase *files_case = tcase_create("files");
    tcase_add_checked_fixture(files_case, make_folder, drop_folder);
    tcase_set_timeout(files_case, 120);
    tcase_add_loop_test(files_case, matrices_along_each_axis, 0, 4);
    tcase_add_loop_test(files_case, only_regular_files_are_opened, 0, 2);
    tcase_add_test(files_case, a_file_that_was_read_may_change);
    tcase_add_test(files_case, a_mapped_file_may_be_replaced);
    tcase_add_test(files_case, a_file_that_becomes_shorter);
    tcase_add_test(files_case, errors_are_one_printable_line);
    suite_add_tcase(suite, files_case);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
