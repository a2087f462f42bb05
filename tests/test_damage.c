/*
 * test_damage.c - .lsq version 2: whatever is not right is refused, with the status that says why.
 */
#include "tests/emulated.h"
#include "tests/model_sample.h"

/* Which sample file the tests damage. */
static void (*write_it)(const char *path) = write_sample;

static void make_folder_for_outliers(void)
{
    make_folder();
    write_it = write_with_outliers;
}

/* The sample file as bytes; free() them. */
static uint8_t *sample_bytes(size_t *size)
{
    write_it(in_folder("sample.lsq"));
    return contents_of(in_folder("sample.lsq"), size);
}

/* ---- Damage ------------------------------------------------------------------------------------------------------ */

START_TEST(every_prefix_is_truncated)
{
    size_t size;
    uint8_t *bytes = sample_bytes(&size);
    for (size_t length = 0; length < size; length++) {
        lsq_status status = status_of(bytes, length, &sample_err);
        ck_assert_msg(status == LSQ_E_TRUNCATED, "%zu bytes: %d, %s", length, status, sample_err.text);
    }
    free(bytes);
}
END_TEST

START_TEST(what_follows_the_end_is_refused)
{
    size_t size;
    uint8_t *bytes = sample_bytes(&size), *longer = calloc(size + 64, 1);
    memcpy(longer, bytes, size);
    for (size_t more = 1; more <= 64; more++)
        ck_assert_int_eq(status_of(longer, size + more, &sample_err), LSQ_E_MALFORMED);
    free(bytes);
    free(longer);
}
END_TEST

/* The tensor whose payload byte `at` of the file belongs to, or the count of tensors. */
static size_t owner_of(const lsq_model *model, size_t at)
{
    size_t i = 0;
    for (const uint8_t *base = lsq_model_bytes(model, 0); i < lsq_model_count(model); i++) {
        const lsq_tensor *t = lsq_model_tensor(model, i);
        size_t begin = 64 + (size_t)((const uint8_t *)lsq_model_bytes(model, i) - base);
        if (at >= begin && at - begin < t->bytes)
            break;
        begin = (begin + t->bytes + 63) / 64 * 64; /* of its outliers */
        if (at >= begin && at - begin < t->outlier_bytes)
            break;
    }
    return i;
}

