/*
 * test_bench.c - the parts of lsq-bench whose results do not depend on the clock.
 */
#include "bench/machine.h"
#include "bench/plan.h"
#include "bench/product.h"
#include "bench/rivals.h"
#include "bench/sources.h"
#include "bench/stream.h"
#include "bench/text.h"
#include "bench/turn.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Reading ---- */

static uint64_t plain_sum(const uint8_t *bytes, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (uint64_t)bytes[i] << 8 * (i % 8);
    return sum;
}

START_TEST(every_read_loop_reads_every_byte_once)
{
    uint8_t bytes[2100];
    lsq_cpu cpu;
    size_t loops = 0;
    lsq_cpu_detect(&cpu);
    bench_fill_random(bytes, sizeof bytes, 7);
    for (; bench_stream_loop(&cpu, loops); loops++)
        for (size_t offset = 0; offset < 66; offset += 13)
            for (size_t count = 0; count <= 2 * 512 + 70; count++)
                ck_assert_uint_eq(bench_stream_loop(&cpu, loops)->read(bytes + offset, count),
                                  plain_sum(bytes + offset, count));
    ck_assert_uint_ge(loops, 1);
    ck_assert_ptr_eq(bench_stream_widest(&cpu), bench_stream_loop(&cpu, loops - 1));
}
END_TEST

/* ---- Turns ---- */

START_TEST(median_and_spread_are_those_of_the_sorted_values)
{
    double odd[] = {9, 1, 5, 100, 2}, even[] = {4, 1, 3, 10}, spread[] = {1, 1, 2, 2, 4, 6, 9};
    ck_assert_double_eq(bench_median(odd, 5), 5);
    ck_assert_double_eq(bench_median(even, 4), 3.5);
    ck_assert_double_eq(bench_spread(spread, 7), 1);
}
END_TEST

enum { UNITS = 37 };

typedef struct tally {
    size_t done[UNITS];
    unsigned thread[UNITS];
} tally;

static void count_units(const void *arg, unsigned thread, size_t first, size_t end)
{
    tally *t = (tally *)arg;
    for (size_t i = first; i < end; i++) {
        t->done[i]++;
        t->thread[i] = thread;
    }
    /* Long enough for the clock to see. */
    for (volatile int i = 0; i < 1000; i++)
        ;
}

/* Samples by parts come round evenly, and threads keep to their shares. */
static void check_turns(unsigned threads)
{
    tally t = {0};
    bench_team *team = bench_team_new(threads);
    ck_assert_ptr_nonnull(team);
    ck_assert_uint_eq(bench_team_size(team), threads);
    const bench_work work = {count_units, &t, UNITS};
    bench_turn turn;
    bench_turn_prepare(&turn, &work, team, 1e-5);
    ck_assert_uint_ge(turn.step, 1);
    for (int i = 0; i < 100; i++)
        bench_turn_sample(&turn);
    for (unsigned thread = 0; thread < threads; thread++) {
        const size_t first = UNITS * thread / threads, end = UNITS * (thread + 1) / threads;
        for (size_t i = first; i < end; i++) {
            ck_assert_uint_eq(t.thread[i], thread);
            ck_assert_uint_ge(t.done[i] + 1, t.done[first]);
            ck_assert_uint_le(t.done[i], t.done[first]);
        }
        ck_assert_uint_gt(t.done[first], 0);
    }
    bench_team_free(team);
}

START_TEST(one_thread_comes_round_evenly)
{
    check_turns(1);
}
END_TEST

START_TEST(threads_keep_to_their_shares)
{
    check_turns(3);
}
END_TEST

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

/* ---- Products ---- */

START_TEST(rows_fill_the_bytes_given)
{
    static const char *const names[] = {"c3.none", "s4", "s9.tensor", "t1", "t4.st64.nib32"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        lsq_format format;
        size_t bytes;
        ck_assert_int_eq(lsq_format_parse(names[i], &format, NULL), LSQ_OK);
        const size_t rows = bench_product_rows(&format, 1024, 262144);
        ck_assert_uint_gt(rows, 0);
        ck_assert_uint_eq(rows % 16, 0);
        ck_assert_int_eq(lsq_packed_bytes(&format, rows, 1024, &bytes), LSQ_OK);
        ck_assert_uint_le(bytes, 262144);
        ck_assert_int_eq(lsq_packed_bytes(&format, rows + 16, 1024, &bytes), LSQ_OK);
        ck_assert_uint_gt(bytes, 262144);
        ck_assert_uint_eq(bench_product_rows(&format, 1024, 64), 0);
    }
}
END_TEST

