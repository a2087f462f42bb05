/*
 * test_stream.c - a file that is streamed gives the bits of one that is open, within any limit, in any order; and a limit is one.
 */
#include "tests/export_call.h"
#include "tests/emulated.h"
#include "tests/stream_sample.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static char *path;
static lsq_model *whole;

static void set_up(void)
{
    make_folder();
    path = in_folder("network.lsq");
    write_network(path);
    OK(lsq_model_open(path, 0, &whole, &sample_err));
}

static void tear_down(void)
{
    lsq_model_free(whole);
    drop_folder();
}

static lsq_stream *open_stream(const lsq_stream_options *options)
{
    lsq_stream *stream = NULL;
    OK(lsq_stream_new(path, options, &stream, &sample_err));
    ck_assert_ptr_nonnull(stream);
    return stream;
}

static void check_passes(const lsq_stream_options *options, unsigned passes)
{
    const size_t count = options->order ? options->order_count : lsq_model_count(whole);
    lsq_stream *stream = open_stream(options);
    lsq_stream_item item;
    lsq_stream_figures figures;
    for (size_t n = 0; n < passes * count; n++) {
        const size_t at = n % count;
        OK(lsq_stream_next(stream, &item, &sample_err));
        check_item(&item, whole, at, options->order ? options->order[at] : at);
    }
    lsq_stream_stats(stream, &figures);
    ck_assert_uint_le(figures.bytes_peak, options->memory);
    ck_assert_uint_gt(figures.bytes_read, 0);
    ck_assert_int_eq(figures.has_thread, !options->no_prefetch);
    lsq_stream_free(stream);
}

/* From the least limit to one that holds the whole file, with the thread and without, checksums compared or not. */
START_TEST(values_are_those_of_the_open_file)
{
    lsq_stream_options options = options_of(0);
    const size_t least = least_memory(path, options, 0);
    options.no_prefetch = _i & 1;
    options.verify = _i >> 1;
    for (size_t step = 0; step < 40; step++) {
        options.memory = least + step * step * 120;
        check_passes(&options, 3);
    }
}
END_TEST

START_TEST(any_order_is_kept_to)
{
    enum { COUNT = 300 };
    size_t order[COUNT];
    lsq_stream_options options = options_of(0);
    options.order = order;
    options.order_count = COUNT;
    uint32_t state = (uint32_t)_i;
    for (size_t i = 0; i < COUNT; i++) {
        state = state * 1664525u + 1013904223u;
        order[i] = (state >> 8) % lsq_model_count(whole);
        if (i % 7 == 3)
            order[i] = order[i - 1]; /* the same again at once */
    }
    const size_t least = least_memory(path, options, 0);
    for (size_t more = 0; more < 120000; more += 17000) {
        options.memory = least + more;
        check_passes(&options, 2);
    }
    options.order_count = 1;
    options.memory += 1 << 20;
    check_passes(&options, 50);
}
END_TEST

/* All that fits is read once, whatever the number of passes; what does not is read again, but for what stays. */
START_TEST(what_fits_is_read_once)
{
    struct stat file;
    ck_assert_int_eq(stat(path, &file), 0);
    uint64_t before = UINT64_MAX;
    const size_t least = least_memory(path, options_of(0), 0);
    for (size_t memory = least; before; memory += 4096) {
        const lsq_stream_options options = options_of(memory);
        lsq_stream *stream = open_stream(&options);
        lsq_stream_item item;
        lsq_stream_figures first, second;
        for (size_t i = 0; i < lsq_model_count(whole); i++)
            OK(lsq_stream_next(stream, &item, &sample_err));
        lsq_stream_free(stream);
        lsq_stream_options alone = options;
        alone.no_prefetch = 1; /* nothing is read ahead, and all figures are exact */
        stream = open_stream(&alone);
        for (size_t i = 0; i < lsq_model_count(whole); i++)
            OK(lsq_stream_next(stream, &item, &sample_err));
        lsq_stream_stats(stream, &first);
        for (size_t i = 0; i < lsq_model_count(whole); i++)
            OK(lsq_stream_next(stream, &item, &sample_err));
        lsq_stream_stats(stream, &second);
        lsq_stream_free(stream);
        const uint64_t again = second.bytes_read - first.bytes_read;
        ck_assert_uint_le(first.bytes_read, (uint64_t)file.st_size);
        ck_assert_uint_eq(again, first.bytes_read - first.bytes_resident);
        ck_assert_uint_le(again, before);
        before = again;
        ck_assert_uint_lt(memory, 4 << 20);
    }
}
END_TEST

