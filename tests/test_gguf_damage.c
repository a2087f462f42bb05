/*
 * test_gguf_damage.c - GGUF files that are cut, damaged, or made to deceive.
 */
#include "tests/gguf_script.h"

/* ---- Damage ------------------------------------------------------------------------------------------------------ */

static const char *const files[] = {TEST_DATA "/gguf/plain.gguf", TEST_DATA "/gguf/blocks.gguf"};

/* Of the last tensor's padding nothing need be there. */
START_TEST(every_prefix_is_truncated)
{
    size_t size;
    lsq_error err;
    uint8_t *bytes = contents_of(files[_i], &size);
    lsq_model *model = open_file(files[_i]);
    const lsq_entry *last = &model->entries[lsq_model_count(model) - 1];
    const size_t needed = last->begin + lsq_entry_bytes(last);
    lsq_model_free(model);
    ck_assert_uint_lt(needed, size);
    for (size_t length = 0; length <= size; length++)
        ck_assert_msg(status_of(bytes, length, &err) == (length < needed ? LSQ_E_TRUNCATED : LSQ_OK),
                      "%zu bytes: status %d, %s", length, err.status, err.text);
    free(bytes);
}
END_TEST

/* All that a caller can know of a file but for the numbers, as text. */
static void describe(const lsq_model *model, char *text, size_t size)
{
    const char *key, *value;
    size_t at = 0;
    for (size_t i = 0; lsq_model_metadata(model, i, &key, &value); i++)
        at += (size_t)snprintf(text + at, size - at, "%s=%s\n", key, value);
    for (size_t i = 0; i < lsq_model_count(model); i++) {
        const lsq_tensor *t = lsq_model_tensor(model, i);
        const char *blocks = lsq_model_blocks(model, i, NULL);
        at +=
            (size_t)snprintf(text + at, size - at, "%s %s %s", t->name, lsq_dtype_name(t->dtype), blocks ? blocks : "");
        for (unsigned axis = 0; axis < t->rank; axis++)
            at += (size_t)snprintf(text + at, size - at, " %llu", (unsigned long long)t->shape[axis]);
        at += (size_t)snprintf(text + at, size - at, " at %llu\n", (unsigned long long)model->entries[i].begin);
        ck_assert_uint_lt(at, size);
    }
}

/* Version 3 becomes 2, NaNs are one, and of arrays their elements are passed over: nothing else changes unseen. */
START_TEST(header_bit_flips_are_seen)
{
    static char before[4096], after[8192];
    size_t size, unseen = 0;
    lsq_error err;
    uint8_t *bytes = contents_of(files[_i], &size);
    lsq_model *model = open_file(files[_i]);
    const lsq_tensor *last = lsq_model_tensor(model, lsq_model_count(model) - 1);
    const uint8_t *name = memmem(bytes, size, last->name, strlen(last->name));
    ck_assert_ptr_nonnull(name);
    const size_t end =
        (size_t)(name - bytes) + strlen(last->name) + 4 + 8 * last->rank + 4 + 8; /* padding comes next */
    describe(model, before, sizeof before);
    lsq_model_free(model);
    for (size_t at = 0; at < end; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            model = NULL;
            bytes[at] ^= (uint8_t)(1u << bit);
            const lsq_status status = lsq_model_open_memory(bytes, size, 0, &model, &err);
            bytes[at] ^= (uint8_t)(1u << bit);
            ck_assert_msg(status == LSQ_OK || status == LSQ_E_MALFORMED || status == LSQ_E_TRUNCATED ||
                              status == LSQ_E_LIMIT || status == LSQ_E_UNSUPPORTED,
                          "byte %zu, bit %u: status %d, %s", at, bit, status, err.text);
            if (status != LSQ_OK)
                continue;
            describe(model, after, sizeof after);
            lsq_model_free(model);
            unseen += strcmp(before, after) == 0;
        }
    }
    /* a version; NaNs of 23 and 52 bits, the sign and all of the mantissa but its highest; elements of 5, 8, 12 and 2 bytes */
    ck_assert_uint_eq(unseen, _i == 0 ? 1 + 23 + 52 + 8 * (5 + 8 + 12 + 2) : 1);
    free(bytes);
}
END_TEST

