/*
 * test_output.c - a file appears whole or not at all, whatever goes wrong, and nothing else appears with it.
 */
#include "model/output.h"
#include "tests/export_call.h"
#include "tests/model_sample.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>

/* Entries of a folder, without "." and "..". */
static unsigned entries_of(const char *path)
{
    unsigned count = 0;
    DIR *directory = opendir(path);
    ck_assert_ptr_nonnull(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count - 2;
}

static void check_contents(const char *path, const char *text)
{
    size_t size;
    char *bytes = (char *)contents_of(path, &size);
    ck_assert_uint_eq(size, strlen(text));
    ck_assert(memcmp(bytes, text, size) == 0);
    free(bytes);
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    ck_assert_int_eq(lstat(path, &st), 0);
    return st.st_mode & 07777;
}

/* Writes "new" to the path; the status of the call that failed, or LSQ_OK. */
static lsq_status write_new(const char *path, int overwrite)
{
    lsq_output *output = NULL;
    lsq_status status = lsq_output_new(path, overwrite, &output, &sample_err);
    if (status == LSQ_OK)
        status = lsq_output_write(output, "new", 3, &sample_err);
    if (status == LSQ_OK)
        status = lsq_output_finish(output, &sample_err);
    lsq_output_free(output);
    return status;
}

/* ---- What it does ------------------------------------------------------------------------------------------------ */

START_TEST(nothing_appears_before_the_end)
{
    lsq_output *output = NULL;
    const char *path = in_folder("file");
    OK(lsq_output_new(path, 0, &output, &sample_err));
    OK(lsq_output_write(output, "1234567", 7, &sample_err));
    OK(lsq_output_align(output, 8, &sample_err));
    OK(lsq_output_align(output, 8, &sample_err));
    ck_assert_uint_eq(lsq_output_size(output), 8);
    OK(lsq_output_patch(output, 1, "xy", 2, &sample_err));
    ck_assert_uint_eq(lsq_output_size(output), 8);
    ck_assert_int_ne(access(path, F_OK), 0);
    OK(lsq_output_finish(output, &sample_err));
    lsq_output_free(output);
    size_t size;
    uint8_t *bytes = contents_of(path, &size);
    ck_assert(size == 8 && memcmp(bytes, "1xy4567", 8) == 0);
    free(bytes);
    ck_assert_uint_eq(entries_of(folder), 1);
}
END_TEST

START_TEST(what_is_given_up_leaves_nothing)
{
    lsq_output *output = NULL;
    write_file(in_folder("file"), "old", 3);
    OK(lsq_output_new(in_folder("file"), 1, &output, &sample_err));
    OK(lsq_output_write(output, "new", 3, &sample_err));
    ck_assert_uint_le(entries_of(folder), 2); /* where files must have names, the new one is there */
    lsq_output_free(output);
    lsq_output_free(NULL);
    ck_assert_uint_eq(entries_of(folder), 1);
    check_contents(in_folder("file"), "old");
}
END_TEST

/* The mode of the file that will replace `path`: an open one in the folder. */
static mode_t mode_while_writing(const char *path)
{
    mode_t mode = 0;
    lsq_output *output = NULL;
    struct stat st;
    char link[64], target[4096];
    OK(lsq_output_new(path, 1, &output, &sample_err));
    for (int fd = 3; fd < 64; fd++) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, target, sizeof target);
        if (length > 0 && (size_t)length > strlen(folder) && !memcmp(target, folder, strlen(folder)) &&
            fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
            mode = st.st_mode & 07777;
    }
    lsq_output_free(output);
    return mode;
}

START_TEST(modes_are_kept_or_follow_the_umask)
{
    mode_t before = umask(027);
    OK(write_new(in_folder("fresh"), 0));
    ck_assert_uint_eq(mode_of(in_folder("fresh")), 0640);
    write_file(in_folder("old"), "old", 3);
    ck_assert_int_eq(chmod(in_folder("old"), 0604), 0);
    OK(write_new(in_folder("old"), 1));
    ck_assert_uint_eq(mode_of(in_folder("old")), 0604);
    ck_assert_int_eq(chmod(in_folder("old"), 0600), 0);
    ck_assert_uint_eq(mode_while_writing(in_folder("old")), 0600); /* nobody looks over the shoulder */
    check_contents(in_folder("old"), "new");
    umask(before);
}
END_TEST

START_TEST(links_are_followed)
{
    ck_assert_int_eq(mkdir(in_folder("deep"), 0700), 0);
    write_file(in_folder("deep/file"), "old", 3);
    ck_assert_int_eq(symlink("deep/link", in_folder("link")), 0);
    ck_assert_int_eq(symlink("file", in_folder("deep/link")), 0);
    OK(write_new(in_folder("link"), 1));
    check_contents(in_folder("deep/file"), "new");
    ck_assert_uint_eq(mode_of(in_folder("link")), 0777); /* still a link */
    ck_assert_int_eq(symlink("deep/later", in_folder("dangling")), 0);
    ck_assert_int_eq(write_new(in_folder("dangling"), 0), LSQ_E_IO);
    OK(write_new(in_folder("dangling"), 1));
    check_contents(in_folder("deep/later"), "new");
    ck_assert_uint_eq(entries_of(in_folder("deep")), 3);
}
END_TEST

