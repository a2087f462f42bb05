/*
 * test_stream_faults.c - what a stream meets while it runs: reads that fail or come short, files that are damaged or cut, no thread,
 * no patience. Reads and starts of threads come here first, and go on to the system unless it is their turn to fail.
 */
#include "tests/stream_sample.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>

typedef enum fault { NONE, REFUSE, INTERRUPT, CUT_SHORT, SLOW } fault;

static atomic_int kind, startable = 1 << 20, masked;
static atomic_long left; /* reads until one is refused */

ssize_t pread(int fd, void *bytes, size_t size, off_t offset)
{
    if (kind == REFUSE && left-- == 0) {
        errno = EIO;
        return -1;
    }
    if (kind == INTERRUPT && left++ % 2) {
        errno = EINTR;
        return -1;
    }
    if (kind == CUT_SHORT)
        size = size > 100 ? size / 3 : size;
    if (kind == SLOW)
        usleep(2000);
    return syscall(SYS_pread64, fd, bytes, size, offset);
}

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
    sigset_t signals;
    if (startable-- <= 0)
        return EAGAIN;
    pthread_sigmask(SIG_BLOCK, NULL, &signals);
    masked = sigismember(&signals, SIGINT) && sigismember(&signals, SIGALRM);
    return __real_pthread_create(thread, attr, run, arg);
}

/* ---- What is tried ------------------------------------------------------------------------------------------------- */

static char *path;
static lsq_model *whole;
static size_t little; /* memory that lets a stream read ahead, and keeps hardly anything */

static void set_up(void)
{
    kind = NONE;
    make_folder();
    path = in_folder("network.lsq");
    write_network(path);
    OK(lsq_model_open(path, LSQ_OPEN_READ, &whole, &sample_err));
    little = least_memory(path, options_of(0), 0) + 50000;
}

static void tear_down(void)
{
    kind = NONE;
    lsq_model_free(whole);
    drop_folder();
}

static lsq_stream *open_stream(int no_prefetch, int verify)
{
    lsq_stream_options options = options_of(little);
    lsq_stream *stream = NULL;
    options.no_prefetch = no_prefetch;
    options.verify = verify;
    OK(lsq_stream_new(path, &options, &stream, &sample_err));
    return stream;
}

/* Items until the stream fails, at most three passes; values are checked. */
static size_t items_of(lsq_stream *stream, lsq_status *status)
{
    const size_t count = lsq_model_count(whole);
    lsq_stream_item item;
    for (size_t n = 0; n < 3 * count; n++) {
        const lsq_stream_item before = item;
        sample_err.text[0] = 0;
        errno = 77;
        *status = lsq_stream_next(stream, &item, &sample_err);
        ck_assert_int_eq(errno, 77);
        if (*status != LSQ_OK) {
            ck_assert(memcmp(&item, &before, sizeof item) == 0);
            return n;
        }
        check_item(&item, whole, n % count, n % count);
    }
    return 3 * count;
}

/* It fails again in the same way, and nothing else happens. */
static void check_failed(lsq_stream *stream, lsq_status status)
{
    lsq_stream_item item;
    lsq_error again;
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(lsq_stream_next(stream, &item, &again), status);
        ck_assert_int_eq(again.status, status);
        ck_assert_str_eq(again.text, sample_err.text);
    }
    ck_assert_int_eq(lsq_stream_next(stream, &item, NULL), status);
}

/* Whichever read fails: the tensor it was for is not given, those before it are, and after that nothing is. */
START_TEST(a_read_that_fails_comes_out_where_its_tensor_would)
{
    size_t before = 0, most = 0;
    for (long k = 0; most < 3 * lsq_model_count(whole); k++) {
        lsq_status status = LSQ_OK;
        lsq_stream_options options = options_of(little);
        lsq_stream *stream = NULL;
        options.no_prefetch = _i;
        left = k;
        kind = REFUSE;
        const lsq_status opened = lsq_stream_new(path, &options, &stream, &sample_err);
        if (opened != LSQ_OK) {
            ck_assert_int_eq(opened, LSQ_E_IO);
            ck_assert_ptr_null(stream);
            ck_assert_ptr_nonnull(strstr(sample_err.text, "cannot read"));
            continue;
        }
        most = items_of(stream, &status);
        ck_assert_uint_ge(most, before);
        before = most;
        if (status != LSQ_OK) {
            const lsq_tensor *t = lsq_model_tensor(whole, most % lsq_model_count(whole));
            ck_assert_int_eq(status, LSQ_E_IO);
            ck_assert_ptr_nonnull(strstr(sample_err.text, "network.lsq"));
            ck_assert_ptr_nonnull(strstr(sample_err.text, t->name));
            ck_assert_ptr_nonnull(strstr(sample_err.text, "byte "));
            check_failed(stream, status);
        }
        lsq_stream_free(stream);
        kind = NONE;
        ck_assert_int_lt(k, 1000);
    }
}
END_TEST

