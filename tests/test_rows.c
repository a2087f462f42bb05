/*
 * test_rows.c - rows of a tensor, read without the others, and what that takes of memory.
 */
#include "tests/emulated.h"
#include "tests/model_sample.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* ---- What the system is asked for: the library's calls come here first ------------------------------------------- */

static uintptr_t wanted, wanted_bytes; /* by the last call that wants something read */

int madvise(void *bytes, size_t size, int advice)
{
    if (advice == MADV_WILLNEED) {
        wanted = (uintptr_t)bytes;
        wanted_bytes = size;
    }
    errno = EAGAIN;
    return (int)syscall(SYS_madvise, bytes, size, advice);
}

static lsq_model *opened(const char *path, unsigned flags)
{
    lsq_model *model = NULL;
    OK(lsq_model_open(path, flags, &model, &sample_err));
    return model;
}

/* Rows along an axis, by the definition, from the tensor in the order of its shape. */
static void pick_rows(const lsq_tensor *t, unsigned axis, uint64_t row, uint64_t rows, const float *tensor, float *out)
{
    uint64_t outer = 1, inner = 1;
    for (unsigned i = 0; i < axis; i++)
        outer *= t->shape[i];
    for (unsigned i = axis + 1; i < t->rank; i++)
        inner *= t->shape[i];
    for (uint64_t r = 0; r < rows; r++)
        for (uint64_t o = 0; o < outer; o++)
            for (uint64_t i = 0; i < inner; i++)
                *out++ = tensor[(o * t->shape[axis] + row + r) * inner + i];
}

/* Along every axis, in strips of every kind; what stands behind the rows stays as it is. */
static void check_rows(const lsq_model *model, size_t i)
{
    const lsq_tensor *t = lsq_model_tensor(model, i);
    float *tensor = malloc(3 * (t->elements + 1) * sizeof *tensor), *want = tensor + t->elements + 1,
          *got = want + t->elements + 1;
    OK(lsq_model_read(model, i, tensor, &sample_err));
    for (unsigned axis = 0; axis < t->rank; axis++) {
        const uint64_t all = t->shape[axis], columns = t->elements / all;
        for (uint64_t step = 1; step < 2 * all; step = step * 3 + 1)
            for (uint64_t row = 0; row < all; row += step) {
                const uint64_t rows = all - row < step ? all - row : step;
                pick_rows(t, axis, row, rows, tensor, want);
                got[rows * columns] = 7;
                OK(lsq_model_read_rows(model, i, axis, row, rows, got, &sample_err));
                if (memcmp(got, want, rows * columns * sizeof *got) != 0 || got[rows * columns] != 7)
                    ck_abort_msg("tensor \"%s\", axis %u, %d rows from %d on", t->name, axis, (int)rows, (int)row);
            }
        pick_rows(t, axis, 0, all, tensor, want);
        OK(lsq_model_read_matrix(model, i, axis, got, &sample_err));
        ck_assert(memcmp(got, want, t->elements * sizeof *got) == 0);
    }
    free(tensor);
}

/* Plain numbers of several sizes, more than are converted at a time, and quantised ones, more than are decoded at a time. */
static void write_tensors(const char *path)
{
    static float numbers[9 * 70 * 33];
    lsq_writer *w = NULL;
    OK(lsq_writer_new(path, 1, &w, &sample_err));
    fill(numbers, sizeof numbers / sizeof *numbers, 3);
    lsq_tensor t = tensor_like("singles", LSQ_F32, 3, 9, 70, 33, 0);
    OK(lsq_writer_plain(w, &t, numbers, &sample_err));
    t = tensor_like("bytes", LSQ_I8, 4, 3, 5, 2, 7);
    OK(lsq_writer_plain(w, &t, numbers, &sample_err));
    t = tensor_like("integers", LSQ_I64, 2, 40, 20, 0, 0);
    OK(lsq_writer_plain(w, &t, numbers, &sample_err));
    t = tensor_like("flat", LSQ_U16, 3, 1, 1, 6000, 0);
    OK(lsq_writer_plain(w, &t, numbers, &sample_err));
    for (unsigned axis = 0; axis < 3; axis++) {
        const char *const names[] = {"first", "middle", "last"};
        t = tensor_like(names[axis], LSQ_F32, 3, 5, 300, 50, 0);
        add_quantised(w, &t, axis, axis == 1 ? "t2" : "s5", axis);
    }
    OK(lsq_writer_finish(w, &sample_err));
    lsq_writer_free(w);
}

