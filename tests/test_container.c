/*
 * test_container.c - .lsq version 2: what is written comes back, and is the same every time.
 *
 * `test_container DIRECTORY` writes the golden files there instead of testing.
 */
#include "tests/model_sample.h"

#include <fcntl.h>
#include <math.h>

/* ---- What is written comes back ---------------------------------------------------------------------------------- */

static void check_sample(const lsq_model *model)
{
    static const struct {
        const char *name, *format;
        lsq_dtype dtype;
        unsigned rank, axis;
        uint64_t shape[4], rows, columns, bytes;
    } expected[] = {
        {"embed", "t4", LSQ_BF16, 2, 0, {20, 40}, 20, 40, 0},
        {"conv.weight", "s3.row", LSQ_F32, 4, 3, {3, 3, 4, 18}, 18, 36, 0},
        {"old.weight", "c5.none", LSQ_F32, 2, 0, {2, 33}, 2, 33, 0},
        {"norm.bias", NULL, LSQ_F32, 1, 0, {5}, 0, 0, 20},
        {"empty", NULL, LSQ_F16, 2, 0, {0, 3}, 0, 0, 0},
        {"steps", NULL, LSQ_I64, 0, 0, {0}, 0, 0, 8},
    };
    const size_t count = sizeof expected / sizeof expected[0];
    ck_assert_str_eq(lsq_model_format(model), "lsq2");
    ck_assert_uint_eq(lsq_model_count(model), count);
    for (size_t i = 0; i < count; i++) {
        const lsq_tensor *t = lsq_model_tensor(model, i);
        char name[LSQ_FORMAT_NAME_MAX];
        size_t found = count, bytes = expected[i].bytes;
        ck_assert_str_eq(t->name, expected[i].name);
        ck_assert(lsq_model_find(model, expected[i].name, &found) == t && found == i);
        ck_assert(t->dtype == expected[i].dtype && t->rank == expected[i].rank);
        ck_assert(memcmp(t->shape, expected[i].shape, sizeof expected[i].shape) == 0);
        ck_assert_int_eq(t->quantised, expected[i].format != NULL);
        ck_assert(t->rows == expected[i].rows && t->columns == expected[i].columns);
        if (t->quantised) {
            OK(lsq_format_name(&t->format, name));
            ck_assert_str_eq(name, expected[i].format);
            ck_assert_uint_eq(t->output_axis, expected[i].axis);
            OK(lsq_packed_bytes(&t->format, t->rows, t->columns, &bytes));
        }
        ck_assert_uint_eq(t->bytes, bytes);
        OK(lsq_model_verify(model, i, &sample_err));
    }
    ck_assert_ptr_null(lsq_model_tensor(model, count));
    ck_assert_ptr_null(lsq_model_bytes(model, count));
    ck_assert_ptr_null(lsq_model_find(model, "embe", NULL));
    ck_assert_ptr_null(lsq_model_warning(model, 0));
}

START_TEST(everything_comes_back)
{
    lsq_model *model = NULL;
    const char *key, *value;
    write_sample(in_folder("sample.lsq"));
    OK(lsq_model_open(in_folder("sample.lsq"), (unsigned)_i, &model, &sample_err));
    check_sample(model);
    for (size_t i = 0; i < lsq_model_count(model); i++) /* in the order of the calls, aligned */
        if (lsq_model_tensor(model, i)->bytes)
            ck_assert_uint_eq((uintptr_t)lsq_model_bytes(model, i) % 64, 0);
    ck_assert(lsq_model_metadata(model, 0, &key, &value));
    ck_assert(strcmp(key, "author") == 0 && strcmp(value, "nobody\n\xc3\xa9") == 0);
    ck_assert(lsq_model_metadata(model, 1, &key, &value));
    ck_assert(strcmp(key, "source") == 0 && strcmp(value, "tests/model_sample.h") == 0);
    ck_assert(!lsq_model_metadata(model, 2, &key, &value));
    float bias[5], steps = 0;
    OK(lsq_model_read(model, 3, bias, &sample_err));
    OK(lsq_model_read(model, 5, &steps, &sample_err));
    ck_assert(bias[0] == 0.5f && bias[1] == -0.25f && bias[2] == 0 && bias[3] == 3 && bias[4] == -1e-20f);
    ck_assert(steps == 0x3039);
    lsq_model_free(model);
}
END_TEST

