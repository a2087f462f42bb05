/*
 * test_bench_snr.c - what `lsq-bench snr` measures on and compares with, against the literature.
 */
#include "bench/frontier.h"
#include "bench/labels.h"
#include "bench/peers/ggml.h"
#include "bench/plan.h"
#include "bench/rivals.h"
#include "bench/sources.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Sources ---- */

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
        const uint64_t hash = bench_hash_add(BENCH_HASH, w, n);
        ck_assert_msg(hash == known[i].hash, "%s: %016llx", known[i].name, (unsigned long long)hash);
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

/* To 0.3 dB, with the better of both roundings. */
START_TEST(published_table_is_one_of_the_sine)
{
    size_t n;
    float *w = draw("sine54", &n);
    for (unsigned bits = 4; bits <= 9; bits++)
        ck_assert_double_eq_tol(fmax(bench_classic_db(bits, LSQ_ROUND_PUBLISHED, 0, 1, n, w),
                                     bench_classic_db(bits, LSQ_ROUND_NEAREST, 0, 1, n, w)),
                                bench_published_db(bits), 0.3);
    free(w);
    ck_assert_double_nan(bench_published_db(3));
    ck_assert_double_nan(bench_published_db(10));
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

START_TEST(gaussian_bound_is_a_quarter_of_the_noise_for_each_bit)
{
    ck_assert_double_eq_tol(bench_gaussian_bound_db(1), 10 * log10(4), 1e-12);
    ck_assert_double_eq_tol(bench_gaussian_bound_db(2.125), 12.79, 0.005);
    ck_assert_double_eq_tol(bench_gaussian_bound_db(4.125), 24.83, 0.005);
}
END_TEST

/* The quantile of the normal distribution, by bisection. */
static double quantile(double probability)
{
    double low = -10, high = 10;
    for (int i = 0; i < 100; i++) {
        const double middle = (low + high) / 2;
        if (0.5 * erfc(-middle / sqrt(2)) < probability)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* From the mean of the outermost probabilities that 8 and 7.5 equal parts a side have, down to one half, in 8 steps and in 7. */
START_TEST(nf4_levels_are_quantiles)
{
    const double first = 1 - (1.0 / 32 + 1.0 / 30) / 2;
    for (int i = 0; i <= 8; i++)
        ck_assert_double_eq_tol((double)bench_nf4_levels[7 + i],
                                quantile(0.5 + (first - 0.5) * i / 8) / quantile(first), 1e-6);
    for (int i = 0; i <= 7; i++)
        ck_assert_double_eq_tol((double)bench_nf4_levels[7 - i],
                                -quantile(0.5 + (first - 0.5) * i / 7) / quantile(first), 1e-6);
}
END_TEST

START_TEST(nf4_takes_the_nearest_level_under_the_largest_weight)
{
    float w[66] = {0};
    for (int i = 0; i < 16; i++)
        w[i] = 4 * bench_nf4_levels[i];
    ck_assert_double_infinite(bench_nf4_db(66, w)); /* 4 is a scale in half precision */
    /* 0.35 is nearer to 0.338 than to 0.441, -0.6 to -0.525 than to -0.696; -0.75 is the largest of the second block. */
    w[20] = 4 * 0.35f;
    w[21] = 4 * -0.6f;
    w[65] = -0.75f;
    bench_snr expected = {0, 0};
    bench_snr_add(&expected, w, w, 66);
    expected.noise = pow(4 * (0.35 - 0.3379152), 2) + pow(4 * (0.6 - 0.5250731), 2);
    ck_assert_double_eq_tol(bench_nf4_db(66, w), bench_snr_db(expected), 1e-4);
    const float zeros[64] = {0};
    ck_assert_double_nan(bench_nf4_db(64, zeros));
}
END_TEST

/* A row's scale is a float, as TensorFlow Lite has it; that of a block of 32 is rounded to half precision, upwards. */
START_TEST(scales_are_as_exact_as_they_are_stored)
{
    const float step = 1.0f / 3;
    float w[64];
    for (int i = 0; i < 64; i++)
        w[i] = (float)(i % 32 ? i - 32 : 127) * step;
    ck_assert_double_gt(bench_int_db(8, 64, 1, 64, w), 120); /* whole multiples of the scale */
    ck_assert_double_lt(bench_int_db(8, 32, 1, 64, w), 80);
}
END_TEST

/* ---- Comparing at equal bits ---- */

START_TEST(frontiers_keep_what_nothing_smaller_reaches)
{
    bench_point points[] = {{4, 20}, {2, 10}, {3, 9}, {4, 22}, {5, 22}, {6, 30}};
    ck_assert_uint_eq(bench_frontier(points, 6), 3);
    ck_assert_double_eq(points[0].x, 2);
    ck_assert_double_eq(points[1].x, 4);
    ck_assert_double_eq(points[1].y, 22);
    ck_assert_double_eq(points[2].x, 6);
    ck_assert_double_eq_tol(bench_frontier_db(points, 3, 2), 10, 1e-12);
    ck_assert_double_eq_tol(bench_frontier_db(points, 3, 2.5), 13, 1e-12);
    ck_assert_double_eq_tol(bench_frontier_db(points, 3, 4), 22, 1e-12);
    ck_assert_double_eq_tol(bench_frontier_db(points, 3, 5.5), 28, 1e-12);
    ck_assert_double_eq_tol(bench_frontier_db(points, 3, 6), 30, 1e-12);
    ck_assert_double_eq_tol(bench_frontier_db(points, 3, 7), 30 + 6.0206, 1e-4);
    ck_assert_double_eq_tol(bench_frontier_db(points, 3, 1.5), 10 - 3.0103, 1e-4);
    ck_assert_double_eq_tol(bench_frontier_db(points, 1, 3), 10 + 6.0206, 1e-4);
    ck_assert_uint_eq(bench_frontier(points, 0), 0);
}
END_TEST

/* More bits keep more, in one library and source, and nothing passes the bound of its bits by much. */
START_TEST(figures_of_ggml_are_in_order)
{
    ck_assert_int_eq(bench_ggml_source("gauss"), 0);
    ck_assert_int_eq(bench_ggml_source("t5"), 2);
    ck_assert_int_eq(bench_ggml_source("sine54"), -1);
    ck_assert_int_eq(bench_ggml_file(0), -1);
    for (size_t i = 0; i < bench_ggml_types_count; i++)
        for (int s = 0; s < BENCH_GGML_SOURCES; s++) {
            const bench_ggml_type *type = &bench_ggml_types[i], *before = &bench_ggml_types[i ? i - 1 : 0];
            if (isnan(type->db[s]))
                continue;
            ck_assert_double_lt(type->db[s], bench_gaussian_bound_db(type->bits));
            if (!strcmp(type->library, before->library) && type->bits > before->bits && !isnan(before->db[s]))
                ck_assert_double_gt(type->db[s], before->db[s]);
        }
}
END_TEST

static int overlap(bench_box a, bench_box b)
{
    return a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1;
}

START_TEST(labels_cover_nothing_and_stay_inside)
{
    enum { POINTS = 20 };
    const bench_box within = {0, 0, 400, 400};
    bench_box placed[POINTS], marks[POINTS];
    bench_labels labels;
    bench_labels_begin(&labels, within);
    for (int i = 0; i < POINTS; i++) {
        const double x = 380 - 4 * i, y = 20 + 4 * i;
        marks[i] = (bench_box){x - 5, y - 5, x + 5, y + 5};
        bench_labels_take(&labels, marks[i]);
    }
    bench_labels_take_line(&labels, 0, 300, 400, 300);
    for (int i = 0; i < POINTS; i++) {
        placed[i] =
            bench_labels_place(&labels, (marks[i].x0 + marks[i].x1) / 2, (marks[i].y0 + marks[i].y1) / 2, 30, 12);
        if (placed[i].x1 > within.x1)
            continue; /* no room to the right of the first ones */
        ck_assert(placed[i].y0 >= 0 && placed[i].y1 <= 400 && (placed[i].y1 <= 300 || placed[i].y0 >= 300));
        for (int j = 0; j < POINTS; j++)
            ck_assert(!overlap(placed[i], marks[j]) && (j >= i || !overlap(placed[i], placed[j])));
    }
    ck_assert(placed[POINTS - 1].x1 <= within.x1);
    ck_assert(!labels.failed);
    bench_labels_end(&labels);
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
    tcase_add_test(tests, published_table_is_one_of_the_sine);
    tcase_add_test(tests, snr_is_a_ratio_of_sums);
    tcase_add_test(tests, gaussian_bound_is_a_quarter_of_the_noise_for_each_bit);
    tcase_add_test(tests, nf4_levels_are_quantiles);
    tcase_add_test(tests, nf4_takes_the_nearest_level_under_the_largest_weight);
    tcase_add_test(tests, scales_are_as_exact_as_they_are_stored);
    tcase_add_test(tests, frontiers_keep_what_nothing_smaller_reaches);
    tcase_add_test(tests, figures_of_ggml_are_in_order);
    tcase_add_test(tests, labels_cover_nothing_and_stay_inside);
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
