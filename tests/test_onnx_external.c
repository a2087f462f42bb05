/*
 * test_onnx_external.c - ONNX models whose numbers stand in other files, and which files those may be.
 */
#include "tests/hostile.h"
#include "tests/onnx_text.h"

#include <stdint.h>
#include <sys/stat.h>

/* A folder with a model in it, and `data`, 10 bytes: 0, 1, .. 9; and a file beside the folder. */
static char folder[32], model_path[64], private[64];
static onnx_text model_text;

static const char *in_folder(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void set_up(void)
{
    static const uint8_t numbers[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    strcpy(folder, "/tmp/lsq_onnx_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(model_path, sizeof(model_path), "%s/model.onnx", folder);
    write_file(in_folder("data"), numbers, sizeof(numbers));
    write_file(in_folder("a\\b c"), numbers, sizeof(numbers));
    write_file(in_folder("empty"), "", 0);
    ck_assert_int_eq(mkdir(in_folder("sub"), 0700), 0);
    write_file(in_folder("sub/data"), numbers, sizeof(numbers));
    ck_assert_int_eq(mkfifo(in_folder("pipe"), 0600), 0);
    ck_assert_int_eq(symlink("data", in_folder("link")), 0);
    ck_assert_int_eq(symlink("sub/data", in_folder("down")), 0);
    ck_assert_int_eq(symlink("/dev/zero", in_folder("zero")), 0);
    ck_assert_int_eq(symlink("pipe", in_folder("link to pipe")), 0);
    ck_assert_int_eq(symlink("loop", in_folder("loop")), 0);
    ck_assert_int_eq(symlink("nowhere", in_folder("dangling")), 0);
    char target[128];
    snprintf(target, sizeof(target), "%s/hard", folder);
    write_file(in_folder("twin"), numbers, sizeof(numbers));
    ck_assert_int_eq(link(in_folder("twin"), target), 0);
    ck_assert_int_eq(symlink("hard", in_folder("link to hard")), 0);
    snprintf(private, sizeof(private), "%s-private", folder);
    write_file(private, numbers, sizeof(numbers));
    snprintf(target, sizeof(target), "..%s", strrchr(private, '/'));
    ck_assert_int_eq(symlink(target, in_folder("out")), 0);
    ck_assert_int_eq(symlink(private, in_folder("out at once")), 0);
    ck_assert_int_eq(symlink("out", in_folder("out by two")), 0);
    ck_assert_int_eq(symlink("..", in_folder("above")), 0);
    snprintf(target, sizeof(target), "above%s", strrchr(private, '/'));
    ck_assert_int_eq(symlink(target, in_folder("out by a folder")), 0);
    snprintf(target, sizeof(target), "above%s/data", strrchr(folder, '/'));
    ck_assert_int_eq(symlink(target, in_folder("out and in")), 0);
}

static void tear_down(void)
{
    static const char *const names[] = {"data",
                                        "a\\b c",
                                        "empty",
                                        "sub/data",
                                        "pipe",
                                        "link",
                                        "zero",
                                        "link to pipe",
                                        "loop",
                                        "dangling",
                                        "hard",
                                        "link to hard",
                                        "twin",
                                        "down",
                                        "out",
                                        "out at once",
                                        "out by two",
                                        "above",
                                        "out by a folder",
                                        "out and in",
                                        "model.onnx"};
    unlink(private);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unlink(in_folder(names[i]));
    ck_assert_int_eq(rmdir(in_folder("sub")), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}

static lsq_status open_text(const char *text, unsigned flags, lsq_model **model, lsq_error *err)
{
    onnx_write(&model_text, text);
    write_file(model_path, model_text.bytes, model_text.size);
    *model = NULL;
    err->text[0] = 0;
    return lsq_model_open(model_path, flags, model, err);
}

/* Tensors of UINT8. */
#define MODEL(tensors)             "1:8 7:{" tensors "} 8:{2:1}"
#define TENSOR(name, count, pairs) "5:{1:" count " 2:2 8:'" name "' " pairs " 14:1}"
#define PAIR(key, value)           " 13:{1:'" key "' 2:'" value "'}"
#define AT(file)                   PAIR("location", file)
#define W(count, pairs)            MODEL(TENSOR("w", count, pairs))
#define RANGE(file, from, size)    AT(file) PAIR("offset", from) PAIR("length", size)

/* What must come of it: the first number of w, if it is opened, or the status and a part of the message. */
static const struct {
    const char *text;
    lsq_status status;
    const char *says;
    float first;
} cases[] = {
    {W("10", AT("data")), LSQ_OK, "", 0},
    {W("10", RANGE("data", "0", "10")), LSQ_OK, "", 0},
    {W("3", RANGE("data", "2", "3")), LSQ_OK, "", 2},
    {W("1", RANGE("data", "00009", "1")), LSQ_OK, "", 9},
    {W("7", AT("data") PAIR("offset", "3")), LSQ_OK, "", 3},
    {W("3", PAIR("length", "3") PAIR("checksum", "other") PAIR("offset", "4") AT("data")), LSQ_OK, "", 4},
    {W("10", AT("a\\b c")), LSQ_OK, "", 0},
    {W("10", AT("link")), LSQ_OK, "", 0},
    {W("1", RANGE("model.onnx", "0", "1")), LSQ_OK, "", 8}, /* of no use, and no harm */
    /* files elsewhere, and what is no file */
    {W("10", AT("")), LSQ_E_MALFORMED, "is empty", 0},
    {W("10", PAIR("offset", "0")), LSQ_E_MALFORMED, "is empty", 0},
    {W("10", AT("sub/data")), LSQ_E_MALFORMED, "\"sub/data\" is not the plain name", 0},
    {W("10", AT("./data")), LSQ_E_MALFORMED, "is not the plain name", 0},
    {W("10", AT("../data")), LSQ_E_MALFORMED, "is not the plain name", 0},
    {W("10", AT("sub/../data")), LSQ_E_MALFORMED, "is not the plain name", 0},
    {W("10", AT("/etc/passwd")), LSQ_E_MALFORMED, "is not the plain name", 0},
    {W("10", AT("..")), LSQ_E_MALFORMED, "is not the plain name", 0},
    {W("10", AT(".")), LSQ_E_MALFORMED, "is not the plain name", 0},
    {W("10", "13:{1:'location' 2:#64617461002f}"), LSQ_E_MALFORMED, "control character", 0},
    {W("10", "13:{1:'location' 2:#ff}"), LSQ_E_MALFORMED, "not UTF-8", 0},
    {W("10", AT("sub")), LSQ_E_IO, "not a regular file", 0},
    {W("10", AT("pipe")), LSQ_E_IO, "not a regular file", 0},
    {W("10", AT("link to pipe")), LSQ_E_IO, "not a regular file", 0},
    {W("10", RANGE("zero", "0", "10")), LSQ_E_UNSUPPORTED, "/zero: is a link out of the folder", 0},
    {W("10", AT("out")), LSQ_E_UNSUPPORTED, "/out: is a link out of the folder", 0},
    {W("10", AT("down")), LSQ_E_UNSUPPORTED, "is a link out of the folder", 0},
    {W("10", AT("out at once")), LSQ_E_UNSUPPORTED, "is a link out of the folder", 0},
    {W("10", AT("out by two")), LSQ_E_UNSUPPORTED, "/out by two: is a link out of the folder", 0},
    {W("10", AT("out by a folder")), LSQ_E_UNSUPPORTED, "is a link out of the folder", 0},
    {W("10", AT("out and in")), LSQ_OK, "", 0}, /* where it leads is what counts */
    {W("10", AT("hard")), LSQ_E_UNSUPPORTED, "/hard: tensor \"w\": is a file of several names", 0},
    {W("10", AT("link to hard")), LSQ_E_UNSUPPORTED, "is a file of several names", 0},
    {W("10", AT("loop")), LSQ_E_IO, "cannot open", 0},
    {W("10", AT("dangling")), LSQ_E_IO, "cannot open", 0},
    {W("10", AT("nowhere")), LSQ_E_IO, "cannot open", 0},
    {W("10", AT("DATA")), LSQ_E_IO, "cannot open", 0},
    /* parts of the file that are not there */
    {W("10", RANGE("data", "1", "10")), LSQ_E_TRUNCATED, "/data: tensor \"w\": the file ends at offset 10", 0},
    {W("10", AT("data") PAIR("offset", "1")), LSQ_E_TRUNCATED, "expected 10 bytes from offset 1 on", 0},
    {W("1", AT("data") PAIR("offset", "10")), LSQ_E_TRUNCATED, "the file ends", 0},
    {W("0", AT("data") PAIR("offset", "11")), LSQ_E_TRUNCATED, "the file ends", 0},
    {W("0", AT("data") PAIR("offset", "10")), LSQ_OK, "", 0},
    {W("0", AT("empty")), LSQ_OK, "", 0},
    {W("1", AT("empty")), LSQ_E_TRUNCATED, "the file ends at offset 0", 0},
    {W("11", AT("data")), LSQ_E_TRUNCATED, "the file ends", 0},
    {W("9", AT("data")), LSQ_E_MALFORMED, "10 bytes from offset 0 on, where shape and type ask for 9", 0},
    {W("10", RANGE("data", "0", "9")), LSQ_E_MALFORMED, "a length of 9 bytes, where shape and type ask for 10", 0},
    {W("10", RANGE("data", "0", "0")), LSQ_E_MALFORMED, "a length of 0 bytes", 0},
    {W("1099511627776", AT("data")), LSQ_E_TRUNCATED, "expected 1099511627776 bytes", 0},
    {W("1", RANGE("data", "9223372036854775799", "1")), LSQ_E_TRUNCATED, "the file ends", 0},
    /* numbers that are none */
    {W("1", RANGE("data", "9223372036854775808", "1")), LSQ_E_MALFORMED, "below 2^63", 0},
    {W("1", RANGE("data", "18446744073709551616", "1")), LSQ_E_MALFORMED, "below 2^63", 0},
    {W("1", RANGE("data", "-1", "1")), LSQ_E_MALFORMED, "\"-1\", expected an offset", 0},
    {W("1", RANGE("data", "+1", "1")), LSQ_E_MALFORMED, "\"+1\"", 0},
    {W("1", RANGE("data", " 1", "1")), LSQ_E_MALFORMED, "\" 1\"", 0},
    {W("1", RANGE("data", "1 ", "1")), LSQ_E_MALFORMED, "\"1 \"", 0},
    {W("1", RANGE("data", "0x1", "1")), LSQ_E_MALFORMED, "\"0x1\"", 0},
    {W("1", RANGE("data", "", "1")), LSQ_E_MALFORMED, "\"\"", 0},
    {W("1", RANGE("data", "1", "1.0")), LSQ_E_MALFORMED, "\"1.0\"", 0},
    /* pairs that are none */
    {W("10", AT("data") AT("data")), LSQ_E_MALFORMED, "external data with a second \"location\"", 0},
    {W("10", AT("data") PAIR("offset", "0") PAIR("offset", "1")), LSQ_E_MALFORMED, "a second \"offset\"", 0},
    {W("10", AT("data") "13:{1:'length'}"), LSQ_E_MALFORMED, "external data with no \"length\"", 0},
    {W("10", AT("data") "13:{1:'offset' 1:'length' 2:'1'}"), LSQ_E_MALFORMED, "a second time", 0},
    {W("10", AT("data") "13:1"), LSQ_E_MALFORMED, "field 13 of TensorProto has type 0", 0},
    {W("10", AT("data") "13:{!0a !09 !61}"), LSQ_E_MALFORMED, "left of StringStringEntryProto", 0},
    {W("10", AT("data") "9:#00010203040506070809"), LSQ_E_MALFORMED, "numbers in two places", 0},
};

START_TEST(external_file)
{
    lsq_model *model;
    lsq_error err;
    for (unsigned flags = 0; flags <= LSQ_OPEN_READ; flags += LSQ_OPEN_READ) {
        const lsq_status status = open_text(cases[_i].text, flags, &model, &err);
        ck_assert_msg(status == cases[_i].status, "%s: status %d, %s", cases[_i].text, status, err.text);
        ck_assert_msg(strstr(err.text, cases[_i].says) != NULL, "%s: does not say %s: %s", cases[_i].text,
                      cases[_i].says, err.text);
        if (status)
            continue;
        float numbers[16] = {0};
        ck_assert_uint_le(lsq_model_tensor(model, 0)->elements, 16);
        ck_assert_int_eq(lsq_model_read(model, 0, numbers, NULL), LSQ_OK);
        ck_assert_float_eq(numbers[0], cases[_i].first);
        lsq_model_free(model);
    }
}
END_TEST

/* Tensors may share bytes, as tied weights do; a file is opened once however many are in it. */
START_TEST(files_are_opened_once)
{
    lsq_model *model;
    lsq_error err;
    ck_assert_msg(open_text(MODEL(TENSOR("a", "10", AT("data")) TENSOR("b", "10", AT("link")) TENSOR(
                                "c", "4", RANGE("data", "1", "4")) TENSOR("d", "2", RANGE("link", "3", "2"))),
                            0, &model, &err) == LSQ_OK,
                  "%s", err.text);
    ck_assert_uint_eq(lsq_model_count(model), 4);
    ck_assert_uint_eq(model->file_count, 3);
    ck_assert_uint_eq(lsq_model_file_bytes(model), model_text.size + 20);
    ck_assert_ptr_eq(lsq_model_bytes(model, 2), (const uint8_t *)lsq_model_bytes(model, 0) + 1);
    ck_assert_ptr_eq(lsq_model_bytes(model, 3), (const uint8_t *)lsq_model_bytes(model, 1) + 3);
    lsq_model_free(model);
}
END_TEST

/* Numbers that begin behind the first 4 GiB of a sparse file. */
START_TEST(offsets_beyond_32_bits)
{
    enum { LAST = 7 };
    const long long start = (1ll << 32) + 3;
    lsq_model *model;
    lsq_error err;
    FILE *file = fopen(in_folder("data"), "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseeko(file, start, SEEK_SET), 0);
    ck_assert_uint_eq(fwrite("\5\6\7", 1, 3, file), 3);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_msg(
        open_text(MODEL(TENSOR("w", "3", RANGE("data", "4294967299", "3")) TENSOR("all", "4294967302", AT("data"))), 0,
                  &model, &err) == LSQ_OK,
        "%s", err.text);
    ck_assert_uint_eq(((const uint8_t *)lsq_model_bytes(model, 0))[2], LAST);
    ck_assert_uint_eq(((const uint8_t *)lsq_model_bytes(model, 1))[start + 2], LAST);
    lsq_model_free(model);
    ck_assert_int_eq(open_text(W("4", RANGE("data", "4294967299", "4")), 0, &model, &err), LSQ_E_TRUNCATED);
}
END_TEST

/*
 * A download cache: links to all files of the model in one folder, the files in another. A link from there to what else there is
 * may not be followed.
 */
START_TEST(a_download_cache)
{
    static const struct {
        const char *target;
        lsq_status status;
    } links[] = {{"../blobs/2", LSQ_OK},
                 {"../../data", LSQ_E_UNSUPPORTED},
                 {"../blobs/deep/2", LSQ_E_UNSUPPORTED},
                 {"../blobs2/2", LSQ_E_UNSUPPORTED},
                 {"../blobs", LSQ_E_UNSUPPORTED},
                 {"/dev/zero", LSQ_E_UNSUPPORTED}};
    static const char *const folders[] = {"cache", "cache/blobs", "cache/blobs/deep", "cache/blobs2", "cache/snapshot"};
    static const char *const files[] = {"cache/blobs/2", "cache/blobs/deep/2", "cache/blobs2/2"};
    lsq_model *model;
    lsq_error err;
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        ck_assert_int_eq(mkdir(in_folder(folders[i]), 0700), 0);
    onnx_write(&model_text, W("10", AT("weights")));
    write_file(in_folder("cache/blobs/1"), model_text.bytes, model_text.size);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        write_file(in_folder(files[i]), "0123456789", 10);
    ck_assert_int_eq(symlink("../blobs/1", in_folder("cache/snapshot/model.onnx")), 0);
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        ck_assert_int_eq(symlink(links[i].target, in_folder("cache/snapshot/weights")), 0);
        const lsq_status status = lsq_model_open(in_folder("cache/snapshot/model.onnx"), 0, &model, &err);
        ck_assert_msg(status == links[i].status, "%s: status %d, %s", links[i].target, status, err.text);
        if (status == LSQ_OK)
            lsq_model_free(model);
        ck_assert_int_eq(unlink(in_folder("cache/snapshot/weights")), 0);
    }
    ck_assert_int_eq(unlink(in_folder("cache/snapshot/model.onnx")) | unlink(in_folder("cache/blobs/1")), 0);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        ck_assert_int_eq(unlink(in_folder(files[i])), 0);
    for (size_t i = sizeof(folders) / sizeof(folders[0]); i-- > 0;)
        ck_assert_int_eq(rmdir(in_folder(folders[i])), 0);
}
END_TEST

/* The name of a model without a folder in it, as a shell gives it. */
START_TEST(a_model_in_the_working_directory)
{
    lsq_model *model;
    lsq_error err;
    char before[1024];
    ck_assert_int_eq(open_text(W("10", AT("data")), 0, &model, &err), LSQ_OK);
    lsq_model_free(model);
    ck_assert_ptr_nonnull(getcwd(before, sizeof(before)));
    ck_assert_int_eq(chdir(folder), 0);
    const lsq_status status = lsq_model_open("model.onnx", 0, &model, &err);
    ck_assert_int_eq(chdir(before), 0);
    ck_assert_msg(status == LSQ_OK, "%s", err.text);
    lsq_model_free(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("onnx_external");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, external_file, 0, sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(tests, files_are_opened_once);
    if (sizeof(size_t) > 4)
        tcase_add_test(tests, offsets_beyond_32_bits);
    tcase_add_test(tests, a_download_cache);
    tcase_add_test(tests, a_model_in_the_working_directory);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
