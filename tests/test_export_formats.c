/*
 * test_export_formats.c - npz, GGUF and C headers: read again they are what was meant, and what they cannot hold is refused.
 */
#include "model/dtype.h"
#include "model/symbols.h"
#include "tests/gguf_script.h"
#include "tests/model_sample.h"

#include <errno.h>

/* With all checksums. */
static lsq_model *open_sound(const char *path)
{
    lsq_model *model = NULL;
    OK(lsq_model_open(path, LSQ_OPEN_VERIFY, &model, &sample_err));
    return model;
}

/* Is tensor j of the one the same as i of the other, in that type? */
static void expect_tensor(const lsq_model *found, size_t j, const lsq_model *model, size_t i, lsq_dtype dtype)
{
    const lsq_tensor *a = lsq_model_tensor(found, j), *b = lsq_model_tensor(model, i);
    float *numbers = malloc((b->elements + 1) * sizeof *numbers),
          *expected = malloc((b->elements + 1) * sizeof *expected);
    ck_assert_str_eq(a->name, b->name);
    ck_assert_int_eq(a->dtype, dtype);
    ck_assert_uint_eq(a->rank, b->rank);
    ck_assert_mem_eq(a->shape, b->shape, sizeof a->shape);
    OK(lsq_model_read(found, j, numbers, &sample_err));
    OK(lsq_model_read(model, i, expected, &sample_err));
    for (uint64_t k = 0; k < b->elements && dtype == LSQ_F16; k++) {
        uint8_t half[2];
        ck_assert_uint_eq(lsq_dtype_to_half(expected + k, 1, half), 1);
        lsq_dtype_to_float(LSQ_F16, half, 1, expected + k);
    }
    ck_assert(b->elements == 0 || memcmp(numbers, expected, b->elements * sizeof *numbers) == 0);
    if (!b->quantised && !lsq_model_blocks(model, i, NULL) && b->dtype == dtype)
        ck_assert(b->bytes == 0 || memcmp(lsq_model_bytes(found, j), lsq_model_bytes(model, i), b->bytes) == 0);
    free(numbers);
    free(expected);
}

/* Writes a file twice: the same bytes. Gives the one that stays. */
static lsq_model *written(const lsq_model *model, const char *format, const lsq_export_options *options)
{
    size_t size, again, count = 0;
    const char *path = in_folder("out");
    lsq_export_options o = options ? *options : (lsq_export_options){.size = sizeof o};
    o.overwrite = 1;
    errno = 12;
    OK(lsq_export(model, format, path, &o, &count, &sample_err));
    ck_assert_int_eq(errno, 12);
    ck_assert_uint_eq(count, o.tensors ? o.tensor_count : lsq_model_count(model));
    uint8_t *first = contents_of(path, &size);
    OK(lsq_export(model, format, path, &o, NULL, &sample_err));
    uint8_t *second = contents_of(path, &again);
    ck_assert_uint_eq(size, again);
    ck_assert_mem_eq(first, second, size);
    free(first);
    free(second);
    return open_sound(path);
}

static void expect_refused(const lsq_model *model, const char *format, const lsq_export_options *options,
                           lsq_status status, const char *text)
{
    const char *path = in_folder("refused");
    ck_assert_int_eq(lsq_export(model, format, path, options, NULL, &sample_err), status);
    ck_assert_msg(strstr(sample_err.text, text) != NULL, "%s", sample_err.text);
    ck_assert_int_ne(access(path, F_OK), 0);
}

/* ---- npz --------------------------------------------------------------------------------------------------------- */

static int numpy_has(lsq_dtype dtype)
{
    return dtype != LSQ_BF16 && dtype != LSQ_F8_E4M3 && dtype != LSQ_F8_E5M2;
}