START_TEST(the_current_directory_may_change)
{
    lsq_output *output = NULL;
    int before = open(".", O_RDONLY | O_DIRECTORY);
    ck_assert_int_eq(chdir(folder), 0);
    OK(lsq_output_new("file", 0, &output, &sample_err));
    ck_assert_int_eq(chdir("/"), 0);
    OK(lsq_output_write(output, "new", 3, &sample_err));
    OK(lsq_output_finish(output, &sample_err));
    lsq_output_free(output);
    check_contents(in_folder("file"), "new");
    ck_assert_int_eq(fchdir(before), 0);
    close(before);
}
END_TEST

/* ---- What it refuses --------------------------------------------------------------------------------------------- */

START_TEST(existing_files_are_not_replaced_unasked)
{
    lsq_output *output = NULL;
    write_file(in_folder("file"), "old", 3);
    ck_assert_int_eq(write_new(in_folder("file"), 0), LSQ_E_IO);
    ck_assert_ptr_nonnull(strstr(sample_err.text, "already exists"));
    check_contents(in_folder("file"), "old");
    OK(lsq_output_new(in_folder("race"), 0, &output, &sample_err));
    write_file(in_folder("race"), "old", 3); /* someone else was faster */
    ck_assert_int_eq(lsq_output_finish(output, &sample_err), LSQ_E_IO);
    lsq_output_free(output);
    check_contents(in_folder("race"), "old");
    ck_assert_uint_eq(entries_of(folder), 2);
}
END_TEST

START_TEST(only_regular_files_are_replaced)
{
    ck_assert_int_eq(mkfifo(in_folder("pipe"), 0600), 0);
    ck_assert_int_eq(symlink("loop", in_folder("loop")), 0);
    for (int overwrite = 0; overwrite < 2; overwrite++) {
        ck_assert_int_eq(write_new(in_folder("pipe"), overwrite), LSQ_E_IO);
        ck_assert_ptr_nonnull(strstr(sample_err.text, "not a regular file"));
        ck_assert_int_eq(write_new(folder, overwrite), LSQ_E_IO);
        ck_assert_int_eq(write_new("/dev/null", overwrite), LSQ_E_IO);
        ck_assert_int_eq(write_new(in_folder("loop"), overwrite), LSQ_E_IO);
        ck_assert_int_eq(write_new(in_folder("no/such/folder"), overwrite), LSQ_E_IO);
        ck_assert_int_eq(write_new(in_folder("new/"), overwrite), LSQ_E_IO);
        ck_assert_int_eq(write_new(in_folder("pipe/file"), overwrite), LSQ_E_IO);
        ck_assert_int_eq(write_new("", overwrite), LSQ_E_IO);
    }
    ck_assert_uint_eq(entries_of(folder), 2);
}
END_TEST

/* ---- What the system refuses, in a process that has fewer rights ------------------------------------------------- */

/* Writes a file of version 2 over `path`: 0 if the first failure is LSQ_E_IO and so are all that follow. */
static int fails_to_write(const char *path)
{
    static uint8_t numbers[100000];
    lsq_writer *w = NULL;
    lsq_error err = {.text = ""};
    lsq_tensor t = tensor_like("large", LSQ_U8, 1, sizeof numbers, 0, 0, 0), small = t;
    small.name = "small";
    small.shape[0] = 1;
    errno = 77;
    lsq_status status = lsq_writer_new(path, 1, &w, &err);
    if (status == LSQ_OK) {
        status = lsq_writer_plain(w, &t, numbers, &err);
        if (lsq_writer_plain(w, &small, numbers, NULL) != LSQ_E_IO || lsq_writer_finish(w, NULL) != LSQ_E_IO)
            return 2;
        lsq_writer_free(w);
    }
    return status == LSQ_E_IO && err.status == LSQ_E_IO && err.text[0] && errno == 77 ? 0 : 1;
}

static int without_rights(const char *path)
{
    if (getuid() == 0 && setuid(65534) != 0)
        return 3;
    return fails_to_write(path);
}

static int with_small_files_only(const char *path)
{
    const struct rlimit limit = {5000, 5000};
    signal(SIGXFSZ, SIG_IGN);
    return setrlimit(RLIMIT_FSIZE, &limit) == 0 ? fails_to_write(path) : 3;
}

static void in_a_child(int (*task)(const char *path), const char *path)
{
    int ended = 0;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        _exit(task(path));
    ck_assert_int_eq(waitpid(child, &ended, 0), child);
    ck_assert_msg(WIFEXITED(ended) && WEXITSTATUS(ended) == 0, "ended with %x", (unsigned)ended);
}

