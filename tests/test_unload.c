/*
 * test_unload.c - a program that opens and closes the library, with threads in it.
 */
#include <lsq/lsq.h>

#include <check.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { M = 1024, K = 1024 };

/* Puts the address of a function into a pointer to one, which C does not convert. */
static void find(void *library, const char *name, void *function)
{
    void *address = dlsym(library, name);
    ck_assert_msg(address != NULL, "%s", name);
    memcpy(function, &address, sizeof(address));
}

/* One product with 3 threads, all by way of dlsym(). The context is freed, or left in *left. */
static void multiply(lsq_context **left)
{
    void *library = dlopen(LIBLSQ, RTLD_NOW | RTLD_LOCAL);
    ck_assert_msg(library != NULL, "%s", dlerror());
    __typeof__(lsq_context_new) *context_new;
    __typeof__(lsq_context_free) *context_free;
    __typeof__(lsq_packed_bytes) *packed_bytes;
    __typeof__(lsq_weights_wrap) *wrap;
    __typeof__(lsq_weights_free) *weights_free;
    __typeof__(lsq_sgemv) *sgemv;
    find(library, "lsq_context_new", &context_new);
    find(library, "lsq_context_free", &context_free);
    find(library, "lsq_packed_bytes", &packed_bytes);
    find(library, "lsq_weights_wrap", &wrap);
    find(library, "lsq_weights_free", &weights_free);
    find(library, "lsq_sgemv", &sgemv);
    const lsq_format format = {.codec = LSQ_SCALAR, .bits = 4, .scale = LSQ_SCALE_BYTE32, .curve = 3};
    const lsq_context_options options = {.size = sizeof(options), .threads = 3, .tune_file = "none"};
    static float x[K], y[M];
    lsq_context *ctx;
    lsq_weights *w;
    size_t bytes;
    ck_assert_int_eq(packed_bytes(&format, M, K, &bytes), LSQ_OK);
    void *packed = calloc(1, bytes);
    ck_assert_ptr_nonnull(packed);
    ck_assert_int_eq(wrap(&format, M, K, packed, bytes, &w, NULL), LSQ_OK);
    ck_assert_int_eq(context_new(&options, &ctx, NULL), LSQ_OK);
    y[M - 1] = 1;
    ck_assert_int_eq(sgemv(ctx, LSQ_NO_TRANS, 1, w, x, 1, 0, y, 1), LSQ_OK);
    ck_assert(y[M - 1] == 0.0f);
    if (left)
        *left = ctx;
    else
        context_free(ctx);
    weights_free(w);
    free(packed);
    ck_assert_int_eq(dlclose(library), 0);
}

START_TEST(opened_and_closed)
{
    for (unsigned i = 0; i < 300; i++)
        multiply(NULL);
}
END_TEST

START_TEST(closed_with_threads_waiting)
{
    static lsq_context *left[10];
    for (unsigned i = 0; i < 10; i++) {
        multiply(&left[i]);
        usleep(i * 100); /* spinning or asleep */
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("unload");
    TCase *tests = tcase_create("unload");
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, opened_and_closed);
    tcase_add_test(tests, closed_with_threads_waiting);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