START_TEST(npz_holds_what_there_was)
{
#if LSQ_ZLIB
    static const char *const files[] = {TEST_DATA "/all_types.safetensors", TEST_DATA "/fixture.safetensors",
                                        TEST_DATA "/gguf/blocks.gguf",      TEST_DATA "/npy/columns of rank 8.npy",
                                        TEST_DATA "/npz/empty.npz",         NULL};
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        if (!files[f])
            write_sample(in_folder("sample"));
        lsq_model *model = open_sound(files[f] ? files[f] : in_folder("sample"));
        for (int floats = 0; floats <= LSQ_FORM_F16; floats++) {
            const lsq_export_options options = {.size = sizeof options, .floats = floats};
            lsq_model *found = written(model, "npz", &options);
            ck_assert_str_eq(lsq_model_format(found), "npz");
            ck_assert_uint_eq(lsq_model_count(found), lsq_model_count(model));
            for (size_t i = 0; i < lsq_model_count(model); i++) {
                const lsq_tensor *t = lsq_model_tensor(model, i);
                const int is_float = t->quantised || lsq_dtype_floating(t->dtype);
                lsq_dtype dtype = t->quantised || !numpy_has(t->dtype) ? LSQ_F32 : t->dtype;
                if (floats && is_float)
                    dtype = floats == LSQ_FORM_F16 ? LSQ_F16 : LSQ_F32;
                expect_tensor(found, i, model, i, dtype);
            }
            lsq_model_free(found);
        }
        lsq_model_free(model);
    }
#else
    lsq_model *model = open_sound(TEST_DATA "/fixture.safetensors");
    expect_refused(model, "npz", NULL, LSQ_E_UNSUPPORTED, "zlib");
    lsq_model_free(model);
#endif
}
END_TEST

/* ---- GGUF -------------------------------------------------------------------------------------------------------- */

static const char *metadata_of(const lsq_model *model, const char *wanted)
{
    const char *key, *value;
    for (size_t k = 0; lsq_model_metadata(model, k, &key, &value); k++)
        if (strcmp(key, wanted) == 0)
            return value;
    return "";
}

/* Of those that GGUF can hold; `count` says how many. */
static size_t *fitting(const lsq_model *model, size_t *count)
{
    size_t *fit = malloc((lsq_model_count(model) + 1) * sizeof *fit);
    *count = 0;
    for (size_t i = 0; i < lsq_model_count(model); i++) {
        const lsq_tensor *t = lsq_model_tensor(model, i);
        if (t->elements && t->rank <= 4 && t->dtype != LSQ_U32 && t->dtype != LSQ_U64)
            fit[(*count)++] = i;
    }
    return fit;
}

START_TEST(gguf_holds_what_fits)
{
    static const char *const files[] = {TEST_DATA "/all_types.safetensors", TEST_DATA "/fixture.safetensors",
                                        TEST_DATA "/gguf/blocks.gguf", TEST_DATA "/gguf/plain.gguf", NULL};
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        if (!files[f])
            write_sample(in_folder("sample"));
        lsq_model *model = open_sound(files[f] ? files[f] : in_folder("sample"));
        const int was = strcmp(lsq_model_format(model), "gguf") == 0;
        for (int floats = LSQ_FORM_F32; floats <= LSQ_FORM_F16; floats++) {
            size_t count;
            size_t *fit = fitting(model, &count);
            const lsq_export_options options = {
                .size = sizeof options, .floats = floats, .tensors = fit, .tensor_count = count};
            lsq_model *found = written(model, "gguf", &options);
            ck_assert_str_eq(lsq_model_format(found), "gguf");
            ck_assert_uint_eq(lsq_model_count(found), count);
            for (size_t k = 0; k < count; k++) {
                const lsq_tensor *t = lsq_model_tensor(model, fit[k]);
                const int integer = !t->quantised && (t->dtype == LSQ_I8 || t->dtype == LSQ_I16 ||
                                                      t->dtype == LSQ_I32 || t->dtype == LSQ_I64);
                const int halved =
                    floats == LSQ_FORM_F16 && t->rank > 1 && (t->quantised || lsq_dtype_floating(t->dtype));
                expect_tensor(found, k, model, fit[k], integer ? t->dtype : halved ? LSQ_F16 : LSQ_F32);
            }
            if (!was) {
                ck_assert_str_eq(metadata_of(found, "general.architecture"), "unknown");
                ck_assert_str_eq(metadata_of(found, "general.file_type"), floats == LSQ_FORM_F16 ? "1" : "0");
            }
            const char *key, *value;
            for (size_t m = 0; lsq_model_metadata(model, m, &key, &value); m++)
                if (strcmp(key, "general.file_type") != 0)
                    ck_assert_str_eq(metadata_of(found, key), value);
            lsq_model_free(found);
            free(fit);
        }
        lsq_model_free(model);
    }
}
END_TEST

