/*
 * test_npz_large.c - entries of more than 4 GiB, and behind so many bytes, are written in a way that they are read again.
 *
 * Nothing of that size is in memory or on the disk: the numbers are pages of zeros that the system has once, and zeros that the library
 * writes become a hole, because this program defines pwrite().
 */
#include "tests/emulated.h"
#include "tests/export_call.h"
#include "tests/model_sample.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#define LARGE (((uint64_t)1 << 32) + 5)

static int all_zeros(const uint8_t *bytes, size_t size)
{
    return size >= 65536 && bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    return all_zeros(bytes, size) ? (ssize_t)size : syscall(SYS_pwrite64, fd, bytes, size, offset);
}

START_TEST(sizes_and_offsets_pass_32_bits)
{
    lsq_model *model = NULL, *found = NULL;
    size_t large, small;
    uint8_t *zeros = mmap(NULL, LARGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ck_assert_ptr_ne(zeros, MAP_FAILED);
    const lsq_tensor t = {.name = "large", .dtype = LSQ_U8, .rank = 1, .shape = {LARGE}, .bytes = LARGE},
                     u = {.name = "small", .dtype = LSQ_U8, .rank = 1, .shape = {3}, .bytes = 3};
    OK(lsq_model_open(TEST_DATA "/npy/number.npy", 0, &model, &sample_err));
    OK(lsq_model_add(model, "test", &t, zeros, NULL, NULL, &sample_err));
    OK(lsq_model_add(model, "test", &u, (const uint8_t *)"xyz", NULL, NULL, &sample_err));
    OK(export_all(model, "npz", in_folder("out"), 0, NULL, &sample_err));
    lsq_model_free(model);
    munmap(zeros, LARGE);
    OK(lsq_model_open(in_folder("out"), 0, &found, &sample_err));
    ck_assert_str_eq(lsq_model_format(found), "npz");
    ck_assert_uint_eq(lsq_model_count(found), 3);
    ck_assert_uint_eq(lsq_model_find(found, "large", &large)->bytes, LARGE);
    ck_assert_ptr_nonnull(lsq_model_find(found, "small", &small));
    const uint8_t *last = lsq_model_bytes(found, small);
    ck_assert_uint_gt((size_t)(last - found->files[0].bytes), LARGE);
    ck_assert_mem_eq(last, "xyz", 3);
    lsq_model_free(found);
}
END_TEST

/* As many entries as the plain directory cannot count; and one more, which is refused. */
START_TEST(entries_pass_16_bits)
{
    enum { MOST = 65535 };
    lsq_writer *w = NULL;
    lsq_model *model = NULL, *found = NULL;
    OK(lsq_writer_new(in_folder("in"), 0, &w, &sample_err));
    for (int i = 0; i <= MOST; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        const lsq_tensor t = tensor_like(name, LSQ_U8, 1, 1, 0, 0, 0);
        OK(lsq_writer_plain(w, &t, "x", &sample_err));
    }
    OK(lsq_writer_finish(w, &sample_err));
    lsq_writer_free(w);
    OK(lsq_model_open(in_folder("in"), 0, &model, &sample_err));
    ck_assert_int_eq(export_all(model, "npz", in_folder("out"), 0, NULL, &sample_err), LSQ_E_LIMIT);
    size_t *all = malloc(MOST * sizeof *all);
    for (size_t i = 0; i < MOST; i++)
        all[i] = i;
    const lsq_export_options options = {.size = sizeof options, .tensors = all, .tensor_count = MOST};
    OK(lsq_export(model, "npz", in_folder("out"), &options, NULL, &sample_err));
    OK(lsq_model_open(in_folder("out"), LSQ_OPEN_VERIFY, &found, &sample_err));
    ck_assert_uint_eq(lsq_model_count(found), MOST);
    free(all);
    lsq_model_free(found);
    lsq_model_free(model);
}
END_TEST

int main(void)
{
    if (emulated() || !MEMORY_LIMITED) {
        puts("skipped: takes too long in an emulator or with a sanitizer");
        return 77;
    }
    Suite *suite = suite_create("npz_large");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 100);
    tcase_add_checked_fixture(cases, make_folder, drop_folder);
    tcase_add_test(cases, sizes_and_offsets_pass_32_bits);
    tcase_add_test(cases, entries_pass_16_bits);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
