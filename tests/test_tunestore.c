/*
 * test_tunestore.c - tune files on disk: what is opened, how it is replaced, where it may be. No clock is read on the way, so one
 * that jumps changes nothing.
 */
#include "tests/tune_sample.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static lsq_cpu cpu;
static tune_sample parts;
static lsq_tune sample;
static char folder[] = "/tmp/lsq-tune-XXXXXX", path[64];

static void make_folder(void)
{
    cpu = sample_cpu();
    sample = sample_tune(&parts);
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

/* Modes do not bind root, so it becomes nobody for this. */
START_TEST(unreadable_files_are_refused)
{
    ck_assert_int_eq(write_sample(), LSQ_OK);
    ck_assert_int_eq(chmod(folder, 0755), 0);
    ck_assert(geteuid() != 0 || seteuid(65534) == 0);
    ck_assert_int_eq(read_back(), LSQ_OK);
    ck_assert(getuid() != 0 || seteuid(0) == 0);
    ck_assert_int_eq(chmod(path, 0), 0);
    ck_assert(geteuid() != 0 || seteuid(65534) == 0);
    ck_assert_int_eq(read_back(), LSQ_E_IO);
    ck_assert(getuid() != 0 || seteuid(0) == 0);
}
END_TEST

/* The sample with a comment that makes it so many bytes. free() it. */
static char *padded(size_t size)
{
    char *text, *comment;
    ck_assert_int_eq(lsq_tune_format(&cpu, &sample, &text, NULL), LSQ_OK);
    json_t *all = json_loads(text, 0, NULL);
    free(text);
    json_object_set_new(all, "comment", json_string(""));
    text = sealed_text(all);
    const size_t more = size - strlen(text);
    free(text);
    comment = malloc(more + 1);
    ck_assert_ptr_nonnull(comment);
    memset(comment, ' ', more);
    comment[more] = 0;
    json_object_set_new(all, "comment", json_string(comment));
    text = sealed_text(all);
    ck_assert_uint_eq(strlen(text), size);
    free(comment);
    json_decref(all);
    return text;
}

START_TEST(sizes_are_bounded)
{
    put("", 0);
    ck_assert_int_eq(read_back(), LSQ_E_MALFORMED);
    for (size_t more = 0; more <= 1; more++) { /* 1 MiB to the byte, and one beyond */
        char *text = padded((1 << 20) + more);
        put(text, (1 << 20) + more);
        ck_assert_int_eq(read_back(), more ? LSQ_E_LIMIT : LSQ_OK);
        free(text);
    }
    ck_assert_int_eq(truncate(path, 1 << 30), 0);
    ck_assert_int_eq(read_back(), LSQ_E_LIMIT);
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
    lsq_tune_entry bad = parts.entries[0];
    bad.ns = 0.5;
    ck_assert_int_eq(lsq_tune_write(path, &cpu, &(lsq_tune){.entries = &bad, .count = 1}, NULL), LSQ_E_ARGUMENT);
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

/* A real full disk, and a file system that became read-only, where a process may mount them: in a namespace of its own. */
START_TEST(a_full_or_read_only_disk_leaves_the_old_file)
{
    char small[48];
    snprintf(small, sizeof(small), "%s/small", folder);
    ck_assert_int_eq(mkdir(small, 0700), 0);
    if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("lsq", small, "tmpfs", 0, "size=64k")) {
        fprintf(stderr, "note: no small file system could be mounted; its test was left out\n");
        return;
    }
    snprintf(path, sizeof(path), "%s/tune.json", small);
    ck_assert_int_eq(write_sample(), LSQ_OK);
    char filler[64], block[4096] = {0};
    snprintf(filler, sizeof(filler), "%s/filler", small);
    FILE *file = fopen(filler, "wb");
    ck_assert_ptr_nonnull(file);
    setvbuf(file, NULL, _IONBF, 0);
    while (fwrite(block, sizeof(block), 1, file) == 1)
        continue;
    fclose(file);
    ck_assert_int_eq(write_sample(), LSQ_E_IO);
    ck_assert_int_eq(read_back(), LSQ_OK);
    ck_assert_int_eq(unlink(filler), 0);
    ck_assert_int_eq(write_sample(), LSQ_OK);
    ck_assert_int_eq(mount("lsq", small, "tmpfs", MS_REMOUNT | MS_RDONLY, "size=64k"), 0);
    ck_assert_int_eq(write_sample(), LSQ_E_IO);
    ck_assert_int_eq(read_back(), LSQ_OK);
    memcpy(strrchr(path, '/'), "", 1);
    ck_assert_int_eq(umount2(path, MNT_DETACH), 0);
}
END_TEST

/* The sample of one of two writers: they differ in length too. */
static lsq_tune sample_of(int writer, tune_sample *some)
{
    lsq_tune tune = sample_tune(some);
    some->entries[0].ns += writer;
    tune.kept_count -= (size_t)writer;
    return tune;
}

static void write_often(int writer)
{
    tune_sample some;
    const lsq_tune tune = sample_of(writer, &some);
    for (int i = 0; i < 100; i++)
        if (lsq_tune_write(path, &cpu, &tune, NULL) != LSQ_OK)
            _exit(1);
    _exit(0);
}

/* Processes that write at once: whoever reads meanwhile finds a whole file of one of them each time. */
START_TEST(writers_do_not_meet)
{
    pid_t writers[2];
    tune_sample some[2];
    const lsq_tune expected[2] = {sample_of(0, &some[0]), sample_of(1, &some[1])};
    ck_assert_int_eq(write_sample(), LSQ_OK);
    for (int i = 0; i < 2; i++) {
        writers[i] = fork();
        ck_assert_int_ge(writers[i], 0);
        if (!writers[i])
            write_often(i);
    }
    for (int left = 2; left;) {
        lsq_tune tune = {0};
        lsq_error err = {0};
        int how;
        if (lsq_tune_read(path, &cpu, &tune, &err) != LSQ_OK)
            ck_abort_msg("%s", err.text);
        if (!same_tune(&tune, &expected[0]) && !same_tune(&tune, &expected[1]))
            ck_abort_msg("a file of neither writer");
        lsq_tune_free(&tune);
        if (waitpid(-1, &how, WNOHANG) > 0) {
            ck_assert(WIFEXITED(how) && WEXITSTATUS(how) == 0);
            left--;
        }
    }
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
    tcase_add_test(disk, a_full_or_read_only_disk_leaves_the_old_file);
    tcase_add_test(disk, a_failing_write_leaves_the_old_file);
    tcase_add_test(disk, writers_do_not_meet);
    tcase_add_test(disk, places_follow_xdg);
    suite_add_tcase(suite, disk);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