/* The metadata of `found` must be the bytes of those of `model`, without what is about that file, and then the file type. */
static void expect_metadata_of(const lsq_model *found, const lsq_model *model, uint8_t file_type)
{
    static const char key[] = "general.file_type";
    uint8_t expected[512] = {0};
    size_t size = 0;
    uint64_t at = model->pairs.begin;
    for (unsigned i = 0; i <= model->pairs.apart_count; i++) {
        const uint64_t end = i < model->pairs.apart_count ? model->pairs.apart[i][0] : model->pairs.end;
        memcpy(expected + size, model->files[0].bytes + at, end - at);
        size += end - at;
        at = i < model->pairs.apart_count ? model->pairs.apart[i][1] : end;
    }
    expected[size] = sizeof key - 1;
    memcpy(expected + size + 8, key, sizeof key - 1);
    size += 8 + sizeof key - 1;
    expected[size] = 4; /* uint32 */
    expected[size + 4] = file_type;
    size += 8;
    ck_assert_uint_eq(found->pairs.count, 5);
    ck_assert_uint_eq(found->pairs.apart_count, 1);
    ck_assert_uint_eq(found->pairs.alignment, model->pairs.alignment);
    ck_assert_uint_eq(found->pairs.end - found->pairs.begin, size);
    ck_assert_mem_eq(found->files[0].bytes + found->pairs.begin, expected, size);
}

/* Pairs of all kinds and an alignment of their own come out as they were, but for the file type and what a split leaves. */
START_TEST(gguf_metadata_stay_as_they_are)
{
    static const struct {
        const char *script;
        unsigned apart;
    } files[] = {
        {"i3 q1 q5 s0 i8 sllama s1 i9 i8 q2 sab scd s2 i6 i1065353216 s3 i4 i64 s4 i4 i7 s5 i1 q4 i0 q0 a64 "
         "i1065353216 "
         "z12",
         1},
        {"i2 q1 q5 s4 i4 i7 s0 i8 sllama s1 i9 i4 q2 i5 i6 s2 i7 b1 s3 i4 i128 s5 i1 q4 i0 q0 a128 i1065353216 z12", 1},
        {"i3 q1 q7 s7 i4 i0 s0 i8 sllama s1 i9 i4 q1 i5 s6 i4 i1 s2 i7 b1 s3 i4 i64 s8 i4 i1 s5 i1 q4 i0 q0 a64 "
         "i1065353216 z12",
         3},
    };
    static const char *const keys[] = {"general.architecture", "list",   "number",      "general.alignment",
                                       "general.file_type",    "tensor", "split.count", "split.no",
                                       "split.tensors.count"};
    char script[512], *to = script;
    for (const char *at = files[_i].script; *at; at++) { /* s0..s8 stand for the long words */
        if (at[0] == 's' && at[1] >= '0' && at[1] <= '8' && (at[2] == ' ' || !at[2])) {
            to += sprintf(to, "s%s", keys[at[1] - '0']);
            at++;
        } else {
            *to++ = *at;
        }
    }
    *to = 0;
    size_t size;
    uint8_t *bytes = file_of(script, &size);
    write_file(in_folder("in"), bytes, size);
    lsq_model *model = open_sound(in_folder("in")), *other = open_sound(TEST_DATA "/fixture.safetensors");
    ck_assert_uint_eq(model->pairs.apart_count, files[_i].apart);
    lsq_model *found = written(model, "gguf", NULL);
    expect_metadata_of(found, model, 0);
    ck_assert_uint_eq(lsq_model_tensor(found, 0)->bytes, 16);
    ck_assert_mem_eq(lsq_model_bytes(found, 0), lsq_model_bytes(model, 0), 16);
    lsq_model_free(found);

    /* And given to another model. */
    const lsq_export_options like = {.size = sizeof like, .floats = LSQ_FORM_F16, .like = model};
    found = written(other, "gguf", &like);
    expect_metadata_of(found, model, 1);
    lsq_model_free(found);
    lsq_model_free(other);
    lsq_model_free(model);
    free(bytes);
}
END_TEST

