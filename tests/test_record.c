/*
 * test_record.c - results of earlier runs: documents as they are, damaged in every way, and what is said of differences.
 */
#include "bench/record.h"
#include "bench/significance.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char
    ours[] =
        "{\"schema\":\"lsq.bench.x/1\",\"lsq_cpu\":\"a CPU\",\"warnings\":[\"hot\"],\"row_keys\":[\"format\",\"n\"],"
        "\"rows\":[{\"format\":\"s4\",\"n\":1.0,\"sample_seconds\":[2e-6,1e-6,3e-6]},"
        "{\"format\":\"s4\",\"n\":2,\"sample_seconds\":[5e-6]}]}",
    figures[] = "{\"schema\":\"lsq.snr/1\",\"row_keys\":[\"codec\"],\"row_figure\":\"snr\","
                "\"rows\":[{\"codec\":\"s4\",\"snr\":22.5},{\"codec\":\"t4\",\"snr\":null}]}",
    google[] =
        "{\"context\":{\"date\":\"today\",\"num_cpus\":2},\"benchmarks\":["
        "{\"run_name\":\"b/l2/iterations:1/repeats:2/manual_time\",\"run_type\":\"iteration\",\"real_time\":3,"
        "\"time_unit\":\"us\"},"
        "{\"name\":\"a\",\"real_time\":7,\"time_unit\":\"ms\"},"
        "{\"run_name\":\"b/l2/iterations:1/repeats:2/manual_time\",\"run_type\":\"iteration\",\"real_time\":4000,"
        "\"time_unit\":\"ns\"},"
        "{\"run_name\":\"c\",\"error_occurred\":true,\"run_type\":\"iteration\"},"
        "{\"run_name\":\"a\",\"run_type\":\"aggregate\",\"aggregate_name\":\"mad\",\"real_time\":9,"
        "\"time_unit\":\"us\"}]}";

static lsq_status parse(const char *text, bench_record *record, lsq_error *err)
{
    *err = (lsq_error){0};
    return bench_record_parse(text, strlen(text), record, err);
}

/* ---- Good ones ---- */

START_TEST(documents_of_ours_name_their_rows)
{
    bench_record record;
    lsq_error err;
    ck_assert_int_eq(parse(ours, &record, &err), LSQ_OK);
    ck_assert_str_eq(record.schema, "lsq.bench.x/1");
    ck_assert_ptr_null(record.figure);
    ck_assert_uint_eq(record.count, 2);
    ck_assert_uint_eq(record.warnings, 1);
    ck_assert_uint_eq(record.fact_count, 1);
    ck_assert_str_eq(record.facts[0].value, "a CPU");
    ck_assert_str_eq(record.rows[0].name, "s4 n=1");
    ck_assert_str_eq(record.rows[1].name, "s4 n=2");
    ck_assert_uint_eq(record.rows[0].count, 3);
    ck_assert_double_eq(record.rows[0].samples[2], 3e-6);
    const bench_record_row **sorted = bench_record_sorted(&record);
    ck_assert_ptr_eq(bench_record_find(&record, sorted, "s4 n=2"), &record.rows[1]);
    ck_assert_ptr_null(bench_record_find(&record, sorted, "s4"));
    free(sorted);
    bench_record_free(&record);
}
END_TEST

START_TEST(rows_may_have_figures_instead_of_samples)
{
    bench_record record;
    lsq_error err;
    ck_assert_int_eq(parse(figures, &record, &err), LSQ_OK);
    ck_assert_str_eq(record.figure, "snr");
    ck_assert_uint_eq(record.count, 2);
    ck_assert_double_eq(record.rows[0].figure, 22.5);
    ck_assert(isnan(record.rows[1].figure));
    bench_record_free(&record);
}
END_TEST

START_TEST(repetitions_of_google_benchmark_are_samples)
{
    bench_record record;
    lsq_error err;
    ck_assert_int_eq(parse(google, &record, &err), LSQ_OK);
    ck_assert_uint_eq(record.count, 2);
    ck_assert_str_eq(record.rows[0].name, "b/l2");
    ck_assert_str_eq(record.rows[1].name, "a");
    ck_assert_uint_eq(record.rows[0].count, 2);
    ck_assert_double_eq_tol(record.rows[0].samples[0], 3e-6, 1e-15);
    ck_assert_double_eq_tol(record.rows[0].samples[1], 4e-6, 1e-15);
    ck_assert_double_eq_tol(record.rows[1].samples[0], 7e-3, 1e-12);
    ck_assert_str_eq(record.facts[0].key, "date");
    bench_record_free(&record);
}
END_TEST

