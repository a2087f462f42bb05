/*
 * test_gguf_split.c - models that were split into several GGUF files, and files that are not what the first says.
 */
#include "tests/gguf_script.h"

#include <sys/stat.h>

/* One float each, in three files; and what is to be said of them. */
#define SPLIT(no, count, more) "i3 q1 q" more " ssplit.no i2 h" no " ssplit.count i2 h" count
#define TENSOR(name)           " s" name " i1 q1 i0 q0 a32 z4"
#define TOTAL(count)           " ssplit.tensors.count i5 i" count
#define FIRST                  SPLIT("0", "3", "4") TOTAL("3") " sname i8 smodel" TENSOR("a")
#define SECOND                 SPLIT("1", "3", "2") TENSOR("b")
#define THIRD                  SPLIT("2", "3", "3") " sname i8 sanother" TENSOR("c")

static const struct {
    const char *first, *second, *third; /* NULL: there is no such file */
    lsq_status status;
    const char *says;
} cases[] = {
    {FIRST, SECOND, THIRD, LSQ_OK, ""},
    {FIRST, "i3 q0 q2 ssplit.no i2 h1 ssplit.count i2 h3",
     "i3 q2 q2 ssplit.no i2 h2 ssplit.count i2 h3 sb i0 i0 q0 sc i0 i0 q32 a32 z36", LSQ_OK, ""},
    {SPLIT("0", "3", "4") TOTAL("4") " sname i8 smodel" TENSOR("a"), SECOND, THIRD, LSQ_E_MALFORMED,
     "3 tensors in all files, expected 4, split.tensors.count"},
    {FIRST, NULL, THIRD, LSQ_E_IO, "/m-00002-of-00003.gguf: cannot open"},
    {FIRST, SECOND, NULL, LSQ_E_IO, "/m-00003-of-00003.gguf: cannot open"},
    {FIRST, THIRD, SECOND, LSQ_E_MALFORMED, "says that it is number 3 of 3 files, expected 2 of 3"},
    {FIRST, SECOND, SECOND, LSQ_E_MALFORMED, "two tensors are called \"b\""},
    {FIRST, SECOND, SPLIT("2", "4", "2") TENSOR("c"), LSQ_E_MALFORMED, "number 3 of 4 files, expected 3 of 3"},
    {FIRST, SECOND, "i3 q0 q0", LSQ_E_MALFORMED, "says that it is number 1 of 0 files"},
    {FIRST, SECOND, SPLIT("2", "3", "2") TENSOR("a"), LSQ_E_MALFORMED, "two tensors are called \"a\""},
    {FIRST, SECOND, SPLIT("2", "3", "2") " sc i1 q1 i0 q0 a32 z3", LSQ_E_TRUNCATED, "/m-00003-of-00003.gguf: offset"},
    {FIRST, SECOND, SPLIT("2", "3", "4") " sx i0 b1 sx i0 b1" TENSOR("c"), LSQ_E_MALFORMED, "\"x\" is there twice"},
    {FIRST, SECOND, "i1 q0 q0", LSQ_E_UNSUPPORTED, "/m-00003-of-00003.gguf: offset 4: GGUF version 1"},
    {FIRST, "", THIRD, LSQ_E_TRUNCATED, "/m-00002-of-00003.gguf: offset 4"},
};

static char folder[32];

static const char *in_folder(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void make_folder(void)
{
    strcpy(folder, "/tmp/lsq_gguf_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
    static const char *const names[] = {"m-00001-of-00003.gguf", "m-00002-of-00003.gguf", "m-00003-of-00003.gguf",
                                        "model.gguf", "private"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(in_folder(names[i]));
    ck_assert_int_eq(rmdir(folder), 0);
}

static void put(const char *name, const char *script)
{
    if (!script)
        return;
    size_t size;
    uint8_t *bytes = file_of(script, &size);
    if (strstr(script, " a32 ")) /* tensors end the file */
        memcpy(bytes + size - 4, &(float){name[6] == '1' ? 1 : 2}, 4);
    write_file(in_folder(name), bytes, size);
    free(bytes);
}

static void put_all(int i)
{
    put("m-00001-of-00003.gguf", cases[i].first);
    put("m-00002-of-00003.gguf", cases[i].second);
    put("m-00003-of-00003.gguf", cases[i].third);
}

START_TEST(split)
{
    lsq_model *model = NULL;
    lsq_error err = {.text = ""};
    put_all(_i);
    const lsq_status status = lsq_model_open(in_folder("m-00001-of-00003.gguf"), 0, &model, &err);
    ck_assert_msg(status == cases[_i].status && strstr(err.text, cases[_i].says), "status %d: %s (expected: %s)",
                  status, err.text, cases[_i].says);
    if (status != LSQ_OK)
        return;
    const char *key, *value;
    ck_assert_uint_eq(lsq_model_count(model), 3);
    for (size_t i = 0; i < 3; i++) {
        float number;
        const char name[] = {(char)('a' + i), 0};
        ck_assert_str_eq(lsq_model_tensor(model, i)->name, name);
        ck_assert_int_eq(lsq_model_read(model, i, &number, NULL), LSQ_OK);
        ck_assert(_i > 0 || number == (i == 0 ? 1 : 2));
    }
    ck_assert_int_eq(lsq_model_metadata(model, 0, &key, &value),
                     1); /* of the first file, and without the pairs of the split */
    ck_assert_str_eq(key, "name");
    ck_assert_str_eq(value, "model");
    ck_assert_int_eq(lsq_model_metadata(model, 1, &key, &value), 0);
    lsq_model_free(model);
}
END_TEST

/* Names are made from that of the first: no other file is opened, nor one elsewhere. */
START_TEST(other_names)
{
    lsq_model *model = NULL;
    lsq_error err;
    put_all(0);
    ck_assert_int_eq(lsq_model_open(in_folder("m-00002-of-00003.gguf"), 0, &model, &err), LSQ_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.text, "is number 2 of the 3 files of a model: open the first"));
    char to[128];
    snprintf(to, sizeof to, "%s", in_folder("model.gguf"));
    ck_assert_int_eq(rename(in_folder("m-00001-of-00003.gguf"), to), 0);
    ck_assert_int_eq(lsq_model_open(to, 0, &model, &err), LSQ_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.text, "but not called NAME-00001-of-00003.gguf"));
    put_all(0);
    ck_assert_int_eq(unlink(in_folder("m-00002-of-00003.gguf")), 0);
    ck_assert_int_eq(symlink("/dev/zero", in_folder("m-00002-of-00003.gguf")), 0);
    ck_assert_int_eq(lsq_model_open(in_folder("m-00001-of-00003.gguf"), 0, &model, &err), LSQ_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.text, "is a link out of the folder"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gguf_split");
    TCase *tests = tcase_create("all");
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_loop_test(tests, split, 0, sizeof cases / sizeof cases[0]);
    tcase_add_test(tests, other_names);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
