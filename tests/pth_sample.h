/*
 * pth_sample.h - pickles of torch.save() spelt out, and what the files in data/pth/ hold.
 */
#ifndef LSQ_TESTS_PTH_SAMPLE_H
#define LSQ_TESTS_PTH_SAMPLE_H

#include "tests/hostile.h"

/* ---- Pickles ---------------------------------------------------------------------------------------------------- */

#define TEXT(length, text) "X" length "\0\0\0" text
#define TENSOR(arguments)  "ctorch._utils\n_rebuild_tensor_v2\n(" arguments "tR"
#define DICT(value)        "\x80\2}" TEXT("\1", "w") value "s."

/* A pickle or a file, and what must come of it. */
#define CASE(pickle, status, says)                                                                                     \
    {                                                                                                                  \
        pickle, sizeof(pickle) - 1, status, says                                                                       \
    }
/* Files of before torch 1.6: what stands before the pickle of tensors, a storage of six floats, and what stands behind. */
#define OLD_MAGIC                                                                                                      \
    "\x80\2\x8a\nl\xfc\x9c"                                                                                            \
    "F\xf9 j\xa8P\x19."
#define OLD_VERSION      "\x80\2M\xe9\3."
#define OLD_SYSTEM(flag) "\x80\2}" TEXT("\xd", "little_endian") flag "s."
#define OLD_HEAD         OLD_MAGIC OLD_VERSION OLD_SYSTEM("\x88")
#define OLD_STORAGE(type, key, count, view)                                                                            \
    "(" TEXT("\7", "storage") "ctorch\n" type "Storage\n" TEXT("\1", key) TEXT("\3", "cpu") count view "tQ"
#define OLD_WHOLE      TENSOR(OLD_STORAGE("Float", "0", "K\6", "N") "K\0K\6\x85K\1\x85\x89}")
#define OLD_KEYS(keys) "\x80\2](" keys "e."
#define OLD_SIX        "\6\0\0\0\0\0\0\0\0\0\0\0\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40\0\0\xa0\x40"

/* ---- Golden files ----------------------------------------------------------------------------------------------- */

enum { PTH_TYPES = 16, PTH_VIEWS = 10 };

static inline lsq_model *open_golden(const char *name)
{
    char path[1024];
    lsq_model *model = NULL;
    lsq_error err;
    snprintf(path, sizeof(path), "%s/pth/%s.pth", TEST_DATA, name);
    ck_assert_msg(lsq_model_open(path, LSQ_OPEN_VERIFY, &model, &err) == LSQ_OK, "%s", err.text);
    return model;
}

static inline void expect_numbers(const lsq_model *model, const char *name, size_t count, const float *expected)
{
    size_t i = 0;
    float numbers[16];
    const lsq_tensor *t = lsq_model_find(model, name, &i);
    ck_assert_msg(t != NULL, "no %s", name);
    ck_assert_uint_eq(t->elements, count);
    ck_assert_int_eq(lsq_model_read(model, i, numbers, NULL), LSQ_OK);
    for (size_t j = 0; j < count; j++)
        ck_assert_msg(numbers[j] == expected[j], "%s: number %zu is %g, not %g", name, j, (double)numbers[j],
                      (double)expected[j]);
}