static const fault harmless[] = {INTERRUPT, CUT_SHORT, SLOW};

START_TEST(interruptions_and_short_reads_change_nothing)
{
    lsq_status status = LSQ_OK;
    kind = harmless[_i / 2];
    left = 0;
    lsq_stream *stream = open_stream(_i % 2, 1);
    ck_assert_uint_eq(items_of(stream, &status), 3 * lsq_model_count(whole));
    OK(status);
    lsq_stream_free(stream);
}
END_TEST

START_TEST(a_file_that_becomes_shorter)
{
    struct stat file;
    ck_assert_int_eq(stat(path, &file), 0);
    lsq_status status = LSQ_OK;
    lsq_stream *stream = open_stream(_i, 0);
    ck_assert_int_eq(truncate(path, file.st_size / 2), 0);
    ck_assert_uint_lt(items_of(stream, &status), 3 * lsq_model_count(whole));
    ck_assert_int_eq(status, LSQ_E_TRUNCATED);
    ck_assert_ptr_nonnull(strstr(sample_err.text, "tensor \""));
    check_failed(stream, status);
    lsq_stream_free(stream);
}
END_TEST

/* Flips a bit at an offset of the file. */
static void flip(uint64_t offset)
{
    uint8_t byte;
    const int fd = open(path, O_RDWR);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(syscall(SYS_pread64, fd, &byte, 1, offset), 1);
    byte ^= 1;
    ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)offset), 1);
    close(fd);
}

/*
 * A bit in each payload, in its middle or at its end, before the file is opened or while it is open: a checksum where they are
 * compared; where not, values are others or refused, and nothing else happens.
 */
START_TEST(damage_is_found_where_checksums_are_compared)
{
    for (size_t i = 0; i < lsq_model_count(whole); i++) {
        const lsq_entry *entry = &whole->entries[i];
        const uint64_t last = entry->tensor.outlier_bytes ? entry->outliers + entry->tensor.outlier_bytes - 1
                                                          : entry->begin + entry->tensor.bytes - 1;
        if (!entry->tensor.bytes)
            continue;
        for (unsigned where = 0; where < 2; where++) {
            const uint64_t place = where ? last : entry->begin + entry->tensor.bytes / 2;
            lsq_status status = LSQ_OK;
            flip(place);
            lsq_stream *stream = open_stream(_i, 1);
            ck_assert_uint_eq(items_of(stream, &status), i);
            ck_assert_int_eq(status, LSQ_E_CHECKSUM);
            ck_assert_ptr_nonnull(strstr(sample_err.text, entry->tensor.name));
            check_failed(stream, status);
            lsq_stream_free(stream);
            lsq_stream_item item;
            stream = open_stream(_i, 0);
            for (size_t n = 0; n < 2 * lsq_model_count(whole) && status != LSQ_E_MALFORMED; n++) {
                status = lsq_stream_next(stream, &item, &sample_err);
                ck_assert(status == LSQ_OK || status == LSQ_E_MALFORMED || status == LSQ_E_TRUNCATED);
                if (status != LSQ_OK)
                    break;
            }
            lsq_stream_free(stream);
            flip(place);
        }
    }
}
END_TEST

START_TEST(padding_is_checked)
{
    unsigned tried = 0;
    for (size_t i = 0; i < lsq_model_count(whole); i++) {
        const lsq_entry *entry = &whole->entries[i];
        const uint64_t ends[2] = {entry->begin + entry->tensor.bytes, entry->outliers + entry->tensor.outlier_bytes};
        const uint64_t next[2] = {entry->outliers, entry->end};
        for (unsigned part = 0; part < 2; part++) {
            lsq_status status = LSQ_OK;
            if (ends[part] >= next[part])
                continue;
            tried++;
            flip(next[part] - 1);
            lsq_stream *stream = open_stream(0, 0);
            ck_assert_uint_eq(items_of(stream, &status), i);
            ck_assert_int_eq(status, LSQ_E_MALFORMED);
            ck_assert_ptr_nonnull(strstr(sample_err.text, "padding"));
            lsq_stream_free(stream);
            flip(next[part] - 1);
        }
    }
    ck_assert_uint_gt(tried, 5);
}
END_TEST

/* More outliers than memory was promised for. */
START_TEST(outliers_that_change_while_the_file_is_open)
{
    size_t i = 0;
    while (!whole->entries[i].tensor.outlier_bytes)
        i++;
    lsq_status status = LSQ_OK;
    lsq_stream *stream = open_stream(1, 0);
    flip(whole->entries[i].outliers);
    ck_assert_uint_eq(items_of(stream, &status), i);
    ck_assert_int_eq(status, LSQ_E_MALFORMED);
    ck_assert_ptr_nonnull(strstr(sample_err.text, "changed"));
    lsq_stream_free(stream);
    flip(whole->entries[i].outliers);

    lsq_stream_options options = options_of(little);
    flip(whole->entries[i].outliers + 7); /* 2^56 of them */
    stream = NULL;
    ck_assert_int_eq(lsq_stream_new(path, &options, &stream, &sample_err), LSQ_E_MALFORMED);
    ck_assert_ptr_null(stream);
}
END_TEST

