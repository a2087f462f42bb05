/*
 * test_pth_old.c - what torch.save() wrote before version 1.6.
 *
 * data/pth/old*.pth were written by make_pth.py (data/README.md). What pickles may hold: test_pth.c.
 */
#include "tests/pth_sample.h"

/* ---- What is read ----------------------------------------------------------------------------------------------- */

/* Storages begin anywhere, and are read in place all the same. */
START_TEST(views_and_types_are_read)
{
    lsq_model *model = open_golden("old");
    ck_assert_str_eq(lsq_model_format(model), "pth-legacy");
    ck_assert_uint_eq(lsq_model_count(model), PTH_VIEWS + PTH_TYPES);
    expect_views(model);
    expect_types(model);
    ck_assert_ptr_null(lsq_model_warning(model, 0));
    lsq_model_free(model);
}
END_TEST

static const char *const golden[] = {"old_1", "old_4", "old_python_2", "old", "old_empty"};

/* Protocols 1 and 4, and text and tensors as Python 2 and torch 0.3 wrote them. */
START_TEST(every_version_is_read)
{
    expect_linear(golden[_i]);
}
END_TEST

/* ---- Damage ----------------------------------------------------------------------------------------------------- */

/* Without the whole of its first pickle a file is nothing that is known. */
START_TEST(every_prefix_is_truncated)
{
    size_t size;
    lsq_error err;
    uint8_t *bytes = golden_bytes(golden[_i], &size);
    for (size_t length = 0; length < size; length++) {
        const lsq_status status = status_of(bytes, length, &err);
        const int known = lsq_is_old_pth(&(lsq_mapping){.bytes = bytes, .size = length});
        ck_assert_int_eq(known, length >= (bytes[0] == 'L' ? 28 : bytes[1] == 4 ? 24 : 15));
        ck_assert_msg(known ? status == LSQ_E_TRUNCATED : status != LSQ_OK, "%zu bytes: status %d, %s", length, status,
                      err.text);
    }
    ck_assert_int_eq(status_of(bytes, size, &err), LSQ_OK);
    free(bytes);
}
END_TEST

START_TEST(bit_flips_are_harmless)
{
    size_t size;
    uint8_t *bytes = golden_bytes(golden[_i], &size);
    for (size_t at = 0; at < size; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes[at] ^= (uint8_t)(1u << bit);
            read_all(bytes, size);
            bytes[at] ^= (uint8_t)(1u << bit);
        }
    }
    free(bytes);
}
END_TEST

/* ---- Attacks ---------------------------------------------------------------------------------------------------- */

#define KEY            TEXT("\1", "0")
#define REST           OLD_KEYS(KEY) OLD_SIX
#define OF(storage)    TENSOR(storage "K\0K\6\x85K\1\x85\x89}")
#define FILE_OF(value) OLD_HEAD DICT(value) REST
#define WITH(rest)     OLD_HEAD DICT(OLD_WHOLE) rest
#define FOR_EVER       "\x8a\x8\xff\xff\xff\xff\xff\xff\xff\x7f"

