/*
 * test_io_faults.c - the system refuses the first call, then the second, and so on until a file is written or opened.
 *
 * The library's calls come here first: this program defines them, and passes them on unless it is their turn to fail.
 */
#include "tests/export_call.h"
#include "tests/model_sample.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

typedef enum fault { REFUSE, INTERRUPT, CUT_SHORT, NO_RENAME } fault;

static fault kind;
static unsigned synced, synced_before_rename;
static off_t begun;        /* so many bytes are being written to the disk */
static int all_have_names; /* as on file systems without O_TMPFILE */
static long left = -1;     /* calls until the one that goes wrong; negative: none does */

/* Is it this call's turn? Interruptions happen to every second call: more than one in a row would prove nothing new. */
static int goes_wrong(void)
{
    if (left < 0 || kind == NO_RENAME)
        return 0;
    return kind == REFUSE ? left-- == 0 : ++left % 2 == 0;
}

static int refused(void)
{
    int wrong = kind == REFUSE && goes_wrong();
    if (wrong)
        errno = EIO;
    return wrong;
}

/* ---- The calls ------------------------------------------------------------------------------------------------- */

int open(const char *path, int flags, ...)
{
    return refused() ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0);
}

int openat(int directory, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    unsigned mode = va_arg(arguments, unsigned);
    va_end(arguments);
    if (all_have_names && (flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return refused() ? -1 : (int)syscall(SYS_openat, directory, path, flags, mode);
}

/* A transfer of `size` bytes: all of it, half of it, or an error. */
static int transfer(size_t *size)
{
    if (!goes_wrong())
        return 1;
    errno = kind == INTERRUPT ? EINTR : EIO;
    if (kind == CUT_SHORT)
        *size = (*size + 1) / 2;
    return kind == CUT_SHORT;
}

ssize_t read(int fd, void *bytes, size_t size)
{
    return transfer(&size) ? syscall(SYS_read, fd, bytes, size) : -1;
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    return transfer(&size) ? syscall(SYS_pwrite64, fd, bytes, size, offset) : -1;
}

void *mmap(void *place, size_t size, int protection, int flags, int fd, off_t offset)
{
    if (refused())
        return MAP_FAILED;
    long mapped = syscall(SYS_mmap, place, size, protection, flags, fd, offset);
    return mapped == -1 ? MAP_FAILED : (void *)(uintptr_t)mapped;
}

int fsync(int fd)
{
    synced++;
    return refused() ? -1 : (int)syscall(SYS_fsync, fd);
}

/* It is a hint, so it may always fail. */
int sync_file_range(int fd, off_t offset, off_t bytes, unsigned flags)
{
    (void)fd;
    ck_assert_uint_eq(flags, SYNC_FILE_RANGE_WRITE);
    ck_assert_int_eq(offset, begun);
    begun += bytes;
    errno = EIO;
    return -1;
}

int fchmod(int fd, mode_t mode)
{
    return refused() ? -1 : (int)syscall(SYS_fchmod, fd, mode);
}

int close(int fd)
{
    int closed = (int)syscall(SYS_close, fd); /* a file is closed even if that reports an error */
    return refused() ? -1 : closed;
}

int linkat(int from, const char *old, int to, const char *new, int flags)
{
    return refused() ? -1 : (int)syscall(SYS_linkat, from, old, to, new, flags);
}

int renameat(int from, const char *old, int to, const char *new)
{
    synced_before_rename = synced;
    return refused() ? -1 : (int)syscall(SYS_renameat2, from, old, to, new, 0);
}

int renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
    synced_before_rename = synced;
    if (left >= 0 && kind == NO_RENAME) { /* as file systems say that do not know the flag */
        errno = EINVAL;
        return -1;
    }
    return refused() ? -1 : (int)syscall(SYS_renameat2, from, old, to, new, flags);
}

/* ---- What is tried --------------------------------------------------------------------------------------------- */

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

static lsq_status save(const char *path, int overwrite, lsq_error *err)
{
    static const float numbers[3] = {1, 2, 3};
    lsq_writer *w = NULL;
    lsq_tensor t = tensor_like("t", LSQ_F32, 1, 3, 0, 0, 0);
    lsq_status status = lsq_writer_new(path, overwrite, &w, err);
    if (status == LSQ_OK)
        status = lsq_writer_plain(w, &t, numbers, err);
    if (status == LSQ_OK)
        status = lsq_writer_finish(w, err);
    lsq_writer_free(w);
    return status;
}

/* Other formats, which end in the same way; in a .npz file what stands there is overwritten. */
static const char *const formats[] = {"gguf", "h", "npz"};
enum { FORMATS = sizeof formats / sizeof *formats - !LSQ_ZLIB };

/* The .lsq file, or the model in one of these formats. */
static lsq_status write_as(int file, const lsq_model *model, const char *path, int overwrite, lsq_error *err)
{
    return file == 0 ? save(path, overwrite, err) : export_all(model, formats[file - 1], path, overwrite, NULL, err);
}

static int is_sound(const char *path)
{
    lsq_model *model = NULL;
    lsq_status status = lsq_model_open(path, LSQ_OPEN_VERIFY, &model, NULL);
    lsq_model_free(model);
    return status == LSQ_OK;
}

/* Files that are not read here end as they should. */
static int is_complete(int file, const char *path, const uint8_t *bytes, size_t size)
{
    static const char end[] = "\n#endif\n";
    if (file == 0 || strcmp(formats[file - 1], "h") != 0)
        return is_sound(path);
    return size > sizeof end && memcmp(bytes + size - (sizeof end - 1), end, sizeof end - 1) == 0;
}

/*
 * Whatever fails, there is the old file or the new one, nothing beside it, and nothing left open. The one call that may
 * fail unnoticed is the last, which closes the folder.
 */
START_TEST(every_call_of_the_writer_is_refused_once)
{
    const char *path = in_folder("file");
    const int overwrite = _i % 2, file = _i / 4;
    lsq_model *model = NULL;
    OK(lsq_model_open(TEST_DATA "/npy/rows.npy", LSQ_OPEN_READ, &model, &sample_err));
    all_have_names = _i / 2 % 2;
    long unused = -1, unnoticed = 0, replaced = 0;
    OK(write_as(file, model, path, 0, &sample_err)); /* what is opened once in a process (for Jansson's seed) is now */
    kind = REFUSE;
    for (long k = 0; unused < 0; k++) {
        unlink(path);
        if (overwrite)
            write_file(path, "old", 3);
        unsigned open_before = entries_of("/proc/self/fd");
        errno = 77;
        left = k;
        lsq_status status = write_as(file, model, path, overwrite, &sample_err);
        unused = left;
        left = -1;
        unnoticed += status == LSQ_OK && unused < 0;
        ck_assert_int_eq(errno, 77);
        ck_assert_msg(status == LSQ_OK || status == LSQ_E_IO, "call %ld: %d", k, status);
        ck_assert_uint_eq(entries_of("/proc/self/fd"), open_before);
        int exists = access(path, F_OK) == 0;
        ck_assert_uint_eq(entries_of(folder), exists ? 1 : 0);
        ck_assert(exists || !overwrite);
        if (!exists)
            continue;
        size_t size;
        uint8_t *bytes = contents_of(path, &size);
        int is_old = size == 3 && memcmp(bytes, "old", 3) == 0;
        ck_assert(is_old ? overwrite && status != LSQ_OK : is_complete(file, path, bytes, size));
        replaced += !is_old;
        free(bytes);
    }
    all_have_names = 0;
    lsq_model_free(model);
    ck_assert_int_eq(unnoticed, 1);
    ck_assert_int_eq(replaced, 3); /* the folder was not synced; it was not closed; nothing failed */
}
END_TEST

START_TEST(every_call_of_the_reader_is_refused_once)
{
    long unused = -1, unnoticed = 0;
    OK(save(in_folder("file"), 0, &sample_err));
    kind = REFUSE;
    for (long k = 0; unused < 0; k++) {
        lsq_model *model = NULL;
        unsigned open_before = entries_of("/proc/self/fd");
        errno = 77;
        left = k;
        lsq_status status = lsq_model_open(in_folder("file"), _i ? LSQ_OPEN_READ : 0, &model, &sample_err);
        unused = left;
        left = -1;
        unnoticed += status == LSQ_OK && unused < 0;
        ck_assert_int_eq(errno, 77);
        ck_assert_msg(status == LSQ_OK || status == LSQ_E_IO, "call %ld: %d", k, status);
        ck_assert_int_eq(status == LSQ_OK, model != NULL);
        ck_assert_uint_eq(entries_of("/proc/self/fd"), open_before);
        lsq_model_free(model);
    }
    ck_assert_int_eq(unnoticed, 1); /* closing the file */
}
END_TEST

static const fault harmless[] = {INTERRUPT, CUT_SHORT, NO_RENAME};

START_TEST(interruptions_change_nothing)
{
    lsq_model *model = NULL;
    kind = harmless[_i];
    left = 0;
    lsq_status status = save(in_folder("file"), 0, &sample_err);
    lsq_status again = save(in_folder("file"), 0, NULL);
    if (status == LSQ_OK)
        status = lsq_model_open(in_folder("file"), LSQ_OPEN_READ, &model, &sample_err);
    left = -1;
    OK(status);
    ck_assert_int_eq(again, LSQ_E_IO); /* it exists */
    lsq_model_free(model);
    ck_assert(is_sound(in_folder("file")));
    ck_assert_uint_eq(entries_of(folder), 1);
}
END_TEST

/* The file before it gets its name, the folder afterwards: a crash leaves the old file or the new one. */
START_TEST(files_and_their_folders_are_synced)
{
    synced = synced_before_rename = 0;
    OK(save(in_folder("file"), _i, &sample_err));
    ck_assert_uint_eq(synced_before_rename, 1);
    ck_assert_uint_eq(synced, 2);
}
END_TEST

/* What comes is on its way to the disk long before the file is whole, all of it once and in order. */
START_TEST(writing_begins_early)
{
    enum { PIECE = 4 << 20, PIECES = 6 };
    lsq_writer *w = NULL;
    uint8_t *bytes = calloc(1, PIECE);
    begun = 0;
    OK(lsq_writer_new(in_folder("file"), 0, &w, &sample_err));
    for (int i = 0; i < PIECES; i++) {
        const char name[] = {(char)('a' + i), 0};
        const lsq_tensor t = tensor_like(name, LSQ_U8, 1, PIECE, 0, 0, 0);
        OK(lsq_writer_plain(w, &t, bytes, &sample_err));
        ck_assert_int_ge(begun, (i + 1) * PIECE - (8 << 20));
    }
    OK(lsq_writer_finish(w, &sample_err));
    ck_assert_int_lt(begun, (off_t)lsq_writer_bytes(w));
    lsq_writer_free(w);
    free(bytes);
    ck_assert(is_sound(in_folder("file")));
}
END_TEST

/* Whatever ends the process: where files can be without a name, nothing is left of them. */
START_TEST(what_is_killed_leaves_nothing)
{
    pid_t child = fork();
    if (child == 0) {
        static const float numbers[3] = {1, 2, 3};
        lsq_writer *w = NULL;
        lsq_tensor t = tensor_like("t", LSQ_F32, 1, 3, 0, 0, 0);
        if (lsq_writer_new(in_folder("file"), 0, &w, NULL) == LSQ_OK)
            lsq_writer_plain(w, &t, numbers, NULL);
        raise(SIGKILL);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, folder, O_TMPFILE | O_RDWR, 0600);
    ck_assert_uint_eq(entries_of(folder), fd >= 0 ? 0 : 1);
    close(fd);
}
END_TEST

/* Where renaming without replacing is done in two steps, it still does not replace. */
START_TEST(a_file_that_came_in_between_stays)
{
    static const float numbers[3] = {1, 2, 3};
    lsq_writer *w = NULL;
    lsq_tensor t = tensor_like("t", LSQ_F32, 1, 3, 0, 0, 0);
    OK(lsq_writer_new(in_folder("file"), 0, &w, &sample_err));
    OK(lsq_writer_plain(w, &t, numbers, &sample_err));
    write_file(in_folder("file"), "old", 3);
    kind = NO_RENAME;
    left = 0;
    lsq_status status = lsq_writer_finish(w, &sample_err);
    lsq_writer_free(w);
    left = -1;
    ck_assert_int_eq(status, LSQ_E_IO);
    ck_assert_uint_eq(entries_of(folder), 1);
    ck_assert(!is_sound(in_folder("file")));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io_faults");
    TCase *faults = tcase_create("faults");
    tcase_add_checked_fixture(faults, make_folder, drop_folder);
    tcase_add_loop_test(faults, every_call_of_the_writer_is_refused_once, 0, 4 * (1 + FORMATS));
    tcase_add_loop_test(faults, every_call_of_the_reader_is_refused_once, 0, 2);
    tcase_add_loop_test(faults, interruptions_change_nothing, 0, 3);
    tcase_add_loop_test(faults, files_and_their_folders_are_synced, 0, 2);
    tcase_add_test(faults, writing_begins_early);
    tcase_add_test(faults, what_is_killed_leaves_nothing);
    tcase_add_test(faults, a_file_that_came_in_between_stays);
    suite_add_tcase(suite, faults);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