/* ---- Threads ------------------------------------------------------------------------------------------------------- */

START_TEST(without_a_thread_the_caller_reads)
{
    lsq_status status = LSQ_OK;
    lsq_stream_figures figures;
    startable = 0;
    lsq_stream *stream = open_stream(0, 1);
    startable = 1 << 20;
    ck_assert_uint_eq(items_of(stream, &status), 3 * lsq_model_count(whole));
    OK(status);
    lsq_stream_stats(stream, &figures);
    ck_assert_int_eq(figures.has_thread, 0);
    ck_assert_double_gt(figures.seconds_waited, 0);
    lsq_stream_free(stream);
}
END_TEST

START_TEST(signals_are_not_for_the_thread)
{
    sigset_t before, after;
    pthread_sigmask(SIG_BLOCK, NULL, &before);
    masked = 0;
    lsq_stream_free(open_stream(0, 0));
    ck_assert_int_eq(masked, 1);
    pthread_sigmask(SIG_BLOCK, NULL, &after);
    ck_assert_int_eq(sigismember(&before, SIGINT), sigismember(&after, SIGINT));
}
END_TEST

static unsigned entries_of(const char *name)
{
    unsigned count = 0;
    DIR *directory = opendir(name);
    ck_assert_ptr_nonnull(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

/* At any moment, also while the thread reads; nothing is left open, and no thread. */
START_TEST(streams_can_be_freed_at_any_moment)
{
    lsq_stream_free(open_stream(0, 0)); /* a sanitizer has a thread of its own from now on */
    const unsigned files = entries_of("/proc/self/fd"), tasks = entries_of("/proc/self/task");
    lsq_stream_item item;
    kind = SLOW;
    for (unsigned n = 0; n < 60; n++) {
        lsq_stream *stream = open_stream(0, n % 2);
        for (unsigned i = 0; i < n; i++)
            OK(lsq_stream_next(stream, &item, &sample_err));
        usleep(n * 97 % 3000);
        errno = 77;
        lsq_stream_free(stream);
        ck_assert_int_eq(errno, 77);
    }
    ck_assert_uint_eq(entries_of("/proc/self/fd"), files);
    for (unsigned n = 0; n < 100 && entries_of("/proc/self/task") > tasks; n++)
        usleep(10000); /* one that was joined is still listed for a moment */
    ck_assert_uint_eq(entries_of("/proc/self/task"), tasks);
}
END_TEST

START_TEST(many_passes)
{
    lsq_stream *stream = open_stream(_i, 0);
    lsq_status status = LSQ_OK;
    for (unsigned i = 0; i < 100; i++) {
        items_of(stream, &status);
        OK(status);
    }
    lsq_stream_free(stream);
}
END_TEST

/* The child has no thread: it may free what it has inherited. */
START_TEST(a_fork_leaves_the_stream_to_the_parent)
{
    lsq_stream *stream = open_stream(0, 0);
    lsq_stream_item item;
    int ended;
    lsq_status status = LSQ_OK;
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        alarm(20);
        const int refused = lsq_stream_next(stream, &item, NULL) == LSQ_E_UNSUPPORTED;
        lsq_stream_free(stream);
        _exit(!refused);
    }
    ck_assert_int_eq(waitpid(child, &ended, 0), child);
    ck_assert(WIFEXITED(ended) && WEXITSTATUS(ended) == 0);
    ck_assert_uint_eq(items_of(stream, &status), 3 * lsq_model_count(whole));
    lsq_stream_free(stream);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stream_faults");
    TCase *cases = tcase_create("faults");
    tcase_set_timeout(cases, 100);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, a_read_that_fails_comes_out_where_its_tensor_would, 0, 2);
    tcase_add_loop_test(cases, interruptions_and_short_reads_change_nothing, 0, 6);
    tcase_add_loop_test(cases, a_file_that_becomes_shorter, 0, 2);
    tcase_add_loop_test(cases, damage_is_found_where_checksums_are_compared, 0, 2);
    tcase_add_test(cases, padding_is_checked);
    tcase_add_test(cases, outliers_that_change_while_the_file_is_open);
    tcase_add_test(cases, without_a_thread_the_caller_reads);
    tcase_add_test(cases, signals_are_not_for_the_thread);
    tcase_add_test(cases, streams_can_be_freed_at_any_moment);
    tcase_add_loop_test(cases, many_passes, 0, 2);
    tcase_add_test(cases, a_fork_leaves_the_stream_to_the_parent);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
