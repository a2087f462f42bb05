/*
 * test_npz.c - .npz archives, and every kind of damage to a zip file.
 *
 * data/npz/ was written by NumPy (data/README.md).
 */
#include "tests/hostile.h"
#include "tests/zip_sample.h"

/* ---- What is read ----------------------------------------------------------------------------------------------- */

static const char *const golden[] = {"stored", "deflated", "piped", "empty"};

static void golden_path(int i, char path[1024])
{
    snprintf(path, 1024, "%s/npz/%s.npz", TEST_DATA, golden[i]);
}

START_TEST(golden_arrays_are_read)
{
    static const struct {
        const char *name;
        lsq_dtype dtype;
        unsigned rank;
        uint64_t elements;
        float first, last;
    } arrays[] = {{"rows", LSQ_F32, 2, 6, 0, 5},
                  {"columns", LSQ_F32, 2, 6, 0, 5},
                  {"layer/bias", LSQ_I16, 1, 2, -2, 7},
                  {"number", LSQ_F64, 0, 1, 0.5f, 0.5f},
                  {"none", LSQ_F32, 2, 0, 0, 0}};
    char path[1024];
    lsq_model *model = NULL;
    lsq_error err;
    golden_path(_i, path);
    ck_assert_msg(lsq_model_open(path, LSQ_OPEN_VERIFY, &model, &err) == LSQ_OK, "%s", err.text);
    ck_assert_str_eq(lsq_model_format(model), "npz");
    ck_assert_uint_eq(lsq_model_count(model), _i == 3 ? 0 : 5);
    for (size_t i = 0; i < lsq_model_count(model); i++) {
        const lsq_tensor *t = lsq_model_tensor(model, i);
        float numbers[6];
        ck_assert_str_eq(t->name, arrays[i].name);
        ck_assert_int_eq(t->dtype, arrays[i].dtype);
        ck_assert_uint_eq(t->rank, arrays[i].rank);
        ck_assert_uint_eq(t->elements, arrays[i].elements);
        ck_assert_int_eq(lsq_model_read(model, i, numbers, NULL), LSQ_OK);
        if (t->elements) {
            ck_assert_float_eq(numbers[0], arrays[i].first);
            ck_assert_float_eq(numbers[t->elements - 1], arrays[i].last);
        }
        if (i == 1) /* Fortran order, transposed */
            ck_assert_float_eq(numbers[1], 1);
    }
    lsq_model_free(model);
}
END_TEST

/* What is stored as it is stays in the file. */
START_TEST(stored_arrays_are_not_copied)
{
    char path[1024];
    lsq_model *model = NULL;
    golden_path(0, path);
    ck_assert_int_eq(lsq_model_open(path, 0, &model, NULL), LSQ_OK);
    const uint8_t *bytes = lsq_model_bytes(model, 0), *file = model->files[0].bytes;
    ck_assert(bytes > file && bytes < file + model->files[0].size);
    ck_assert_ptr_null(model->entries[0].owned);
    lsq_model_free(model);
}
END_TEST

/* ---- Damage ----------------------------------------------------------------------------------------------------- */

START_TEST(every_prefix_is_truncated)
{
    char path[1024];
    size_t size;
    lsq_error err;
    golden_path(_i, path);
    uint8_t *bytes = contents_of(path, &size);
    ck_assert_int_eq(status_of(bytes, size, &err), LSQ_OK);
    for (size_t length = 0; length < size; length++)
        ck_assert_msg(status_of(bytes, length, &err) == LSQ_E_TRUNCATED, "%zu bytes: status %d, %s", length, err.status,
                      err.text);
    free(bytes);
}
END_TEST