START_TEST(a_limit_that_is_too_small_is_refused_at_once)
{
    lsq_stream_options options = options_of(0);
    const size_t least = least_memory(path, options, 0);
    lsq_stream *stream = NULL;
    size_t would_do = 0, to_read_ahead = 0;
    options.memory = least - 1;
    errno = 77;
    ck_assert_int_eq(lsq_stream_new(path, &options, &stream, &sample_err), LSQ_E_LIMIT);
    ck_assert_ptr_null(stream);
    ck_assert_int_eq(errno, 77);
    ck_assert_int_eq(lsq_stream_new(path, &options, &stream, NULL), LSQ_E_LIMIT);
    const char *text = strstr(sample_err.text, "\"head\", has ");
    ck_assert_msg(
        text && sscanf(text, "\"head\", has %*u; %zu would do, %zu to read ahead", &would_do, &to_read_ahead) == 2,
        "%s", sample_err.text);
    ck_assert_uint_eq(would_do, least);
    ck_assert_uint_gt(to_read_ahead, least);
    options.memory = would_do;
    lsq_stream_free(open_stream(&options));
    options.memory = 1000;
    ck_assert_int_eq(lsq_stream_new(path, &options, &stream, &sample_err), LSQ_E_LIMIT);
    ck_assert_ptr_nonnull(strstr(sample_err.text, "header"));
}
END_TEST

START_TEST(arguments_are_checked)
{
    static const size_t beyond[] = {0, 1000};
    lsq_stream *stream = NULL;
    lsq_stream_options good = options_of(1 << 20), bad[5];
    for (size_t i = 0; i < 5; i++)
        bad[i] = good;
    bad[0].size--;
    bad[1].memory = 0;
    bad[2].order_count = 1;
    bad[3].order = beyond;
    bad[4].order = beyond;
    bad[4].order_count = 2;
    for (size_t i = 0; i < 5; i++)
        ck_assert_int_eq(lsq_stream_new(path, &bad[i], &stream, &sample_err), LSQ_E_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(sample_err.text, "order[1] is 1000"));
    ck_assert_int_eq(lsq_stream_new(NULL, &good, &stream, NULL), LSQ_E_ARGUMENT);
    ck_assert_int_eq(lsq_stream_new(path, NULL, &stream, NULL), LSQ_E_ARGUMENT);
    ck_assert_int_eq(lsq_stream_new(path, &good, NULL, NULL), LSQ_E_ARGUMENT);
    ck_assert_int_eq(lsq_stream_new(in_folder("missing"), &good, &stream, NULL), LSQ_E_IO);
    ck_assert_int_eq(lsq_stream_new(folder, &good, &stream, NULL), LSQ_E_IO);
    ck_assert_ptr_null(stream);
    ck_assert_int_eq(lsq_stream_next(NULL, NULL, NULL), LSQ_E_ARGUMENT);
    lsq_stream_free(NULL);
}
END_TEST

START_TEST(only_version_2_is_streamed)
{
    static const char *const others[] = {TEST_DATA "/fixture.safetensors", TEST_DATA "/../golden/v1_b4.lsq"};
    const lsq_stream_options options = options_of(1 << 20);
    lsq_stream *stream = NULL;
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(lsq_stream_new(others[i], &options, &stream, &sample_err), LSQ_E_UNSUPPORTED);
        ck_assert_ptr_nonnull(strstr(sample_err.text, "lsq compress"));
    }
    write_file(in_folder("empty"), "", 0);
    ck_assert_int_ne(lsq_stream_new(in_folder("empty"), &options, &stream, NULL), LSQ_OK);
    lsq_writer *w = NULL;
    OK(lsq_writer_new(in_folder("nothing"), 1, &w, &sample_err));
    OK(lsq_writer_finish(w, &sample_err));
    lsq_writer_free(w);
    ck_assert_int_eq(lsq_stream_new(in_folder("nothing"), &options, &stream, NULL), LSQ_E_UNSUPPORTED);
    ck_assert_ptr_null(stream);
}
END_TEST

