/*
 * test_writer_rows.c - quantised tensors that are written in strips, and tensors that are copied.
 */
#include "tests/model_sample.h"

#include <signal.h>

static lsq_model *opened(const char *path, unsigned flags)
{
    lsq_model *model = NULL;
    OK(lsq_model_open(path, flags, &model, &sample_err));
    return model;
}

enum { M = 700, K = 90 };

static float numbers[M * K];

static void begin_file(lsq_writer **w, const char *name)
{
    static const float one = 1;
    const lsq_tensor t = tensor_like("one", LSQ_F32, 0, 0, 0, 0, 0);
    OK(lsq_writer_new(in_folder(name), 1, w, &sample_err));
    OK(lsq_writer_plain(*w, &t, &one, &sample_err)); /* so that the next payload begins behind some zeros */
}

static void end_file(lsq_writer *w)
{
    const lsq_tensor t = tensor_like("four", LSQ_U8, 1, 4, 0, 0, 0);
    OK(lsq_writer_plain(w, &t, "abcd", &sample_err));
    OK(lsq_writer_finish(w, &sample_err));
    lsq_writer_free(w);
}

static void check_same(const char *one, const char *other)
{
    size_t sizes[2];
    uint8_t *a = contents_of(in_folder(one), &sizes[0]), *b = contents_of(in_folder(other), &sizes[1]);
    ck_assert_uint_eq(sizes[0], sizes[1]);
    ck_assert(memcmp(a, b, sizes[0]) == 0);
    free(a);
    free(b);
}

/* What a survey in strips says of the matrix along axis 1 of tensor 0. */
static lsq_magnitudes survey_model(const lsq_model *model, double share, size_t step, float *rows)
{
    lsq_survey *survey = NULL;
    lsq_magnitudes known = {0};
    int again = 1;
    OK(lsq_survey_new(K, share, &survey, &sample_err));
    while (again) {
        for (size_t row = 0, count; row < M; row += count) {
            count = M - row < step ? M - row : step;
            OK(lsq_model_read_rows(model, 0, 1, row, count, rows, &sample_err));
            OK(lsq_survey_rows(survey, count, rows, K, &sample_err));
        }
        OK(lsq_survey_end(survey, &known, &again, &sample_err));
    }
    lsq_survey_free(survey);
    return known;
}

/* Survey, quantizer and writer, from rows of a file. */
static void write_in_strips(lsq_writer *w, const lsq_model *model, const lsq_tensor *like, const lsq_format *f,
                            const lsq_quantize_options *o, size_t step)
{
    float *rows = malloc(step * K * sizeof *rows);
    const lsq_magnitudes known = survey_model(model, o->outliers, step, rows);
    lsq_quantizer *q = NULL;
    const lsq_weights *strip = NULL;
    const void *outliers = NULL;
    size_t size = 0;
    OK(lsq_quantizer_new(NULL, f, M, K, &known, o, &q, &sample_err));
    OK(lsq_writer_begin_quantised(w, like, 1, f, &sample_err));
    for (size_t row = 0, count; row < M; row += count) {
        count = M - row < step ? M - row : step;
        OK(lsq_model_read_rows(model, 0, 1, row, count, rows, &sample_err));
        OK(lsq_quantizer_rows(q, count, rows, K, &strip, &sample_err));
        OK(lsq_writer_rows(w, strip, &sample_err));
    }
    OK(lsq_quantizer_outliers(q, &outliers, &size, &sample_err));
    OK(lsq_writer_end_quantised(w, outliers, size, &sample_err));
    lsq_quantizer_free(q);
    free(rows);
}

START_TEST(strips_make_the_file_of_the_whole)
{
    static const char *const formats[] = {"c4.none", "c7.row", "s3", "s9.row", "t1.nib32", "t4", "t6.byte32.st4"};
    static const size_t steps[] = {256, 512, 768};
    const lsq_tensor like = tensor_like("matrix", LSQ_F32, 3, 9, M, 10, 0);
    lsq_writer *w = NULL;
    lsq_weights *weights = NULL;
    lsq_format f;
    OK(lsq_writer_new(in_folder("source.lsq"), 1, &w, &sample_err));
    fill(numbers, M * K, 9);
    OK(lsq_writer_plain(w, &like, numbers, &sample_err));
    OK(lsq_writer_finish(w, &sample_err));
    lsq_writer_free(w);
    lsq_model *model = opened(in_folder("source.lsq"), 0);
    OK(lsq_model_read_matrix(model, 0, 1, numbers, &sample_err));
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        for (size_t j = 0; j < sizeof steps / sizeof *steps; j++) {
            const lsq_quantize_options o = {
                .size = sizeof o, .outliers = _i ? 0.03 : 0, .outlier_choice = LSQ_OUTLIERS_LARGEST};
            OK(lsq_format_parse(formats[i], &f, &sample_err));
            begin_file(&w, "strips.lsq");
            write_in_strips(w, model, &like, &f, &o, steps[j]);
            end_file(w);
            OK(lsq_quantize(NULL, &f, M, K, numbers, K, &o, &weights, &sample_err));
            begin_file(&w, "whole.lsq");
            OK(lsq_writer_quantised(w, &like, 1, weights, &sample_err));
            end_file(w);
            lsq_weights_free(weights);
            check_same("strips.lsq", "whole.lsq");
            lsq_model_free(opened(in_folder("strips.lsq"), LSQ_OPEN_VERIFY));
        }
    lsq_model_free(model);
}
END_TEST

