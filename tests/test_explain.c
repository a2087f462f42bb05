/*
 * test_explain.c - what lsq_describe_product() says of a product is what happens when it runs.
 */
#include "dispatch/context.h"
#include "tests/core_sample.h"
#include "tests/tune_sample.h"

#include <errno.h>
#include <unistd.h>

static json_t *explanation_of(const lsq_context *ctx, const char *format, size_t m, size_t k, lsq_transpose trans,
                              size_t n)
{
    const lsq_format f = format_named(format);
    const size_t length = lsq_describe_product(ctx, &f, m, k, trans, n, NULL, 0);
    char *text = memory(length + 1);
    json_error_t error;
    EXPECT(length > 0, "%s: nothing is said of it", format);
    EXPECT(lsq_describe_product(ctx, &f, m, k, trans, n, text, length + 1) == length, "%s: another length", format);
    json_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    EXPECT(json != NULL, "%s in %s", error.text, text);
    free(text);
    return json;
}

static const char *word(const json_t *json, const char *key)
{
    const char *value = json_string_value(json_object_get(json, key));
    EXPECT(value != NULL, "no \"%s\"", key);
    return value;
}

static size_t number(const json_t *json, const char *key)
{
    const json_t *value = json_object_get(json, key);
    EXPECT(json_is_integer(value) && json_integer_value(value) >= 0, "no number \"%s\"", key);
    return (size_t)json_integer_value(value);
}

static const json_t *step_of(const json_t *json, size_t i)
{
    return json_array_get(json_object_get(json, "kernels"), i);
}

/* The ops of its kernels, in the order in which they run. */
static void expect_steps(const json_t *json, const char *ops)
{
    char found[64] = "";
    size_t i;
    json_t *step;
    json_array_foreach(json_object_get(json, "kernels"), i, step)
        snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s%s", i ? " " : "", word(step, "op"));
    EXPECT(!strcmp(found, ops), "%s: %s, not %s", word(json, "format"), found, ops);
}

static lsq_context *context_with(lsq_context_options options)
{
    lsq_context *ctx = NULL;
    options.size = sizeof(options);
    options.tune_file = options.tune_file ? options.tune_file : "none";
    OK(lsq_context_new(&options, &ctx, NULL));
    return ctx;
}

START_TEST(products_are_named)
{
    lsq_context *ctx = context_with((lsq_context_options){0});
    const lsq_format format = format_named("s4");
    size_t bytes;
    OK(lsq_packed_bytes(&format, 100, 300, &bytes));
    json_t *json = explanation_of(ctx, "s4", 100, 300, LSQ_NO_TRANS, 7);
    ck_assert_str_eq(word(json, "schema"), "lsq.product/1");
    ck_assert_str_eq(word(json, "format"), "s4");
    ck_assert(number(json, "m") == 100 && number(json, "k") == 300 && number(json, "n") == 7);
    ck_assert(json_is_false(json_object_get(json, "transposed")));
    ck_assert_uint_eq(number(json, "bytes"), bytes);
    ck_assert_str_eq(word(json, "class"), lsq_class_names[lsq_size_class(&ctx->cpu, bytes)]);
    ck_assert_str_eq(word(json, "batch"), "few");
    ck_assert(number(json, "threads") == 1 && number(json, "threads_allowed") == 1);
    ck_assert(json_is_array(json_object_get(json, "tune_files")));
    json_decref(json);
    json = explanation_of(NULL, "t4.st64.nib32", 1, 1, LSQ_TRANS, 16); /* the default context */
    ck_assert(json_is_true(json_object_get(json, "transposed")));
    ck_assert_str_eq(word(json, "batch"), "many");
    json_decref(json);
    lsq_context_free(ctx);
}
END_TEST

/* Transposed, straight from the codes: where there is a kernel for it on the level of the others, of trellises with few columns. */
static int goes_straight(const lsq_context *ctx, const char *format, size_t n)
{
    const lsq_format f = format_named(format);
    if ((f.codec == LSQ_TRELLIS && n >= 8) || f.bits > 6 || ctx->activation == LSQ_ACT_FLOAT)
        return 0;
    return lsq_kernel_default(&ctx->cpu, OP_gemvt, lsq_family_of(&f), ACT_i8)->isa >=
           lsq_kernel_default(&ctx->cpu, OP_gemvt, CODEC_e8, ACT_i8)->isa;
}

