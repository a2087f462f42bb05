/*
 * test_safetensors_set.c - sharded sets: an index, the files it names, and the ways in which the two can disagree.
 */
#include "tests/hostile.h"

#include <stdint.h>
#include <sys/stat.h>

/* A folder with two files of one float each: a = 1 in one.safetensors, b = 2 in two.safetensors. */
static char folder[32], index_path[64];

static void put(const char *name, const void *bytes, size_t size)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    write_file(path, bytes, size);
}

static void put_shard(const char *name, const char *tensor, const char *metadata, float number)
{
    uint8_t bytes[256] = {0};
    const int length =
        snprintf((char *)bytes + 8, sizeof(bytes) - 8,
                 "{%s\"%s\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", metadata, tensor);
    ck_assert_int_lt(length, 200);
    bytes[0] = (uint8_t)length;
    memcpy(bytes + 8 + length, &number, 4);
    put(name, bytes, 8 + (size_t)length + 4);
}

static void set_up(void)
{
    strcpy(folder, "/tmp/lsq_set_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(index_path, sizeof(index_path), "%s/model.safetensors.index.json", folder);
    put_shard("one.safetensors", "a", "\"__metadata__\":{\"format\":\"pt\",\"part\":\"1\"},", 1);
    put_shard("two.safetensors", "b", "\"__metadata__\":{\"format\":\"pt\",\"part\":\"2\"},", 2);
}

static void tear_down(void)
{
    static const char *const names[] = {
        "one.safetensors", "two.safetensors",  "link.safetensors",    "zero.safetensors",
        "npy.safetensors", "pipe.safetensors", "sub/one.safetensors", "model.safetensors.index.json"};
    char path[128];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    snprintf(path, sizeof(path), "%s/sub", folder);
    rmdir(path);
    ck_assert_int_eq(rmdir(folder), 0);
}

static lsq_status open_index(const char *json, lsq_model **model, lsq_error *err)
{
    put("model.safetensors.index.json", json, strlen(json));
    *model = NULL;
    err->text[0] = 0;
    return lsq_model_open(index_path, 0, model, err);
}

#define ONE          "\"a\":\"one.safetensors\""
#define TWO          "\"b\":\"two.safetensors\""
#define MAP(entries) "{\"weight_map\":{" entries "}}"

START_TEST(set_is_read_as_one_model)
{
    lsq_model *model;
    lsq_error err;
    ck_assert_msg(open_index("{\"metadata\":{\"total_size\":8},\"weight_map\":{" TWO "," ONE "}}\n", &model, &err) ==
                      LSQ_OK,
                  "%s", err.text);
    ck_assert_str_eq(lsq_model_format(model), "safetensors");
    ck_assert_uint_eq(lsq_model_count(model), 2);
    for (size_t i = 0; i < 2; i++) {
        float number = 0;
        ck_assert_str_eq(lsq_model_tensor(model, i)->name, i == 0 ? "a" : "b");
        ck_assert_int_eq(lsq_model_read(model, i, &number, NULL), LSQ_OK);
        ck_assert_float_eq(number, (float)i + 1);
    }
    const char *key, *value;
    ck_assert_int_eq(lsq_model_metadata(model, 0, &key, &value), 1);
    ck_assert_str_eq(key, "format");
    ck_assert_str_eq(value, "pt");
    ck_assert_int_eq(lsq_model_metadata(model, 1, &key, &value), 1);
    ck_assert_str_eq(key, "part");
    ck_assert_str_eq(value, "1");
    ck_assert_int_eq(lsq_model_metadata(model, 2, &key, &value), 0);
    ck_assert_ptr_nonnull(strstr(lsq_model_warning(model, 0), "\"part\""));
    ck_assert_ptr_null(lsq_model_warning(model, 1));
    lsq_model_free(model);
}
END_TEST

START_TEST(total_size_is_compared)
{
    static const char *const wrong[] = {"7", "8.0", "\"8\"", "-8"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char json[256];
        lsq_model *model;
        lsq_error err;
        snprintf(json, sizeof(json), "{\"metadata\":{\"total_size\":%s},\"weight_map\":{" ONE "," TWO "}}", wrong[i]);
        ck_assert_msg(open_index(json, &model, &err) == LSQ_OK, "%s", err.text);
        ck_assert_ptr_nonnull(strstr(lsq_model_warning(model, 0), "total_size"));
        lsq_model_free(model);
    }
}
END_TEST

static const struct {
    const char *index;
    lsq_status status;
    const char *says;
} disagreements[] = {
    {MAP(ONE "," TWO), LSQ_OK, ""},
    {MAP(""), LSQ_OK, ""},
    {" \n\t\r" MAP(ONE "," TWO) "\n", LSQ_OK, ""},
    {"{\"note\":\"a \\\"}{\\\\\",\"weight_map\":{" ONE "}}", LSQ_OK, ""},
    /* files elsewhere */
    {MAP(ONE ",\"b\":\"sub/one.safetensors\""), LSQ_E_MALFORMED, "in the same folder"},
    {MAP(ONE ",\"b\":\"../two.safetensors\""), LSQ_E_MALFORMED, "in the same folder"},
    {MAP(ONE ",\"b\":\"./two.safetensors\""), LSQ_E_MALFORMED, "in the same folder"},
    {MAP(ONE ",\"b\":\"/etc/passwd\""), LSQ_E_MALFORMED, "in the same folder"},
    {MAP(ONE ",\"b\":\"..\""), LSQ_E_MALFORMED, "in the same folder"},
    {MAP(ONE ",\"b\":\".\""), LSQ_E_MALFORMED, "in the same folder"},
    {MAP(ONE ",\"b\":\"\""), LSQ_E_MALFORMED, "in the same folder"},
    {MAP(ONE ",\"b\":\"link.safetensors\""), LSQ_OK, ""},
    {MAP(ONE ",\"b\":\"zero.safetensors\""), LSQ_E_UNSUPPORTED, "zero.safetensors: is a link out of the folder"},
    {MAP(ONE ",\"b\":\"sub\""), LSQ_E_IO, "not a regular file"},
    {MAP(ONE ",\"b\":\"pipe.safetensors\""), LSQ_E_IO, "not a regular file"},
    {MAP(ONE ",\"b\":\"three.safetensors\""), LSQ_E_IO, "cannot open"},
    {MAP(ONE ",\"b\":\"npy.safetensors\""), LSQ_E_LIMIT, "npy.safetensors"},
    {MAP(ONE ",\"b\":\"model.safetensors.index.json\""), LSQ_E_LIMIT, "index.json"},
    /* tensors elsewhere */
    {MAP(ONE), LSQ_OK, ""},
    {MAP(ONE ",\"c\":\"one.safetensors\""), LSQ_E_MALFORMED, "tensor \"c\" is not in \"one.safetensors\""},
    {MAP(ONE ",\"c\":\"two.safetensors\""), LSQ_E_MALFORMED, "does not place it here"},
    {MAP("\"a\":\"two.safetensors\",\"b\":\"one.safetensors\""), LSQ_E_MALFORMED, "does not place it here"},
    {MAP(ONE "," ONE), LSQ_E_MALFORMED, "duplicate"},
    {MAP(ONE ",\"b\":2"), LSQ_E_MALFORMED, "not mapped to a string"},
    /* other JSON */
    {"{\"weight_map\":[]}", LSQ_E_UNSUPPORTED, "weight_map"},
    {"{\"hidden_size\":256}", LSQ_E_UNSUPPORTED, "weight_map"},
    {"{\"x\":[[]],\"weight_map\":{" ONE "}}", LSQ_E_MALFORMED, "nested"},
    {MAP(ONE) "x", LSQ_E_MALFORMED, "JSON"},
};

START_TEST(disagreement)
{
    static const uint8_t npy[] = "\x93NUMPY\1\0";
    char path[128], link[128];
    lsq_model *model;
    lsq_error err;
    snprintf(path, sizeof(path), "%s/sub", folder);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    put_shard("sub/one.safetensors", "b", "", 2);
    snprintf(path, sizeof(path), "%s/pipe.safetensors", folder);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    snprintf(link, sizeof(link), "%s/link.safetensors", folder);
    ck_assert_int_eq(symlink("two.safetensors", link), 0);
    snprintf(link, sizeof(link), "%s/zero.safetensors", folder);
    ck_assert_int_eq(symlink("/dev/zero", link), 0);
    put("npy.safetensors", npy, sizeof(npy));

    const lsq_status status = open_index(disagreements[_i].index, &model, &err);
    lsq_model_free(model);
    ck_assert_msg(status == disagreements[_i].status, "%s: status %d, %s", disagreements[_i].index, status, err.text);
    ck_assert_msg(strstr(err.text, disagreements[_i].says) != NULL, "%s: does not say %s: %s", disagreements[_i].index,
                  disagreements[_i].says, err.text);
}
END_TEST

START_TEST(damage_to_the_index)
{
    static const char index[] = "{\"metadata\": {\"total_size\": 8},\n\"weight_map\": {" ONE ", " TWO "}}";
    char json[sizeof(index)];
    lsq_model *model;
    lsq_error err;
    for (size_t length = 0; length < sizeof(index) - 1; length++) {
        memcpy(json, index, length);
        json[length] = 0;
        ck_assert_msg(open_index(json, &model, &err) == LSQ_E_TRUNCATED, "%zu bytes: %s", length, err.text);
    }
    for (size_t at = 0; at < sizeof(index) - 1; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(json, index, sizeof(index));
            json[at] = (char)(json[at] ^ 1u << bit);
            put("model.safetensors.index.json", json, sizeof(index) - 1);
            model = NULL;
            const lsq_status status = lsq_model_open(index_path, 0, &model, &err);
            /* The metadata are all that may change; where they still are JSON, the model is the same. */
            if (status == LSQ_OK)
                ck_assert_msg(index + at < strstr(index, "weight_map") && lsq_model_count(model) == 2,
                              "byte %zu, bit %u is not found", at, bit);
            else
                ck_assert_msg(model == NULL && err.text[0] != 0, "byte %zu, bit %u: status %d", at, bit, status);
            lsq_model_free(model);
        }
    }
}
END_TEST