/* Bits that may change: versions, dates and attributes, which nobody reads. Whatever opens has the same numbers. */
START_TEST(bit_flips_change_no_number)
{
    char path[1024];
    size_t size, unseen = 0;
    lsq_error err;
    golden_path(_i, path);
    uint8_t *bytes = contents_of(path, &size);
    for (size_t at = 0; at < size; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            lsq_model *model = NULL;
            bytes[at] ^= (uint8_t)(1u << bit);
            const lsq_status status = lsq_model_open_memory(bytes, size, LSQ_OPEN_VERIFY, &model, &err);
            if (status == LSQ_OK) {
                float numbers[6] = {0};
                unseen++;
                ck_assert_uint_eq(lsq_model_count(model), golden[_i][0] == 'e' ? 0 : 5);
                for (size_t i = 0; i < 2 && lsq_model_count(model); i++) {
                    ck_assert_int_eq(lsq_model_read(model, i, numbers, NULL), LSQ_OK);
                    for (int j = 0; j < 6; j++)
                        ck_assert_float_eq(numbers[j], (float)j);
                }
            }
            lsq_model_free(model);
            bytes[at] ^= (uint8_t)(1u << bit);
        }
    }
    ck_assert_uint_le(unseen, 5 * 8 * (6 + 14 + 3)); /* bytes of the header, of the record; and the id of a field */
    free(bytes);
}
END_TEST

/* ---- Attacks ---------------------------------------------------------------------------------------------------- */

static const char array[] = "\x93NUMPY\1\0\x45\0{'descr': '|u1', 'fortran_order': False, 'shape': (80,), }          \n"
                            "01234567890123456789012345678901234567890123456789012345678901234567890123456789";

enum { ARRAY = sizeof(array) - 1 };

/* Four entries: stored; deflated; deflated with a descriptor; stored with a descriptor and zip64. */
static zip_sample sample(void)
{
    zip_sample z = {.bytes = NULL};
    zip_add(&z, "a.npy", array, ARRAY, 0);
    zip_add(&z, "bb.npy", array, ARRAY, ZIP_DEFLATE);
    zip_add(&z, "c.npy", array, ARRAY, ZIP_DEFLATE | ZIP_DESCRIPTOR);
    zip_add(&z, "d.npy", array, ARRAY, ZIP_DESCRIPTOR | ZIP_WIDE);
    return z;
}

/* Where a number is written over: an offset within the header, data, ... of an entry, or within the end. */
enum { HEADER, DATA, AFTER, RECORD, EXTRA, WIDE_END, THE_END, BOTH };