/* Each way and its kernels, of integers and floats, narrow codes and wide ones. */
START_TEST(ways_have_their_kernels)
{
    static const char *const formats[] = {"s2", "s4", "c5", "s8", "t1", "t6", "b1"};
    static const size_t counts[] = {1, 2, 3, 4, 7, 8, 16, 700};
    for (int activation = LSQ_ACT_INT; activation <= LSQ_ACT_FLOAT; activation++) {
        lsq_context *ctx = context_with((lsq_context_options){.activation = activation});
        for (size_t i = 0; i < COUNT(formats) * COUNT(counts); i++) {
            const char *format = formats[i % COUNT(formats)];
            const size_t n = counts[i / COUNT(formats)];
            json_t *json = explanation_of(ctx, format, 64, 64, LSQ_NO_TRANS, n);
            const int expanded = n > 1 && n >= number(json, "expand_from"),
                      together = n > 1 && n >= number(json, "together_from");
            const char *way = expanded ? "columns" : together ? "direct" : "vectors";
            EXPECT(!strcmp(word(json, "way"), way), "%s, %zu columns: %s", format, n, word(json, "way"));
            EXPECT(number(json, "columns_at_once") == (!together ? 1
                                                       : n < 256 ? n
                                                                 : 256),
                   "%s, %zu columns", format, n);
            if (activation == LSQ_ACT_FLOAT)
                expect_steps(json, expanded ? "decode gemm" : "gemv");
            else
                expect_steps(json, expanded ? "round expand gemm" : together ? "round gemm" : "round gemv");
            EXPECT(!strcmp(word(json, "activation"), activation == LSQ_ACT_FLOAT ? "f32"
                                                     : format[1] > '6'           ? "i16"
                                                                                 : "i8"),
                   "%s", format);
            json_decref(json);
            json = explanation_of(ctx, format, 64, 64, LSQ_TRANS, n);
            ck_assert_str_eq(word(json, "way"), "transposed");
            expect_steps(json, activation == LSQ_ACT_FLOAT     ? "decode gemvt"
                               : goes_straight(ctx, format, n) ? "gemvt"
                                                               : "expand gemvt");
            ck_assert_uint_eq(number(json, "columns_at_once"), n < 16 ? n : 16);
            json_decref(json);
        }
        lsq_context_free(ctx);
    }
}
END_TEST

/* ---- Threads: the host of a context counts what a product asks it for ---- */

static void count_tasks(void *host, size_t count, void (*task)(void *arg, size_t i), void *arg)
{
    size_t *most = host;
    *most = count > *most ? count : *most;
    for (size_t i = 0; i < count; i++)
        task(arg, i);
}

static void expect_threads(const lsq_context *ctx, size_t *most, const char *name, size_t m, size_t k, size_t n)
{
    const lsq_format format = format_named(name);
    size_t bytes;
    uint8_t *packed = random_packed(format, m, k, 3, 0.01f, &bytes);
    lsq_weights *w = wrap(format, m, k, packed, bytes);
    const size_t longest = m > k ? m : k;
    float *b = memory(longest * n * sizeof(*b)), *c = memory(longest * n * sizeof(*c));
    for (int i = 0; i < 2; i++) {
        const lsq_transpose trans = i ? LSQ_TRANS : LSQ_NO_TRANS;
        *most = 1;
        OK(lsq_sgemm(ctx, LSQ_COL_MAJOR, trans, LSQ_NO_TRANS, n, 1, w, b, i ? m : k, 0, c, i ? k : m));
        json_t *json = explanation_of(ctx, name, m, k, trans, n);
        EXPECT(number(json, "threads") == *most, "%s, %zu x %zu, %zu columns, %s: it runs on %zu threads, not %zu",
               name, m, k, n, word(json, "way"), *most, number(json, "threads"));
        json_decref(json);
    }
    free(b);
    free(c);
    lsq_weights_free(w);
    free(packed);
}

static char path[] = "/tmp/lsq-explain-XXXXXX";

static void make_file(void)
{
    const int file = mkstemp(path);
    ck_assert(file >= 0 && !close(file));
}

static void drop_file(void)
{
    ck_assert_int_eq(unlink(path), 0);
    memcpy(strrchr(path, '-') + 1, "XXXXXX", 6);
}

/* From 16 KiB a thread on there are six, by default from 128 KiB on one. */
START_TEST(threads_are_those_of_the_file)
{
    size_t most;
    lsq_cpu cpu;
    lsq_cpu_detect(&cpu);
    lsq_tune_entry entry = {.kernel = lsq_kernel_reference(OP_gemv, CODEC_p4, ACT_i8),
                            .tunables = lsq_tunables_default,
                            .where = lsq_everywhere};
    entry.tunables.value[TUNABLE_thread_bytes] = 16384;
    OK(lsq_tune_write(path, &cpu, &(lsq_tune){.entries = &entry, .count = 1}, NULL));
    lsq_context *ctx = context_with(
        (lsq_context_options){.threads = 6, .tune_file = path, .parallel_for = count_tasks, .host = &most});
    expect_threads(ctx, &most, "s4", 400, 600, 1);
    json_t *json = explanation_of(ctx, "s4", 400, 600, LSQ_NO_TRANS, 1);
    ck_assert_uint_eq(number(json, "threads"), 6);
    json_decref(json);
    lsq_context_free(ctx);
}
END_TEST