START_TEST(rows_are_those_of_the_matrix)
{
    write_tensors(in_folder("tensors.lsq"));
    lsq_model *model = opened(in_folder("tensors.lsq"), _i ? LSQ_OPEN_READ : 0);
    for (size_t i = 0; i < lsq_model_count(model); i++) {
        check_rows(model, i);
        lsq_model_release(model, i); /* and once more */
        check_rows(model, i);
        OK(lsq_model_verify(model, i, &sample_err));
    }
    lsq_model_release(model, lsq_model_count(model));
    lsq_model_free(model);
}
END_TEST

static void refused(const lsq_model *model, size_t i, unsigned axis, uint64_t row, uint64_t rows, const char *named)
{
    float out = 7;
    lsq_error err = {.text = ""};
    errno = 12345;
    ck_assert_int_eq(lsq_model_read_rows(model, i, axis, row, rows, &out, &err), LSQ_E_ARGUMENT);
    ck_assert_msg(strstr(err.text, named) != NULL, "%s", err.text);
    ck_assert(out == 7 && errno == 12345);
}

START_TEST(rows_that_are_not_there_are_refused)
{
    size_t steps, empty, embed;
    write_sample(in_folder("sample.lsq"));
    lsq_model *model = opened(in_folder("sample.lsq"), 0);
    lsq_model_find(model, "steps", &steps);
    lsq_model_find(model, "empty", &empty);
    lsq_model_find(model, "embed", &embed);
    refused(model, 99, 0, 0, 1, "no tensor 99");
    refused(model, steps, 0, 0, 1, "rank 0");
    refused(model, embed, 2, 0, 1, "axis 2");
    refused(model, embed, 0, 0, 21, "21 rows from row 0 on");
    refused(model, embed, 0, 21, 0, "0 rows from row 21 on");
    refused(model, embed, 1, 1, UINT64_MAX, "axis 1 has 40");
    refused(model, empty, 0, 0, 1, "axis 0 has 0");
    float out = 7;
    OK(lsq_model_read_rows(model, embed, 0, 20, 0, &out, &sample_err));
    OK(lsq_model_read_rows(model, empty, 1, 1, 2, &out, &sample_err)); /* of no columns */
    ck_assert(out == 7);
    lsq_model_free(model);
}
END_TEST

/* Whole pages from number `first` of the tensor on, `bytes` of them, but none behind the file's end. */
static void check_wanted(const lsq_model *model, const char *name, uint64_t first, uint64_t count, size_t bytes)
{
    size_t i;
    const lsq_tensor *t = lsq_model_find(model, name, &i);
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), at = (uintptr_t)lsq_model_bytes(model, i);
    const uintptr_t from = at + (first < t->elements ? first : t->elements) * lsq_dtype_bytes(t->dtype);
    wanted = wanted_bytes = 0;
    errno = 12345;
    lsq_model_prefetch(model, i, first, count);
    ck_assert_int_eq(errno, 12345);
    ck_assert_uint_eq(wanted, bytes ? from / page * page : 0);
    ck_assert_uint_eq(wanted + wanted_bytes, bytes ? from + bytes : 0);
}

START_TEST(rows_to_come_are_asked_for)
{
    write_tensors(in_folder("tensors.lsq"));
    lsq_model *model = opened(in_folder("tensors.lsq"), 0);
    struct stat st;
    size_t singles;
    ck_assert_int_eq(stat(in_folder("tensors.lsq"), &st), 0);
    lsq_model_find(model, "singles", &singles);
    const size_t begin = (size_t)lsq_model_bytes(model, singles) % 4096, left = (size_t)st.st_size - begin;
    check_wanted(model, "singles", 0, 2000, 8000);
    check_wanted(model, "singles", 5000, 2000, 8000);
    check_wanted(model, "singles", 5000, 0, 0);
    check_wanted(model, "singles", 9 * 70 * 33, 100, 400); /* of the next tensor */
    check_wanted(model, "singles", 1 << 20, 100, 400);
    check_wanted(model, "flat", 10, 100, 200);
    check_wanted(model, "singles", 0, UINT64_MAX, left); /* all of the file */
    check_wanted(model, "singles", UINT64_MAX, UINT64_MAX, left - 9 * 70 * 33 * 4);
    check_wanted(model, "middle", 0, 100, 0);
    lsq_model_prefetch(model, 99, 0, 1);
    lsq_model_prefetch(NULL, 0, 0, 1);
    lsq_model_free(model);
    model = opened(in_folder("tensors.lsq"), LSQ_OPEN_READ);
    check_wanted(model, "singles", 0, 2000, 0);
    lsq_model_free(model);
}
END_TEST

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

