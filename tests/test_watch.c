/*
 * test_watch.c - what is said of the machine, on machines that are made of files.
 */
#include "bench/clock.h"
#include "bench/watch.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/lsq-test-XXXXXX";

/* Writes a file below the root, and the folders on the way. */
static void put(const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s%s", root, name);
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        mkdir(path, 0777);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void begin(void)
{
    strcpy(root + strlen(root) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static void end(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -r '%s'", root);
    ck_assert_int_eq(system(command), 0);
}

/* CPUs 0 and 1 were measured. */
static int first_two(unsigned cpu)
{
    return cpu < 2;
}

static int says(const bench_watch *watch, const char *words)
{
    for (size_t i = 0; i < watch->count; i++)
        if (strstr(watch->warnings[i], words))
            return 1;
    return 0;
}

/* Looks twice, at what put() left, and `change` what happened in between. */
static void observe(bench_watch *watch, void (*change)(void))
{
    memset(watch, 0, sizeof *watch);
    watch->root = root;
    bench_state_read(&watch->before, root);
    if (change)
        change();
    bench_state_read(&watch->after, root);
    watch->before.switched = watch->after.switched = 0;
    watch->after.seconds = watch->before.seconds + 2;
    bench_watch_judge(watch, first_two);
}

static void quiet_machine(void)
{
    put("/proc/loadavg", "0.02 0.10 0.20 1/100 1000\n");
    put("/proc/stat", "cpu  100 0 0 900 0 0 0 0 0 0\ncpu0 50 0 0 450 0 0 0 0 0 0\ncpu1 50 0 0 450 0 0 0 0 0 0\n"
                      "cpu2 0 0 0 500 0 0 0 0 0 0\nintr 1\n");
    put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
    put("/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "performance\n");
    put("/sys/devices/system/cpu/cpu2/cpufreq/scaling_governor", "powersave\n"); /* not measured */
    put("/sys/devices/system/cpu/cpu0/topology/thread_siblings_list", "0,2\n");
    put("/sys/devices/system/cpu/cpu1/topology/thread_siblings_list", "1,3\n");
    put("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
    put("/sys/class/power_supply/BAT0/type", "Battery\n");
    put("/sys/class/power_supply/BAT0/status", "Charging\n");
    put("/sys/class/power_supply/mouse/type", "Battery\n");
    put("/sys/class/power_supply/mouse/scope", "Device\n");
    put("/sys/class/power_supply/mouse/status", "Discharging\n");
}

static void work_of_two(void)
{
    put("/proc/stat", "cpu  300 0 0 1100 0 0 0 0 0 0\ncpu0 250 0 0 450 0 0 0 0 0 0\ncpu1 250 0 0 450 0 0 0 0 0 0\n"
                      "cpu2 4 0 0 696 0 0 0 0 0 0\nintr 1\n");
}

static void work_of_three(void)
{
    put("/proc/stat", "cpu  300 0 0 1100 0 0 0 50 0 0\ncpu0 250 0 0 450 0 0 0 0 0 0\ncpu1 250 0 0 450 0 0 0 0 0 0\n"
                      "cpu2 100 0 0 600 0 0 0 0 0 0\nintr 1\n");
}

START_TEST(a_quiet_machine_is_not_warned_of)
{
    static bench_watch watch;
    begin();
    quiet_machine();
    observe(&watch, work_of_two);
    ck_assert_msg(watch.count == 0, "%s", watch.warnings[0]);
    end();
}
END_TEST

START_TEST(a_machine_that_says_nothing_is_not_warned_of)
{
    static bench_watch watch;
    begin();
    observe(&watch, NULL);
    ck_assert_uint_eq(watch.count, 0);
    end();
}
END_TEST

START_TEST(each_disturbance_has_its_line)
{
    static bench_watch watch;
    begin();
    quiet_machine();
    put("/proc/loadavg", "1.50 0.10 0.20 1/100 1000\n");
    put("/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "powersave\n");
    put("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
    put("/sys/class/power_supply/BAT0/status", "Discharging\n");
    observe(&watch, work_of_three);
    ck_assert_uint_eq(watch.count, 6);
    ck_assert(says(&watch, "load average 1.50"));
    ck_assert(says(&watch, "the host took 11.1 %"));
    ck_assert(says(&watch, "CPU 1 is governed by 'powersave'"));
    ck_assert(says(&watch, "battery"));
    ck_assert(says(&watch, "CPU 2, which shares a core with CPU 0 that was measured, was busy for 50 %"));
    ck_assert(says(&watch, "huge pages are off"));
    end();
}
END_TEST

START_TEST(clock_and_switches_are_judged_by_their_change)
{
    static bench_watch watch;
    watch.root = "/nonexistent";
    watch.after.seconds = 2;
    watch.before.ghz = 3;
    watch.after.ghz = 2.92;
    watch.before.switched = 1000;
    watch.after.switched = 1050;
    bench_watch_judge(&watch, first_two);
    ck_assert_uint_eq(watch.count, 0);
    watch.after.ghz = 2.9;
    watch.after.switched = 1051;
    bench_watch_judge(&watch, first_two);
    ck_assert_uint_eq(watch.count, 2);
    ck_assert(says(&watch, "from 3.00 to 2.90 GHz"));
    ck_assert(says(&watch, "26 times a second"));
}
END_TEST

START_TEST(nonsense_in_files_is_no_state)
{
    static bench_watch watch;
    static char line[3000];
    begin();
    memset(line, '9', sizeof line - 1);
    put("/proc/loadavg", "quiet");
    put("/proc/stat", "cpu 1 2 3\ncpu99999999999 1 2 3 4 5 6 7 8\ncpux 1 1 1 1 1 1 1 1\ncpu-1 1 1 1 1 1 1 1 1\n");
    put("/sys/devices/system/cpu/cpu0/topology/thread_siblings_list", "0-99999999999999999999,,-,x");
    put("/sys/devices/system/cpu/cpu1/topology/thread_siblings_list", line);
    put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", line);
    put("/sys/class/power_supply/BAT0/type", "");
    observe(&watch, NULL);
    ck_assert_uint_eq(watch.count, 1); /* of a governor with a long name */
    end();
}
END_TEST

START_TEST(the_clock_is_that_of_some_processor)
{
    const double ghz = bench_clock_ghz();
    ck_assert_double_gt(ghz, 0.001);
    ck_assert_double_lt(ghz, 20);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("watch");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_quiet_machine_is_not_warned_of);
    tcase_add_test(tests, a_machine_that_says_nothing_is_not_warned_of);
    tcase_add_test(tests, each_disturbance_has_its_line);
    tcase_add_test(tests, clock_and_switches_are_judged_by_their_change);
    tcase_add_test(tests, nonsense_in_files_is_no_state);
    tcase_add_test(tests, the_clock_is_that_of_some_processor);
    Suite *suite = suite_create("watch");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