START_TEST(weights_come_back_bit_for_bit)
{
    float numbers[20 * 40];
    lsq_format format;
    lsq_weights *weights = NULL;
    const lsq_weights *read = NULL;
    lsq_model *model = NULL;
    write_sample(in_folder("sample.lsq"));
    fill(numbers, 800, 1);
    OK(lsq_format_parse("t4", &format, &sample_err));
    OK(lsq_quantize(NULL, &format, 20, 40, numbers, 40, NULL, &weights, &sample_err));
    OK(lsq_model_open(in_folder("sample.lsq"), 0, &model, &sample_err));
    OK(lsq_model_weights(model, 0, &read, &sample_err));
    ck_assert_ptr_eq(lsq_weights_packed(read), lsq_model_bytes(model, 0)); /* where they are, without a copy */
    ck_assert(memcmp(lsq_weights_packed(read), lsq_weights_packed(weights), lsq_model_tensor(model, 0)->bytes) == 0);
    lsq_weights_free(weights);
    lsq_model_free(model);
}
END_TEST

/* With outliers and without: sizes, numbers, a copy of the file through the writer. */
START_TEST(outliers_come_back)
{
    lsq_model *model = NULL, *copy = NULL;
    lsq_writer *w = NULL;
    const lsq_weights *weights = NULL;
    size_t size, copy_size, bytes, count;
    static float decoded[24 * 200], again[24 * 200];
    write_with_outliers(in_folder("o.lsq"));
    OK(lsq_model_open(in_folder("o.lsq"), LSQ_OPEN_VERIFY, &model, &sample_err));
    OK(lsq_writer_new(in_folder("copy.lsq"), 0, &w, &sample_err));
    for (size_t i = 0; i < lsq_model_count(model); i++) {
        const lsq_tensor *t = lsq_model_tensor(model, i);
        ck_assert_int_eq(t->outliers > 0, !strcmp(t->name, "heavy"));
        ck_assert_int_eq(t->outlier_bytes > 0, t->outliers > 0);
        if (!t->quantised) {
            OK(lsq_writer_plain(w, t, lsq_model_bytes(model, i), &sample_err));
            continue;
        }
        OK(lsq_model_weights(model, i, &weights, &sample_err));
        const void *outliers = lsq_weights_outliers(weights, &bytes, &count);
        ck_assert(t->outliers == count && t->outlier_bytes == bytes && (uintptr_t)outliers % 64 == 0);
        OK(lsq_writer_quantised(w, t, t->output_axis, weights, &sample_err));
    }
    OK(lsq_writer_finish(w, &sample_err));
    lsq_writer_free(w);
    uint8_t *first = contents_of(in_folder("o.lsq"), &size), *second = contents_of(in_folder("copy.lsq"), &copy_size);
    ck_assert(size == copy_size && memcmp(first, second, size) == 0);
    ck_assert_uint_eq(first[12], LSQ2_OUTLIERS);
    OK(lsq_model_open(in_folder("copy.lsq"), 0, &copy, &sample_err));
    OK(lsq_model_read(model, 1, decoded, &sample_err));
    OK(lsq_model_read(copy, 1, again, &sample_err));
    ck_assert(memcmp(decoded, again, sizeof decoded) == 0);
    float largest = 0;
    for (size_t i = 0; i < 24 * 200; i++)
        largest = fmaxf(largest, fabsf(decoded[i]));
    ck_assert(largest > 5); /* others are below 1 */
    free(first);
    free(second);
    lsq_model_free(model);
    lsq_model_free(copy);
}
END_TEST

START_TEST(an_empty_model_is_a_file)
{
    lsq_writer *w = NULL;
    lsq_model *model = NULL;
    OK(lsq_writer_new(in_folder("e.lsq"), 0, &w, &sample_err));
    OK(lsq_writer_finish(w, &sample_err));
    ck_assert_int_eq(lsq_writer_finish(w, NULL), LSQ_E_IO); /* once */
    lsq_writer_free(w);
    OK(lsq_model_open(in_folder("e.lsq"), LSQ_OPEN_VERIFY, &model, &sample_err));
    ck_assert_uint_eq(lsq_model_count(model), 0);
    ck_assert_ptr_null(lsq_model_find(model, "x", NULL));
    lsq_model_free(model);
}
END_TEST

