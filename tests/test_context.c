/*
 * test_context.c - options and environment: what they choose, what is passed over and said, what LSQ_STRICT refuses.
 */
#include "dispatch/processors.h"
#include "dispatch/select.h"
#include "tests/core_sample.h"

#include <errno.h>
#include <jansson.h>
#include <sched.h>

static void clear_environment(void)
{
    static const char *const names[] = {"LSQ_MAX_ISA", "LSQ_KERNEL", "LSQ_NUM_THREADS", "OMP_NUM_THREADS",
                                        "LSQ_STRICT"};
    for (size_t i = 0; i < COUNT(names); i++)
        unsetenv(names[i]);
    setenv("LSQ_TUNE_FILE", "none", 1);
}

/* A context's description, which must be JSON. */
static json_t *description_of(const lsq_context *ctx)
{
    size_t length = lsq_describe(ctx, NULL, 0);
    char *text = memory(length + 1);
    ck_assert_uint_eq(lsq_describe(ctx, text, length + 1), length);
    json_error_t error;
    json_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(json != NULL, "%s in %s", error.text, text);
    free(text);
    return json;
}

/* Makes a context with these options and returns its description. */
static json_t *made_with(lsq_context_options options)
{
    lsq_context *ctx = NULL;
    lsq_error err = {0};
    options.size = sizeof(options);
    ck_assert_msg(lsq_context_new(&options, &ctx, &err) == LSQ_OK, "%s", err.text);
    json_t *json = description_of(ctx);
    lsq_context_free(ctx);
    return json;
}

/* Is there a note that begins so? NULL: is there any? */
static int noted(const json_t *json, const char *start)
{
    size_t i;
    json_t *text;
    json_array_foreach(json_object_get(json, "notes"), i,
                       text) if (!start || !strncmp(json_string_value(text), start, strlen(start))) return 1;
    return 0;
}

static json_int_t integer_of(const json_t *json, const char *key)
{
    return json_integer_value(json_object_get(json, key));
}

/* No level above `highest` is used by any product. */
static void expect_cap(const json_t *json, int highest)
{
    size_t i;
    json_t *entry;
    lsq_cpu cpu;
    lsq_cpu_detect(&cpu);
    json_array_foreach(json_object_get(json, "levels"), i, entry)
    {
        int usable = json_boolean_value(json_object_get(entry, "usable"));
        ck_assert_str_eq(json_string_value(json_object_get(entry, "name")), lsq_isa_names[i]);
        ck_assert_int_eq(usable, !cpu.lacks[i] && (int)i <= highest);
        ck_assert_int_eq(usable, json_object_get(entry, "lacks") == NULL); /* a reason for each that is not */
    }
    ck_assert_uint_eq(i, ISAS);
    json_array_foreach(json_object_get(json, "products"), i, entry)
    {
        const lsq_kernel *kernel = lsq_kernel_find(json_string_value(json_object_get(entry, "default")));
        ck_assert(kernel && kernel->isa <= highest && !cpu.lacks[kernel->isa]);
    }
    ck_assert_uint_ge(i, 8 + 6 + 14 + 14); /* integer, float, decode */
}

START_TEST(cap_by_option_and_by_environment)
{
    for (int i = 0; i < ISAS; i++) {
        json_t *json = made_with((lsq_context_options){.max_isa = lsq_isa_names[i]});
        expect_cap(json, i);
        json_decref(json);
        setenv("LSQ_MAX_ISA", lsq_isa_names[i], 1);
        json = made_with((lsq_context_options){0});
        expect_cap(json, i);
        json_decref(json);
        json = made_with((lsq_context_options){.max_isa = "scalar"}); /* options win */
        expect_cap(json, 0);
        ck_assert(!noted(json, NULL));
        json_decref(json);
    }
    setenv("LSQ_MAX_ISA", "", 1); /* as if it were not set */
    json_t *json = made_with((lsq_context_options){0});
    expect_cap(json, ISAS);
    ck_assert(!noted(json, NULL));
    json_decref(json);
}
END_TEST

