/*
 * test_bench_file.c - passes over the matrices of a file, and their shapes.
 */
#include "bench/machine.h"
#include "bench/pass.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Matrices as a file would have them. */
enum { COUNT = 5 };

typedef struct sample_file {
    bench_matrices all;
    bench_matrix items[COUNT];
    lsq_tensor tensors[COUNT];
    lsq_weights *weights[COUNT];
    float x[COUNT][128], y[COUNT][64];
} sample_file;

static const struct {
    const char *codec;
    size_t rows, columns;
} samples[COUNT] = {
    {"s4.curve1", 64, 128}, {"s4", 32, 128}, {"t4", 64, 128}, {"s4.curve2", 64, 128}, {"t4.st8", 64, 128}};

static void open_sample(sample_file *file)
{
    float values[64 * 128];
    memset(file, 0, sizeof *file);
    file->all.items = file->items;
    file->all.count = COUNT;
    for (size_t i = 0; i < 64 * 128; i++)
        values[i] = (float)(i * 37 % 101) - 50;
    for (size_t i = 0; i < COUNT; i++) {
        lsq_tensor *tensor = &file->tensors[i];
        const size_t rows = samples[i].rows, columns = samples[i].columns;
        size_t bytes;
        ck_assert_int_eq(lsq_format_parse(samples[i].codec, &tensor->format, NULL), LSQ_OK);
        ck_assert_int_eq(lsq_packed_bytes(&tensor->format, rows, columns, &bytes), LSQ_OK);
        ck_assert_int_eq(
            lsq_quantize(NULL, &tensor->format, rows, columns, values, columns, NULL, &file->weights[i], NULL), LSQ_OK);
        tensor->rows = rows;
        tensor->columns = columns;
        tensor->elements = rows * columns;
        tensor->bytes = bytes;
        file->items[i] = (bench_matrix){tensor, file->weights[i], file->x[i], file->y[i]};
        for (size_t c = 0; c < columns; c++)
            file->x[i][c] = (float)(c % 5) - 2;
    }
}

static void close_sample(sample_file *file)
{
    for (size_t i = 0; i < COUNT; i++)
        lsq_weights_free(file->weights[i]);
}

START_TEST(shapes_are_of_one_format_and_size)
{
    static const size_t of[COUNT] = {0, 1, 2, 0, 3};
    sample_file file;
    bench_shapes shapes;
    open_sample(&file);
    ck_assert(bench_shapes_begin(&shapes, &file.all));
    ck_assert_uint_eq(shapes.count, 4);
    for (size_t i = 0; i < COUNT; i++)
        ck_assert_uint_eq(shapes.of[i], of[i]);
    ck_assert_uint_eq(shapes.items[0].count, 2);
    ck_assert_double_eq(shapes.items[0].weights, 2 * 64 * 128);
    ck_assert_double_eq(shapes.items[0].bytes, 2 * (double)file.tensors[0].bytes);
    ck_assert_uint_eq(shapes.items[1].count, 1);
    ck_assert_uint_eq(shapes.items[1].rows, 32);
    bench_shapes_end(&shapes);
    close_sample(&file);
}
END_TEST

START_TEST(threads_read_every_byte_once)
{
    for (size_t bytes = 0; bytes < 1000; bytes += 37)
        for (unsigned threads = 1; threads <= 20; threads += 3) {
            size_t next = 0, from, to;
            for (unsigned thread = 0; thread < threads; thread++) {
                bench_pass_part(bytes, threads, thread, &from, &to);
                ck_assert_uint_eq(from, next);
                ck_assert_uint_le(from, to);
                ck_assert(to % 64 == 0 || to == bytes);
                next = to;
            }
            ck_assert_uint_eq(next, bytes);
        }
}
END_TEST

/* Of one sample medians are the sample, so parts are no more than the whole. */
static void check_pass(const sample_file *file, const bench_shapes *shapes, unsigned threads)
{
    bench_trial trial;
    bench_pass_speed *speeds = bench_pass_speeds_new(shapes->count + 1, 1), sum = {0};
    ck_assert_ptr_nonnull(speeds);
    ck_assert_int_eq(bench_trial_begin(&trial, threads, LSQ_ACT_INT, 1e-4, NULL), LSQ_OK);
    ck_assert_int_eq(bench_pass_measure(&file->all, shapes, &trial, 1, speeds), LSQ_OK);
    for (size_t s = 0; s <= shapes->count; s++) {
        ck_assert_double_gt(speeds[s].seconds, 0);
        ck_assert_double_gt(speeds[s].read_seconds, 0);
        ck_assert_double_eq(speeds[s].samples[0], speeds[s].seconds);
        ck_assert_double_eq(speeds[s].share, speeds[s].read_seconds / speeds[s].seconds);
        sum.seconds += s ? speeds[s].seconds : 0;
        sum.read_seconds += s ? speeds[s].read_seconds : 0;
    }
    ck_assert_double_le(sum.seconds, speeds[0].seconds);
    ck_assert_double_le(sum.read_seconds, speeds[0].read_seconds);
    bench_pass_speeds_free(speeds);
    bench_trial_end(&trial);
}

START_TEST(a_pass_multiplies_by_every_matrix)
{
    sample_file file;
    bench_shapes shapes, none = {0};
    open_sample(&file);
    ck_assert(bench_shapes_begin(&shapes, &file.all));
    for (unsigned threads = 1; threads <= 2; threads++) {
        memset(file.y, 0, sizeof file.y);
        check_pass(&file, threads == 1 ? &shapes : &none, threads);
        check_pass(&file, threads == 1 ? &none : &shapes, threads);
        for (size_t i = 0; i < COUNT; i++) {
            float y[64];
            ck_assert_int_eq(lsq_sgemv(NULL, LSQ_NO_TRANS, 1, file.weights[i], file.x[i], 1, 0, y, 1), LSQ_OK);
            ck_assert_mem_eq(y, file.y[i], file.tensors[i].rows * sizeof *y);
        }
    }
    bench_shapes_end(&shapes);
    close_sample(&file);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("file");
    tcase_set_timeout(tests, 100);
    tcase_add_test(tests, shapes_are_of_one_format_and_size);
    tcase_add_test(tests, threads_read_every_byte_once);
    tcase_add_test(tests, a_pass_multiplies_by_every_matrix);
    Suite *suite = suite_create("file");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