START_TEST(gguf_refuses_what_it_cannot_hold)
{
    static const uint8_t zeros[8];
    char long_name[80] = "", key[4] = "a\x01";
    memset(long_name, 'n', 64);
    const lsq_tensor tensors[] = {
        tensor_like(long_name, LSQ_I8, 1, 1, 0, 0, 0),
        {.name = "deep", .dtype = LSQ_I8, .rank = 5, .shape = {1, 1, 1, 1, 1}},
        tensor_like("empty", LSQ_F32, 2, 0, 3, 0, 0),
        tensor_like("u32", LSQ_U32, 1, 1, 0, 0, 0),
        tensor_like("u64", LSQ_U64, 0, 0, 0, 0, 0),
    };
    static const char *const reasons[] = {"a name of 64 bytes", "rank 5", "no numbers", "no type for U32",
                                          "no type for U64"};
    for (size_t i = 0; i < 6; i++) {
        lsq_writer *w = NULL;
        OK(lsq_writer_new(in_folder("in"), 1, &w, &sample_err));
        OK(lsq_writer_plain(w, &tensors[i < 5 ? i : 3], zeros, &sample_err));
        if (i == 5)
            OK(lsq_writer_metadata(w, key, "value", &sample_err));
        OK(lsq_writer_finish(w, &sample_err));
        lsq_writer_free(w);
        lsq_model *model = open_sound(in_folder("in"));
        expect_refused(model, "gguf", NULL, LSQ_E_UNSUPPORTED, i < 5 ? reasons[i] : "control character");
        lsq_model_free(model);
    }
}
END_TEST

/* ---- Names of C -------------------------------------------------------------------------------------------------- */

START_TEST(symbols_differ)
{
    static const char *const names[] = {"a.b",
                                        "a_b",
                                        "a..b",
                                        "a b 2",
                                        "a_b_3",
                                        "_x_",
                                        "x",
                                        "0",
                                        "-",
                                        "+",
                                        "while",
                                        "t",
                                        ("\xe5\x90\x8d"
                                         "1"),
                                        "1"};
    static const char *const expected[] = {"m_a_b", "m_a_b_4", "m_a_b_5", "m_a_b_2", "m_a_b_3", "m_x", "m_x_2",
                                           "m_0",   "m_t",     "m_t_2",   "m_while", "m_t_3",   "m_1", "m_1_2"};
    enum { COUNT = sizeof names / sizeof *names };
    static const uint8_t zero[1];
    size_t all[COUNT];
    lsq_writer *w = NULL;
    OK(lsq_writer_new(in_folder("in"), 1, &w, &sample_err));
    for (size_t i = 0; i < COUNT; i++) {
        const lsq_tensor t = tensor_like(names[i], LSQ_U8, 1, 1, 0, 0, 0);
        OK(lsq_writer_plain(w, &t, zero, &sample_err));
        all[i] = i;
    }
    OK(lsq_writer_finish(w, &sample_err));
    lsq_writer_free(w);
    lsq_model *model = open_sound(in_folder("in"));
    char **symbols = lsq_symbols(model, all, COUNT, "m");
    ck_assert_ptr_nonnull(symbols);
    for (size_t i = 0; i < COUNT; i++)
        ck_assert_str_eq(symbols[i], expected[i]);
    lsq_symbols_free(symbols, COUNT);
    lsq_model_free(model);
}
END_TEST

START_TEST(symbols_of_paths_begin_with_a_letter)
{
    static const char *const paths[][2] = {{"a/b/model.h", "model"},    {"7.h", "m7"},
                                           {"_x--y_.z.h", "x_y_z"},     {"/tmp/.h", "model"},
                                           {"\xe5\x90\x8d.h", "model"}, {"plain", "plain"}};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char *symbol = lsq_symbol_of_path(paths[i][0]);
        ck_assert_str_eq(symbol, paths[i][1]);
        free(symbol);
    }
}
END_TEST