/* A setting that cannot be honoured: noted and passed over, or refused with the same words. */
static void expect_unusable(const char *variable, const char *value)
{
    setenv(variable, value, 1);
    json_t *json = made_with((lsq_context_options){0});
    ck_assert_msg(noted(json, variable), "%s=%s is passed over in silence", variable, value);
    json_decref(json);

    static char mark;
    lsq_context *ctx = (lsq_context *)(void *)&mark;
    lsq_error err = {0};
    setenv("LSQ_STRICT", "1", 1);
    ck_assert_int_eq(lsq_context_new(NULL, &ctx, &err), LSQ_E_CONFIG);
    ck_assert_msg(err.status == LSQ_E_CONFIG && strstr(err.text, variable) == err.text, "%s", err.text);
    ck_assert_ptr_eq(ctx, (lsq_context *)(void *)&mark);
    ck_assert_int_eq(lsq_context_new(NULL, &ctx, NULL), LSQ_E_CONFIG);
    setenv("LSQ_STRICT", "0", 1);
    OK(lsq_context_new(NULL, &ctx, NULL));
    lsq_context_free(ctx);
    clear_environment();
}

START_TEST(unusable_settings)
{
    static const char *const levels[] = {"bogus", "AVX2", "avx2 ", " avx2", "avx", "scalar,avx2"};
    static const char *const counts[] = {"0",   "-1", "4097", "2x", " 2", "+2", "two", "18446744073709551617",
                                         "0x2", "1.5"};
    static const char *const kernels[] = {"bogus", "gemv", "lsq_gemv_p4_i8_scalar_r1", "gemv_p4_i8_scalar_r9"};
    for (size_t i = 0; i < COUNT(levels); i++)
        expect_unusable("LSQ_MAX_ISA", levels[i]);
    for (size_t i = 0; i < COUNT(counts); i++)
        expect_unusable("LSQ_NUM_THREADS", counts[i]);
    for (size_t i = 0; i < COUNT(kernels); i++)
        expect_unusable("LSQ_KERNEL", kernels[i]);
    expect_unusable("LSQ_TUNE_FILE", "/nonexistent/tune.json");
    expect_unusable("LSQ_TUNE_FILE", "/dev/null");
    lsq_cpu cpu;
    lsq_cpu_detect(&cpu);
    for (int i = 0; i < ISAS; i++)
        if (cpu.lacks[i])
            expect_unusable("LSQ_MAX_ISA", lsq_isa_names[i]);
}
END_TEST

/* The kernel of every choice, wherever it fits: of the products listed, one has it instead of its default. */
START_TEST(one_kernel_for_bisecting)
{
    lsq_cpu cpu;
    lsq_cpu_detect(&cpu);
    for (size_t k = 0; k < lsq_kernels_count; k++) {
        const lsq_kernel *kernel = &lsq_kernels[k];
        setenv("LSQ_KERNEL", kernel->name, 1);
        json_t *json = made_with((lsq_context_options){0}), *entry;
        size_t i;
        ck_assert_int_eq(noted(json, "LSQ_KERNEL"), !lsq_kernel_runs(&cpu, kernel));
        json_array_foreach(json_object_get(json, "products"), i, entry)
        {
            int chosen = lsq_kernel_runs(&cpu, kernel) &&
                         lsq_kernel_find(json_string_value(json_object_get(entry, "default"))) != kernel &&
                         !strcmp(json_string_value(json_object_get(entry, "op")), lsq_op_names[kernel->op]) &&
                         !strcmp(json_string_value(json_object_get(entry, "codec")), lsq_family_names[kernel->codec]) &&
                         !strcmp(json_string_value(json_object_get(entry, "act")), lsq_act_names[kernel->act]);
            const char *where;
            json_t *name;
            ck_assert_uint_eq(json_object_size(json_object_get(entry, "instead")),
                              chosen ? CLASSES * BATCHES * CREWS : 0);
            json_object_foreach(json_object_get(entry, "instead"), where, name)
                ck_assert_str_eq(json_string_value(name), kernel->name);
        }
        json_decref(json);
        json = made_with((lsq_context_options){.kernel = "gemv_p4_i8_scalar_r1"}); /* options win */
        ck_assert(!noted(json, NULL));
        json_decref(json);
    }
}
END_TEST

