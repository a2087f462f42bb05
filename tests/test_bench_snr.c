/*
 * test_bench_snr.c - what `lsq-bench snr` measures on and compares with, against the literature.
 */
#include "bench/plan.h"
#include "bench/rivals.h"
#include "bench/sources.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Sources ---- */

static uint64_t hash(const float *w, size_t n)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &w[i], sizeof bits);
        h = (h ^ bits) * 0x100000001b3u;
    }
    return h;
}

static float *draw(const char *name, size_t *n)
{
    const bench_source *source = bench_source_find(name);
    ck_assert_ptr_nonnull(source);
    *n = source->rows * source->columns;
    float *w = malloc(*n * sizeof *w);
    ck_assert_ptr_nonnull(w);
    bench_source_fill(source, w);
    return w;
}

START_TEST(sources_are_the_same_everywhere)
{
    static const struct {
        const char *name;
        uint64_t hash;
    } known[] = {
        {"sine54", 0xb4cf4fb24ef4bab7},  {"uniform", 0xe06e29599949cb87}, {"gauss", 0x513d537b9bf0f2a2},
        {"laplace", 0xd0c0dceaa0eeca88}, {"t5", 0x126d4dd4748ad55d},
    };
    ck_assert_uint_eq(sizeof known / sizeof *known, bench_sources_count);
    for (size_t i = 0; i < bench_sources_count; i++) {
        size_t n;
        float *w = draw(known[i].name, &n);
        ck_assert_msg(hash(w, n) == known[i].hash, "%s: %016llx", known[i].name, (unsigned long long)hash(w, n));
        free(w);
    }
    ck_assert_ptr_null(bench_source_find("cauchy"));
}
END_TEST

/* Mean, deviation, and the mean of |w| / deviation, which tells the distributions apart and, unlike kurtosis, settles fast. */
START_TEST(sources_have_the_moments_of_their_distributions)
{
    static const struct {
        const char *name;
        double deviation, absolute;
    } known[] = {
        {"uniform", 0.57735, 0.86603}, /* 1/sqrt 3; sqrt 3 / 2 */
        {"gauss", 0.02, 0.79788},      /* sqrt(2 / pi) */
        {"laplace", 0.02, 0.70711},    /* 1/sqrt 2 */
        {"t5", 0.02, 0.73511},         /* 8 sqrt 3 / (6 pi) */
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t n;
        float *w = draw(known[i].name, &n);
        double sum = 0, squares = 0, absolute = 0;
        for (size_t j = 0; j < n; j++) {
            sum += (double)w[j];
            squares += (double)w[j] * (double)w[j];
            absolute += fabs((double)w[j]);
        }
        const double deviation = sqrt(squares / (double)n);
        ck_assert_double_eq_tol(sum / (double)n, 0, 5e-3 * known[i].deviation);
        ck_assert_double_eq_tol(deviation, known[i].deviation, 5e-3 * known[i].deviation);
        ck_assert_double_eq_tol(absolute / (double)n / deviation, known[i].absolute, 3e-3);
        free(w);
    }
}
END_TEST

/* ---- Rivals ---- */