/* Names, shapes and metadata are all there; numbers are not, and nothing that wants them crashes. */
START_TEST(the_model_of_a_stream_has_no_numbers)
{
    const lsq_stream_options options = options_of(1 << 20);
    lsq_stream *stream = open_stream(&options);
    const lsq_model *model = lsq_stream_model(stream);
    float *numbers = malloc(1 << 20);
    ck_assert_str_eq(lsq_model_format(model), "lsq2");
    ck_assert_uint_eq(lsq_model_count(model), lsq_model_count(whole));
    for (size_t i = 0; i < 3; i++) {
        const char *key[2] = {"", ""}, *value[2] = {"", ""};
        ck_assert_int_eq(lsq_model_metadata(model, i, &key[0], &value[0]),
                         lsq_model_metadata(whole, i, &key[1], &value[1]));
        ck_assert_str_eq(key[0], key[1]);
        ck_assert_str_eq(value[0], value[1]);
    }
    for (size_t i = 0; i < lsq_model_count(model); i++) {
        const lsq_tensor *t = lsq_model_tensor(whole, i), *ours = lsq_model_find(model, t->name, NULL);
        const lsq_weights *weights = NULL;
        ck_assert_ptr_eq(ours, lsq_model_tensor(model, i));
        ck_assert_uint_eq(ours->outliers, t->outliers);
        ck_assert_uint_eq(ours->bytes, t->bytes);
        ck_assert_ptr_null(lsq_model_bytes(model, i));
        const lsq_status expected = t->bytes ? LSQ_E_ARGUMENT : LSQ_OK;
        ck_assert_int_eq(lsq_model_read(model, i, numbers, NULL), expected);
        ck_assert_int_eq(lsq_model_read_matrix(model, i, 0, numbers, NULL), LSQ_E_ARGUMENT);
        ck_assert_int_eq(lsq_model_weights(model, i, &weights, NULL), LSQ_E_ARGUMENT);
        ck_assert_int_eq(lsq_model_verify(model, i, NULL), expected);
    }
    ck_assert_int_eq(export_all(model, "safetensors", in_folder("out"), 1, NULL, NULL), LSQ_E_ARGUMENT);
    ck_assert_int_eq(export_npy(model, 0, in_folder("out"), 1, NULL), LSQ_E_ARGUMENT);
    ck_assert_int_ne(export_all(model, "lsq1", in_folder("out"), 1, NULL, NULL), LSQ_OK);
    ck_assert_int_ne(access(in_folder("out"), F_OK), 0);
    free(numbers);
    lsq_stream_free(stream);
}
END_TEST

/* ---- Files larger than the address space that is left -------------------------------------------------------------- */

enum { LARGE = 18, SIDE = 8192 }; /* 18 matrices of 17 MB each with 2 bits a weight */

static size_t status_kilobytes(const char *key)
{
    char line[256];
    size_t found = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, key, strlen(key)) == 0)
            sscanf(line + strlen(key), ": %zu", &found);
    if (file)
        fclose(file);
    return found;
}

/* In a process that may not map as much as the file has; ends with what went wrong, 0: nothing. */
static int stream_in_little_memory(const char *large, size_t memory)
{
    lsq_stream_options options = options_of(memory);
    lsq_stream *stream = NULL;
    lsq_stream_item item;
    lsq_stream_figures figures;
    lsq_model *mapped = NULL;
    float *x = calloc(SIDE, sizeof *x), *y = malloc(SIDE * sizeof *y);
    const size_t before = status_kilobytes("VmHWM");
    if (!x || !y || !before)
        return 1;
    x[5] = 1;
    const int limited = MEMORY_LIMITED && !emulated();
    const rlim_t limit = (rlim_t)status_kilobytes("VmSize") * 1024 + memory + (24 << 20);
    if (limited && setrlimit(RLIMIT_AS, &(struct rlimit){limit, limit}) != 0)
        return 2;
    if (limited && lsq_model_open(large, 0, &mapped, NULL) == LSQ_OK)
        return 3; /* the limit is none */
    if (lsq_stream_new(large, &options, &stream, &sample_err) != LSQ_OK)
        return 4;
    for (size_t n = 0; n < 2 * LARGE; n++)
        if (lsq_stream_next(stream, &item, &sample_err) != LSQ_OK ||
            lsq_sgemv(NULL, LSQ_NO_TRANS, 1, item.weights, x, 1, 0, y, 1) != LSQ_OK)
            return 5;
    lsq_stream_stats(stream, &figures);
    lsq_stream_free(stream);
    if (figures.bytes_peak > memory || !figures.has_thread)
        return 6;
    return limited && status_kilobytes("VmHWM") - before > memory / 1024 + 4096 ? 7 : 0;
}

START_TEST(a_file_larger_than_the_address_space)
{
    const size_t memory = (size_t)64 << 20;
    char large[128];
    int ended;
    snprintf(large, sizeof large, "%s/large.lsq", folder);
    lsq_writer *w = NULL;
    OK(lsq_writer_new(large, 1, &w, &sample_err));
    for (uint32_t i = 0; i < LARGE; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u", i);
        add_random(w, name, "s2.row", SIDE, SIDE, i);
    }
    OK(lsq_writer_finish(w, &sample_err));
    lsq_writer_free(w);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        _exit(stream_in_little_memory(large, memory));
    ck_assert_int_eq(waitpid(child, &ended, 0), child);
    ck_assert_msg(WIFEXITED(ended) && WEXITSTATUS(ended) == 0, "the process ended with %x", (unsigned)ended);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stream");
    TCase *cases = tcase_create("stream");
    tcase_set_timeout(cases, 100);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, values_are_those_of_the_open_file, 0, 4);
    tcase_add_loop_test(cases, any_order_is_kept_to, 0, 3);
    tcase_add_test(cases, what_fits_is_read_once);
    tcase_add_test(cases, a_limit_that_is_too_small_is_refused_at_once);
    tcase_add_test(cases, arguments_are_checked);
    tcase_add_test(cases, only_version_2_is_streamed);
    tcase_add_test(cases, the_model_of_a_stream_has_no_numbers);
    tcase_add_test(cases, a_file_larger_than_the_address_space);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
