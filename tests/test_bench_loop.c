/*
 * test_bench_loop.c - the ways of "Loop Singular Bit", on numbers small enough to follow.
 */
#include "bench/loop.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const bench_loop_way *way_of(const char *name)
{
    for (size_t i = 0; i < bench_loop_ways_count; i++)
        if (!strcmp(bench_loop_ways[i].name, name))
            return &bench_loop_ways[i];
    ck_abort_msg("no way %s", name);
}

START_TEST(half_precision)
{
    static const float cases[][2] = {{0, 0},
                                     {1, 1},
                                     {-1.0009765625f, -1.0009765625f}, /* 1 + 2^-10 */
                                     {1.00048828125f, 1},              /* 1 + 2^-11: a tie, to even */
                                     {1.00146484375f, 1.001953125f},   /* 1 + 3 * 2^-11: likewise */
                                     {65504, 65504},
                                     {65519, 65504},
                                     {0x1p-24f, 0x1p-24f}, /* the least subnormal */
                                     {0x1p-25f, 0},
                                     {0x1.8p-24f, 0x1p-23f},
                                     {0x1.004p-14f, 0x1.004p-14f}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(bench_half(cases[i][0]) == cases[i][1], "%a is %a", cases[i][0], bench_half(cases[i][0]));
    ck_assert(isinf(bench_half(65520)) && bench_half(-1e9f) < 0);
    ck_assert(isnan(bench_half(NAN)));
}
END_TEST

/* 98 numbers of -1 and 3, evenly, and two beyond: mean 1, everything two away from it. */
static void fill(float w[100])
{
    for (size_t i = 0; i < 98; i++)
        w[i] = i % 2 ? 3 : -1;
    w[98] = 100.03f;
    w[99] = -50;
}

START_TEST(signs_and_outliers)
{
    float w[100], decoded[100];
    fill(w);
    /* A bit for each, a bit for 98, two halves, two doubles. */
    ck_assert(way_of("loop")->store(100, w, decoded) == 13 + 13 + 4 + 16);
    const float deviation = (float)sqrt(98 * 4.0 / 97);
    for (size_t i = 0; i < 98; i++)
        ck_assert_float_eq_tol(decoded[i], i % 2 ? 1 + deviation : 1 - deviation, 1e-6f);
    ck_assert(decoded[98] == 100 && decoded[99] == -50);
    /* The first outlier is 98 numbers on, the next one right behind it; the mean distance is exact here. */
    ck_assert(way_of("loop-ls")->store(100, w, decoded) == 13 + 2 + 2 + 16);
    ck_assert(!memcmp(w, decoded, 98 * sizeof *w));
    ck_assert_float_eq_tol(decoded[98], 100.03f, 1e-4f);
    ck_assert_float_eq_tol(decoded[99], -50, 50 * 0.02f);
}
END_TEST

/* Gaps that do not fit a byte take another one. */
START_TEST(long_gaps)
{
    enum { N = 2000 };
    static float w[N], decoded[N];
    for (size_t i = 0; i < N; i++)
        w[i] = i % 2 ? 0.5f : -0.5f;
    for (size_t i = 0; i < 39; i++)
        w[i] = 9;
    w[N - 1] = 9; /* 1960 behind the last: seven bytes say "goes on" */
    ck_assert(way_of("loop-ls")->store(N, w, decoded) == N / 8 + (40 + 7) + 40 + 16);
}
END_TEST

START_TEST(the_others)
{
    float w[100], decoded[100];
    fill(w);
    ck_assert(way_of("int8")->store(100, w, decoded) == 108);
    for (size_t i = 0; i < 100; i++)
        ck_assert_float_eq_tol(decoded[i], w[i], 150.03f / 255 / 2 + 1e-4f);
    ck_assert(way_of("one-bit")->store(100, w, decoded) == 13 + 16);
    ck_assert(decoded[99] == decoded[0] && decoded[98] == decoded[1] && decoded[0] < decoded[1]);
    for (size_t i = 0; i < 100; i++)
        w[i] = (float)i - 30;
    ck_assert(way_of("prune")->store(100, w, decoded) == 13 + 4 * 49); /* magnitudes above 25 */
    ck_assert(decoded[99] == 69 && decoded[0] == -30 && decoded[30] == 0 && decoded[5] == 0);
}
END_TEST

/* Numbers that are all the same have no deviation, no step and no octaves. */
START_TEST(nothing_to_tell_apart)
{
    float w[10], decoded[10];
    for (size_t i = 0; i < 10; i++)
        w[i] = 0.25f;
    for (size_t k = 0; k < bench_loop_ways_count; k++) {
        ck_assert(bench_loop_ways[k].store(10, w, decoded) > 0);
        if (strcmp(bench_loop_ways[k].name, "prune") != 0)
            ck_assert_msg(!memcmp(w, decoded, sizeof w), "%s", bench_loop_ways[k].name);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bench_loop");
    TCase *tests = tcase_create("loop");
    tcase_add_test(tests, half_precision);
    tcase_add_test(tests, signs_and_outliers);
    tcase_add_test(tests, long_gaps);
    tcase_add_test(tests, the_others);
    tcase_add_test(tests, nothing_to_tell_apart);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