START_TEST(what_stays_zero)
{
    json_t *json = made_with((lsq_context_options){0});
    ck_assert_int_eq(integer_of(json, "threads"), 1);
    ck_assert_str_eq(json_string_value(json_object_get(json, "activation")), "int");
    ck_assert_str_eq(json_string_value(json_object_get(json, "schema")), "lsq.context/1");
    ck_assert_str_eq(json_string_value(json_object_get(json, "library")), lsq_version());
    ck_assert(json_is_object(json_object_get(json, "cpu")) && json_is_array(json_object_get(json, "tune_files")));
    json_decref(json);
    json = made_with((lsq_context_options){.activation = LSQ_ACT_FLOAT});
    ck_assert_str_eq(json_string_value(json_object_get(json, "activation")), "float");
    json_decref(json);
}
END_TEST

/* Makes a context with this count in the options, without an error even if the environment is strict. */
static void expect_threads(unsigned option, json_int_t threads, const char *start_of_note)
{
    setenv("LSQ_STRICT", "1", 1);
    json_t *json = made_with((lsq_context_options){.threads = option});
    const char *omp = getenv("OMP_NUM_THREADS"), *ours = getenv("LSQ_NUM_THREADS");
    EXPECT(integer_of(json, "threads") == threads, "option %u, ours %s, OpenMP's %s: %d threads", option, ours, omp,
           (int)integer_of(json, "threads"));
    EXPECT(!start_of_note == !noted(json, NULL) && noted(json, start_of_note) == !!start_of_note,
           "option %u, ours %s, OpenMP's %s: the note", option, ours, omp);
    json_decref(json);
    unsetenv("LSQ_STRICT");
}

/* What the environment may have here: 4096 at most, which is more than the machines of these tests have. */
static json_int_t most_threads(void)
{
    const json_int_t allowed = lsq_processors_allowed(), quota = (json_int_t)lsq_processors_quota("");
    const json_int_t whole = quota == 0 ? allowed : quota < 1000 ? 1 : quota / 1000;
    return whole < allowed ? whole : allowed;
}

START_TEST(threads_of_options)
{
    static const unsigned counts[] = {1, 2, 3, 64, 4096};
    setenv("LSQ_NUM_THREADS", "7", 1);
    for (size_t i = 0; i < COUNT(counts); i++)
        expect_threads(counts[i], counts[i], NULL);
    json_t *json = made_with((lsq_context_options){.threads = 4097});
    ck_assert_int_eq(integer_of(json, "threads"), 4096);
    ck_assert(noted(json, "threads: 4096 of 4097"));
    json_decref(json);
}
END_TEST

START_TEST(threads_of_the_environment)
{
    static const char *const lists[] = {"4096", "4096,2", " 4096 , 2", "4096,", "4096,x", "1048576"};
    static const char *const bad[] = {"",    ",2",  "x",   "0",       "-1",
                                      "0,4", "1e3", "4 4", "1048577", "4;2",
                                      "+4",  "0x4", "4.",  " ",       "99999999999999999999999999"};
    const json_int_t most = most_threads();
    expect_threads(0, 1, NULL);
    expect_threads(LSQ_THREADS_ALL, most, NULL);
    setenv("LSQ_NUM_THREADS", "1", 1);
    setenv("OMP_NUM_THREADS", "4096", 1); /* not looked at */
    expect_threads(0, 1, NULL);
    expect_threads(LSQ_THREADS_ALL, 1, NULL);
    setenv("LSQ_NUM_THREADS", "4096", 1);
    expect_threads(0, most, "LSQ_NUM_THREADS: ");
    setenv("LSQ_NUM_THREADS", "", 1);
    for (size_t i = 0; i < COUNT(lists); i++) {
        setenv("OMP_NUM_THREADS", lists[i], 1);
        expect_threads(0, most, "OMP_NUM_THREADS: ");
        expect_threads(LSQ_THREADS_ALL, most, "OMP_NUM_THREADS: ");
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        setenv("OMP_NUM_THREADS", bad[i], 1);
        expect_threads(0, 1, *bad[i] ? "OMP_NUM_THREADS: '" : NULL);
        expect_threads(LSQ_THREADS_ALL, most, *bad[i] ? "OMP_NUM_THREADS: '" : NULL);
    }
}
END_TEST