START_TEST(long_index)
{
    lsq_model *model;
    lsq_error err;
    ck_assert_int_eq(open_index(MAP(ONE), &model, &err), LSQ_OK);
    lsq_model_free(model);
    ck_assert_int_eq(truncate(index_path, 100000001), 0);
    ck_assert_int_eq(lsq_model_open(index_path, 0, &model, &err), LSQ_E_LIMIT);
}
END_TEST

/* A file of the set may be damaged like any other, and the error names it, not the index. */
START_TEST(damaged_shard_is_named)
{
    lsq_model *model;
    lsq_error err;
    put("two.safetensors", "\x10\0\0\0\0\0\0\0{", 9);
    ck_assert_int_eq(open_index(MAP(ONE "," TWO), &model, &err), LSQ_E_TRUNCATED);
    ck_assert_msg(strstr(err.text, "two.safetensors") != NULL, "%s", err.text);
}
END_TEST

/* Whatever a folder may be called: not UTF-8, with a newline, a dash and an escape, and with a path near the longest there is. */
START_TEST(odd_folders)
{
    static const char odd[] = "-\x1b[31m \n\xff\\%s\"";
    char path[4096], part[256];
    lsq_model *model;
    lsq_error err;
    memset(part, 'x', 255);
    part[255] = 0;
    size_t length = (size_t)snprintf(path, sizeof(path), "%s", folder);
    size_t ends[16], depth = 0;
    do {
        ends[depth++] = length;
        length += (size_t)snprintf(path + length, sizeof(path) - length, "/%s", depth == 1 ? odd : part);
        ck_assert_int_eq(mkdir(path, 0700), 0);
        snprintf(path + length, sizeof(path) - length, "/two.safetensors");
        put_shard(path + strlen(folder) + 1, "b", "", 2);
        snprintf(path + length, sizeof(path) - length, "/model.safetensors.index.json");
        put(path + strlen(folder) + 1, MAP(TWO), strlen(MAP(TWO)));
        ck_assert_msg(lsq_model_open(path, 0, &model, &err) == LSQ_OK, "%s", err.text);
        lsq_model_free(model);
        snprintf(path + length, sizeof(path) - length, "/two.safetensors");
        ck_assert_int_eq(unlink(path), 0);
        snprintf(path + length, sizeof(path) - length, "/model.safetensors.index.json");
        ck_assert_int_eq(lsq_model_open(path, 0, &model, &err), LSQ_E_IO);
        for (const char *c = err.text; *c; c++)
            ck_assert_msg((uint8_t)*c >= ' ' && *c != 0x7f && (uint8_t)*c < 0x80, "not printable: %s", err.text);
        ck_assert_int_eq(unlink(path), 0);
    } while (length + 256 + 32 < sizeof(path));
    while (depth > 0) {
        path[length] = 0;
        ck_assert_int_eq(rmdir(path), 0);
        length = ends[--depth];
    }
}
END_TEST

START_TEST(an_index_in_memory_opens_no_files)
{
    lsq_error err;
    ck_assert_int_eq(status_of(MAP(ONE), sizeof(MAP(ONE)) - 1, &err), LSQ_E_UNSUPPORTED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("safetensors_set");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, set_is_read_as_one_model);
    tcase_add_test(cases, total_size_is_compared);
    tcase_add_loop_test(cases, disagreement, 0, sizeof(disagreements) / sizeof(disagreements[0]));
    tcase_add_test(cases, damage_to_the_index);
    tcase_add_test(cases, long_index);
    tcase_add_test(cases, damaged_shard_is_named);
    tcase_add_test(cases, odd_folders);
    tcase_add_test(cases, an_index_in_memory_opens_no_files);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