static const struct {
    const char *bytes;
    size_t size;
    lsq_status status;
    const char *says;
} attacks[] = {
    CASE(FILE_OF(OLD_WHOLE), LSQ_OK, ""),
    CASE(FILE_OF(OF(OLD_STORAGE("Int", "0", "K\6", "N"))), LSQ_OK, ""),
    CASE(FILE_OF(TENSOR(OLD_STORAGE("Float", "0", "K\6", "N") "K\1K\6\x85K\1\x85\x89}")), LSQ_E_MALFORMED,
         "beyond the end of its storage"),
    /* what stands before */
    CASE(OLD_MAGIC "\x80\2M\xe8\3." OLD_SYSTEM("\x88"), LSQ_E_UNSUPPORTED, "a version that is not 1001"),
    CASE(OLD_MAGIC "\x80\2N." OLD_SYSTEM("\x88"), LSQ_E_UNSUPPORTED, "a version that is not 1001"),
    CASE(OLD_MAGIC OLD_VERSION OLD_SYSTEM("\x89"), LSQ_E_UNSUPPORTED, "little_endian is not True"),
    CASE(OLD_MAGIC OLD_VERSION OLD_SYSTEM("I00\n"), LSQ_E_UNSUPPORTED, "little_endian is not True"),
    CASE(OLD_MAGIC OLD_VERSION OLD_SYSTEM("K\1"), LSQ_E_MALFORMED, "offset 21: expected a dict that says"),
    CASE(OLD_MAGIC OLD_VERSION "\x80\2}.", LSQ_E_MALFORMED, "expected a dict that says"),
    CASE(OLD_MAGIC OLD_VERSION "\x80\2N.", LSQ_E_MALFORMED, "expected a dict that says"),
    CASE(OLD_MAGIC OLD_VERSION "\x80\2"
                               "cos\nsystem\n.",
         LSQ_E_UNSUPPORTED, "names os.system"),
    /* the pickle of tensors */
    CASE(OLD_HEAD "\x80\2"
                  "cposix\nsystem\n" TEXT("\4", "true") "\x85R.",
         LSQ_E_UNSUPPORTED, "names posix.system; nothing of a pickle is ever executed"),
    CASE(OLD_HEAD "\x80\2(" TEXT("\6", "module") "c__main__\nNet\n", LSQ_E_UNSUPPORTED, "names __main__.Net"),
    CASE(OLD_HEAD "\x80\2N." OLD_KEYS(""), LSQ_E_UNSUPPORTED, "is no dict"),
    CASE(OLD_HEAD "\x80\2}}." OLD_KEYS(""), LSQ_E_MALFORMED, "more than one value"),
    CASE(FILE_OF("NQ"), LSQ_E_MALFORMED, "a storage that is no (\"storage\""),
    CASE(FILE_OF(")Q"), LSQ_E_MALFORMED, "a storage that is no (\"storage\""),
    CASE(FILE_OF(OF(OLD_STORAGE("Float", "0", "K\6", ""))), LSQ_E_MALFORMED, "a storage that is no (\"storage\""),
    CASE(FILE_OF(OF(OLD_STORAGE("Float", "0", "K\6", "NN"))), LSQ_E_MALFORMED, "a storage that is no (\"storage\""),
    CASE(FILE_OF(OF(OLD_STORAGE("Float", "0", "K\6", "(" TEXT("\1", "1") "K\1K\2t"))), LSQ_E_UNSUPPORTED,
         "storage \"0\": is used as a view; load the file, and save it again"),
    CASE(FILE_OF(OF("(" TEXT("\7", "storage") "ctorch\nfloat32\n" KEY TEXT("\3", "cpu") "K\6NtQ")), LSQ_E_MALFORMED,
         "storage \"0\": no type of numbers"),
    CASE(FILE_OF(OF(OLD_STORAGE("Float", "0", "J\xff\xff\xff\xff", "N"))), LSQ_E_MALFORMED, "no such number"),
    CASE(FILE_OF(OF(OLD_STORAGE("Float", "0", FOR_EVER, "N"))), LSQ_E_MALFORMED, "no such number"),
    CASE(FILE_OF(OF(OLD_STORAGE("Float", "0", "K\5", "N"))), LSQ_E_MALFORMED, "not as long as the pickle says"),
    CASE(FILE_OF(OF(OLD_STORAGE("Double", "0", "K\6", "N"))), LSQ_E_TRUNCATED, "ends within its numbers"),
    CASE(FILE_OF(OF(OLD_STORAGE("Half", "0", "K\6", "N"))), LSQ_E_MALFORMED, "more bytes"),
    CASE(FILE_OF(OLD_WHOLE TEXT("\1", "v") OF(OLD_STORAGE("Int", "0", "K\6", "N")) "s"), LSQ_E_MALFORMED, "sets items"),
    CASE(OLD_HEAD "\x80\2}(" TEXT("\1", "w") OLD_WHOLE TEXT("\1", "v") OLD_WHOLE "u." REST, LSQ_OK, ""),
    CASE(OLD_HEAD "\x80\2}(" TEXT("\1", "w") OLD_WHOLE TEXT("\1", "v")
             OF(OLD_STORAGE("Half", "0", "K\6", "N")) "u." REST,
         LSQ_E_MALFORMED, "with different types or lengths"),
    CASE(OLD_HEAD "\x80\2}(" TEXT("\1", "w") OLD_WHOLE TEXT("\1", "v")
             OF(OLD_STORAGE("Float", "0", "K\5", "N")) "u." REST,
         LSQ_E_MALFORMED, "with different types or lengths"),
    /* keys and storages */
    CASE(WITH("\x80\2N." OLD_SIX), LSQ_E_MALFORMED, "expected a list of the keys"),
    CASE(WITH("\x80\2(" KEY "t." OLD_SIX), LSQ_E_MALFORMED, "expected a list of the keys"),
    CASE(WITH("\x80\2(" KEY "l." OLD_SIX), LSQ_OK, ""),
    CASE(WITH("\x80\2]" KEY "a." OLD_SIX), LSQ_OK, ""),
    CASE(WITH(OLD_KEYS("K\1") OLD_SIX), LSQ_E_MALFORMED, "expected a list of the keys"),
    CASE(WITH(OLD_KEYS(TEXT("\1", "1")) OLD_SIX), LSQ_E_MALFORMED, "storage \"1\": is in the file for no tensor"),
    CASE(WITH(OLD_KEYS(KEY KEY) OLD_SIX OLD_SIX), LSQ_E_MALFORMED, "storage \"0\": is in the file twice"),
    CASE(WITH(OLD_KEYS("")), LSQ_E_MALFORMED, "storage \"0\": is not in the file"),
    CASE(WITH(OLD_KEYS(KEY) "\6\0\0\0\0\0\0\0"), LSQ_E_TRUNCATED, "ends within its numbers"),
    CASE(WITH(OLD_KEYS(KEY) "\6\0\0\0\0\0\0"), LSQ_E_TRUNCATED, "ends before its length"),
    CASE(WITH(OLD_KEYS(KEY) "\xff\xff\xff\xff\xff\xff\xff\xff"), LSQ_E_MALFORMED, "not as long as the pickle says"),
    CASE(WITH(REST "\0"), LSQ_E_MALFORMED, "more bytes, expected the end of the file"),
    CASE(OLD_HEAD "\x80\2}." OLD_KEYS(KEY), LSQ_E_MALFORMED, "for no tensor"),
    CASE(OLD_HEAD "\x80\2}." OLD_KEYS(""), LSQ_OK, ""),
    CASE(OLD_HEAD "\x80\2}." OLD_KEYS("") "\0", LSQ_E_MALFORMED, "more bytes, expected the end of the file"),
    CASE(OLD_HEAD DICT(OF(OLD_STORAGE("Float", "0", "\x8a\6\0\0\0\0\0\1", "N"))) OLD_KEYS(KEY) "\0\0\0\0\0\1\0\0",
         LSQ_E_TRUNCATED, "ends within its numbers"),
};