static lsq_weights *quantised(const char *name, size_t m, size_t k, float scale)
{
    lsq_format f;
    lsq_weights *weights = NULL;
    fill(numbers, m * k, 5);
    for (size_t i = 0; i < m * k; i++)
        numbers[i] *= scale;
    OK(lsq_format_parse(name, &f, &sample_err));
    OK(lsq_quantize(NULL, &f, m, k, numbers, k, NULL, &weights, &sample_err));
    return weights;
}

static void argument(lsq_status status, const char *named)
{
    ck_assert_int_eq(status, LSQ_E_ARGUMENT);
    ck_assert_msg(strstr(sample_err.text, named) != NULL, "%s", sample_err.text);
}

/* Whatever is refused on the way changes nothing in the file. */
START_TEST(calls_out_of_order_are_refused)
{
    const lsq_tensor like = tensor_like("matrix", LSQ_F32, 2, M, K, 0, 0),
                     vector = {.name = "v", .rank = 1, .shape = {M}};
    lsq_weights *whole = quantised("s4", M, K, 1), *few = quantised("s4", 16, K, 1),
                *other = quantised("s5", 256, K, 1), *narrow = quantised("s4", 256, K - 1, 1),
                *many = quantised("s4", 512, K, 1), *larger = quantised("s4", 256, K, 3);
    lsq_format f;
    lsq_writer *w = NULL;
    lsq_quantizer *q = NULL;
    const lsq_weights *strip;
    const lsq_magnitudes known = {.largest = 1, .dense = 1, .bound = 1};
    OK(lsq_format_parse("s4", &f, &sample_err));
    fill(numbers, M * K, 5);
    begin_file(&w, "strips.lsq");
    argument(lsq_writer_rows(w, whole, &sample_err), "begun");
    argument(lsq_writer_end_quantised(w, NULL, 0, &sample_err), "begun");
    argument(lsq_writer_begin_quantised(w, &vector, 0, &f, &sample_err), "rank 1");
    argument(lsq_writer_begin_quantised(w, &like, 2, &f, &sample_err), "axis 2");
    argument(lsq_writer_begin_quantised(w, &like, 0, &(lsq_format){.codec = 7}, &sample_err), "packed form");
    argument(lsq_writer_begin_quantised(w, &(lsq_tensor){.name = "one"}, 0, &f, &sample_err), "two tensors");
    argument(lsq_writer_begin_quantised(w, &like, 0, NULL, &sample_err), "format");
    argument(lsq_writer_begin_quantised(NULL, &like, 0, &f, &sample_err), "writer");
    argument(lsq_writer_rows(NULL, whole, &sample_err), "writer");
    argument(lsq_writer_end_quantised(NULL, NULL, 0, &sample_err), "writer");
    OK(lsq_writer_begin_quantised(w, &like, 0, &f, &sample_err));
    argument(lsq_writer_begin_quantised(w, &vector, 0, &f, &sample_err), "rows to come");
    argument(lsq_writer_plain(w, &vector, numbers, &sample_err), "rows to come");
    argument(lsq_writer_quantised(w, &vector, 0, whole, &sample_err), "rows to come");
    argument(lsq_writer_finish(w, &sample_err), "rows to come");
    argument(lsq_writer_rows(w, NULL, &sample_err), "strip");
    argument(lsq_writer_rows(w, few, &sample_err), "16 rows after 0 of 700");
    argument(lsq_writer_rows(w, other, &sample_err), "another format");
    argument(lsq_writer_rows(w, narrow, &sample_err), "89 columns, expected 90");
    argument(lsq_writer_end_quantised(w, NULL, 0, &sample_err), "0 of 700 rows");
    OK(lsq_quantizer_new(NULL, &f, M, K, &known, NULL, &q, &sample_err));
    OK(lsq_quantizer_rows(q, 256, numbers, K, &strip, &sample_err));
    OK(lsq_writer_rows(w, strip, &sample_err));
    argument(lsq_writer_rows(w, larger, &sample_err), "another tensor's scale");
    argument(lsq_writer_rows(w, whole, &sample_err), "700 rows after 256 of 700");
    argument(lsq_writer_rows(w, many, &sample_err), "512 rows after 256 of 700");
    argument(lsq_writer_end_quantised(w, NULL, 0, &sample_err), "256 of 700 rows");
    OK(lsq_quantizer_rows(q, M - 256, numbers + 256 * K, K, &strip, &sample_err));
    OK(lsq_writer_rows(w, strip, &sample_err));
    argument(lsq_writer_rows(w, strip, &sample_err), "444 rows after 700 of 700");
    argument(lsq_writer_end_quantised(w, NULL, 5, &sample_err), "outliers");
    OK(lsq_writer_end_quantised(w, NULL, 0, &sample_err));
    argument(lsq_writer_end_quantised(w, NULL, 0, &sample_err), "begun");
    end_file(w);
    lsq_quantizer_free(q);

    /* What was written is what no refusals lead to. */
    OK(lsq_quantizer_new(NULL, &f, M, K, &known, NULL, &q, &sample_err));
    OK(lsq_quantizer_rows(q, M, numbers, K, &strip, &sample_err));
    begin_file(&w, "whole.lsq");
    OK(lsq_writer_quantised(w, &like, 0, strip, &sample_err));
    end_file(w);
    check_same("strips.lsq", "whole.lsq");
    lsq_quantizer_free(q);
    lsq_weights *const all[] = {whole, few, other, narrow, many, larger};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        lsq_weights_free(all[i]);
}
END_TEST

