/*
 * test_bench_overhead.c - the pieces of `lsq-bench overhead`, but for the time they take.
 */
#include "bench/costs.h"
#include "bench/full_tune.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* In the place of pthread_create(). */
static int no_threads;
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg)
{
    return no_threads ? EAGAIN : __real_pthread_create(thread, attr, start, arg);
}

static size_t kinds_of(const lsq_cpu *cpu)
{
    size_t kinds = 0;
    for (unsigned i = 0; i < OPS * CODECS * ACTS; i++)
        kinds += lsq_kernel_default(cpu, i / (CODECS * ACTS), i / ACTS % CODECS, i % ACTS) != NULL;
    return kinds;
}

START_TEST(the_full_tune_file_is_a_valid_one_about_every_kind)
{
    lsq_cpu cpu;
    lsq_tune tune, again;
    char *text;
    lsq_error err = {0};
    lsq_cpu_detect(&cpu);
    ck_assert_int_eq(bench_full_tune(&cpu, &tune), LSQ_OK);
    ck_assert_uint_eq(tune.count, kinds_of(&cpu) * CLASSES);
    ck_assert_msg(!lsq_tune_format(&cpu, &tune, &text, &err), "%s", err.text);
    ck_assert_msg(!lsq_tune_parse(text, strlen(text), &cpu, &again, &err), "%s", err.text);
    ck_assert_uint_eq(again.count, tune.count);
    free(text);
    lsq_tune_free(&again);
    lsq_tune_free(&tune);
}
END_TEST

static int things_in(const char *folder)
{
    DIR *dir = opendir(folder);
    int count = 0;
    ck_assert_ptr_nonnull(dir);
    for (const struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

START_TEST(every_piece_can_be_measured_and_nothing_is_left_behind)
{
    char folder[] = "/tmp/lsq-test-XXXXXX";
    bench_costs *costs;
    lsq_error err = {0};
    size_t entries, bytes;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(setenv("TMPDIR", folder, 1), 0);
    ck_assert_msg(!bench_costs_new(&costs, &err), "%s", err.text);
    ck_assert_int_eq(things_in(folder), 1);
    bench_costs_tune_file(costs, &entries, &bytes);
    ck_assert_uint_gt(entries, 0);
    ck_assert_uint_gt(bytes, 20 * entries);
    for (size_t i = 0; i < bench_cost_count; i++) {
        const bench_cost *cost = &bench_cost_list[i];
        bench_turn turn;
        bench_costs_prepare(costs, cost, &turn);
        ck_assert(!cost->asleep || turn.step == 1);
        ck_assert_msg(bench_costs_sample(costs, cost, &turn) > 0, "%s", cost->name);
    }
    bench_costs_free(costs);
    ck_assert_int_eq(things_in(folder), 0);
    ck_assert_int_eq(rmdir(folder), 0);
    unsetenv("TMPDIR");
}
END_TEST

START_TEST(who_is_alone_hands_no_work_on)
{
    bench_costs *costs;
    lsq_error err = {0};
    no_threads = 1;
    ck_assert_msg(!bench_costs_new(&costs, &err), "%s", err.text);
    const double start = bench_now();
    for (size_t i = 0; i < bench_cost_count; i++) {
        const bench_cost *cost = &bench_cost_list[i];
        bench_turn turn;
        bench_costs_prepare(costs, cost, &turn);
        for (int again = 0; again < 20; again++)
            ck_assert_msg(isnan(bench_costs_sample(costs, cost, &turn)) == (strstr(cost->name, "2 threads") != NULL),
                          "%s", cost->name);
    }
    ck_assert_double_lt(bench_now() - start, 20); /* who waited in vain once does not wait again */
    bench_costs_free(costs);
    no_threads = 0;
}
END_TEST

START_TEST(without_a_place_for_its_file_it_says_so)
{
    bench_costs *costs;
    lsq_error err = {0};
    ck_assert_int_eq(setenv("TMPDIR", "/no/such/folder", 1), 0);
    ck_assert_int_eq(bench_costs_new(&costs, &err), LSQ_E_IO);
    ck_assert_ptr_nonnull(strstr(err.text, "/no/such/folder/"));
    unsetenv("TMPDIR");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("overhead");
    tcase_set_timeout(tests, 100);
    tcase_add_test(tests, the_full_tune_file_is_a_valid_one_about_every_kind);
    tcase_add_test(tests, every_piece_can_be_measured_and_nothing_is_left_behind);
    tcase_add_test(tests, who_is_alone_hands_no_work_on);
    tcase_add_test(tests, without_a_place_for_its_file_it_says_so);
    Suite *suite = suite_create("overhead");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