/* ---- Damaged ones ---- */

static void check_refused(const char *text, size_t size, const char *reason)
{
    bench_record record;
    lsq_error err = {0};
    char *exact = malloc(size + 1); /* not with its NUL: a sanitizer sees the first byte read past it */
    ck_assert_ptr_nonnull(exact);
    char *block = realloc(exact, size ? size : 1);
    memcpy(block, text, size);
    ck_assert_msg(bench_record_parse(block, size, &record, &err) == LSQ_E_MALFORMED, "accepted: %.*s", (int)size, text);
    ck_assert_int_eq(err.status, LSQ_E_MALFORMED);
    ck_assert_msg(strstr(err.text, reason) != NULL, "'%s' instead of '%s'", err.text, reason);
    ck_assert(!record.rows && !record.facts && !record.schema && record.count == 0);
    free(block);
}

START_TEST(truncated_documents_are_refused_at_every_byte)
{
    const char *const all[] = {ours, figures, google};
    for (size_t i = 0; i < 3; i++)
        for (size_t size = 0; size < strlen(all[i]); size++)
            check_refused(all[i], size, "line ");
}
END_TEST

/* Any one byte may be anything: refused with a reason or read, but never more than that. */
START_TEST(spoilt_bytes_do_no_harm)
{
    const char *const all[] = {ours, figures, google};
    for (size_t i = 0; i < 3; i++) {
        const size_t size = strlen(all[i]);
        char *copy = strdup(all[i]);
        for (size_t at = 0; at < size; at++)
            for (int byte = 0; byte < 256; byte += 1 + (byte > 128) * 30) {
                bench_record record;
                lsq_error err = {0};
                copy[at] = (char)byte;
                const lsq_status status = bench_record_parse(copy, size, &record, &err);
                ck_assert(status == LSQ_OK || (status == LSQ_E_MALFORMED && err.text[0]));
                if (status == LSQ_OK)
                    bench_record_free(&record);
                copy[at] = all[i][at];
            }
        free(copy);
    }
}
END_TEST

#define HEAD "{\"schema\":\"x\",\"row_keys\":[\"f\"],\"rows\":"
#define RUN  "{\"context\":{},\"benchmarks\":[{\"run_name\":\"a\",\"time_unit\":\"us\","