START_TEST(threads_are_those_that_run)
{
    static const char *const formats[] = {"s3", "s4", "s8", "t4"};
    static const size_t sizes[][2] = {{16, 32}, {100, 300}, {1000, 33}, {17, 40000}, {1024, 1024}, {2000, 1500}};
    static const size_t counts[] = {1, 2, 9, 40};
    size_t most;
    for (int activation = LSQ_ACT_INT; activation <= LSQ_ACT_FLOAT; activation++) {
        lsq_context *ctx = context_with(
            (lsq_context_options){.threads = 6, .activation = activation, .parallel_for = count_tasks, .host = &most});
        for (size_t i = 0; i < COUNT(formats) * COUNT(sizes); i++)
            for (size_t j = 0; j < COUNT(counts); j++)
                expect_threads(ctx, &most, formats[i % COUNT(formats)], sizes[i / COUNT(formats)][0],
                               sizes[i / COUNT(formats)][1], counts[j]);
        lsq_set_num_threads_local(2);
        expect_threads(ctx, &most, "s4", 2000, 1500, 1);
        json_t *json = explanation_of(ctx, "s4", 2000, 1500, LSQ_NO_TRANS, 1);
        ck_assert(number(json, "threads") == 2 && number(json, "threads_allowed") == 6);
        json_decref(json);
        lsq_set_num_threads_local(0);
        lsq_context_free(ctx);
    }
}
END_TEST

/* ---- Reasons ---- */

static void expect_step(const json_t *step, const lsq_kernel *kernel, const char *reason)
{
    lsq_cpu cpu;
    lsq_cpu_detect(&cpu);
    ck_assert_str_eq(word(step, "kernel"), kernel->name);
    ck_assert_str_eq(word(step, "reason"), reason);
    if (strcmp(reason, "capped") != 0)
        ck_assert_str_eq(word(step, "default"), lsq_kernel_default(&cpu, kernel->op, kernel->codec, kernel->act)->name);
}

/* A file about one column of weights in this machine's second cache, and about where columns begin to go together. */
static void write_file(const lsq_kernel *kernel)
{
    lsq_cpu cpu;
    lsq_cpu_detect(&cpu);
    lsq_tune_entry entries[] = {
        {.kernel = kernel,
         .tunables = lsq_tunables_default,
         .where = {CLASS_l2, BATCH_one, CREW_one},
         .ns = 80,
         .default_ns = 100},
        {.kernel = lsq_kernel_reference(OP_expand, CODEC_p4, ACT_i8),
         .tunables = lsq_tunables_default,
         .where = {LSQ_ANY, BATCH_few, LSQ_ANY}},
    };
    entries[0].tunables.value[TUNABLE_prefetch] = 1024;
    entries[1].tunables.value[TUNABLE_expand_from] = 4;
    OK(lsq_tune_write(path, &cpu, &(lsq_tune){.entries = entries, .count = COUNT(entries)}, NULL));
}

START_TEST(reasons_are_given)
{
    setenv("LSQ_MAX_ISA", "", 1);
    lsq_cpu cpu;
    lsq_cpu_detect(&cpu);
    const size_t k = 512, m = cpu.l1d * 2 / (k / 2); /* twice the first cache */
    const lsq_kernel *plain = lsq_kernel_reference(OP_gemv, CODEC_p4, ACT_i8),
                     *usual = lsq_kernel_default(&cpu, OP_gemv, CODEC_p4, ACT_i8);
    write_file(plain);
    lsq_context *ctx = context_with((lsq_context_options){.tune_file = path});
    json_t *json = explanation_of(ctx, "s4", m, k, LSQ_NO_TRANS, 1);
    ck_assert_str_eq(word(json, "class"), "l2");
    expect_step(step_of(json, 1), plain, "tuned");
    ck_assert(json_real_value(json_object_get(step_of(json, 1), "speedup")) == 1.25);
    ck_assert_uint_eq(number(json_object_get(step_of(json, 1), "tunables"), "prefetch"), 1024);
    ck_assert_uint_eq(number(json_object_get(step_of(json, 1), "tunables"), "thread_bytes"), 131072);
    ck_assert_uint_eq(json_object_size(json_object_get(step_of(json, 1), "tunables")), 2); /* those of its op */
    ck_assert_str_eq(word(step_of(json, 0), "reason"), "default");
    ck_assert_ptr_null(json_object_get(step_of(json, 0), "speedup"));
    ck_assert_str_eq(word(json_array_get(json_object_get(json, "tune_files"), 0), "result"), "used");
    json_decref(json);
    json = explanation_of(ctx, "s4", m, k, LSQ_NO_TRANS, 4);
    ck_assert_str_eq(word(json, "way"), "columns"); /* by default it would be from 8 on */
    ck_assert_uint_eq(number(json, "expand_from"), 4);
    json_decref(json);
    lsq_context_free(ctx);

    ctx = context_with((lsq_context_options){.tune_file = path, .kernel = usual->name});
    json = explanation_of(ctx, "s4", m, k, LSQ_NO_TRANS, 1);
    expect_step(step_of(json, 1), usual, "forced");
    json_decref(json);
    lsq_context_free(ctx);

    if (usual != plain) {
        write_file(usual);
        ctx = context_with((lsq_context_options){.tune_file = path, .max_isa = "scalar"});
        json = explanation_of(ctx, "s4", m, k, LSQ_NO_TRANS, 1);
        ck_assert_str_eq(word(step_of(json, 1), "reason"), "capped");
        ck_assert_ptr_null(json_object_get(step_of(json, 1), "speedup"));
        json_decref(json);
        lsq_context_free(ctx);
    }
}
END_TEST

