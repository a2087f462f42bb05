/*
 * test_processors.c - CPU quotas of made-up cgroups of both versions, damaged ones among them, and the affinity mask.
 */
#include "dispatch/processors.h"

#include "tests/core_sample.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/lsq-processors-XXXXXX";

static void make(void)
{
    strcpy(root + strlen(root) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static void drop(void)
{
    char command[100];
    snprintf(command, sizeof(command), "rm -r %s", root);
    ck_assert_int_eq(system(command), 0);
}

/* Writes a file below the root, and the folders above it. */
static void put(const char *path, const void *bytes, size_t size)
{
    char whole[8192];
    snprintf(whole, sizeof(whole), "%s%s", root, path);
    for (char *slash = whole + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(whole, 0700);
        *slash = '/';
    }
    FILE *file = fopen(whole, "w");
    ck_assert_msg(file != NULL, "%s", whole);
    fwrite(bytes, 1, size, file);
    fclose(file);
}

static void put_text(const char *path, const char *text)
{
    put(path, text, strlen(text));
}

static unsigned long quota(void)
{
    errno = 77;
    unsigned long q = lsq_processors_quota(root);
    ck_assert_int_eq(errno, 77);
    return q;
}

START_TEST(no_cgroup)
{
    ck_assert_uint_eq(quota(), 0);
    put_text("/proc/self/cgroup", "");
    ck_assert_uint_eq(quota(), 0);
    put_text("/proc/self/cgroup", "0::/\n");
    ck_assert_uint_eq(quota(), 0);
}
END_TEST

START_TEST(version_2)
{
    put_text("/proc/self/cgroup", "0::/a/b\n");
    put_text("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    ck_assert_uint_eq(quota(), 0);
    put_text("/sys/fs/cgroup/a/b/cpu.max", "400000 100000\n");
    ck_assert_uint_eq(quota(), 4000);
    put_text("/sys/fs/cgroup/a/cpu.max", "150000 100000\n"); /* what is around it binds it too, */
    ck_assert_uint_eq(quota(), 1500);
    put_text("/sys/fs/cgroup/cpu.max", "25000 50000\n");
    ck_assert_uint_eq(quota(), 500);
    put_text("/sys/fs/cgroup/a/b/c/cpu.max", "1000 100000\n"); /* what is inside or beside it does not */
    put_text("/sys/fs/cgroup/b/cpu.max", "1000 100000\n");
    ck_assert_uint_eq(quota(), 500);
    put_text("/sys/fs/cgroup/cpu.max", "1 1000000\n");
    ck_assert_uint_eq(quota(), 1);
}
END_TEST

START_TEST(version_1)
{
    put_text("/proc/self/cgroup", "12:cpuset:/x\n5:memory,cpu:/a/b\n3:cpu,cpuacct:/a/b\n1:name=systemd:/y\n0::/z\n");
    put_text("/sys/fs/cgroup/cpu/a/b/cpu.cfs_quota_us", "-1\n");
    put_text("/sys/fs/cgroup/cpu/a/b/cpu.cfs_period_us", "100000\n");
    ck_assert_uint_eq(quota(), 0);
    put_text("/sys/fs/cgroup/cpu/a/b/cpu.cfs_quota_us", "350000\n");
    ck_assert_uint_eq(quota(), 3500);
    put_text("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n"); /* without a period */
    ck_assert_uint_eq(quota(), 3500);
    put_text("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    ck_assert_uint_eq(quota(), 2000);
    put_text("/sys/fs/cgroup/z/cpu.max", "100000 100000\n"); /* both versions at once: the smaller */
    ck_assert_uint_eq(quota(), 1000);
    put_text("/proc/self/cgroup", "12:cpuset:/a/b\n4:cpuacct:/a/b\n3:cpux:/a/b\n");
    ck_assert_uint_eq(quota(), 0);
}
END_TEST

/* In a container the path may be one outside of it; what is mounted is its own cgroup. */
START_TEST(paths_from_outside)
{
    static const char *const lines[] = {"0::/docker/0123\n", "0::/../0123\n", "0::/..\n",
                                        "0::relative\n",     "0::\n",         "0::/"};
    put_text("/sys/fs/cgroup/cpu.max", "300000 100000\n");
    put_text("/sys/0123/cpu.max", "100000 100000\n"); /* not to be reached by climbing */
    put_text("/sys/fs/0123/cpu.max", "100000 100000\n");
    put_text("/sys/fs/cpu.max", "100000 100000\n");
    for (size_t i = 0; i < COUNT(lines); i++) {
        put_text("/proc/self/cgroup", lines[i]);
        EXPECT(quota() == 3000, "%s gives %lu", lines[i], quota());
    }
}
END_TEST

START_TEST(damaged_quotas)
{
    static const char *const none[] = {"",
                                       "\n",
                                       " ",
                                       "max",
                                       "max max\n",
                                       "100000\n",
                                       "100000 \n",
                                       "100000 0\n",
                                       "0 100000\n",
                                       "-5 100000\n",
                                       "1e5 100000",
                                       "0x10 100000",
                                       "5 100000x",
                                       "100000\t100000",
                                       "200000 100000 1\n"};
    put_text("/proc/self/cgroup", "0::/\n");
    for (size_t i = 0; i < COUNT(none); i++) {
        put_text("/sys/fs/cgroup/cpu.max", none[i]);
        EXPECT(quota() == 0, "'%s' is taken for a quota of %lu", none[i], quota());
    }
    put_text("/sys/fs/cgroup/cpu.max", "99999999999999999999999999999999999999999999 1\n");
    ck_assert_uint_ge(quota(), 1000000);
    put_text("/sys/fs/cgroup/cpu.max", "1 99999999999999999999999999999999999999999999\n");
    ck_assert_uint_eq(quota(), 1);
    number_source s = {7};
    for (unsigned i = 0; i < 300; i++) {
        char noise[300];
        random_bytes(&s, noise, sizeof(noise));
        put(i % 2 ? "/sys/fs/cgroup/cpu.max" : "/proc/self/cgroup", noise, i);
        quota();
    }
}
END_TEST

START_TEST(long_paths)
{
    enum { LONG = 100000 };
    char *text = memory(LONG);
    put_text("/sys/fs/cgroup/cpu.max", "300000 100000\n");
    for (size_t length = 10; length < LONG; length *= 3) {
        memset(text, '/', length);
        memcpy(text, "0::", 3);
        put("/proc/self/cgroup", text, length); /* "0::///..." */
        ck_assert_uint_eq(quota(), 3000);
        memset(text + 4, 'x', length - 4);
        put("/proc/self/cgroup", text, length);
        ck_assert_uint_eq(quota(), 3000);
        memset(text, '\n', length);
        put("/proc/self/cgroup", text, length);
        ck_assert_uint_eq(quota(), 0);
    }
    free(text);
}
END_TEST

START_TEST(folders_for_files)
{
    put_text("/proc/self/cgroup/a", "");
    put_text("/sys/fs/cgroup/cpu.max/a", "");
    ck_assert_uint_eq(quota(), 0);
}
END_TEST

START_TEST(affinity)
{
    cpu_set_t before, one;
    const unsigned allowed = lsq_processors_allowed();
    ck_assert_int_eq(sched_getaffinity(0, sizeof(before), &before), 0);
    ck_assert_uint_eq(allowed, (unsigned)CPU_COUNT(&before));
    CPU_ZERO(&one);
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &before)) {
            CPU_SET(i, &one);
            break;
        }
    ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
    ck_assert_uint_eq(lsq_processors_allowed(), 1);
    ck_assert_int_eq(sched_setaffinity(0, sizeof(before), &before), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("processors");
    TCase *tests = new_case(suite, "processors");
    tcase_add_checked_fixture(tests, make, drop);
    tcase_add_test(tests, no_cgroup);
    tcase_add_test(tests, version_2);
    tcase_add_test(tests, version_1);
    tcase_add_test(tests, paths_from_outside);
    tcase_add_test(tests, damaged_quotas);
    tcase_add_test(tests, long_paths);
    tcase_add_test(tests, folders_for_files);
    tcase_add_test(tests, affinity);
    return run_suite(suite);
}