START_TEST(an_unfinished_tensor_leaves_nothing)
{
    const lsq_tensor like = tensor_like("matrix", LSQ_F32, 2, 512, K, 0, 0);
    lsq_weights *chain = quantised("t2", 256, K, 1);
    const lsq_format f = lsq_weights_format(chain);
    lsq_writer *w = NULL;
    OK(lsq_writer_new(in_folder("unfinished.lsq"), 1, &w, &sample_err));
    OK(lsq_writer_begin_quantised(w, &like, 0, &f, &sample_err));
    OK(lsq_writer_rows(w, chain, &sample_err));
    ck_assert_int_eq(lsq_writer_finish(w, &sample_err), LSQ_E_ARGUMENT);
    lsq_writer_free(w);
    ck_assert_int_ne(access(in_folder("unfinished.lsq"), F_OK), 0);
    lsq_weights_free(chain);
}
END_TEST

/* A disk that is full at some place within a tensor: the writer has failed for good, whatever comes. */
START_TEST(a_write_that_fails_is_the_end)
{
    const lsq_tensor like = tensor_like("matrix", LSQ_F32, 2, 512, K, 0, 0),
                     v = tensor_like("v", LSQ_U8, 1, 1, 0, 0, 0);
    lsq_weights *chain = quantised("s4", 256, K, 1);
    const lsq_format f = lsq_weights_format(chain);
    lsq_writer *w = NULL;
    OK(lsq_writer_new(in_folder("full.lsq"), 1, &w, &sample_err));
    OK(lsq_writer_begin_quantised(w, &like, 0, &f, &sample_err));
    OK(lsq_writer_rows(w, chain, &sample_err));
    signal(SIGXFSZ, SIG_IGN);
    const struct rlimit small = {20000, 20000}, usual = {RLIM_INFINITY, RLIM_INFINITY};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){small.rlim_cur, usual.rlim_max}), 0);
    ck_assert_int_eq(lsq_writer_rows(w, chain, &sample_err), LSQ_E_IO);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &usual), 0);
    ck_assert_int_eq(lsq_writer_rows(w, chain, &sample_err), LSQ_E_IO);
    ck_assert_int_eq(lsq_writer_end_quantised(w, NULL, 0, &sample_err), LSQ_E_IO);
    ck_assert_int_eq(lsq_writer_plain(w, &v, "v", &sample_err), LSQ_E_IO);
    ck_assert_int_eq(lsq_writer_finish(w, &sample_err), LSQ_E_IO);
    lsq_writer_free(w);
    ck_assert_int_ne(access(in_folder("full.lsq"), F_OK), 0);
    lsq_weights_free(chain);
}
END_TEST

/* Every tensor of a file, copied into another one, gives the same file; also what was packed anew from version 1. */
START_TEST(copies_are_alike)
{
    lsq_writer *w = NULL;
    const char *key, *value;
    if (_i)
        write_with_outliers(in_folder("from.lsq"));
    else
        write_sample(in_folder("from.lsq"));
    lsq_model *model = opened(in_folder("from.lsq"), 0);
    OK(lsq_writer_new(in_folder("to.lsq"), 1, &w, &sample_err));
    for (size_t i = 0; lsq_model_metadata(model, i, &key, &value); i++)
        OK(lsq_writer_metadata(w, key, value, &sample_err));
    for (size_t i = 0; i < lsq_model_count(model); i++)
        OK(lsq_writer_copy(w, model, i, &sample_err));
    argument(lsq_writer_copy(w, model, 0, &sample_err), "two tensors");
    argument(lsq_writer_copy(w, model, 99, &sample_err), "no tensor");
    argument(lsq_writer_copy(NULL, model, 0, &sample_err), "no writer");
    OK(lsq_writer_finish(w, &sample_err));
    lsq_writer_free(w);
    lsq_model_free(model);
    check_same("from.lsq", "to.lsq");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("writer_rows");
    TCase *cases = tcase_create("all");
    tcase_add_checked_fixture(cases, make_folder, drop_folder);
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, strips_make_the_file_of_the_whole, 0, 2);
    tcase_add_test(cases, calls_out_of_order_are_refused);
    tcase_add_test(cases, an_unfinished_tensor_leaves_nothing);
    tcase_add_test(cases, a_write_that_fails_is_the_end);
    tcase_add_loop_test(cases, copies_are_alike, 0, 2);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
