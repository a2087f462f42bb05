/*
 * test_export.c - what is written as safetensors and npy is what the formats' own libraries write.
 */
#include "tests/export_call.h"
#include "tests/hostile.h"

#include <stdint.h>

/* Every test has a folder with room for one file to write; both are gone afterwards. */
static char folder[32], target[48], source[80];

static void set_up(void)
{
    strcpy(folder, "/tmp/lsq_export_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(target, sizeof(target), "%s/target", folder);
    snprintf(source, sizeof(source), "%s/__metadata__.npy", folder);
}

static void tear_down(void)
{
    unlink(target);
    unlink(source);
    ck_assert_int_eq(rmdir(folder), 0); /* nothing else was left behind */
}

static lsq_model *open_file(const char *path)
{
    lsq_model *model = NULL;
    lsq_error err;
    ck_assert_msg(lsq_model_open(path, 0, &model, &err) == LSQ_OK, "%s", err.text);
    return model;
}

static int target_is(const char *path)
{
    size_t size, other;
    uint8_t *bytes = contents_of(target, &size), *expected = contents_of(path, &other);
    const int same = size == other && memcmp(bytes, expected, size) == 0;
    free(bytes);
    free(expected);
    return same;
}

static const char *const safetensors[] = {TEST_DATA "/all_types.safetensors", TEST_DATA "/fixture.safetensors"};

START_TEST(safetensors_as_the_library_writes_them)
{
    lsq_model *model = open_file(safetensors[_i]);
    lsq_error err;
    ck_assert_msg(export_all(model, "safetensors", target, 0, NULL, &err) == LSQ_OK, "%s", err.text);
    ck_assert_int_eq(export_all(model, "safetensors", target, 0, NULL, &err), LSQ_E_IO);
    ck_assert_int_eq(export_all(model, "safetensors", target, 1, NULL, &err), LSQ_OK);
    lsq_model_free(model);
    ck_assert(target_is(safetensors[_i]));
}
END_TEST

/* Those of them that are float32 in row order and version 1, which is what we write. */
static const char *const arrays[] = {TEST_DATA "/npy/rows.npy", TEST_DATA "/npy/number.npy",
                                     TEST_DATA "/npy/empty.npy"};

START_TEST(npy_as_numpy_writes_it)
{
    lsq_model *model = open_file(arrays[_i]);
    lsq_error err;
    ck_assert_msg(export_npy(model, 0, target, 0, &err) == LSQ_OK, "%s", err.text);
    ck_assert_int_eq(export_npy(model, 0, target, 0, &err), LSQ_E_IO);
    ck_assert_int_eq(export_npy(model, 0, target, 1, &err), LSQ_OK);
    lsq_model_free(model);
    ck_assert(target_is(arrays[_i]));
}
END_TEST

/* Any rank and any type, by reading them again. */
START_TEST(npy_of_every_tensor)
{
    static const char *const files[] = {TEST_DATA "/all_types.safetensors", TEST_DATA "/npy/columns of rank 8.npy"};
    lsq_model *model = open_file(files[_i]);
    for (size_t i = 0; i < lsq_model_count(model); i++) {
        const lsq_tensor *t = lsq_model_tensor(model, i);
        float expected[32], found[32];
        ck_assert_uint_le(t->elements, 32);
        ck_assert_int_eq(export_npy(model, i, target, 1, NULL), LSQ_OK);
        lsq_model *again = open_file(target);
        const lsq_tensor *a = lsq_model_tensor(again, 0);
        ck_assert_int_eq(a->dtype, LSQ_F32);
        ck_assert_uint_eq(a->rank, t->rank);
        ck_assert_mem_eq(a->shape, t->shape, t->rank * sizeof(t->shape[0]));
        ck_assert_int_eq(lsq_model_read(model, i, expected, NULL), LSQ_OK);
        ck_assert_int_eq(lsq_model_read(again, 0, found, NULL), LSQ_OK);
        ck_assert_mem_eq(found, expected, t->elements * sizeof(float));
        ck_assert_uint_eq((uintptr_t)((const uint8_t *)lsq_model_bytes(again, 0) - again->files[0].bytes) % 64, 0);
        lsq_model_free(again);
    }
    lsq_model_free(model);
}
END_TEST

/* A 3 x 40 matrix in 5 bits between a wider and a narrower tensor, as a .lsq file; and what the matrix decodes to. */
static void write_quantised(float original[120], float decoded[120])
{
    const lsq_tensor matrix = {.name = "m", .dtype = LSQ_BF16, .rank = 2, .shape = {3, 40}};
    const lsq_tensor half = {.name = "h", .dtype = LSQ_F16, .rank = 1, .shape = {1}};
    const lsq_tensor wide = {.name = "w", .dtype = LSQ_I64, .rank = 1, .shape = {1}};
    static const uint8_t zeros[8];
    lsq_format format;
    lsq_weights *weights = NULL;
    lsq_writer *writer = NULL;
    for (int i = 0; i < 120; i++)
        original[i] = (float)((i * 37) % 100 - 50) / 50;
    ck_assert_int_eq(lsq_format_parse("s5", &format, NULL), LSQ_OK);
    ck_assert_int_eq(lsq_quantize(NULL, &format, 3, 40, original, 40, NULL, &weights, NULL), LSQ_OK);
    ck_assert_int_eq(lsq_dequantize(NULL, weights, 0, 3, decoded, 40), LSQ_OK);
    ck_assert_int_eq(lsq_writer_new(source, 0, &writer, NULL), LSQ_OK);
    ck_assert_int_eq(lsq_writer_plain(writer, &half, zeros, NULL), LSQ_OK);
    ck_assert_int_eq(lsq_writer_quantised(writer, &matrix, 0, weights, NULL), LSQ_OK);
    ck_assert_int_eq(lsq_writer_plain(writer, &wide, zeros, NULL), LSQ_OK);
    ck_assert_int_eq(lsq_writer_finish(writer, NULL), LSQ_OK);
    lsq_writer_free(writer);
    lsq_weights_free(weights);
}

/* Quantised tensors become the float32 numbers that they stand for, and stand in the file where float32 stands. */
START_TEST(quantised_tensors_become_float)
{
    float original[120], decoded[120], found[120];
    write_quantised(original, decoded);
    lsq_model *model = open_file(source);
    ck_assert_int_eq(export_all(model, "safetensors", target, 0, NULL, NULL), LSQ_OK);
    lsq_model_free(model);
    model = open_file(target);
    ck_assert_uint_eq(lsq_model_count(model), 3);
    ck_assert_str_eq(lsq_model_tensor(model, 0)->name, "w");
    ck_assert_str_eq(lsq_model_tensor(model, 1)->name, "m");
    ck_assert_str_eq(lsq_model_tensor(model, 2)->name, "h");
    ck_assert_int_eq(lsq_model_tensor(model, 1)->dtype, LSQ_F32);
    ck_assert_int_eq(lsq_model_read(model, 1, found, NULL), LSQ_OK);
    ck_assert_mem_eq(found, decoded, sizeof(found));
    ck_assert_int_ne(memcmp(found, original, sizeof(found)), 0);
    lsq_model_free(model);
}
END_TEST

/* The one name that means something else in the other format. */
START_TEST(metadata_is_no_name_for_safetensors)
{
    size_t size;
    lsq_error err;
    uint8_t *bytes = contents_of(arrays[0], &size);
    write_file(source, bytes, size);
    free(bytes);
    lsq_model *model = open_file(source);
    ck_assert_str_eq(lsq_model_tensor(model, 0)->name, "__metadata__");
    ck_assert_int_eq(export_all(model, "safetensors", target, 0, NULL, &err), LSQ_E_UNSUPPORTED);
    ck_assert_int_ne(access(target, F_OK), 0);
    lsq_model_free(model);
}
END_TEST

START_TEST(arguments_are_checked)
{
    lsq_model *model = open_file(arrays[0]);
    lsq_error err;
    ck_assert_int_eq(export_all(NULL, "safetensors", target, 0, NULL, &err), LSQ_E_ARGUMENT);
    ck_assert_int_eq(export_all(model, "safetensors", NULL, 0, NULL, NULL), LSQ_E_ARGUMENT);
    ck_assert_int_eq(export_npy(NULL, 0, target, 0, &err), LSQ_E_ARGUMENT);
    ck_assert_int_eq(export_npy(model, 0, NULL, 0, &err), LSQ_E_ARGUMENT);
    ck_assert_int_eq(export_npy(model, 1, target, 0, &err), LSQ_E_ARGUMENT);
    ck_assert_int_eq(export_npy(model, 0, "/nonexistent/x", 0, &err), LSQ_E_IO);
    ck_assert_int_eq(export_all(model, "safetensors", folder, 1, NULL, &err), LSQ_E_IO);
    lsq_model_free(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("export");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, safetensors_as_the_library_writes_them, 0, 2);
    tcase_add_loop_test(cases, npy_as_numpy_writes_it, 0, 3);
    tcase_add_loop_test(cases, npy_of_every_tensor, 0, 2);
    tcase_add_test(cases, quantised_tensors_become_float);
    tcase_add_test(cases, metadata_is_no_name_for_safetensors);
    tcase_add_test(cases, arguments_are_checked);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