static const float count_up[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

/* That file must hold a small linear layer. */
static inline void expect_linear(const char *name)
{
    lsq_model *model = open_golden(name);
    ck_assert_uint_eq(lsq_model_count(model), 2);
    const lsq_tensor *t = lsq_model_tensor(model, 0);
    ck_assert_str_eq(t->name, "linear.weight");
    ck_assert(t->rank == 2 && t->shape[0] == 2 && t->shape[1] == 3);
    expect_numbers(model, "linear.weight", 6, count_up);
    expect_numbers(model, "linear.bias", 2, (const float[]){0.5f, -0.5f});
    ck_assert_ptr_null(lsq_model_warning(model, 0));
    lsq_model_free(model);
}

static inline void expect_types(const lsq_model *model)
{
    static const struct {
        const char *name;
        lsq_dtype dtype;
        float numbers[2];
    } types[] = {{"FloatStorage", LSQ_F32, {3, -5}},     {"HalfStorage", LSQ_F16, {3, -5}},
                 {"DoubleStorage", LSQ_F64, {3, -5}},    {"BFloat16Storage", LSQ_BF16, {1.5f, -1}},
                 {"LongStorage", LSQ_I64, {3, -5}},      {"IntStorage", LSQ_I32, {3, -5}},
                 {"ShortStorage", LSQ_I16, {3, -5}},     {"CharStorage", LSQ_I8, {3, -5}},
                 {"ByteStorage", LSQ_U8, {3, 250}},      {"BoolStorage", LSQ_BOOL, {1, 0}},
                 {"uint16", LSQ_U16, {0x38, 0x40}},      {"uint32", LSQ_U32, {0x38, 0x40}},
                 {"uint64", LSQ_U64, {0x38, 0x40}},      {"int16", LSQ_I16, {0x38, 0x40}},
                 {"float8_e4m3fn", LSQ_F8_E4M3, {1, 2}}, {"float8_e5m2", LSQ_F8_E5M2, {0.5f, 2}}};
    _Static_assert(sizeof(types) / sizeof(types[0]) == PTH_TYPES, "the types above");
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        const lsq_tensor *t = lsq_model_find(model, types[i].name, NULL);
        ck_assert_msg(t && t->dtype == types[i].dtype, "%s", types[i].name);
        expect_numbers(model, types[i].name, 2, types[i].numbers);
    }
}

/* Views of one storage: those in the order of their rows stay in the file, over the same bytes; others are copied. */
static inline void expect_views(const lsq_model *model)
{
    static const struct {
        const char *name;
        size_t count;
        int copied;
        size_t offset;
        float numbers[12];
    } views[] = {{"whole", 12, 0, 0, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
                 {"tied", 12, 0, 0, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
                 {"parameter", 12, 0, 0, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
                 {"row", 4, 0, 16, {4, 5, 6, 7}},
                 {"one", 4, 0, 0, {0, 1, 2, 3}},
                 {"number", 1, 0, 44, {11}},
                 {"none", 0, 0, 0, {0}},
                 {"transposed", 12, 1, 0, {0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11}},
                 {"column", 3, 1, 0, {1, 5, 9}},
                 {"repeated", 8, 1, 0, {8, 9, 10, 11, 8, 9, 10, 11}}};
    size_t whole;
    ck_assert_ptr_nonnull(lsq_model_find(model, "whole", &whole));
    _Static_assert(sizeof(views) / sizeof(views[0]) == PTH_VIEWS, "the views above");
    for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
        size_t at;
        expect_numbers(model, views[i].name, views[i].count, views[i].numbers);
        ck_assert_ptr_nonnull(lsq_model_find(model, views[i].name, &at));
        ck_assert_int_eq(model->entries[at].owned != NULL, views[i].copied);
        const uint8_t *storage = lsq_model_bytes(model, whole), *bytes = lsq_model_bytes(model, at);
        ck_assert(views[i].copied || bytes == storage + views[i].offset);
        ck_assert(views[i].copied ||
                  (bytes > model->files[0].bytes && bytes < model->files[0].bytes + model->files[0].size));
    }
}

/* The bytes of a golden file; free() them. */
static inline uint8_t *golden_bytes(const char *name, size_t *size)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/pth/%s.pth", TEST_DATA, name);
    return contents_of(path, size);
}

/* Opens bytes, and reads what tensors they give. */
static inline void read_all(const uint8_t *bytes, size_t size)
{
    lsq_model *model = NULL;
    const lsq_status status = lsq_model_open_memory(bytes, size, 0, &model, NULL);
    for (size_t i = 0; status == LSQ_OK && i < lsq_model_count(model); i++) {
        const lsq_tensor *t = lsq_model_tensor(model, i);
        float *numbers = malloc(t->elements * sizeof(float) + 1);
        ck_assert_ptr_nonnull(numbers);
        ck_assert_int_eq(lsq_model_read(model, i, numbers, NULL), LSQ_OK);
        free(numbers);
    }
    lsq_model_free(model);
}

#endif
