/*
 * test_tunestore.c - tune files on disk: what is opened, how it is replaced, where it may be, and what a context does with it.
 */
#include "dispatch/context.h"
#include "tests/tune_sample.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static lsq_cpu cpu;
static lsq_tune_entry sample_entries[CLASSES];
static lsq_tune sample;
static char folder[] = "/tmp/lsq-tune-XXXXXX", path[64];

static void make_folder(void)
{
    cpu = sample_cpu();
    sample = sample_tune(sample_entries);
    memcpy(strrchr(folder, '-') + 1, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/tune.json", folder);
}

static void drop_folder(void)
{
    char command[64];
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* Reads `path`; whatever happens, errno stays and a refusal has one line of reason. */
static lsq_status read_back(void)
{
    lsq_tune tune = {0};
    lsq_error err = {0};
    errno = 77;
    lsq_status status = lsq_tune_read(path, &cpu, &tune, &err);
    ck_assert_int_eq(errno, 77);
    ck_assert((status == LSQ_OK) == same_tune(&tune, &sample));
    ck_assert((status == LSQ_OK) == !err.text[0]);
    ck_assert(!strchr(err.text, '\n') && err.status == (status == LSQ_OK ? 0 : status));
    lsq_tune_free(&tune);
    return status;
}

static lsq_status write_sample(void)
{
    errno = 77;
    lsq_status status = lsq_tune_write(path, &cpu, &sample, NULL);
    ck_assert_int_eq(errno, 77);
    return status;
}

static int files_in_folder(void)
{
    int count = 0;
    DIR *open_folder = opendir(folder);
    ck_assert_ptr_nonnull(open_folder);
    for (struct dirent *entry; (entry = readdir(open_folder));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(open_folder);
    return count;
}

static void put(const char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

/* ---- Reading ---- */

START_TEST(file_comes_back)
{
    ck_assert_int_eq(read_back(), LSQ_E_IO);
    ck_assert_int_eq(write_sample(), LSQ_OK);
    ck_assert_int_eq(read_back(), LSQ_OK);
    ck_assert_int_eq(write_sample(), LSQ_OK);
    ck_assert_int_eq(files_in_folder(), 1);
    struct stat about;
    ck_assert_int_eq(stat(path, &about), 0);
    ck_assert_uint_eq(about.st_mode & 0777, 0644);
}
END_TEST

START_TEST(only_regular_files_are_read)
{
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(read_back(), LSQ_E_IO); /* and does not wait for a writer */
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(read_back(), LSQ_E_IO);
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert_int_eq(symlink(path, path), 0);
    ck_assert_int_eq(read_back(), LSQ_E_IO);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(symlink("/dev/zero", path), 0);
    ck_assert_int_eq(read_back(), LSQ_E_IO);
}
END_TEST

START_TEST(symbolic_links_are_followed)
{
    char target[64];
    ck_assert_int_eq(write_sample(), LSQ_OK);
    snprintf(target, sizeof(target), "%s/elsewhere", folder);
    ck_assert_int_eq(rename(path, target), 0);
    ck_assert_int_eq(symlink(target, path), 0);
    ck_assert_int_eq(read_back(), LSQ_OK);
}
END_TEST

START_TEST(unreadable_files_are_refused)
{
    ck_assert_int_eq(write_sample(), LSQ_OK);
    ck_assert_int_eq(chmod(path, 0), 0);
    ck_assert_int_eq(read_back(), geteuid() == 0 ? LSQ_OK : LSQ_E_IO); /* modes do not bind root */
}
END_TEST

START_TEST(sizes_are_bounded)
{
    static char bytes[(1 << 20) + 1];
    memset(bytes, ' ', sizeof(bytes));
    put(bytes, 0);
    ck_assert_int_eq(read_back(), LSQ_E_MALFORMED);
    put(bytes, sizeof(bytes));
    ck_assert_int_eq(read_back(), LSQ_E_LIMIT);
    char *text;
    ck_assert_int_eq(lsq_tune_format(&cpu, &sample, &text, NULL), LSQ_OK);
    memcpy(bytes, text, strlen(text));
    put(bytes, sizeof(bytes) - 1); /* 1 MiB to the byte, most of it blanks */
    ck_assert_int_eq(read_back(), LSQ_OK);
    free(text);
    ck_assert_int_eq(truncate(path, 1ll << 40), 0);
    ck_assert_int_eq(read_back(), LSQ_E_LIMIT);
}
END_TEST

/* Brackets deeper than the JSON reader goes are refused, not followed down the stack. */
START_TEST(depth_is_bounded)
{
    static char bytes[1 << 19];
    memset(bytes, '[', sizeof(bytes));
    put(bytes, sizeof(bytes));
    ck_assert_int_eq(read_back(), LSQ_E_MALFORMED);
}
END_TEST

/* ---- Writing ---- */

START_TEST(two_folders_are_made)
{
    snprintf(path, sizeof(path), "%s/.config/lsq/tune.json", folder);
    ck_assert_int_eq(write_sample(), LSQ_OK);
    ck_assert_int_eq(read_back(), LSQ_OK);
    snprintf(path, sizeof(path), "%s/one/two/three/tune.json", folder);
    ck_assert_int_eq(write_sample(), LSQ_E_IO);
}
END_TEST

START_TEST(nothing_else_is_replaced)
{
    struct stat about;
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(write_sample(), LSQ_E_IO);
    ck_assert(!stat(path, &about) && S_ISFIFO(about.st_mode));
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(write_sample(), LSQ_E_IO);
    ck_assert_int_eq(files_in_folder(), 1);
}
END_TEST

/* As on a full disk: the 100th byte is refused. */
START_TEST(a_write_cut_short_leaves_the_old_file)
{
    struct rlimit before, small;
    ck_assert_int_eq(write_sample(), LSQ_OK);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 100;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    lsq_status status = write_sample();
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    ck_assert_int_eq(status, LSQ_E_IO);
    ck_assert_int_eq(read_back(), LSQ_OK);
    ck_assert_int_eq(files_in_folder(), 1);
}
END_TEST

/* What cannot be written, for want of sense or of a folder, leaves what was there and nothing beside it. */
START_TEST(a_failing_write_leaves_the_old_file)
{
    ck_assert_int_eq(write_sample(), LSQ_OK);
    lsq_tune_entry bad = sample_entries[0];
    bad.ns = 0;
    ck_assert_int_eq(lsq_tune_write(path, &cpu, &(lsq_tune){&bad, 1}, NULL), LSQ_E_ARGUMENT);
    ck_assert_int_eq(read_back(), LSQ_OK);
    char below[80];
    snprintf(below, sizeof(below), "%s/tune.json", path); /* a file where a folder should be */
    lsq_error err = {0};
    ck_assert_int_eq(lsq_tune_write(below, &cpu, &sample, &err), LSQ_E_IO);
    ck_assert(err.text[0]);
    ck_assert_int_eq(read_back(), LSQ_OK);
    ck_assert_int_eq(files_in_folder(), 1);
}
END_TEST

static void *write_often(void *result)
{
    for (int i = 0; i < 20; i++)
        if (lsq_tune_write(path, &cpu, &sample, NULL) != LSQ_OK)
            *(int *)result = 1;
    return NULL;
}

/* Whoever reads while two write finds a whole file each time. */
START_TEST(writers_do_not_meet)
{
    pthread_t writers[2];
    int failed[2] = {0, 0};
    ck_assert_int_eq(write_sample(), LSQ_OK);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&writers[i], NULL, write_often, &failed[i]), 0);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(read_back(), LSQ_OK);
    for (int i = 0; i < 2; i++) {
        pthread_join(writers[i], NULL);
        ck_assert_int_eq(failed[i], 0);
    }
    ck_assert_int_eq(read_back(), LSQ_OK);
    ck_assert_int_eq(files_in_folder(), 1);
}
END_TEST

/* ---- Places ---- */

static void expect_places(const char *const *expected, int environment)
{
    char full[256];
    size_t i = 0;
    for (; expected[i]; i++) {
        char *place = lsq_tune_place(&cpu, i, environment);
        snprintf(full, sizeof(full), "%s/lsq/tune-%016llx.json", expected[i],
                 (unsigned long long)lsq_tune_fingerprint(&cpu));
        ck_assert_ptr_nonnull(place);
        ck_assert_str_eq(place, full);
        free(place);
    }
    ck_assert_ptr_null(lsq_tune_place(&cpu, i, environment));
    ck_assert_ptr_null(lsq_tune_place(&cpu, i + 5, environment));
}

START_TEST(places_follow_xdg)
{
    setenv("HOME", "/h", 1);
    setenv("XDG_CONFIG_HOME", "/x", 1);
    setenv("XDG_CONFIG_DIRS", "/a:relative::/b", 1);
    expect_places((const char *[]){"/x", "/a", "/b", "/etc", NULL}, 1);
    expect_places((const char *[]){"/etc/xdg", "/etc", NULL}, 0);
    setenv("XDG_CONFIG_HOME", "x", 1);
    unsetenv("XDG_CONFIG_DIRS");
    expect_places((const char *[]){"/h/.config", "/etc/xdg", "/etc", NULL}, 1);
    setenv("XDG_CONFIG_HOME", "", 1);
    setenv("XDG_CONFIG_DIRS", "", 1);
    expect_places((const char *[]){"/h/.config", "/etc/xdg", "/etc", NULL}, 1);
    unsetenv("XDG_CONFIG_HOME");
    setenv("HOME", "h", 1);
    expect_places((const char *[]){"/etc/xdg", "/etc", NULL}, 1);
    unsetenv("HOME");
    expect_places((const char *[]){"/etc/xdg", "/etc", NULL}, 1);
}
END_TEST

/* ---- In a context ---- */

static const lsq_kernel *chosen(const lsq_context *ctx, unsigned many)
{
    const lsq_kernel *k = sample_entries[0].kernel;
    return ctx->choice[k->op][k->codec][k->act][CLASS_l2][many].kernel;
}

/* The file moves a kind of this machine from its default to its reference, in one size class and for one thread. */
START_TEST(contexts_believe_it)
{
    setenv("LSQ_MAX_ISA", "", 1);
    lsq_cpu own;
    lsq_cpu_detect(&own);
    const lsq_kernel *kernel = sample_entries[0].kernel;
    kernel = lsq_kernel_reference(kernel->op, kernel->codec, kernel->act);
    lsq_tune_entry entry = {
        .kernel = kernel, .size_class = CLASS_l2, .threads = 1, .tunables = lsq_tunables_default, .ns = 5};
    ck_assert_int_eq(lsq_tune_write(path, &own, &(lsq_tune){&entry, 1}, NULL), LSQ_OK);

    lsq_context_options options = {.size = sizeof(options), .tune_file = path};
    lsq_context *tuned, *foreign, *plain;
    ck_assert_int_eq(lsq_context_new(&options, &tuned, NULL), LSQ_OK);
    options.tune_file = "none";
    ck_assert_int_eq(lsq_context_new(&options, &plain, NULL), LSQ_OK);
    ck_assert_ptr_eq(chosen(tuned, 0), kernel);
    ck_assert_ptr_eq(chosen(tuned, 1), chosen(plain, 1));
    ck_assert_ptr_eq(chosen(plain, 0), lsq_kernel_default(&own, kernel->op, kernel->codec, kernel->act));

    ck_assert_int_eq(lsq_tune_write(path, &cpu, &sample, NULL), LSQ_OK); /* another machine's */
    options.tune_file = path;
    ck_assert_int_eq(lsq_context_new(&options, &foreign, NULL), LSQ_OK);
    ck_assert_int_eq(memcmp(foreign->choice, plain->choice, sizeof(plain->choice)), 0);
    char text[1 << 16];
    ck_assert_uint_lt(lsq_describe(foreign, text, sizeof(text)), sizeof(text));
    ck_assert_ptr_nonnull(strstr(text, "another CPU"));
    lsq_context_free(tuned);
    lsq_context_free(foreign);
    lsq_context_free(plain);

    setenv("LSQ_STRICT", "1", 1);
    ck_assert_int_eq(lsq_context_new(&options, &foreign, NULL), LSQ_E_CONFIG);
    setenv("LSQ_STRICT", "", 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tunestore");
    TCase *disk = tcase_create("disk");
    tcase_add_checked_fixture(disk, make_folder, drop_folder);
    tcase_set_timeout(disk, 60);
    tcase_add_test(disk, file_comes_back);
    tcase_add_test(disk, only_regular_files_are_read);
    tcase_add_test(disk, symbolic_links_are_followed);
    tcase_add_test(disk, unreadable_files_are_refused);
    tcase_add_test(disk, sizes_are_bounded);
    tcase_add_test(disk, depth_is_bounded);
    tcase_add_test(disk, two_folders_are_made);
    tcase_add_test(disk, nothing_else_is_replaced);
    tcase_add_test(disk, a_write_cut_short_leaves_the_old_file);
    tcase_add_test(disk, a_failing_write_leaves_the_old_file);
    tcase_add_test(disk, writers_do_not_meet);
    tcase_add_test(disk, places_follow_xdg);
    tcase_add_test(disk, contexts_believe_it);
    suite_add_tcase(suite, disk);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