static const struct {
    int where;
    unsigned entry, at, bytes;
    uint64_t value;
    lsq_status status;
    const char *says;
} attacks[] = {
    /* flags and methods, the same in header and record */
    {BOTH, 0, 6, 2, 1, LSQ_E_UNSUPPORTED, "\"a.npy\": is encrypted"},
    {BOTH, 0, 6, 2, 0x41, LSQ_E_UNSUPPORTED, "is encrypted"},
    {BOTH, 0, 6, 2, 0x2000, LSQ_E_UNSUPPORTED, "is encrypted"},
    {BOTH, 0, 6, 2, 0x20, LSQ_E_UNSUPPORTED, "flags"},
    {BOTH, 0, 6, 2, 0x800, LSQ_OK, ""},
    {BOTH, 0, 6, 2, 8, LSQ_E_MALFORMED, "no descriptor"},
    {BOTH, 0, 8, 2, 12, LSQ_E_UNSUPPORTED, "neither stored nor deflated"},
    {BOTH, 0, 8, 2, 9, LSQ_E_UNSUPPORTED, "neither stored nor deflated"},
    {BOTH, 0, 8, 2, 8, LSQ_E_MALFORMED, "deflated data are damaged"},
    {BOTH, 1, 8, 2, 0, LSQ_E_MALFORMED, "two sizes"},
    /* the header says something else */
    {HEADER, 0, 6, 2, 1, LSQ_E_MALFORMED, "header contradicts"},
    {HEADER, 0, 8, 2, 8, LSQ_E_MALFORMED, "header contradicts"},
    {HEADER, 0, 14, 4, 0, LSQ_E_MALFORMED, "header contradicts"},
    {HEADER, 0, 18, 4, 0, LSQ_E_MALFORMED, "header contradicts"},
    {HEADER, 0, 22, 4, 1, LSQ_E_MALFORMED, "header contradicts"},
    {HEADER, 2, 14, 4, 1, LSQ_E_MALFORMED, "header contradicts"},
    {HEADER, 3, 39, 8, ARRAY, LSQ_OK, ""},
    {HEADER, 3, 39, 8, ARRAY + 1, LSQ_E_MALFORMED, "header contradicts"},
    {HEADER, 0, 30, 1, 'x', LSQ_E_MALFORMED, "another name"},
    {HEADER, 0, 26, 2, 4, LSQ_E_MALFORMED, "another name"},
    {HEADER, 0, 28, 2, 65535, LSQ_E_MALFORMED, "another name"},
    {HEADER, 0, 28, 2, 1, LSQ_E_MALFORMED, "fields of its header"},
    {HEADER, 3, 37, 2, 17, LSQ_E_MALFORMED, "fields of its header"},
    {HEADER, 1, 0, 1, 'X', LSQ_E_MALFORMED, "expected the header of an entry"},
    {AFTER, 2, 0, 1, 'X', LSQ_E_MALFORMED, "no descriptor"},
    {AFTER, 2, 4, 4, 0, LSQ_E_MALFORMED, "no descriptor"},
    {AFTER, 2, 8, 4, 0, LSQ_E_MALFORMED, "no descriptor"},
    {AFTER, 3, 16, 8, 0, LSQ_E_MALFORMED, "no descriptor"},
    /* sizes */
    {RECORD, 0, 20, 4, ARRAY + 1, LSQ_E_MALFORMED, "two sizes"},
    {RECORD, 0, 24, 4, 0x7fffffff, LSQ_E_MALFORMED, "two sizes"},
    {RECORD, 1, 24, 4, 0xfffffffe, LSQ_E_MALFORMED, "more than 1032 times"},
    {RECORD, 1, 20, 4, 0, LSQ_E_MALFORMED, "more than 1032 times"},
    {RECORD, 1, 20, 4, 0x10000000, LSQ_E_MALFORMED, "header contradicts"},
    {RECORD, 2, 20, 4, 0x10000000, LSQ_E_MALFORMED, "into the directory"},
    {RECORD, 1, 16, 4, 1, LSQ_E_MALFORMED, "header contradicts"},
    {DATA, 0, 90, 1, 'x', LSQ_E_CHECKSUM, "\"a.npy\": does not match"},
    {DATA, 1, 0, 1, 7, LSQ_E_MALFORMED, "\"bb.npy\": its deflated data are damaged"},
    /* places */
    {RECORD, 0, 42, 4, 1, LSQ_E_MALFORMED, "not at the start of the file"},
    {RECORD, 1, 42, 4, 0, LSQ_E_MALFORMED, "overlaps another"},
    {RECORD, 1, 42, 4, 100, LSQ_E_MALFORMED, "overlaps another"},
    {RECORD, 3, 42, 4, 0, LSQ_E_MALFORMED, "zip64 field"},
    {EXTRA, 3, 20, 8, 0, LSQ_E_MALFORMED, "overlaps another"},
    {EXTRA, 3, 20, 8, (uint64_t)-1, LSQ_E_MALFORMED, "belong to no entry"},
    {EXTRA, 3, 4, 8, (uint64_t)-1, LSQ_E_MALFORMED, "two sizes"},
    {EXTRA, 3, 2, 2, 16, LSQ_E_MALFORMED, "fields that do not fit"},
    {EXTRA, 3, 0, 2, 2, LSQ_E_MALFORMED, "zip64 field"},
    {RECORD, 0, 34, 2, 1, LSQ_E_UNSUPPORTED, "in another file"},
    {RECORD, 0, 0, 1, 'X', LSQ_E_MALFORMED, "a record of the directory"},
    {RECORD, 0, 28, 2, 65535, LSQ_E_MALFORMED, "beyond the directory"},
    {RECORD, 3, 30, 2, 29, LSQ_E_MALFORMED, "beyond the directory"},
    {RECORD, 3, 32, 2, 1, LSQ_E_MALFORMED, "beyond the directory"},
    /* the end */
    {THE_END, 0, 20, 2, 1, LSQ_E_MALFORMED, "a comment that is longer"},
    {THE_END, 0, 4, 2, 1, LSQ_E_UNSUPPORTED, "several files"},
    {THE_END, 0, 8, 2, 3, LSQ_E_UNSUPPORTED, "several files"},
    {THE_END, 0, 8, 4, 0x30003, LSQ_E_MALFORMED, "contradicts the end"},
    {THE_END, 0, 12, 4, 1, LSQ_E_MALFORMED, "contradicts the end"},
    {THE_END, 0, 16, 4, 1, LSQ_E_MALFORMED, "contradicts the end"},
    {WIDE_END, 0, 0, 1, 'X', LSQ_E_MALFORMED, "zip64 record that the locator"},
    {WIDE_END, 0, 4, 8, 45, LSQ_E_MALFORMED, "zip64 record that the locator"},
    {WIDE_END, 0, 16, 4, 1, LSQ_E_UNSUPPORTED, "several files"},
    {WIDE_END, 0, 24, 8, 3, LSQ_E_UNSUPPORTED, "several files"},
    {WIDE_END, 0, 40, 8, 1, LSQ_E_MALFORMED, "does not end here"},
    {WIDE_END, 0, 48, 8, (uint64_t)-1, LSQ_E_MALFORMED, "does not end here"},
    {WIDE_END, 0, 64, 8, 1, LSQ_E_MALFORMED, "zip64 record that the locator"},
    {WIDE_END, 0, 72, 4, 2, LSQ_E_UNSUPPORTED, "several files"},
    {WIDE_END, 0, 56, 1, 'X', LSQ_E_MALFORMED, "does not end here"},
};