/* ---- Options ----------------------------------------------------------------------------------------------------- */

static lsq_status give_up(void *arg, const lsq_piece *piece)
{
    return piece->index == *(const size_t *)arg ? LSQ_E_CONFIG : LSQ_OK;
}

static const char *const formats[] = {"safetensors", "npz", "npy", "gguf", "h"};

START_TEST(an_export_can_be_given_up)
{
    size_t last = 3;
    write_sample(in_folder("sample"));
    lsq_model *model = open_sound(in_folder("sample"));
    const size_t chosen[] = {0, 1, 3};
    const int alone = strcmp(formats[_i], "npy") == 0;
    const lsq_export_options options = {.size = sizeof options,
                                        .tensors = alone ? chosen + 2 : chosen,
                                        .tensor_count = alone ? 1 : 3,
                                        .each = give_up,
                                        .arg = &last};
#if !LSQ_ZLIB
    if (strcmp(formats[_i], "npz") == 0)
        return;
#endif
    expect_refused(model, formats[_i], &options, LSQ_E_CONFIG, "given up in tensor \"norm.bias\"");
    last = 2; /* which is not among them */
    OK(lsq_export(model, formats[_i], in_folder("out"), &options, NULL, &sample_err));
    lsq_model_free(model);
}
END_TEST

START_TEST(arguments_are_checked)
{
    write_sample(in_folder("sample"));
    lsq_model *model = open_sound(in_folder("sample"));
    const size_t twice[] = {1, 2, 1}, missing = 6;
    const struct {
        const char *format;
        lsq_export_options options;
    } wrong[] = {
        {"zip", {.size = sizeof wrong[0].options}},
        {"", {.size = sizeof wrong[0].options}},
        {"npz", {.size = 8}},
        {"npz", {.size = sizeof wrong[0].options, .floats = 3}},
        {"npz", {.size = sizeof wrong[0].options, .floats = -1}},
        {"h", {.size = sizeof wrong[0].options, .floats = LSQ_FORM_F16}},
        {"lsq1", {.size = sizeof wrong[0].options, .floats = LSQ_FORM_F32}},
        {"npz", {.size = sizeof wrong[0].options, .like = model}},
        {"gguf", {.size = sizeof wrong[0].options, .like = model}},
        {"safetensors", {.size = sizeof wrong[0].options, .tensors = twice, .tensor_count = 3}},
        {"gguf", {.size = sizeof wrong[0].options, .tensors = &missing, .tensor_count = 1}},
        {"npy", {.size = sizeof wrong[0].options}},
        {"npy", {.size = sizeof wrong[0].options, .tensors = twice, .tensor_count = 0}},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect_refused(model, wrong[i].format, &wrong[i].options, LSQ_E_ARGUMENT, "");
    ck_assert_int_eq(lsq_export(NULL, "npz", in_folder("refused"), NULL, NULL, NULL), LSQ_E_ARGUMENT);
    ck_assert_int_eq(lsq_export(model, NULL, in_folder("refused"), NULL, NULL, NULL), LSQ_E_ARGUMENT);
    ck_assert_int_eq(lsq_export(model, "npz", NULL, NULL, NULL, NULL), LSQ_E_ARGUMENT);
    lsq_model_free(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("export_formats");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, make_folder, drop_folder);
    tcase_add_test(cases, npz_holds_what_there_was);
    tcase_add_test(cases, gguf_holds_what_fits);
    tcase_add_loop_test(cases, gguf_metadata_stay_as_they_are, 0, 3);
    tcase_add_test(cases, gguf_refuses_what_it_cannot_hold);
    tcase_add_test(cases, symbols_differ);
    tcase_add_test(cases, symbols_of_paths_begin_with_a_letter);
    tcase_add_loop_test(cases, an_export_can_be_given_up, 0, sizeof formats / sizeof *formats);
    tcase_add_test(cases, arguments_are_checked);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