/* The order of tensors is that of their places; without bytes they can share one, and the name decides. */
START_TEST(tensors_without_bytes_are_sorted_by_name)
{
    lsq_writer *w = NULL;
    lsq_model *model = NULL;
    static const char *const names[] = {"m", "z", "a"};
    OK(lsq_writer_new(in_folder("e.lsq"), 0, &w, &sample_err));
    for (size_t i = 0; i < 3; i++) {
        lsq_tensor t = tensor_like(names[i], LSQ_F32, 1, 0, 0, 0, 0);
        OK(lsq_writer_plain(w, &t, NULL, &sample_err));
    }
    OK(lsq_writer_finish(w, &sample_err));
    lsq_writer_free(w);
    OK(lsq_model_open(in_folder("e.lsq"), LSQ_OPEN_VERIFY, &model, &sample_err));
    ck_assert_str_eq(lsq_model_tensor(model, 0)->name, "a");
    ck_assert_str_eq(lsq_model_tensor(model, 1)->name, "m");
    ck_assert_str_eq(lsq_model_tensor(model, 2)->name, "z");
    lsq_model_free(model);
}
END_TEST

/* Many names, so that the table of names has grown and probed. */
START_TEST(ten_thousand_tensors)
{
    char name[32];
    lsq_writer *w = NULL;
    lsq_model *model = NULL;
    OK(lsq_writer_new(in_folder("many.lsq"), 0, &w, &sample_err));
    for (uint16_t i = 0; i < 10000; i++) {
        snprintf(name, sizeof name, "layer.%u", (unsigned)i);
        lsq_tensor t = tensor_like(name, LSQ_U16, 0, 0, 0, 0, 0);
        uint8_t number[2] = {(uint8_t)i, (uint8_t)(i >> 8)};
        OK(lsq_writer_plain(w, &t, number, &sample_err));
    }
    OK(lsq_writer_finish(w, &sample_err));
    lsq_writer_free(w);
    OK(lsq_model_open(in_folder("many.lsq"), LSQ_OPEN_VERIFY, &model, &sample_err));
    for (unsigned i = 0; i < 10000; i++) {
        size_t found = 0;
        float number = 0;
        snprintf(name, sizeof name, "layer.%u", i);
        ck_assert(lsq_model_find(model, name, &found) && found == i);
        OK(lsq_model_read(model, i, &number, &sample_err));
        ck_assert(number == (float)i);
    }
    ck_assert_ptr_null(lsq_model_find(model, "layer.10000", NULL));
    lsq_model_free(model);
}
END_TEST