START_TEST(attack)
{
    lsq_error err = {.text = ""};
    limited_status_of(attacks[_i].bytes, attacks[_i].size, &err);
    ck_assert_msg(err.status == attacks[_i].status && strstr(err.text, attacks[_i].says),
                  "status %d, not %d: %s (expected: %s)", err.status, attacks[_i].status, err.text, attacks[_i].says);
}
END_TEST

/* A megabyte of mentions of a storage without numbers, by tuples of their own or by the same one. */
#define MENTION "(h\2h\1h\3h\3h\4h\5t"

START_TEST(many_mentions)
{
    enum { SIZE = 1 << 20 };
    static const char head[] =
        OLD_HEAD "\x80\2]("
                 "ctorch\nFloatStorage\nq\1" TEXT("\7", "storage") "q\2" TEXT("\1", "0") "q\3K\0q\4Nq\5" MENTION "q\6Q";
    static const char *const more[] = {MENTION "Q", "h\6Q"};
    static const char end[] = "e0}." OLD_KEYS(KEY) "\0\0\0\0\0\0\0";
    char *bytes = malloc(SIZE + sizeof(end));
    ck_assert_ptr_nonnull(bytes);
    for (unsigned same = 0; same < 2; same++) {
        const size_t length = strlen(more[same]);
        size_t size = sizeof(head) - 1;
        lsq_error err;
        memcpy(bytes, head, size);
        for (; size + length <= SIZE; size += length)
            memcpy(bytes + size, more[same], length);
        memcpy(bytes + size, end, sizeof(end));
        ck_assert_msg(limited_status_of(bytes, size + sizeof(end), &err) == LSQ_OK, "%s", err.text);
    }
    free(bytes);
}
END_TEST