START_TEST(wrong_types_are_refused_with_their_place)
{
    static const char *const cases[][2] = {
        {"[]", "neither"},
        {"{}", "neither"},
        {"{\"schema\":3}", "neither"},
        {"{\"context\":[]}", "neither"},
        {"nonsense", "line 1"},
        {"\"\xff\"", "line 1"},
        {"{\"schema\":\"x\"}", "row_keys:"},
        {"{\"schema\":\"x\",\"row_keys\":[],\"rows\":[]}", "row_keys:"},
        {"{\"schema\":\"x\",\"row_keys\":[1],\"rows\":[]}", "row_keys:"},
        {"{\"schema\":\"x\",\"row_keys\":[\"f\"]}", "rows: expected an array"},
        {HEAD "{}}", "rows: expected an array"},
        {HEAD "[3]}", "rows[0]: expected an object"},
        {HEAD "[{}]}", "rows[0].f: expected a string or a number"},
        {HEAD "[{\"f\":[]}]}", "rows[0].f: expected a string or a number"},
        {HEAD "[{\"f\":1}]}", "rows[0].sample_seconds: expected an array"},
        {HEAD "[{\"f\":1,\"sample_seconds\":[]}]}", "rows[0].sample_seconds: expected an array"},
        {HEAD "[{\"f\":1,\"sample_seconds\":[1,\"1\"]}]}", "rows[0].sample_seconds[1]: expected a number"},
        {HEAD "[{\"f\":1,\"sample_seconds\":[-1]}]}", "rows[0].sample_seconds[0]"},
        {HEAD "[{\"f\":1,\"sample_seconds\":[0]}]}", "rows[0].sample_seconds[0]"},
        {HEAD "[{\"f\":1,\"sample_seconds\":[1e300]}]}", "rows[0].sample_seconds[0]"},
        {HEAD "[{\"f\":1,\"sample_seconds\":[1e999]}]}", "line 1"},
        {HEAD "[{\"f\":1,\"sample_seconds\":[99999999999999999999]}]}", "line 1"},
        {HEAD "[{\"f\":\"a\",\"sample_seconds\":[1]},{\"f\":\"b\",\"sample_seconds\":[1]},{\"f\":\"a\",\"sample_"
              "seconds\":[1]}]}",
         "rows[0] and rows[2]: both are of 'a'"},
        {"{\"schema\":\"x\",\"row_keys\":[\"f\"],\"row_figure\":\"g\",\"rows\":[{\"f\":1}]}",
         "rows[0].g: expected a number"},
        {"{\"schema\":\"x\",\"row_keys\":[\"f\"],\"row_figure\":\"g\",\"rows\":[{\"f\":1,\"g\":1e200}]}",
         "rows[0].g: expected a number"},
        {"{\"schema\":\"x\",\"schema\":\"x\"}", "duplicate"},
        {"{\"context\":{}}", "benchmarks: expected an array"},
        {"{\"context\":{},\"benchmarks\":[1]}", "benchmarks[0]: expected an object"},
        {"{\"context\":{},\"benchmarks\":[{}]}", "benchmarks[0].run_name"},
        {"{\"context\":{},\"benchmarks\":[{\"name\":\"a\"}]}", "benchmarks[0].time_unit"},
        {"{\"context\":{},\"benchmarks\":[{\"name\":\"a\",\"time_unit\":\"h\"}]}", "benchmarks[0].time_unit"},
        {RUN "\"real_time\":\"1\"}]}", "benchmarks[0].real_time"},
        {RUN "\"real_time\":-1}]}", "benchmarks[0].real_time"},
        {RUN "\"real_time\":1e300}]}", "benchmarks[0].real_time"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_refused(cases[i][0], strlen(cases[i][0]), cases[i][1]);
}
END_TEST

START_TEST(long_names_and_deep_or_long_documents_are_refused)
{
    bench_record record;
    lsq_error err = {0};
    char text[1200], name[700];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = 0;
    snprintf(text, sizeof text, HEAD "[{\"f\":\"%s\",\"sample_seconds\":[1]}]}", name);
    check_refused(text, strlen(text), "longer than");
    snprintf(text, sizeof text, "{\"context\":{},\"benchmarks\":[{\"name\":\"%s\"}]}", name);
    check_refused(text, strlen(text), "run_name");
    const size_t size = BENCH_RECORD_MAX + 1;
    char *deep = malloc(size);
    ck_assert_ptr_nonnull(deep);
    memset(deep, '[', size);
    ck_assert_int_eq(bench_record_parse(deep, size, &record, &err), LSQ_E_LIMIT);
    check_refused(deep, size - 1, "line 1");
    free(deep);
}
END_TEST

START_TEST(files_that_cannot_be_read)
{
    bench_record record;
    lsq_error err = {0};
    ck_assert_int_eq(bench_record_read("/nonexistent/a.json", &record, &err), LSQ_E_IO);
    ck_assert_int_eq(bench_record_read("/", &record, &err), LSQ_E_IO);
    ck_assert_int_eq(bench_record_read("/dev/null", &record, &err), LSQ_E_MALFORMED);
    ck_assert_int_eq(bench_record_read("/dev/zero", &record, &err), LSQ_E_LIMIT);
}
END_TEST

/* ---- Differences ---- */

/* By the definition: of all ways to choose which of the samples are b's, the share with U at least as far from its middle. */
static double counted(const double *a, unsigned m, const double *b, unsigned n)
{
    double all[16], observed = 0;
    unsigned extreme = 0, ways = 0;
    memcpy(all, a, m * sizeof *a);
    memcpy(all + m, b, n * sizeof *b);
    for (unsigned i = 0; i < m; i++)
        for (unsigned j = 0; j < n; j++)
            observed += b[j] > a[i];
    for (unsigned set = 0; set < 1u << (m + n); set++) {
        double u = 0;
        if (__builtin_popcount(set) != (int)n)
            continue;
        for (unsigned i = 0; i < m + n; i++)
            for (unsigned j = 0; j < m + n; j++)
                u += !(set >> i & 1) && (set >> j & 1) && all[j] > all[i];
        ways++;
        extreme += fabs(u - m * n / 2.0) >= fabs(observed - m * n / 2.0) - 1e-9;
    }
    return (double)extreme / ways;
}

START_TEST(few_samples_are_judged_exactly)
{
    uint32_t state = 1;
    for (unsigned m = 1; m <= 7; m++)
        for (unsigned n = 1; n <= 7; n++)
            for (int round = 0; round < 4; round++) {
                double a[7], b[7];
                bench_difference d;
                for (unsigned i = 0; i < m; i++)
                    a[i] = (state = state * 1664525 + 1013904223) >> 8;
                for (unsigned i = 0; i < n; i++)
                    b[i] = ((state = state * 1664525 + 1013904223) >> 8) * (round + 1.0);
                const double p = counted(a, m, b, n);
                ck_assert_int_eq(bench_differ(a, m, b, n, &d), 1);
                ck_assert_double_eq_tol(d.p, p, 1e-12);
                ck_assert_double_ge(d.p, d.least - 1e-12);
            }
}
END_TEST

START_TEST(direction_and_least_are_those_of_the_samples)
{
    double a[5] = {1, 2, 3, 4, 5}, b[5] = {6, 7, 8, 9, 10};
    bench_difference d;
    ck_assert_int_eq(bench_differ(a, 5, b, 5, &d), 1);
    ck_assert_double_eq_tol(d.p, 2.0 / 252, 1e-15);
    ck_assert_double_eq_tol(d.least, 2.0 / 252, 1e-15);
    ck_assert_int_eq(d.sign, 1);
    bench_differ(b, 5, a, 5, &d);
    ck_assert_int_eq(d.sign, -1);
    bench_differ(a, 5, a, 5, &d);
    ck_assert_int_eq(d.sign, 0);
    ck_assert_double_eq(d.p, 1);
}
END_TEST

START_TEST(many_samples_and_equal_ones_are_judged_by_the_normal_distribution)
{
    double a[30], b[30];
    bench_difference d;
    for (int i = 0; i < 30; i++) {
        a[i] = 1 + i % 10;
        b[i] = 3 + i % 10;
    }
    /* U is 162 above the middle of 450, by counting pairs; 8 values occur 6 times, 4 occur 3 times. */
    const double variance = 900.0 / 12 * (61 - (8 * 210.0 + 4 * 24.0) / (60 * 59)), z = (162 - 0.5) / sqrt(variance);
    ck_assert_int_eq(bench_differ(a, 30, b, 30, &d), 1);
    ck_assert_double_eq_tol(d.p, erfc(z / sqrt(2)), 1e-12);
    ck_assert_int_eq(d.sign, 1);
    for (int i = 0; i < 30; i++)
        a[i] = b[i] = 1;
    bench_differ(a, 30, b, 30, &d);
    ck_assert_double_eq(d.p, 1);
    /* Beyond the reach of exact counting, but near it, the two ways agree. */
    for (int i = 0; i < 21; i++) {
        a[i] = i;
        b[i] = i + 6.5;
    }
    double fewer_a[20], fewer_b[20];
    bench_difference exact;
    memcpy(fewer_a, a, sizeof fewer_a);
    memcpy(fewer_b, b, sizeof fewer_b);
    bench_differ(a, 21, b, 21, &d);
    bench_differ(fewer_a, 20, fewer_b, 20, &exact);
    ck_assert_double_eq_tol(d.p, exact.p, 0.005);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("record");
    tcase_set_timeout(tests, 100);
    tcase_add_test(tests, documents_of_ours_name_their_rows);
    tcase_add_test(tests, rows_may_have_figures_instead_of_samples);
    tcase_add_test(tests, repetitions_of_google_benchmark_are_samples);
    tcase_add_test(tests, truncated_documents_are_refused_at_every_byte);
    tcase_add_test(tests, spoilt_bytes_do_no_harm);
    tcase_add_test(tests, wrong_types_are_refused_with_their_place);
    tcase_add_test(tests, long_names_and_deep_or_long_documents_are_refused);
    tcase_add_test(tests, files_that_cannot_be_read);
    tcase_add_test(tests, few_samples_are_judged_exactly);
    tcase_add_test(tests, direction_and_least_are_those_of_the_samples);
    tcase_add_test(tests, many_samples_and_equal_ones_are_judged_by_the_normal_distribution);
    Suite *suite = suite_create("record");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