/* Outside the payloads a flip is found by opening, inside by verifying exactly that tensor. */
START_TEST(every_flipped_bit_is_found)
{
    size_t size, flips_inside = 0, flips_outside = 0;
    uint8_t *bytes = sample_bytes(&size);
    lsq_model *sound = NULL;
    OK(lsq_model_open_memory(bytes, size, 0, &sound, &sample_err));
    for (size_t bit = (size_t)_i; bit < 8 * size; bit += emulated() ? 5 * 8 : 8) { /* there some of them */
        size_t owner = owner_of(sound, bit / 8);
        lsq_model *model = NULL;
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_msg(status_of(bytes, size, &sample_err) != LSQ_OK, "bit %zu of byte %zu", bit % 8, bit / 8);
        lsq_status status = lsq_model_open_memory(bytes, size, 0, &model, &sample_err);
        if (owner == lsq_model_count(sound)) {
            ck_assert_msg(status != LSQ_OK, "bit %zu of byte %zu", bit % 8, bit / 8);
            flips_outside++;
        } else if (status == LSQ_OK) {
            for (size_t i = 0; i < lsq_model_count(model); i++)
                ck_assert_int_eq(lsq_model_verify(model, i, NULL), i == owner ? LSQ_E_CHECKSUM : LSQ_OK);
            flips_inside++;
        } else { /* the flip made a scale infinite or negative, or outliers that cannot be */
            ck_assert(status == LSQ_E_MALFORMED || status == LSQ_E_TRUNCATED);
        }
        lsq_model_free(model);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    ck_assert_uint_gt(flips_inside, 500);
    ck_assert_uint_gt(flips_outside, 64);
    lsq_model_free(sound);
    free(bytes);
}
END_TEST

START_TEST(preamble_flips_have_their_status)
{
    size_t size;
    uint8_t *bytes = sample_bytes(&size);
    for (size_t bit = 0; bit < 64 * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        lsq_status status = status_of(bytes, size, &sample_err), expected = LSQ_E_CHECKSUM;
        if (bit < 4 * 8)
            expected = LSQ_E_UNSUPPORTED; /* no known format */
        else if (bit < 8 * 8)
            expected = LSQ_E_MALFORMED; /* as text mode does it */
        else if (bit < 12 * 8)
            expected = LSQ_E_UNSUPPORTED; /* another version */
        ck_assert_msg(status == expected, "bit %zu of byte %zu: %s", bit % 8, bit / 8, sample_err.text);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    free(bytes);
}
END_TEST

/* ---- Preambles that lie, with the right hash --------------------------------------------------------------------- */

static const struct {
    size_t offset, bytes;
    uint64_t value;
    lsq_status status;
    const char *text;
} lies[] = {
    {12, 4, 2, LSQ_E_UNSUPPORTED, "features 0x2"}, /* required, and unknown */
    {12, 4, 3, LSQ_E_UNSUPPORTED, "features 0x2"},
    {12, 4, 0x80000000u, LSQ_E_UNSUPPORTED, "features 0x80000000"},
    {16, 8, 128, LSQ_E_MALFORMED, "does not end"}, /* a header that ends too early */
    {16, 8, UINT64_MAX - 63, LSQ_E_MALFORMED, "does not end"},
    {16, 8, (uint64_t)1 << 32, LSQ_E_MALFORMED, "does not end"},
    {24, 8, 0, LSQ_E_MALFORMED, "does not end"},
    {24, 8, UINT64_MAX, LSQ_E_LIMIT, "64 MiB"},
    {24, 8, ((uint64_t)64 << 20) + 1, LSQ_E_LIMIT, "64 MiB"},
    {24, 8, (uint64_t)64 << 20, LSQ_E_MALFORMED, "does not end"}, /* allowed, but not here */
    {32, 8, 0, LSQ_E_MALFORMED, "goes on after its end"},
    {32, 8, UINT64_MAX, LSQ_E_TRUNCATED, "bytes"},
};

START_TEST(preambles_that_lie_are_refused)
{
    size_t size;
    uint8_t *bytes = sample_bytes(&size);
    for (size_t i = 0; i < lies[_i].bytes; i++)
        bytes[lies[_i].offset + i] = (uint8_t)(lies[_i].value >> (8 * i));
    rehash(bytes, size);
    lsq_status status = limited_status_of(bytes, size, &sample_err);
    ck_assert_msg(status == lies[_i].status, "row %d: %d, %s", _i, status, sample_err.text);
    ck_assert_msg(strstr(sample_err.text, lies[_i].text), "row %d: %s", _i, sample_err.text);
    free(bytes);
}
END_TEST

/* A header that ends the file, but begins within the preamble, or not at a multiple of 64, or wraps around to its end. */
START_TEST(headers_have_their_place)
{
    static const uint64_t offsets[] = {0, 56, 63, 65, 96, (uint64_t)0 - 64};
    size_t size;
    uint8_t *bytes = sample_bytes(&size);
    for (size_t i = 0; i < 8; i++) {
        bytes[16 + i] = (uint8_t)(offsets[_i] >> (8 * i));
        bytes[24 + i] = (uint8_t)((size - offsets[_i]) >> (8 * i));
    }
    rehash(bytes, size);
    ck_assert_int_eq(status_of(bytes, size, &sample_err), LSQ_E_MALFORMED);
    ck_assert_ptr_nonnull(strstr(sample_err.text, "does not end the file"));
    free(bytes);
}
END_TEST

/* ---- Hostile headers, with the right hashes ---------------------------------------------------------------------- */

#define SUM0 "99aa06d3014798d86001c324468d497f" /* XXH3-128 of nothing, as xxhsum prints it */
#define PLAIN(name, type, shape, from, to)                                                                             \
    "\"" name "\":{\"data_offsets\":[" from "," to "],\"dtype\":\"" type "\",\"shape\":[" shape                        \
    "],\"xxh3_128\":\"" SUM0 "\"}"
#define CODED(name, codec, axis, shape, from, to)                                                                      \
    "\"" name "\":{\"codec\":\"" codec "\",\"data_offsets\":[" from "," to "],\"dtype\":\"F32\",\"output_axis\":" axis \
    ",\"shape\":[" shape "],\"xxh3_128\":\"" SUM0 "\"}"
#define HEADER(tensors) "{\"chain_panels\":16,\"tensors\":{" tensors "}}"

static const struct {
    const char *header;
    size_t payload; /* zeros between preamble and header */
    lsq_status status;
    const char *text; /* part of the error */
} hostile[] = {
    /* what is allowed */
    {HEADER(""), 0, LSQ_OK, ""},
    {" " HEADER("") "\n", 0, LSQ_OK, ""},
    {HEADER(PLAIN("a", "F32", "0", "64", "64")), 0, LSQ_OK, ""},
    {HEADER(PLAIN("b", "F32", "0", "64", "64") "," PLAIN("a", "U8", "0,1099511627776", "64", "64")), 0, LSQ_OK, ""},
    {"{\"chain_panels\":16,\"later\":[{}],\"tensors\":{\"a\":{\"data_offsets\":[64,64],\"dtype\":\"F32\",\"new\":{},"
     "\"shape\":[0],\"xxh3_128\":\"" SUM0 "\"}}}",
     0, LSQ_OK, ""},
    {"{\"chain_panels\":16,\"metadata\":{\"q\":\"\\\"[[[[[[[[[[[[[[[[[[\\\\\"},\"tensors\":{}}", 0, LSQ_OK,
     ""}, /* in a string */
    /* the frame */
    {"", 0, LSQ_E_MALFORMED, "JSON"},
    {"{", 0, LSQ_E_MALFORMED, "JSON"},
    {HEADER("") "x", 0, LSQ_E_MALFORMED, "JSON"},
    {"[]", 0, LSQ_E_MALFORMED, "\"tensors\""},
    {"{\"chain_panels\":16}", 0, LSQ_E_MALFORMED, "\"tensors\""},
    {"{\"chain_panels\":16,\"tensors\":[]}", 0, LSQ_E_MALFORMED, "\"tensors\""},
    {"{\"tensors\":{}}", 0, LSQ_E_MALFORMED, "\"chain_panels\""},
    {"{\"chain_panels\":16.0,\"tensors\":{}}", 0, LSQ_E_MALFORMED, "\"chain_panels\""},
    {"{\"chain_panels\":8,\"tensors\":{}}", 0, LSQ_E_UNSUPPORTED, "8 panels"},
    {"{\"chain_panels\":16,\"metadata\":[],\"tensors\":{}}", 0, LSQ_E_MALFORMED, "\"metadata\""},
    {"{\"chain_panels\":16,\"metadata\":{\"a\":1},\"tensors\":{}}", 0, LSQ_E_MALFORMED, "metadata \"a\""},
    {"{\"chain_panels\":16,\"tensors\":{},\"tensors\":{}}", 0, LSQ_E_MALFORMED, "duplicate"},
    {HEADER(PLAIN("a", "F32", "0", "64", "64") "," PLAIN("a", "F32", "0", "64", "64")), 0, LSQ_E_MALFORMED,
     "duplicate"},
    {"{\"chain_panels\":16,\"tensors\":{},\"x\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}", 0, LSQ_OK, ""}, /* 16 deep */
    {"{\"chain_panels\":16,\"tensors\":{},\"x\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}", 0, LSQ_E_MALFORMED, "deeper"},
    {"{\"chain_panels\":99999999999999999999,\"tensors\":{}}", 0, LSQ_E_MALFORMED, "JSON"},
    /* names */
    {HEADER(PLAIN("", "F32", "0", "64", "64")), 0, LSQ_E_MALFORMED, "is empty"},
    {HEADER(PLAIN("a\\u0000b", "F32", "0", "64", "64")), 0, LSQ_E_MALFORMED, "JSON"},
    {HEADER(PLAIN("a\\u001bb", "F32", "0", "64", "64")), 0, LSQ_E_MALFORMED, "control"},
    {HEADER(PLAIN("a\\u0085b", "F32", "0", "64", "64")), 0, LSQ_E_MALFORMED, "control"},
    {HEADER(PLAIN("a\xff", "F32", "0", "64", "64")), 0, LSQ_E_MALFORMED, "JSON"},
    {HEADER(PLAIN("\\ud800", "F32", "0", "64", "64")), 0, LSQ_E_MALFORMED, "JSON"},
    /* one tensor */
    {HEADER("\"a\":1"), 0, LSQ_E_MALFORMED, "\"dtype\""},
    {HEADER(PLAIN("a", "F33", "0", "64", "64")), 0, LSQ_E_MALFORMED, "\"dtype\""},
    {HEADER(PLAIN("a", "F32", "-1", "64", "64")), 0, LSQ_E_MALFORMED, "\"shape\""},
    {HEADER(PLAIN("a", "F32", "1.0", "64", "68")), 4, LSQ_E_MALFORMED, "\"shape\""},
    {HEADER(PLAIN("a", "F32", "\\\"1\\\"", "64", "68")), 4, LSQ_E_MALFORMED, "JSON"},
    {HEADER(PLAIN("a", "F32", "1", "-64", "68")), 4, LSQ_E_MALFORMED, "\"data_offsets\""},
    {HEADER(PLAIN("a", "F32", "1", "68", "64")), 4, LSQ_E_MALFORMED, "\"data_offsets\""},
    {HEADER(PLAIN("a", "F32", "1", "64", "68,72")), 4, LSQ_E_MALFORMED, "\"data_offsets\""},
    {HEADER("\"a\":{\"data_offsets\":[64,64],\"dtype\":\"F32\",\"shape\":[0]}"), 0, LSQ_E_MALFORMED, "\"xxh3_128\""},
    {HEADER("\"a\":{\"data_offsets\":[64,64],\"dtype\":\"F32\",\"shape\":[0],\"xxh3_128\":"
            "\"99AA06D3014798D86001C324468D497F\"}"),
     0, LSQ_E_MALFORMED, "\"xxh3_128\""},
    {HEADER(PLAIN("a", "F32", "1,1,1,1,1,1,1,1", "64", "68")), 4, LSQ_E_CHECKSUM, "checksum"}, /* rank 8 is allowed */
    {HEADER(PLAIN("a", "F32", "1,1,1,1,1,1,1,1,1", "64", "68")), 4, LSQ_E_LIMIT, "rank 9"},
    {HEADER(PLAIN("a", "F32", "2", "64", "68")), 4, LSQ_E_MALFORMED, "4 bytes"},
    {HEADER(PLAIN("a", "F32", "1", "64", "72")), 8, LSQ_E_MALFORMED, "8 bytes"},
    {HEADER("\"a\":{\"data_offsets\":[64,64],\"dtype\":\"F32\",\"shape\":[0],\"xxh3_128\":\"" SUM0 "0\"}"), 0,
     LSQ_E_MALFORMED, "\"xxh3_128\""},
    {HEADER(PLAIN("a", "F32", "", "64", "64")), 0, LSQ_E_MALFORMED, "0 bytes"}, /* rank 0 is one number */
    {HEADER(PLAIN("a", "U8", "1099511627777", "64", "64")), 0, LSQ_E_LIMIT, "2^40"},
    {HEADER(PLAIN("a", "U8", "1099511627776,32", "64", "64")), 0, LSQ_E_LIMIT, "2^44"},
    {HEADER(PLAIN("a", "U8", "1073741824,1073741824,16", "64", "64")), 0, LSQ_E_LIMIT, "2^44"}, /* 2^64 elements */
    {HEADER(PLAIN("a", "F64", "1099511627776,16", "64", "64")), 0, LSQ_E_MALFORMED, "0 bytes"}, /* 2^47 bytes */
    {HEADER(PLAIN("a", "U8", "1000000000", "64", "1000000064")), 0, LSQ_E_MALFORMED, "offset"},
    {HEADER(PLAIN("a", "U8", "1", "9223372036854775807", "9223372036854775807")), 0, LSQ_E_MALFORMED, "offset"},
    /* places */
    {HEADER(""), 1, LSQ_E_MALFORMED, "expected at 64"},
    {HEADER(PLAIN("a", "U8", "1", "65", "66")), 2, LSQ_E_MALFORMED, "expected at 64"},
    {HEADER(PLAIN("a", "U8", "1", "0", "1")), 1, LSQ_E_MALFORMED, "expected at 64"},
    {HEADER(PLAIN("a", "U8", "1", "128", "129")), 65, LSQ_E_MALFORMED, "expected at 64"}, /* a hole */
    {HEADER(PLAIN("a", "U8", "64", "64", "128") "," PLAIN("b", "U8", "64", "64", "128")), 64,
     LSQ_E_MALFORMED, /* twice */
     "expected at 128"},
    {HEADER(PLAIN("a", "U8", "65", "64", "129") "," PLAIN("b", "U8", "1", "128", "129")), 65, LSQ_E_MALFORMED,
     "expected at 192"},
    {HEADER(PLAIN("a", "U8", "1", "64", "65") "," PLAIN("b", "U8", "1", "65", "66")), 2, LSQ_E_MALFORMED,
     "expected at 128"},
    {HEADER(PLAIN("a", "U8", "1", "64", "65")), 65, LSQ_E_MALFORMED, "expected at 128"}, /* a hole at the end */
    {HEADER(PLAIN("a", "U8", "200", "64", "264")), 65, LSQ_E_MALFORMED, "offset"},       /* the header as payload */
    /* codecs */
    {HEADER(CODED("a", "s4.row", "0", "16,32", "64", "384")), 320, LSQ_E_CHECKSUM,
     "checksum"}, /* sound but for the sum */
    {HEADER(CODED("a", "s4.row", "1", "32,16", "64", "384")), 320, LSQ_E_CHECKSUM, "checksum"},
    {HEADER(CODED("a", "s4.row", "0", "16,33", "64", "384")), 320, LSQ_E_MALFORMED, "320 bytes"},
    {HEADER(CODED("a", "s4.row", "2", "16,32", "64", "384")), 320, LSQ_E_MALFORMED, "axis"},
    {HEADER(CODED("a", "s4.row", "-1", "16,32", "64", "384")), 320, LSQ_E_MALFORMED, "\"output_axis\""},
    {HEADER(CODED("a", "s4.row", "4294967296", "16,32", "64", "384")), 320, LSQ_E_MALFORMED, "\"output_axis\""},
    {HEADER(CODED("a", "s4.row", "0", "512", "64", "384")), 320, LSQ_E_MALFORMED, "rank 1"},
    {HEADER(CODED("a", "s4.row", "0", "0,32", "64", "64")), 0, LSQ_E_MALFORMED, "without elements"},
    {HEADER(CODED("a", "s4.row", "0", "1099511627776,16", "64", "64")), 0, LSQ_E_MALFORMED, "0 bytes"},
    {HEADER(CODED("a", "t7", "0", "16,32", "64", "384")), 320, LSQ_E_MALFORMED, "\"codec\""},
    {HEADER(CODED("a", "", "0", "16,32", "64", "384")), 320, LSQ_E_MALFORMED, "\"codec\""},
    {HEADER(CODED("a", "c4.none", "0", "16,32", "64", "384")), 320, LSQ_E_MALFORMED, "scale"}, /* must be 1, is 0 */
};

START_TEST(hostile_headers_are_refused)
{
    size_t size;
    uint8_t *bytes = forge(hostile[_i].header, strlen(hostile[_i].header), hostile[_i].payload, &size);
    lsq_status status = limited_status_of(bytes, size, &sample_err);
    ck_assert_msg(status == hostile[_i].status, "%s: %d, %s", hostile[_i].header, status, sample_err.text);
    ck_assert_msg(strstr(sample_err.text, hostile[_i].text), "%s: %s", hostile[_i].header, sample_err.text);
    free(bytes);
}
END_TEST

START_TEST(padding_must_be_zero)
{
    size_t size;
    uint8_t *bytes = sample_bytes(&size);
    size_t header = (size_t)bytes[16] | (size_t)bytes[17] << 8;
    ck_assert_uint_eq(bytes[header - 1], 0); /* behind the 8 bytes of "steps" */
    bytes[header - 1] = 1;
    ck_assert_int_eq(status_of(bytes, size, &sample_err), LSQ_E_MALFORMED);
    ck_assert_ptr_nonnull(strstr(sample_err.text, "padding is not zero"));
    free(bytes);
}
END_TEST

/* Outliers: 320 bytes of a matrix from 64 on, and zeros behind them, in a file that requires the feature or does not. */
#define HEAVY(outliers)                                                                                                \
    HEADER("\"a\":{\"codec\":\"s4.row\",\"data_offsets\":[64,384],\"dtype\":\"F32\",\"outliers\":" outliers            \
           ",\"output_axis\":0,\"shape\":[16,32],\"xxh3_128\":\"" SUM0 "\"}")
#define OUTLIERS(from, to) "{\"data_offsets\":[" from "," to "],\"xxh3_128\":\"" SUM0 "\"}"

static const struct {
    const char *header;
    size_t payload;
    unsigned features;
    lsq_status status;
    const char *text;
} outlying[] = {
    {HEAVY(OUTLIERS("384", "404")), 340, 0, LSQ_E_MALFORMED, "lacks feature 0x1"},
    {HEAVY(OUTLIERS("384", "404")), 340, 1, LSQ_E_MALFORMED, "byte 0: none"},
    {HEAVY(OUTLIERS("384", "390")), 326, 1, LSQ_E_TRUNCATED, "expected a header"},
    {HEAVY(OUTLIERS("384", "384")), 320, 1, LSQ_E_MALFORMED, "of its outliers"},
    {HEAVY(OUTLIERS("404", "384")), 340, 1, LSQ_E_MALFORMED, "of its outliers"},
    {HEAVY(OUTLIERS("64", "384")), 320, 1, LSQ_E_MALFORMED, "expected at 384"},
    {HEAVY(OUTLIERS("385", "405")), 341, 1, LSQ_E_MALFORMED, "expected at 384"},
    {HEAVY(OUTLIERS("448", "468")), 404, 1, LSQ_E_MALFORMED, "expected at 384"},
    {HEAVY(OUTLIERS("384", "9223372036854775807")), 340, 1, LSQ_E_MALFORMED, "offset"},
    {HEAVY(OUTLIERS("384", "404")), 404, 1, LSQ_E_MALFORMED, "byte 0: none"},
    {HEAVY("[384,404]"), 340, 1, LSQ_E_MALFORMED, "of its outliers"},
    {HEAVY("{\"data_offsets\":[384,404]}"), 340, 1, LSQ_E_MALFORMED, "\"xxh3_128\" of its outliers"},
    {HEAVY("null"), 340, 1, LSQ_E_MALFORMED, "of its outliers"},
    {HEADER("\"a\":{\"data_offsets\":[64,68],\"dtype\":\"F32\",\"outliers\":" OUTLIERS(
         "128", "148") ",\"shape\":[1],\"xxh3_128\":\"" SUM0 "\"}"),
     84, 1, LSQ_E_MALFORMED, "without \"codec\""},
    {HEADER(""), 0, 1, LSQ_OK, ""}, /* required by nothing */
};

START_TEST(hostile_outliers_are_refused)
{
    size_t size;
    uint8_t *bytes = forge(outlying[_i].header, strlen(outlying[_i].header), outlying[_i].payload, &size);
    bytes[12] = (uint8_t)outlying[_i].features;
    rehash(bytes, size);
    lsq_status status = limited_status_of(bytes, size, &sample_err);
    ck_assert_msg(status == outlying[_i].status, "%s: %d, %s", outlying[_i].header, status, sample_err.text);
    ck_assert_msg(strstr(sample_err.text, outlying[_i].text), "%s: %s", outlying[_i].header, sample_err.text);
    free(bytes);
}
END_TEST

/* Headers that are only brackets, only one string, only numbers: time and memory stay in proportion. */
START_TEST(large_nonsense_is_refused)
{
    static const char *const fillers[] = {"[", "{\"\":", "x", "\"", "[1,"};
    const size_t length = 400000;
    const char *filler = fillers[_i];
    size_t size;
    char *header = malloc(length);
    for (size_t i = 0; i < length; i++)
        header[i] = filler[i % strlen(filler)];
    if (_i == 3)
        memset(header + 1, 'a', length - 1);
    uint8_t *bytes = forge(header, length, 0, &size);
    ck_assert_int_eq(limited_status_of(bytes, size, &sample_err), LSQ_E_MALFORMED);
    free(header);
    free(bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("damage");
    TCase *damaged = tcase_create("damaged"), *forged = tcase_create("forged");
    tcase_add_checked_fixture(damaged, make_folder, drop_folder);
    tcase_set_timeout(damaged, 120);
    tcase_add_test(damaged, every_prefix_is_truncated);
    tcase_add_test(damaged, what_follows_the_end_is_refused);
    tcase_add_loop_test(damaged, every_flipped_bit_is_found, 0, 8);
    tcase_add_test(damaged, preamble_flips_have_their_status);
    tcase_add_test(damaged, padding_must_be_zero);
    tcase_add_loop_test(damaged, preambles_that_lie_are_refused, 0, sizeof lies / sizeof lies[0]);
    tcase_add_loop_test(damaged, headers_have_their_place, 0, 6);
    suite_add_tcase(suite, damaged);
    TCase *outliers = tcase_create("with outliers");
    tcase_add_checked_fixture(outliers, make_folder_for_outliers, drop_folder);
    tcase_set_timeout(outliers, 120);
    tcase_add_test(outliers, every_prefix_is_truncated);
    tcase_add_test(outliers, what_follows_the_end_is_refused);
    tcase_add_loop_test(outliers, every_flipped_bit_is_found, 0, 8);
    tcase_add_test(outliers, preamble_flips_have_their_status);
    suite_add_tcase(suite, outliers);
    tcase_add_loop_test(forged, hostile_outliers_are_refused, 0, sizeof outlying / sizeof outlying[0]);
    tcase_add_loop_test(forged, hostile_headers_are_refused, 0, sizeof hostile / sizeof hostile[0]);
    tcase_add_loop_test(forged, large_nonsense_is_refused, 0, 5);
    suite_add_tcase(suite, forged);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