/* Figures of Max (1960) for the Gaussian, of Adams and Giesler (1978) for the Laplace distribution; 6.02 dB a bit for the uniform. */
START_TEST(lloyd_max_reaches_the_figures_of_the_literature)
{
    static const struct {
        const char *name;
        double db[5];
    } known[] = {
        {"uniform", {6.02, 12.04, 18.06, 24.08, 30.10}},
        {"gauss", {4.40, 9.30, 14.62, 20.22, 26.02}},
        {"laplace", {3.01, 7.54, 12.64, 18.13, 23.87}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t n;
        float *w = draw(known[i].name, &n);
        bench_lloyd *lloyd = bench_lloyd_new(w, n);
        ck_assert_ptr_nonnull(lloyd);
        for (unsigned bits = 1; bits <= 5; bits++)
            ck_assert_double_eq_tol(bench_lloyd_db(lloyd, bits), known[i].db[bits - 1], 0.05);
        bench_lloyd_free(lloyd);
        free(w);
    }
}
END_TEST

START_TEST(lloyd_max_is_exact_where_levels_suffice)
{
    const float w[] = {3, 1, 2, 1};
    bench_lloyd *lloyd = bench_lloyd_new(w, 4);
    ck_assert_double_infinite(bench_lloyd_db(lloyd, 2));
    /* 1 1 | 2 3: noise 2 * (1/2)^2 of signal 15. */
    ck_assert_double_eq_tol(bench_lloyd_db(lloyd, 1), 10 * log10(15 / 0.5), 1e-9);
    bench_lloyd_free(lloyd);
}
END_TEST

/* A step of 2 / 254 has noise step^2 / 12 under a uniform signal of 1/3; scales for smaller blocks can only gain. */
START_TEST(integers_have_the_noise_of_their_step)
{
    size_t n;
    float *w = draw("uniform", &n);
    ck_assert_double_eq_tol(bench_int_db(8, 0, 256, n / 256, w), 10 * log10(4 * 127.0 * 127.0), 0.02);
    ck_assert_double_ge(bench_int_db(8, n / 256, 256, n / 256, w), bench_int_db(8, 0, 256, n / 256, w));
    ck_assert_double_gt(bench_int_db(8, 32, 256, n / 256, w), bench_int_db(8, n / 256, 256, n / 256, w));
    free(w);
    const float zeros[64] = {0};
    ck_assert_double_nan(bench_int_db(4, 32, 2, 32, zeros));
}
END_TEST

/* What the published code reaches: on the sine its table was made with, on uniform weights, on Gaussian ones by absmax. */
START_TEST(published_code_reaches_its_known_figures)
{
    static const double sine[] = {21.48, 26.07, 29.73, 31.95, 33.65, 34.84};
    static const double uniform[] = {18.70, 22.46, 25.37, 27.72, 29.72, 31.46};
    static const double gauss[] = {13.98, 17.39, 20.09, 22.34, 24.26, 25.94};
    size_t n;
    float *w = draw("sine54", &n);
    ck_assert_double_eq_tol(bench_classic_db(4, LSQ_ROUND_NEAREST, 0, 1, n, w), 21.81, 0.01);
    for (unsigned bits = 4; bits <= 9; bits++)
        ck_assert_double_eq_tol(bench_classic_db(bits, LSQ_ROUND_PUBLISHED, 0, 1, n, w), sine[bits - 4], 0.01);
    free(w);
    w = draw("uniform", &n);
    for (unsigned bits = 4; bits <= 9; bits++)
        ck_assert_double_eq_tol(bench_classic_db(bits, LSQ_ROUND_PUBLISHED, 0, 1, n, w), uniform[bits - 4], 0.05);
    free(w);
    w = draw("gauss", &n);
    for (unsigned bits = 4; bits <= 9; bits++)
        ck_assert_double_eq_tol(bench_classic_db(bits, LSQ_ROUND_PUBLISHED, 32, 256, n / 256, w), gauss[bits - 4],
                                0.05);
    free(w);
}
END_TEST

START_TEST(snr_is_a_ratio_of_sums)
{
    const float w[] = {3, 4}, decoded[] = {3, 4.5f};
    bench_snr snr = {0, 0};
    ck_assert_double_nan(bench_snr_db(snr));
    bench_snr_add(&snr, w, decoded, 2);
    ck_assert_double_eq_tol(bench_snr_db(snr), 20, 1e-12);
    snr.noise = 0;
    ck_assert_double_infinite(bench_snr_db(snr));
}
END_TEST

/* ---- Plans ---- */

START_TEST(plans_hold_every_format_once)
{
    bench_plan usual = {0}, all = {0}, published = {0};
    ck_assert_int_eq(bench_plan_usual(&usual), LSQ_OK);
    ck_assert_int_eq(bench_plan_all(&all), LSQ_OK);
    ck_assert_uint_gt(all.count, usual.count);
    for (size_t i = 0; i < all.count; i++)
        for (size_t j = 0; j < i; j++)
            ck_assert_msg(strcmp(all.rows[i].name, all.rows[j].name) || all.rows[i].rounding != all.rows[j].rounding,
                          "%s twice", all.rows[i].name);
    ck_assert_int_eq(bench_plan_published(&published, &usual), LSQ_OK);
    ck_assert_uint_eq(published.count, 14); /* C = 3..9, two roundings */
    bench_plan_free(&usual);
    bench_plan_free(&all);
    bench_plan_free(&published);
}
END_TEST

START_TEST(plans_take_names_of_formats_only)
{
    bench_plan plan = {0};
    lsq_error err = {0};
    ck_assert_int_eq(bench_plan_add(&plan, "c2", &err), LSQ_E_ARGUMENT);
    ck_assert_uint_ne(strlen(err.text), 0);
    ck_assert_uint_eq(plan.count, 0);
    ck_assert_int_eq(bench_plan_add(&plan, "t4.st64.nib32", &err), LSQ_OK);
    ck_assert_int_eq(bench_plan_add(&plan, "c8", &err), LSQ_OK);
    ck_assert_uint_eq(plan.count, 3);
    ck_assert_uint_eq(plan.rows[0].format.states, 64);
    ck_assert_int_eq(plan.rows[2].rounding, LSQ_ROUND_NEAREST);
    ck_assert_uint_eq(plan.widths[4], 1);
    ck_assert_uint_eq(plan.widths[5], 0);
    bench_plan_free(&plan);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("bench_snr");
    tcase_set_timeout(tests, 100);
    tcase_add_test(tests, sources_are_the_same_everywhere);
    tcase_add_test(tests, sources_have_the_moments_of_their_distributions);
    tcase_add_test(tests, lloyd_max_reaches_the_figures_of_the_literature);
    tcase_add_test(tests, lloyd_max_is_exact_where_levels_suffice);
    tcase_add_test(tests, integers_have_the_noise_of_their_step);
    tcase_add_test(tests, published_code_reaches_its_known_figures);
    tcase_add_test(tests, snr_is_a_ratio_of_sums);
    tcase_add_test(tests, plans_hold_every_format_once);
    tcase_add_test(tests, plans_take_names_of_formats_only);
    Suite *suite = suite_create("bench_snr");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