/* A key as long as a name may be, and one that is longer. */
START_TEST(long_keys)
{
    static const char head[] = OLD_HEAD "\x80\2}" TEXT("\1", "w") "ctorch._utils\n_rebuild_tensor_v2\n((" TEXT(
        "\7", "storage") "ctorch\nFloatStorage\n";
    static const char middle[] = TEXT("\3", "cpu") "K\6NtQK\0K\6\x85K\1\x85\x89}tRs.\x80\2]";
    static const char end[] = "a." OLD_SIX;
    for (int length = 1024; length <= 1025; length++) {
        char bytes[4096], key[1030] = {'X', (char)(length % 256), (char)(length / 256)};
        size_t size = 0;
        lsq_error err;
        memset(key + 5, '0', (size_t)length);
        const struct {
            const char *bytes;
            size_t size;
        } parts[] = {{head, sizeof(head) - 1},
                     {key, (size_t)length + 5},
                     {middle, sizeof(middle) - 1},
                     {key, (size_t)length + 5},
                     {end, sizeof(end) - 1}};
        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); size += parts[i++].size)
            memcpy(bytes + size, parts[i].bytes, parts[i].size);
        ck_assert_msg(limited_status_of(bytes, size, &err) == (length > 1024 ? LSQ_E_LIMIT : LSQ_OK), "%s", err.text);
    }
}
END_TEST

/* Nothing is read beyond the largest pickle, however long the file is. */
START_TEST(long_pickle)
{
    const size_t head = sizeof(OLD_HEAD) - 1, size = head + ((size_t)17 << 20);
    lsq_error err;
    uint8_t *bytes = calloc(1, size);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, OLD_HEAD "B\0\0\0\1", head + 5); /* as many bytes as a pickle may have */
    ck_assert_msg(limited_status_of(bytes, size, &err) == LSQ_E_LIMIT && strstr(err.text, "a pickle of more than"),
                  "%s", err.text);
    free(bytes);
}
END_TEST

int main(void)
{
    const int files = sizeof(golden) / sizeof(golden[0]);
    Suite *suite = suite_create("pth_old");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, views_and_types_are_read);
    tcase_add_loop_test(cases, every_version_is_read, 0, 3);
    tcase_add_loop_test(cases, every_prefix_is_truncated, 0, files);
    tcase_add_loop_test(cases, bit_flips_are_harmless, 0, files);
    tcase_add_loop_test(cases, attack, 0, sizeof(attacks) / sizeof(attacks[0]));
    tcase_add_test(cases, many_mentions);
    tcase_add_test(cases, long_keys);
    tcase_add_test(cases, long_pickle);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