#if MEMORY_LIMITED

enum { LARGE_ROWS = 32768, LARGE_COLUMNS = 4096, FEW = 16 };

/* The most memory that this process has had, in KiB. */
static long high_water_mark(void)
{
    char line[256];
    long mark = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "VmHWM: %ld", &mark) == 1)
            break;
    if (status)
        fclose(status);
    return mark;
}

/* 256 MiB of bfloat16 zeros, which take no place on the disk. */
static void make_large_file(const char *path)
{
    char header[128];
    const size_t bytes = (size_t)2 * LARGE_ROWS * LARGE_COLUMNS;
    const int length = snprintf(header + 8, sizeof header - 8,
                                "{\"large\":{\"dtype\":\"BF16\",\"shape\":[%d,%d],\"data_offsets\":[0,%zu]}}",
                                LARGE_ROWS, LARGE_COLUMNS, bytes);
    memset(header, 0, 8);
    header[0] = (char)length;
    write_file(path, header, 8 + (size_t)length);
    ck_assert_int_eq(truncate(path, (off_t)(8 + (size_t)length + bytes)), 0);
}

static lsq_status read_first_axis(lsq_model *model)
{
    static float rows[FEW * LARGE_COLUMNS];
    lsq_status status = LSQ_OK;
    for (uint64_t row = 0; status == LSQ_OK && row < LARGE_ROWS; row += FEW)
        status = lsq_model_read_rows(model, 0, 0, row, FEW, rows, NULL);
    return status;
}

static lsq_status read_last_axis(lsq_model *model)
{
    static float rows[FEW * LARGE_ROWS];
    return lsq_model_read_rows(model, 0, 1, 1000, FEW, rows, NULL);
}

static lsq_status look_and_release(lsq_model *model)
{
    const volatile uint8_t *bytes = lsq_model_bytes(model, 0);
    for (size_t at = 0; at < lsq_model_tensor(model, 0)->bytes; at += 4096) {
        (void)bytes[at];
        if (at % (1 << 20) == 0)
            lsq_model_release(model, 0);
    }
    return LSQ_OK;
}

static lsq_status copy_and_verify(lsq_model *model)
{
    lsq_writer *w = NULL;
    lsq_model *copy = NULL;
    lsq_status status = lsq_writer_new(in_folder("copy.lsq"), 1, &w, NULL);
    if (status == LSQ_OK)
        status = lsq_writer_copy(w, model, 0, NULL);
    if (status == LSQ_OK)
        status = lsq_writer_finish(w, NULL);
    lsq_writer_free(w);
    if (status == LSQ_OK)
        status = lsq_model_open(in_folder("copy.lsq"), LSQ_OPEN_VERIFY, &copy, NULL);
    if (status == LSQ_OK)
        status = lsq_model_verify(copy, 0, NULL);
    lsq_model_free(copy);
    return status;
}

/* In a process of its own, which then has had 24 MiB more than before at most; pages that are kept would be 256 MiB. */
START_TEST(a_large_file_takes_little_memory)
{
    static lsq_status (*const ways[])(lsq_model *) = {read_first_axis, read_last_axis, look_and_release,
                                                      copy_and_verify};
    int ended;
    make_large_file(in_folder("large.safetensors"));
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        lsq_model *model = NULL;
        const long before = high_water_mark();
        if (before == 0)
            _exit(77);
        if (lsq_model_open(in_folder("large.safetensors"), 0, &model, NULL) != LSQ_OK || ways[_i](model) != LSQ_OK)
            _exit(2);
        lsq_model_free(model);
        _exit(high_water_mark() - before <= 24 << 10 ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &ended, 0), child);
    ck_assert_msg(WIFEXITED(ended) && (WEXITSTATUS(ended) == 0 || WEXITSTATUS(ended) == 77),
                  "the process ended with %x: 100 is too much memory", (unsigned)ended);
}
END_TEST

#endif

int main(void)
{
    Suite *suite = suite_create("rows");
    TCase *cases = tcase_create("all");
    tcase_add_checked_fixture(cases, make_folder, drop_folder);
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, rows_are_those_of_the_matrix, 0, 2);
    tcase_add_test(cases, rows_that_are_not_there_are_refused);
    tcase_add_test(cases, rows_to_come_are_asked_for);
#if MEMORY_LIMITED
    if (!emulated()) /* its own memory counts as that of the program */
        tcase_add_loop_test(cases, a_large_file_takes_little_memory, 0, 4);
#endif
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