/* ---- Attacks ----------------------------------------------------------------------------------------------------- */

#define MOST                 "18446744073709551615"
#define PAIR(pair)           "i3 q0 q1 " pair
#define F32_AT(name, offset) "s" name " i1 q8 i0 q" offset
#define TWO(first, second)   "i3 q2 q0 " F32_AT("a", first) " " F32_AT("b", second) " a32 z64"
#define ONE(shape, type)     "i3 q1 q0 sx " shape " i" type " q0 a32"

/* A script, and what must come of it: the status, and a word in the message. */
static const struct {
    const char *script;
    lsq_status status;
    const char *says;
} attacks[] = {
    /* legal, if unusual */
    {"i2 q0 q0", LSQ_OK, ""},
    {"i3 q0 q0 a32", LSQ_OK, ""},
    {ONE("i0", "0") " z4", LSQ_OK, ""},
    {ONE("i0", "0") " z4 a32", LSQ_OK, ""},
    {ONE("i2 q0 q1099511627776", "2"), LSQ_OK, ""},
    {ONE("i1 q0", "0"), LSQ_OK, ""},
    {"i3 q1 q0 sx i1 q0 i0 q0", LSQ_OK, ""},
    {TWO("0", "32"), LSQ_OK, ""},
    {TWO("32", "0"), LSQ_OK, ""},
    {"i3 q3 q0 sa i1 q0 i0 q32 " F32_AT("b", "0") " " F32_AT("c", "32") " a32 z64", LSQ_OK, ""},
    {"i3 q1 q1 sgeneral.alignment i4 i1 sx i0 i24 q0 z1", LSQ_OK, ""},
    {PAIR("ssplit.count i2 h1"), LSQ_OK, ""},
    {PAIR("sx i9 i4 q0"), LSQ_OK, ""},
    {PAIR("sx i9 i8 q2 q0 s\xff"), LSQ_OK, ""},
    /* the frame */
    {"i1 q0 q0", LSQ_E_UNSUPPORTED, "version 1,"},
    {"i4 q0 q0", LSQ_E_UNSUPPORTED, "version 4,"},
    {"i50331648 q0 q0", LSQ_E_UNSUPPORTED, "big-endian"},
    {"i3 q0 q0 z9", LSQ_E_MALFORMED, "1 bytes behind the last tensor"},
    {"i3 q" MOST " q0", LSQ_E_TRUNCATED, MOST " tensors"},
    {"i3 q0 q" MOST, LSQ_E_TRUNCATED, MOST " pairs"},
    {"i3 q" MOST " q" MOST " z100", LSQ_E_TRUNCATED, "tensors"},
    {"i3 q3 q2 z102", LSQ_E_TRUNCATED, "3 tensors"},
    {"i3 q1 q0 z24", LSQ_E_TRUNCATED, "1 tensors"},
    /* keys and values */
    {PAIR("s i0 b0 z9"), LSQ_E_MALFORMED, "empty"},
    {PAIR("sa\nb i0 b0"), LSQ_E_MALFORMED, "control character"},
    {PAIR("q3 b97 b0 b97 i0 b0"), LSQ_E_MALFORMED, "control character"},
    {PAIR("s\xff\xff i0 b0"), LSQ_E_MALFORMED, "not UTF-8"},
    {PAIR("S1025 i0 b0"), LSQ_E_LIMIT, "1024"},
    {PAIR("q" MOST " z8"), LSQ_E_TRUNCATED, "a key"},
    {PAIR("sx i13 z8"), LSQ_E_MALFORMED, "no such type of values"},
    {PAIR("sx i4294967295 z8"), LSQ_E_MALFORMED, "no such type of values"},
    {PAIR("sx i7 b2"), LSQ_E_MALFORMED, "neither 0 nor 1"},
    {PAIR("sx i10 z7"), LSQ_E_TRUNCATED, "a value"},
    {PAIR("sx i8 s\xc0\x80"), LSQ_E_MALFORMED, "not UTF-8"},
    {PAIR("sx i8 q3 b97 b0 b97"), LSQ_E_MALFORMED, "NUL"},
    {PAIR("sx i8 q" MOST " z9"), LSQ_E_TRUNCATED, "a string"},
    {"i3 q0 q2 sx i0 b0 sx i8 sy", LSQ_E_MALFORMED, "\"x\" is there twice"},
    {PAIR("sx i9 i9 q1 i0 q0"), LSQ_E_UNSUPPORTED, "array of arrays"},
    {PAIR("sx i9 i13 q1 z8"), LSQ_E_MALFORMED, "type of elements"},
    {PAIR("sx i9 i0 q9 z8"), LSQ_E_TRUNCATED, "elements"},
    {PAIR("sx i9 i10 q2305843009213693952"), LSQ_E_TRUNCATED, "elements"}, /* 2^61 times 8 */
    {PAIR("sx i9 i8 q" MOST " z800"), LSQ_E_TRUNCATED, "string of an array"},
    {PAIR("sx i9 i8 q1 q" MOST), LSQ_E_TRUNCATED, "string of an array"},
    {PAIR("sgeneral.alignment i4 i0"), LSQ_E_MALFORMED, "power of two"},
    {PAIR("sgeneral.alignment i4 i33"), LSQ_E_MALFORMED, "power of two"},
    {PAIR("sgeneral.alignment i4 i2097152"), LSQ_E_LIMIT, "2097152"},
    {PAIR("sgeneral.alignment i10 q32"), LSQ_E_MALFORMED, "no uint32"},
    {PAIR("sgeneral.alignment i8 s32"), LSQ_E_MALFORMED, "no uint32"},
    {PAIR("sgeneral.alignment i9 i4 q1 i32"), LSQ_E_MALFORMED, "no uint32"},
    {PAIR("ssplit.count i2 h3"), LSQ_E_UNSUPPORTED,
     "first of the 3 files of a model, but not called NAME-00001-of-00003.gguf"},
    {PAIR("ssplit.count i5 i2"), LSQ_E_UNSUPPORTED, "first of the 2 files"},
    {PAIR("ssplit.count i5 i4294967295"), LSQ_E_LIMIT, "one of 4294967295 files"},
    {"i3 q0 q2 ssplit.no i2 h1 ssplit.count i2 h3", LSQ_E_UNSUPPORTED,
     "is number 2 of the 3 files of a model: open the first, NAME-00001-of-00003.gguf"},
    {"i3 q0 q2 ssplit.count i2 h3 ssplit.count i2 h3", LSQ_E_MALFORMED, "\"split.count\" is there twice"},
    {PAIR("ssplit.no i2 h9"), LSQ_OK, ""},
    /* names and shapes */
    {"i3 q1 q0 s i0 i0 q0 a32 z4", LSQ_E_MALFORMED, "empty"},
    {"i3 q1 q0 sa\x7f i0 i0 q0 a32 z4", LSQ_E_MALFORMED, "control character"},
    {"i3 q1 q0 S1025 i0 i0 q0 a32 z4", LSQ_E_LIMIT, "1024"},
    {"i3 q2 q0 " F32_AT("a", "0") " " F32_AT("a", "32") " a32 z64", LSQ_E_MALFORMED, "two tensors"},
    {ONE("i5 q1 q1 q1 q1 q1", "0") " z4", LSQ_E_LIMIT, "at most 4"},
    {ONE("i4294967295 q1", "0") " z4", LSQ_E_LIMIT, "at most 4"},
    {ONE("i1 q" MOST, "0"), LSQ_E_LIMIT, "2^40"},
    {ONE("i2 q4294967296 q4294967296", "0"), LSQ_E_LIMIT, "2^44"},
    {ONE("i2 q0 q" MOST, "0"), LSQ_E_LIMIT, "2^40"},
    {ONE("i2 q1048576 q1048576", "0"), LSQ_E_TRUNCATED, "4398046511104 bytes"},
    {ONE("i2 q1048576 q1048576", "2"), LSQ_E_TRUNCATED, "618475290624 bytes"},
    /* types */
    {ONE("i1 q32", "4") " z32", LSQ_E_UNSUPPORTED, "\"x\": type 4, unknown"},
    {ONE("i1 q32", "9") " z40", LSQ_E_UNSUPPORTED, "\"x\": type 9, Q8_1"},
    {ONE("i1 q128", "41") " z18", LSQ_E_UNSUPPORTED, "Q1_0"},
    {ONE("i1 q256", "36") " z66", LSQ_E_UNSUPPORTED, "type 36, unknown"},
    {ONE("i1 q256", "16") " z66", LSQ_OK, ""},
    {ONE("i1 q256", "16") " z65", LSQ_E_TRUNCATED, "66 bytes of tensor"},
    {ONE("i1 q128", "19") " z50", LSQ_E_MALFORMED, "multiple of the 256"},
    {ONE("i1 q32", "40") " z36", LSQ_E_MALFORMED, "multiple of the 64"},
    {ONE("i1 q64", "40") " z36", LSQ_OK, ""},
    {ONE("i1 q64", "40") " z35", LSQ_E_TRUNCATED, "36 bytes of tensor"},
    {ONE("i1 q32", "39") " z17", LSQ_OK, ""},
    {ONE("i1 q32", "4294967295") " z32", LSQ_E_UNSUPPORTED, "4294967295"},
    {ONE("i1 q33", "2") " z36", LSQ_E_MALFORMED, "multiple of the 32"},
    {ONE("i2 q16 q2", "2") " z18", LSQ_E_MALFORMED, "multiple of the 32"},
    {ONE("i1 q32", "12") " z144", LSQ_E_MALFORMED, "multiple of the 256"},
    {ONE("i0", "8") " z34", LSQ_E_MALFORMED, "multiple of the 32"},
    /* places */
    {ONE("i1 q32", "8") " z33", LSQ_E_TRUNCATED, "34 bytes of tensor \"x\""},
    {ONE("i1 q32", "8") " z65", LSQ_E_MALFORMED, "1 bytes behind"},
    {ONE("i1 q1", "0"), LSQ_E_TRUNCATED, "4 bytes of tensor"},
    {"i3 q1 q0 sx i1 q1 i0 q0", LSQ_E_TRUNCATED, "4 bytes of tensor"},
    {TWO("0", "33"), LSQ_E_MALFORMED, "multiple of the alignment"},
    {TWO("0", "64"), LSQ_E_MALFORMED, "belong to no tensor"},
    {TWO("32", "64"), LSQ_E_MALFORMED, "belong to no tensor"},
    {TWO("0", "18446744073709551584"), LSQ_E_MALFORMED, "belong to no tensor"},
    {TWO("0", "0"), LSQ_E_MALFORMED, "overlaps"},
    {TWO("32", "32"), LSQ_E_MALFORMED, "belong to no tensor"},
    {"i3 q2 q0 sa i1 q9 i0 q0 " F32_AT("b", "32") " a32 z96", LSQ_E_MALFORMED, "overlaps"},
    {"i3 q1 q0 sx i1 q0 i0 q32 a32", LSQ_E_MALFORMED, "belong to no tensor"},
};

START_TEST(attack)
{
    lsq_error err;
    size_t size;
    uint8_t *bytes = file_of(attacks[_i].script, &size);
    const lsq_status status = limited_status_of(bytes, size, &err);
    free(bytes);
    ck_assert_msg(status == attacks[_i].status, "%s: status %d, %s", attacks[_i].script, status, err.text);
    ck_assert_msg(strstr(err.text, attacks[_i].says) != NULL, "%s: does not say %s: %s", attacks[_i].script,
                  attacks[_i].says, err.text);
}
END_TEST

int main(void)
{
    const int both = sizeof files / sizeof files[0];
    Suite *suite = suite_create("gguf_damage");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, every_prefix_is_truncated, 0, both);
    tcase_add_loop_test(cases, header_bit_flips_are_seen, 0, both);
    tcase_add_loop_test(cases, attack, 0, sizeof attacks / sizeof attacks[0]);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