/* Offsets beyond 32 bits: five gigabytes that are not there, and a number behind them. */
START_TEST(large_files_are_mapped)
{
    char header[512];
    const unsigned long long bytes = 5ull << 30, offset = 64 + bytes + 64;
    static const uint8_t number[4] = {0, 0, 0x80, 0x3f};
    uint8_t hash[16], preamble[LSQ2_PREAMBLE];
    char hex[33];
    lsq_hash(number, 4, hash);
    for (size_t i = 0; i < 16; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    snprintf(header, sizeof header,
             "{\"chain_panels\":16,\"tensors\":{"
             "\"far\":{\"data_offsets\":[%llu,%llu],\"dtype\":\"F32\",\"shape\":[],\"xxh3_128\":\"%s\"},"
             "\"large\":{\"data_offsets\":[64,%llu],\"dtype\":\"U8\",\"shape\":[%llu],\"xxh3_128\":\"%s\"}}}",
             bytes + 64, bytes + 68, hex, bytes + 64, bytes, hex);
    lsq_preamble p = {.version = LSQ2_VERSION, .header_offset = offset, .header_bytes = strlen(header)};
    p.file_bytes = offset + p.header_bytes;
    lsq_hash(header, p.header_bytes, p.header_hash);
    lsq_preamble_encode(&p, preamble);
    int fd = open(in_folder("large.lsq"), O_WRONLY | O_CREAT, 0600);
    ck_assert_int_eq(pwrite(fd, preamble, sizeof preamble, 0), sizeof preamble);
    ck_assert_int_eq(pwrite(fd, number, 4, (off_t)(bytes + 64)), 4);
    ck_assert_int_eq(pwrite(fd, header, p.header_bytes, (off_t)offset), (off_t)p.header_bytes);
    close(fd);

    lsq_model *model = NULL;
    lsq_status status = lsq_model_open(in_folder("large.lsq"), 0, &model, &sample_err);
    if (sizeof(void *) < 8) {
        ck_assert(status == LSQ_E_LIMIT || status == LSQ_E_NOMEM);
        return;
    }
    OK(status);
    float far = 0;
    OK(lsq_model_verify(model, 1, &sample_err));
    OK(lsq_model_read(model, 1, &far, &sample_err));
    ck_assert(far == 1);
    ck_assert_uint_eq(lsq_model_tensor(model, 0)->bytes, bytes);
    lsq_model_free(model);
}
END_TEST

START_TEST(golden_files_are_reproduced)
{
    static const char *const files[2] = {"sample.lsq", "small.lsq"};
    char path[512];
    size_t size, expected_size;
    if (_i)
        write_small(in_folder(files[1]));
    else
        write_sample(in_folder(files[0]));
    snprintf(path, sizeof path, "%s/../golden/%s", TEST_DATA, files[_i]);
    uint8_t *bytes = contents_of(in_folder(files[_i]), &size), *expected = contents_of(path, &expected_size);
    ck_assert_uint_eq(size, expected_size);
    ck_assert(memcmp(bytes, expected, size) == 0);
    free(bytes);
    free(expected);
}
END_TEST

/* ---- What the writer refuses ------------------------------------------------------------------------------------- */

START_TEST(the_writer_refuses_what_the_reader_would)
{
    static const uint8_t numbers[64];
    char long_name[1026], long_value[65537];
    lsq_writer *w = NULL;
    lsq_model *model = NULL;
    memset(long_name, 'n', sizeof long_name);
    memset(long_value, 'v', sizeof long_value);
    long_name[1025] = long_value[65536] = '\0';
    OK(lsq_writer_new(in_folder("w.lsq"), 0, &w, &sample_err));
    lsq_tensor t = tensor_like("a", LSQ_F32, 1, 2, 0, 0, 0);
    OK(lsq_writer_plain(w, &t, numbers, &sample_err));
    ck_assert_int_eq(lsq_writer_plain(w, &t, numbers, &sample_err), LSQ_E_ARGUMENT); /* the name is taken */
    const lsq_tensor wrong[] = {
        tensor_like("", LSQ_F32, 1, 2, 0, 0, 0),        tensor_like("a\n", LSQ_F32, 1, 2, 0, 0, 0),
        tensor_like("\xff", LSQ_F32, 1, 2, 0, 0, 0),    tensor_like(NULL, LSQ_F32, 1, 2, 0, 0, 0),
        tensor_like(long_name, LSQ_F32, 1, 2, 0, 0, 0), tensor_like("b", LSQ_DTYPES, 1, 2, 0, 0, 0),
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_int_eq(lsq_writer_plain(w, &wrong[i], numbers, &sample_err), LSQ_E_ARGUMENT);
    t = tensor_like("b", LSQ_F32, 9, 1, 1, 1, 1);
    ck_assert_int_eq(lsq_writer_plain(w, &t, numbers, &sample_err), LSQ_E_LIMIT);
    t = tensor_like("b", LSQ_U8, 2, (uint64_t)1 << 40, 17, 0, 0);
    ck_assert_int_eq(lsq_writer_plain(w, &t, numbers, &sample_err), LSQ_E_LIMIT);
    t = tensor_like("b", LSQ_F32, 1, 2, 0, 0, 0);
    ck_assert_int_eq(lsq_writer_plain(w, &t, NULL, &sample_err), LSQ_E_ARGUMENT);

    lsq_format format;
    lsq_weights *weights = NULL;
    static const uint8_t packed[320];
    OK(lsq_format_parse("s4.row", &format, &sample_err));
    OK(lsq_weights_wrap(&format, 16, 32, packed, sizeof packed, &weights, &sample_err));
    t = tensor_like("b", LSQ_F32, 2, 16, 31, 0, 0);
    ck_assert_int_eq(lsq_writer_quantised(w, &t, 0, weights, &sample_err), LSQ_E_ARGUMENT);
    t = tensor_like("b", LSQ_F32, 2, 15, 32, 0, 0);
    ck_assert_int_eq(lsq_writer_quantised(w, &t, 0, weights, &sample_err), LSQ_E_ARGUMENT);
    t = tensor_like("b", LSQ_F32, 2, 16, 32, 0, 0);
    ck_assert_int_eq(lsq_writer_quantised(w, &t, 1, weights, &sample_err), LSQ_E_ARGUMENT);
    ck_assert_int_eq(lsq_writer_quantised(w, &t, 2, weights, &sample_err), LSQ_E_ARGUMENT);
    ck_assert_int_eq(lsq_writer_quantised(w, &t, 0, NULL, &sample_err), LSQ_E_ARGUMENT);
    OK(lsq_writer_quantised(w, &t, 0, weights, &sample_err));
    lsq_weights_free(weights);

    ck_assert_int_eq(lsq_writer_metadata(w, "k", "\xff", &sample_err), LSQ_E_ARGUMENT);
    ck_assert_int_eq(lsq_writer_metadata(w, "\xff", "v", &sample_err), LSQ_E_ARGUMENT);
    ck_assert_int_eq(lsq_writer_metadata(w, "k", NULL, &sample_err), LSQ_E_ARGUMENT);
    ck_assert_int_eq(lsq_writer_metadata(w, "k", long_value, &sample_err), LSQ_E_LIMIT);
    OK(lsq_writer_metadata(w, "k", "first", &sample_err));
    OK(lsq_writer_metadata(w, "k", long_value + 1, &sample_err)); /* 65,536 in all: the first value has gone */
    ck_assert_int_eq(lsq_writer_metadata(w, "", "v", &sample_err), LSQ_E_LIMIT);
    OK(lsq_writer_metadata(w, "k", "last", &sample_err));
    OK(lsq_writer_finish(w, &sample_err)); /* none of this has spoiled the file */
    lsq_writer_free(w);

    const char *key, *value;
    OK(lsq_model_open(in_folder("w.lsq"), LSQ_OPEN_VERIFY, &model, &sample_err));
    ck_assert_uint_eq(lsq_model_count(model), 2);
    ck_assert(lsq_model_metadata(model, 0, &key, &value) && strcmp(value, "last") == 0);
    lsq_model_free(model);
}
END_TEST

/* ---- The text of the format -------------------------------------------------------------------------------------- */

/* As `hexdump -C` prints it, lines that repeat left out. */
static char *hexdump(const uint8_t *bytes, size_t size)
{
    char *text = NULL;
    size_t length = 0;
    int repeating = 0;
    FILE *out = open_memstream(&text, &length);
    for (size_t at = 0; at < size; at += 16) {
        size_t n = size - at < 16 ? size - at : 16;
        if (at && n == 16 && memcmp(bytes + at, bytes + at - 16, 16) == 0) {
            fputs(repeating ? "" : "*\n", out);
            repeating = 1;
            continue;
        }
        repeating = 0;
        fprintf(out, "%08zx ", at);
        for (size_t i = 0; i < 16; i++) {
            fputs(i == 8 ? "  " : " ", out);
            if (i < n)
                fprintf(out, "%02x", bytes[at + i]);
            else
                fputs("  ", out);
        }
        fputs("  |", out);
        for (size_t i = 0; i < n; i++)
            fputc(bytes[at + i] >= 0x20 && bytes[at + i] < 0x7f ? bytes[at + i] : '.', out);
        fputs("|\n", out);
    }
    fprintf(out, "%08zx\n", size);
    fclose(out);
    return text;
}

START_TEST(the_hexdump_of_the_text_is_the_golden_file)
{
    size_t size, document_size;
    uint8_t *bytes = contents_of(TEST_DATA "/../golden/small.lsq", &size);
    char *document = (char *)contents_of(TEST_DATA "/../../docs/format.md", &document_size);
    document[document_size] = '\0';
    char *text = hexdump(bytes, size);
    ck_assert_msg(strstr(document, text), "docs/format.md does not contain\n%s", text);
    free(text);
    free(document);
    free(bytes);
}
END_TEST

/* What `test_container DIRECTORY` does; Check does not allow its assertions outside of tests. */
START_TEST(write_golden)
{
    write_sample(in_folder("sample.lsq"));
    write_small(in_folder("small.lsq"));
    size_t size;
    uint8_t *bytes = contents_of(in_folder("small.lsq"), &size);
    char *text = hexdump(bytes, size);
    fputs(text, stdout);
    free(text);
    free(bytes);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("container");
    TCase *tests = tcase_create(argc == 2 ? "golden" : "written");
    suite_add_tcase(suite, tests);
    if (argc == 2) {
        snprintf(folder, sizeof folder, "%s", argv[1]);
        tcase_add_test(tests, write_golden);
    } else {
        tcase_add_checked_fixture(tests, make_folder, drop_folder);
        tcase_set_timeout(tests, 120);
        tcase_add_loop_test(tests, everything_comes_back, 0, 4);
        tcase_add_test(tests, weights_come_back_bit_for_bit);
        tcase_add_test(tests, outliers_come_back);
        tcase_add_test(tests, an_empty_model_is_a_file);
        tcase_add_test(tests, tensors_without_bytes_are_sorted_by_name);
        tcase_add_test(tests, ten_thousand_tensors);
        tcase_add_test(tests, large_files_are_mapped);
        tcase_add_loop_test(tests, golden_files_are_reproduced, 0, 2);
        tcase_add_test(tests, the_writer_refuses_what_the_reader_would);
        tcase_add_test(tests, the_hexdump_of_the_text_is_the_golden_file);
    }
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