static void write_number(uint8_t *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static void expect(const zip_sample *z, lsq_status status, const char *says)
{
    lsq_error err = {.text = ""};
    limited_status_of(z->bytes, z->size, &err);
    ck_assert_msg(err.status == status && strstr(err.text, says), "status %d, not %d: %s (expected: %s)", err.status,
                  status, err.text, says);
    free(z->bytes);
}

START_TEST(attack)
{
    zip_sample z = sample();
    zip_finish(&z, ZIP_WIDE);
    const unsigned i = attacks[_i].entry;
    const size_t places[] = {
        z.header[i], z.data[i], z.after[i], z.directory + z.record[i], z.directory + z.record_extra[i],
        z.wide_end,  z.end,     z.header[i]};
    write_number(z.bytes + places[attacks[_i].where] + attacks[_i].at, attacks[_i].value, attacks[_i].bytes);
    if (attacks[_i].where == BOTH) /* in records two bytes later */
        write_number(z.bytes + places[RECORD] + attacks[_i].at + 2, attacks[_i].value, attacks[_i].bytes);
    expect(&z, attacks[_i].status, attacks[_i].says);
}
END_TEST

START_TEST(names)
{
    static const struct {
        const char *name;
        lsq_status status;
        const char *says;
    } cases[] = {{"a/b.npy", LSQ_OK, ""},
                 {"a..npy", LSQ_OK, ""},
                 {"../a.npy", LSQ_E_MALFORMED, "\"..\""},
                 {"a/../b.npy", LSQ_E_MALFORMED, "\"..\""},
                 {"./a.npy", LSQ_E_MALFORMED, "\".\""},
                 {"/a.npy", LSQ_E_MALFORMED, "is absolute"},
                 {"a//b.npy", LSQ_E_MALFORMED, "an empty part"},
                 {"folder/", LSQ_E_MALFORMED, "of a folder"},
                 {"a\\b.npy", LSQ_E_MALFORMED, "a backslash"},
                 {"", LSQ_E_MALFORMED, "is empty"},
                 {"a\nb.npy", LSQ_E_MALFORMED, "control character"},
                 {"\xff.npy", LSQ_E_MALFORMED, "not UTF-8"},
                 {"first.npy", LSQ_E_MALFORMED, "\"first.npy\": is there twice"},
                 {"first", LSQ_E_UNSUPPORTED, "expected NAME.npy"},
                 {"readme.txt", LSQ_E_UNSUPPORTED, "\"readme.txt\": expected NAME.npy"},
                 {".npy", LSQ_E_UNSUPPORTED, "expected NAME.npy"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        zip_sample z = {.bytes = NULL};
        zip_add(&z, "first.npy", array, ARRAY, 0);
        zip_add(&z, cases[i].name, array, ARRAY, 0);
        zip_finish(&z, 0);
        expect(&z, cases[i].status, cases[i].says);
    }
    zip_sample z = {.bytes = NULL};
    zip_add(&z, "other", array, ARRAY, 0);
    zip_finish(&z, 0);
    expect(&z, LSQ_E_UNSUPPORTED, "neither of .npy files");
}
END_TEST

/* Bytes before, between, behind. */
START_TEST(bytes_of_no_entry)
{
    for (unsigned which = 0; which < 5; which++) {
        static const struct {
            lsq_status status;
            const char *says;
        } expected[] = {{LSQ_E_MALFORMED, "not at the start"},
                        {LSQ_E_MALFORMED, "before it belong to no entry"},
                        {LSQ_E_MALFORMED, "bytes that belong to no entry"},
                        {LSQ_E_MALFORMED, "bytes after the end"},
                        {LSQ_E_MALFORMED, "more in the directory"}};
        zip_sample z = {.bytes = NULL};
        if (which == 0) /* what looks like an entry, so that the file is taken for a zip at all */
            zip_put(&z.bytes, &z.size, "PK\3\4", 4);
        zip_add(&z, "a.npy", array, ARRAY, 0);
        if (which == 1)
            zip_put(&z.bytes, &z.size, "PK", 2);
        zip_add(&z, "b.npy", array, ARRAY, 0);
        if (which == 2)
            zip_put(&z.bytes, &z.size, "PK", 2);
        zip_finish(&z, 0);
        if (which == 3)
            zip_put(&z.bytes, &z.size, "comment", 7);
        if (which == 4)
            write_number(z.bytes + z.end + 8, 0x10001, 4);
        expect(&z, expected[which].status, expected[which].says);
    }
}
END_TEST

/* What the directory claims must be what comes out: neither less nor more. */
START_TEST(claims)
{
    static uint8_t zeros[2000000];
    static const struct {
        const void *data;
        size_t size;
        uint64_t claim;
        const char *says;
    } cases[] = {{array, ARRAY, ARRAY - 1u, "as long as it claims"},
                 {array, ARRAY, ARRAY + 1u, "as long as it claims"},
                 {zeros, sizeof(zeros), 1000, "as long as it claims"},
                 {array, ARRAY, 200000, "\"a.npy\": claims more than 1032 times the bytes"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        zip_sample z = {.bytes = NULL};
        zip_add(&z, "a.npy", cases[i].data, cases[i].size, ZIP_DEFLATE);
        zip_finish(&z, 0);
        write_number(z.bytes + 22, cases[i].claim, 4);
        write_number(z.bytes + z.directory + 24, cases[i].claim, 4);
        expect(&z, LSQ_E_MALFORMED, cases[i].says);
    }
}
END_TEST

/* Nothing but zeros is legal, up to a limit of all arrays together that grows with the file. */
START_TEST(zeros_and_bombs)
{
    enum { HEADER_SIZE = 80, MOST = 16 << 20 };
    static const struct {
        size_t arrays, zeros, others; /* bytes of each, and of what is stored beside them */
        lsq_status status;
    } cases[] = {{1, 1000000, 0, LSQ_OK},        {1, MOST - HEADER_SIZE, 0, LSQ_OK}, {1, 2 * MOST, 0, LSQ_E_LIMIT},
                 {8, MOST / 8, 0, LSQ_OK},       {15, MOST / 8, 0, LSQ_E_LIMIT},     {1, MOST, 1000000, LSQ_OK},
                 {15, MOST / 8, 1000000, LSQ_OK}};
    uint8_t *bytes = calloc(1, HEADER_SIZE + 2 * MOST);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        zip_sample z = {.bytes = NULL};
        for (size_t n = 0; n <= cases[i].arrays; n++) {
            const int other = n == cases[i].arrays;
            const size_t size = other ? cases[i].others : cases[i].zeros;
            char name[] = {(char)('a' + n), '.', 'n', 'p', 'y', 0};
            memset(bytes, ' ', HEADER_SIZE);
            memcpy(bytes, "\x93NUMPY\1\0\x46", 10);
            const int length = snprintf((char *)bytes + 10, HEADER_SIZE - 10,
                                        "{'descr': '|u1', 'fortran_order': False, 'shape': (%zu,)}", size);
            bytes[10 + length] = ' ';
            bytes[HEADER_SIZE - 1] = '\n';
            zip_add(&z, name, bytes, HEADER_SIZE + size, other ? 0 : ZIP_DEFLATE);
        }
        zip_finish(&z, 0);
        expect(&z, cases[i].status, cases[i].status ? "bytes when inflated, expected at most" : "");
    }
    free(bytes);
}
END_TEST

/* A number of entries that 16 bits do not hold. */
START_TEST(too_many_entries)
{
    zip_sample z = {.bytes = NULL};
    z.records = calloc(65536, 46);
    z.records_size = (size_t)65536 * 46;
    zip_put(&z.bytes, &z.size, "PK\3\4", 4);
    zip_finish(&z, ZIP_WIDE);
    write_number(z.bytes + z.wide_end + 24, 65536, 8);
    write_number(z.bytes + z.wide_end + 32, 65536, 8);
    expect(&z, LSQ_E_LIMIT, "65536 entries, expected at most 65535");
    z = (zip_sample){.bytes = NULL};
    zip_add(&z, "a.npy", array, ARRAY, 0);
    zip_finish(&z, 0);
    write_number(z.bytes + z.end + 8, 0xffffffff, 4);
    expect(&z, LSQ_E_MALFORMED, "too short for its entries");
}
END_TEST

/* Errors of an array say where it is. */
START_TEST(arrays_within)
{
    static const struct {
        const char *bytes;
        lsq_status status;
        const char *says;
    } cases[] = {{"", LSQ_E_MALFORMED, "memory/a.npy: offset 0: expected an npy header"},
                 {"text", LSQ_E_MALFORMED, "memory/a.npy: offset 0: expected an npy header"},
                 {"\x93NUMPY", LSQ_E_TRUNCATED, "memory/a.npy: offset 6: the file ends"}};
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        zip_sample z = {.bytes = NULL};
        zip_add(&z, "a.npy", cases[i / 2].bytes, strlen(cases[i / 2].bytes), i % 2 ? ZIP_DEFLATE : 0);
        zip_finish(&z, 0);
        expect(&z, cases[i / 2].status, cases[i / 2].says);
    }
}
END_TEST

int main(void)
{
    const int archives = sizeof(golden) / sizeof(golden[0]);
    Suite *suite = suite_create("npz");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, golden_arrays_are_read, 0, archives);
    tcase_add_test(cases, stored_arrays_are_not_copied);
    tcase_add_loop_test(cases, every_prefix_is_truncated, 0, archives);
    tcase_add_loop_test(cases, bit_flips_change_no_number, 0, archives);
    tcase_add_loop_test(cases, attack, 0, sizeof(attacks) / sizeof(attacks[0]));
    tcase_add_test(cases, names);
    tcase_add_test(cases, bytes_of_no_entry);
    tcase_add_test(cases, claims);
    tcase_add_test(cases, zeros_and_bombs);
    tcase_add_test(cases, too_many_entries);
    tcase_add_test(cases, arrays_within);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