START_TEST(folders_that_may_not_be_written_to)
{
    write_file(in_folder("file"), "old", 3);
    ck_assert_int_eq(chmod(folder, 0555), 0);
    in_a_child(without_rights, in_folder("file"));
    in_a_child(without_rights, in_folder("other"));
    check_contents(in_folder("file"), "old");
    ck_assert_uint_eq(entries_of(folder), 1);
}
END_TEST

/* A folder that one may write to but not list. */
static int writes_unseeing(const char *path)
{
    if (getuid() == 0 && setuid(65534) != 0)
        return 3;
    return write_new(path, 0) == LSQ_OK ? 0 : 1;
}

START_TEST(folders_that_may_not_be_listed)
{
    ck_assert_int_eq(chmod(folder, 0333), 0);
    in_a_child(writes_unseeing, in_folder("file"));
    check_contents(in_folder("file"), "new");
    ck_assert_int_eq(chmod(folder, 0777), 0);
    ck_assert_uint_eq(entries_of(folder), 1);
}
END_TEST

/* Where files have names from the beginning: ends without freeing the writer, which was added to once more. */
static int abandons(const char *path)
{
    static uint8_t numbers[100000];
    const lsq_tensor t = tensor_like("a", LSQ_U8, 1, sizeof numbers, 0, 0, 0),
                     more = tensor_like("b", LSQ_U8, 1, 3, 0, 0, 0);
    lsq_writer *w = NULL;
    if (getuid() == 0 && setuid(65534) != 0)
        return 3;
    if (lsq_writer_new(path, 0, &w, NULL) != LSQ_OK || lsq_writer_plain(w, &t, numbers, NULL) != LSQ_OK)
        return 2;
    errno = 77;
    lsq_writer_abandon(w);
    return errno == 77 && lsq_writer_plain(w, &more, numbers, NULL) == LSQ_OK ? 0 : 1;
}

START_TEST(what_is_abandoned_is_gone_at_once)
{
    lsq_writer *w = NULL;
    ck_assert_int_eq(chmod(folder, 0333), 0);
    in_a_child(abandons, in_folder("file"));
    ck_assert_int_eq(chmod(folder, 0777), 0);
    ck_assert_uint_eq(entries_of(folder), 0);
    OK(lsq_writer_new(in_folder("file"), 0, &w, &sample_err));
    lsq_writer_abandon(w);
    lsq_writer_free(w);
    ck_assert_uint_eq(entries_of(folder), 0);
}
END_TEST

START_TEST(files_that_may_not_grow)
{
    write_file(in_folder("file"), "old", 3);
    in_a_child(with_small_files_only, in_folder("file"));
    in_a_child(with_small_files_only, in_folder("other"));
    check_contents(in_folder("file"), "old");
    ck_assert_uint_eq(entries_of(folder), 1);
}
END_TEST

/* The exporters keep the same promises, because they write the same way. */
START_TEST(exports_appear_whole_or_not_at_all)
{
    lsq_model *model = NULL;
    write_sample(in_folder("sample.lsq"));
    OK(lsq_model_open(in_folder("sample.lsq"), 0, &model, &sample_err));
    for (int i = 0; i < 2; i++) { /* a file that exists, then a folder that does not */
        const char *path = in_folder(i ? "none/file" : "sample.lsq");
        errno = 77;
        ck_assert_int_eq(export_all(model, "lsq1", path, 0, NULL, &sample_err), LSQ_E_IO);
        ck_assert_int_eq(export_all(model, "safetensors", path, 0, NULL, &sample_err), LSQ_E_IO);
        ck_assert_int_eq(export_npy(model, 0, path, 0, &sample_err), LSQ_E_IO);
        ck_assert_int_eq(errno, 77);
    }
    lsq_model_free(model);
    ck_assert_uint_eq(entries_of(folder), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("output");
    TCase *files = tcase_create("files");
    tcase_add_checked_fixture(files, make_folder, drop_folder);
    tcase_add_test(files, nothing_appears_before_the_end);
    tcase_add_test(files, what_is_given_up_leaves_nothing);
    tcase_add_test(files, modes_are_kept_or_follow_the_umask);
    tcase_add_test(files, links_are_followed);
    tcase_add_test(files, the_current_directory_may_change);
    tcase_add_test(files, existing_files_are_not_replaced_unasked);
    tcase_add_test(files, only_regular_files_are_replaced);
    tcase_add_test(files, folders_that_may_not_be_written_to);
    tcase_add_test(files, folders_that_may_not_be_listed);
    tcase_add_test(files, what_is_abandoned_is_gone_at_once);
    tcase_add_test(files, files_that_may_not_grow);
    tcase_add_test(files, exports_appear_whole_or_not_at_all);
    suite_add_tcase(suite, files);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