START_TEST(threads_of_the_affinity_mask)
{
    cpu_set_t before, one;
    int cpu = 0;
    ck_assert_int_eq(sched_getaffinity(0, sizeof(before), &before), 0);
    while (!CPU_ISSET(cpu, &before))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
    setenv("LSQ_NUM_THREADS", "3", 1);
    expect_threads(0, 1, "LSQ_NUM_THREADS: 1 of 3 threads");
    expect_threads(3, 3, NULL);
    unsetenv("LSQ_NUM_THREADS");
    expect_threads(LSQ_THREADS_ALL, 1, NULL);
    setenv("LSQ_NUM_THREADS", "1", 1);
    expect_threads(0, 1, NULL);
    ck_assert_int_eq(sched_setaffinity(0, sizeof(before), &before), 0);
}
END_TEST

START_TEST(describe_like_snprintf)
{
    lsq_context *ctx = NULL;
    OK(lsq_context_new(NULL, &ctx, NULL));
    size_t length = lsq_describe(ctx, NULL, 0);
    char *whole = memory(length + 1), *part = memory(length + 16);
    ck_assert_uint_eq(lsq_describe(ctx, whole, length + 1), length);
    ck_assert_uint_eq(strlen(whole), length);
    for (size_t size = 0; size <= length + 8; size += size < 9 || size + 9 > length ? 1 : 57) {
        size_t kept = size == 0 ? 0 : size - 1 < length ? size - 1 : length;
        memset(part, '#', length + 16);
        EXPECT(lsq_describe(ctx, part, size) == length, "size %zu", size);
        EXPECT(!memcmp(part, whole, kept) && (size == 0 || part[kept] == '\0'), "size %zu", size);
        for (size_t i = kept + (size > 0); i < length + 16; i++)
            EXPECT(part[i] == '#', "size %zu: byte %zu was written", size, i);
    }
    free(whole);
    free(part);
    lsq_context_free(ctx);
    json_decref(description_of(NULL)); /* the default one */
    lsq_context_free(NULL);
}
END_TEST

START_TEST(wrong_options)
{
    lsq_context *ctx = NULL;
    lsq_context_options options = {0};
    lsq_error err = {0};
    REFUSED(lsq_context_new(&options, &ctx, &err)); /* size 0 */
    ck_assert_msg(strstr(err.text, "size") != NULL, "%s", err.text);
    options.size = sizeof(options) + 1;
    REFUSED(lsq_context_new(&options, &ctx, NULL));
    options.size = sizeof(options);
    options.activation = 2;
    REFUSED(lsq_context_new(&options, &ctx, NULL));
    options.activation = -1;
    REFUSED(lsq_context_new(&options, &ctx, NULL));
    ck_assert_ptr_null(ctx);
    /* The options of an older program end earlier: what lies behind is not looked at. */
    options.size = offsetof(lsq_context_options, activation);
    OK(lsq_context_new(&options, &ctx, NULL));
    lsq_context_free(ctx);
}
END_TEST

START_TEST(errno_stays)
{
    lsq_context *ctx = NULL;
    setenv("LSQ_NUM_THREADS", "2", 1);
    setenv("LSQ_TUNE_FILE", "/nonexistent/tune.json", 1);
    errno = 77;
    OK(lsq_context_new(NULL, &ctx, NULL));
    ck_assert_int_eq(errno, 77);
    lsq_context_free(ctx);
    ck_assert_int_eq(errno, 77);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("context");
    TCase *tests = new_case(suite, "context");
    tcase_add_checked_fixture(tests, clear_environment, clear_environment);
    tcase_add_test(tests, cap_by_option_and_by_environment);
    tcase_add_test(tests, unusable_settings);
    tcase_add_test(tests, one_kernel_for_bisecting);
    tcase_add_test(tests, what_stays_zero);
    tcase_add_test(tests, threads_of_options);
    tcase_add_test(tests, threads_of_the_environment);
    tcase_add_test(tests, threads_of_the_affinity_mask);
    tcase_add_test(tests, describe_like_snprintf);
    tcase_add_test(tests, wrong_options);
    tcase_add_test(tests, errno_stays);
    return run_suite(suite);
}