/* ---- Its manners ---- */

START_TEST(written_like_snprintf)
{
    const lsq_format format = format_named("s4");
    lsq_context *ctx = context_with((lsq_context_options){0});
    const size_t length = lsq_describe_product(ctx, &format, 5, 7, LSQ_NO_TRANS, 1, NULL, 0);
    char *whole = memory(length + 1), *part = memory(length + 16);
    ck_assert_uint_eq(lsq_describe_product(ctx, &format, 5, 7, LSQ_NO_TRANS, 1, whole, length + 1), length);
    ck_assert_uint_eq(strlen(whole), length);
    for (size_t size = 0; size <= length + 8; size++) {
        const size_t kept = size == 0 ? 0 : size - 1 < length ? size - 1 : length;
        memset(part, '#', length + 16);
        EXPECT(lsq_describe_product(ctx, &format, 5, 7, LSQ_NO_TRANS, 1, part, size) == length, "size %zu", size);
        EXPECT(!memcmp(part, whole, kept) && (size == 0 || part[kept] == '\0'), "size %zu", size);
        for (size_t i = kept + (size > 0); i < length + 16; i++)
            EXPECT(part[i] == '#', "size %zu: byte %zu was written", size, i);
    }
    free(whole);
    free(part);
    lsq_context_free(ctx);
}
END_TEST

START_TEST(nothing_is_said_of_nonsense)
{
    const lsq_format good = format_named("s4"), bad = {.codec = LSQ_TRELLIS, .bits = 9};
    const size_t large = ((size_t)1 << 40) + 1;
    char text[8] = "before";
    lsq_context *ctx = context_with((lsq_context_options){0});
    errno = 77;
    ck_assert_uint_eq(lsq_describe_product(ctx, &bad, 5, 7, LSQ_NO_TRANS, 1, NULL, 0), 0);
    ck_assert_uint_eq(lsq_describe_product(ctx, NULL, 5, 7, LSQ_NO_TRANS, 1, NULL, 0), 0);
    ck_assert_uint_eq(lsq_describe_product(ctx, &good, 0, 7, LSQ_NO_TRANS, 1, NULL, 0), 0);
    ck_assert_uint_eq(lsq_describe_product(ctx, &good, 5, 0, LSQ_NO_TRANS, 1, NULL, 0), 0);
    ck_assert_uint_eq(lsq_describe_product(ctx, &good, large, 7, LSQ_NO_TRANS, 1, NULL, 0), 0);
    ck_assert_uint_eq(lsq_describe_product(ctx, &good, 5, 7, LSQ_NO_TRANS, 0, NULL, 0), 0);
    ck_assert_uint_eq(lsq_describe_product(ctx, &good, 5, 7, LSQ_NO_TRANS, SIZE_MAX, NULL, 0), 0);
    ck_assert_uint_eq(lsq_describe_product(ctx, &good, 5, 7, (lsq_transpose)113, 1, NULL, 0), 0);
    ck_assert_uint_eq(lsq_describe_product(ctx, &good, 5, 7, (lsq_transpose)0, 1, text, sizeof(text)), 0);
    ck_assert_str_eq(text, "");
    ck_assert_int_eq(errno, 77);
    lsq_context_free(ctx);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("explain");
    TCase *tests = new_case(suite, "explain");
    tcase_add_checked_fixture(tests, make_file, drop_file);
    tcase_add_test(tests, products_are_named);
    tcase_add_test(tests, ways_have_their_kernels);
    tcase_add_test(tests, threads_are_those_that_run);
    tcase_add_test(tests, threads_are_those_of_the_file);
    tcase_add_test(tests, reasons_are_given);
    tcase_add_test(tests, written_like_snprintf);
    tcase_add_test(tests, nothing_is_said_of_nonsense);
    return run_suite(suite);
}