/* The packed bytes end where the memory ends, and a product in two parts is the product. */
START_TEST(products_run_on_any_bytes)
{
    const lsq_kernel *kernel = &lsq_kernels[_i];
    lsq_cpu cpu;
    lsq_cpu_detect(&cpu);
    if (!lsq_kernel_runs(&cpu, kernel) || kernel->op != OP_gemv)
        return;
    char name[8];
    const int trellis = kernel->codec >= CODEC_t1;
    snprintf(name, sizeof name, "%c%d", trellis ? 't' : 's',
             trellis ? kernel->codec - CODEC_t1 + 1 : kernel->codec - CODEC_p2 + 2);
    lsq_format format;
    size_t bytes;
    enum { ROWS = 16 * 5, COLUMNS = 32 * 3 };
    ck_assert_int_eq(lsq_format_parse(name, &format, NULL), LSQ_OK);
    ck_assert_int_eq(lsq_packed_bytes(&format, ROWS, COLUMNS, &bytes), LSQ_OK);
    uint8_t *packed = aligned_alloc(64, bytes);
    bench_fill_random(packed, bytes, 11);
    bench_product product;
    ck_assert_int_eq(bench_product_make(&product, kernel, &format, ROWS, COLUMNS, packed, 2), LSQ_OK);
    ck_assert_uint_eq(product.bytes, bytes);
    const bench_work work = bench_product_work(&product);
    ck_assert_uint_eq(work.units, ROWS / 16);
    float whole[ROWS];
    work.run(work.arg, 0, 0, 5);
    memcpy(whole, product.gemv.y, sizeof whole);
    memset(product.gemv.y, 0, sizeof whole);
    work.run(work.arg, 1, 3, 5);
    work.run(work.arg, 0, 0, 3);
    for (int r = 0; r < ROWS; r++)
        ck_assert_float_eq(product.gemv.y[r], whole[r]);
    bench_product_free(&product);
    free(packed);
}
END_TEST

START_TEST(text_from_outside_is_harmless)
{
    char copy[8];
    bench_text_copy(copy, sizeof copy, "a\x1b[2J\nb");
    ck_assert_str_eq(copy, "a?[2J?b");
    bench_text_copy(copy, sizeof copy, "x\xff\x80y");
    ck_assert_str_eq(copy, "x??y");
    bench_text_copy(copy, sizeof copy, "\xc3\xa4");
    ck_assert_str_eq(copy, "\xc3\xa4");
    bench_text_copy(copy, sizeof copy, "123456\xc3\xa4"); /* cut in the middle of a character */
    ck_assert_str_eq(copy, "123456?");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("bench");
    tcase_set_timeout(tests, 100);
    tcase_add_test(tests, every_read_loop_reads_every_byte_once);
    tcase_add_test(tests, median_and_spread_are_those_of_the_sorted_values);
    tcase_add_test(tests, one_thread_comes_round_evenly);
    tcase_add_test(tests, threads_keep_to_their_shares);
    tcase_add_test(tests, sources_are_the_same_everywhere);
    tcase_add_test(tests, sources_have_the_moments_of_their_distributions);
    tcase_add_test(tests, lloyd_max_reaches_the_figures_of_the_literature);
    tcase_add_test(tests, lloyd_max_is_exact_where_levels_suffice);
    tcase_add_test(tests, integers_have_the_noise_of_their_step);
    tcase_add_test(tests, published_code_reaches_its_known_figures);
    tcase_add_test(tests, snr_is_a_ratio_of_sums);
    tcase_add_test(tests, plans_hold_every_format_once);
    tcase_add_test(tests, plans_take_names_of_formats_only);
    tcase_add_test(tests, rows_fill_the_bytes_given);
    tcase_add_loop_test(tests, products_run_on_any_bytes, 0, (int)lsq_kernels_count);
    tcase_add_test(tests, text_from_outside_is_harmless);
    Suite *suite = suite_create("bench");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
