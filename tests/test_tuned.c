/*
 * test_tuned.c - a tune file changes speed, never results: products, decoding and encoding with every kernel and every legal value of
 * every tunable in every place, and with files that are damaged.
 */
#include "dispatch/context.h"
#include "dispatch/weights.h"
#include "tests/core_sample.h"
#include "tests/emulated.h"
#include "tests/tune_sample.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

static lsq_cpu own;
static char path[] = "/tmp/lsq-tuned-XXXXXX";

static void make_file(void)
{
    lsq_cpu_detect(&own);
    const int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    close(file);
}

static void drop_file(void)
{
    ck_assert_int_eq(unlink(path), 0);
    memcpy(strrchr(path, '-') + 1, "XXXXXX", 6);
}

/* ---- A product of each place ---- */

/* One matrix for each size class: caches of the context are set to their sizes, or the last class would take a gigabyte. */
enum { M = 100, MOST_K = 1024, MOST_N = 33 };
static const size_t widths[CLASSES] = {40, 128, 512, MOST_K};
static const size_t columns[] = {1, 2, 15, 16, MOST_N};

typedef struct subject {
    lsq_format format;
    uint8_t *packed[CLASSES];
    lsq_weights *w[CLASSES];
} subject;

static float numbers[MOST_K * MOST_N], matrix[M * MOST_K];

static subject make_subject(const char *format)
{
    subject s = {.format = format_named(format)};
    fill_bell(7, numbers, COUNT(numbers));
    for (size_t c = 0; c < CLASSES; c++) {
        size_t bytes;
        s.packed[c] = random_packed(s.format, M, widths[c], c, s.format.scale == LSQ_SCALE_NONE ? 1.0f : 0.01f, &bytes);
        s.w[c] = wrap(s.format, M, widths[c], s.packed[c], bytes);
    }
    return s;
}

static void drop_subject(subject *s)
{
    for (size_t c = 0; c < CLASSES; c++) {
        lsq_weights_free(s->w[c]);
        free(s->packed[c]);
    }
}

static lsq_context *context_with(const subject *s, const char *tune_file, unsigned threads, lsq_activation activation)
{
    const lsq_context_options options = {
        .size = sizeof(options), .tune_file = tune_file, .threads = threads, .activation = (int)activation};
    lsq_context *ctx = NULL;
    OK(lsq_context_new(&options, &ctx, NULL));
    ctx->cpu.l1d = s->w[CLASS_l1]->geometry.bytes;
    ctx->cpu.l2 = s->w[CLASS_l2]->geometry.bytes;
    ctx->cpu.l3 = s->w[CLASS_l3]->geometry.bytes;
    return ctx;
}

static void multiply(const lsq_context *ctx, const lsq_weights *w, lsq_transpose trans, size_t n, float *out)
{
    const size_t rows = trans == LSQ_TRANS ? w->k : w->m, inner = trans == LSQ_TRANS ? w->m : w->k;
    OK(lsq_sgemm(ctx, LSQ_COL_MAJOR, trans, LSQ_NO_TRANS, n, 1, w, numbers, inner, 0, out, rows));
}

/* Is each element within the bound of lsq.h of the product in double precision? */
static void expect_bound(const lsq_weights *w, lsq_transpose trans, size_t n, const float *out)
{
    const size_t rows = trans == LSQ_TRANS ? w->k : w->m, inner = trans == LSQ_TRANS ? w->m : w->k;
    for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < rows; i++) {
            double sum = 0, magnitude = 0;
            for (size_t l = 0; l < inner; l++) {
                const double term =
                    (double)matrix[trans == LSQ_TRANS ? l * w->k + i : i * w->k + l] * (double)numbers[j * inner + l];
                sum += term;
                magnitude += fabs(term);
            }
            EXPECT(fabs((double)out[j * rows + i] - sum) <= ((double)inner / 4 + 64) * 0x1p-24 * magnitude,
                   "element (%zu, %zu) of %zu columns", i, j, n);
        }
}

/* All products of a context are those of `plain`, bit for bit, or exact within the bound. */
static void expect_results(const subject *s, const lsq_context *ctx, const lsq_context *plain, const char *what)
{
    static float expected[M * MOST_K], found[M * MOST_K]; /* of 33 columns at most: fewer than M */
    for (size_t c = 0; c < CLASSES; c++) {
        const lsq_weights *w = s->w[c];
        ck_assert_int_eq(lsq_size_class(&ctx->cpu, w->geometry.bytes), (int)c);
        OK(lsq_dequantize(plain, w, 0, M, matrix, w->k));
        OK(lsq_dequantize(ctx, w, 0, M, expected, w->k));
        EXPECT(!memcmp(matrix, expected, M * w->k * sizeof(float)), "%s: decoding", what);
        for (size_t i = 0; i < 2 * COUNT(columns); i++) {
            const lsq_transpose trans = i % 2 ? LSQ_TRANS : LSQ_NO_TRANS;
            const size_t n = columns[i / 2], rows = trans == LSQ_TRANS ? w->k : w->m;
            multiply(ctx, w, trans, n, found);
            if (ctx->activation == LSQ_ACT_FLOAT) {
                if (c == CLASS_l1 || n <= 2) /* the others would take double precision a while */
                    expect_bound(w, trans, n, found);
                continue;
            }
            multiply(plain, w, trans, n, expected);
            EXPECT(!memcmp(expected, found, rows * n * sizeof(float)), "%s: %s, %zu columns, %s", what,
                   lsq_class_names[c], n, trans == LSQ_TRANS ? "transposed" : "as it is");
        }
    }
}

/* ---- Files that say something of every place ---- */

/* The i-th of the rows of a kind that this CPU can run, round and round. */
static const lsq_kernel *nth_kernel(const lsq_kernel *head, size_t i)
{
    const lsq_kernel *runs[64];
    size_t count = 0;
    for (const lsq_kernel *row = head; row < lsq_kernels + lsq_kernels_count && row->op == head->op &&
                                       row->codec == head->codec && row->act == head->act;
         row++)
        if (lsq_kernel_runs(&own, row) && count < COUNT(runs))
            runs[count++] = row;
    return runs[i % count];
}

static uint32_t nth_legal(unsigned tunable, size_t i)
{
    size_t count = 0;
    while (lsq_tunable_legal(tunable, count))
        count++;
    return *lsq_tunable_legal(tunable, i % count);
}

/* In round r place p of each kind has kernel r + p and values r + p, each round and round: after enough rounds each place had each. */
static void write_mixture(size_t round)
{
    enum { PLACES = CLASSES * BATCHES * CREWS };
    lsq_tune tune = {0};
    tune.entries = memory(OPS * CODECS * ACTS * PLACES * sizeof(*tune.entries));
    for (unsigned i = 0; i < OPS * CODECS * ACTS; i++) {
        const unsigned op = i / (CODECS * ACTS);
        const lsq_kernel *head = lsq_kernel_reference(op, i / ACTS % CODECS, i % ACTS);
        for (size_t p = 0; head && p < PLACES; p++) {
            lsq_tune_entry *entry = &tune.entries[tune.count++];
            *entry = (lsq_tune_entry){
                .kernel = nth_kernel(head, round + p),
                .tunables = lsq_tunables_default,
                .where = {(int)p / (BATCHES * CREWS), (int)p / CREWS % BATCHES, (int)p % CREWS},
                .ns = 1,
                .default_ns = 2,
            };
            for (unsigned t = 0; t < TUNABLES; t++)
                if (lsq_tunable_ops[t] == op)
                    entry->tunables.value[t] = nth_legal(t, round + p);
        }
    }
    OK(lsq_tune_write(path, &own, &tune, NULL));
    free(tune.entries);
}

/* So many rounds that every row and every value has had its turn. */
static size_t rounds(void)
{
    size_t most = 1;
    for (const lsq_kernel *row = lsq_kernels; row < lsq_kernels + lsq_kernels_count; row++) {
        const lsq_kernel *head = lsq_kernel_reference(row->op, row->codec, row->act);
        most = (size_t)(row - head) + 1 > most ? (size_t)(row - head) + 1 : most;
    }
    for (unsigned t = 0; t < TUNABLES; t++)
        while (lsq_tunable_legal(t, most))
            most++;
    return most;
}

static const char *const formats[] = {"s4", "c3.none", "s8", "t2.nib16", "t5.st64.nib32"};

static void results_stay(const char *format, lsq_activation activation)
{
    subject s = make_subject(format);
    lsq_context *plain = context_with(&s, "none", 1, activation);
    for (size_t round = 0; round < rounds(); round += emulated() ? 3 : 1) { /* there some of them */
        write_mixture(round);
        for (unsigned threads = 1; threads <= 2; threads++) {
            char what[80];
            snprintf(what, sizeof(what), "%s, round %zu, %u threads", format, round, threads);
            lsq_context *ctx = context_with(&s, path, threads, activation);
            ck_assert_int_ne(lsq_context_choice(ctx, OP_gemv, CODEC_p4, ACT_i8, 0, 1)->reason, REASON_default);
            expect_results(&s, ctx, plain, what);
            lsq_context_free(ctx);
        }
    }
    lsq_context_free(plain);
    drop_subject(&s);
}

START_TEST(integers_stay_bit_for_bit)
{
    results_stay(formats[_i], LSQ_ACT_INT);
}
END_TEST

START_TEST(floats_stay_within_the_bound)
{
    results_stay(formats[_i], LSQ_ACT_FLOAT);
}
END_TEST

/* Encoders are choices too. */
START_TEST(encoding_stays)
{
    const lsq_format format = format_named(formats[_i]);
    enum { ROWS = 20, K = 100 };
    lsq_context *plain = NULL, *ctx = NULL;
    lsq_weights *expected = NULL, *found = NULL;
    lsq_context_options options = {.size = sizeof(options), .tune_file = "none"};
    size_t bytes;
    fill_bell(11, matrix, ROWS * K);
    OK(lsq_context_new(&options, &plain, NULL));
    OK(lsq_quantize(plain, &format, ROWS, K, matrix, K, NULL, &expected, NULL));
    OK(lsq_packed_bytes(&format, ROWS, K, &bytes));
    options.tune_file = path;
    for (size_t round = 0; round < rounds(); round++) {
        write_mixture(round);
        OK(lsq_context_new(&options, &ctx, NULL));
        OK(lsq_quantize(ctx, &format, ROWS, K, matrix, K, NULL, &found, NULL));
        ck_assert(!memcmp(lsq_weights_packed(expected), lsq_weights_packed(found), bytes));
        lsq_weights_free(found);
        lsq_context_free(ctx);
    }
    lsq_weights_free(expected);
    lsq_context_free(plain);
}
END_TEST

/* ---- Damage ---- */

static void put(const char *text, size_t size)
{
    FILE *file = fopen(path, "wb");
    ck_assert(file && fwrite(text, 1, size, file) == size && !fclose(file));
}

/* With a file that is cut, or has a bit flipped, contexts choose as if there were none, and multiply so. */
START_TEST(damage_changes_nothing)
{
    subject s = make_subject("s4");
    lsq_context *plain = context_with(&s, "none", 1, LSQ_ACT_INT);
    const lsq_weights *w = s.w[CLASS_l2];
    float expected[M], found[M];
    const lsq_kernel *head = lsq_kernel_reference(OP_gemv, CODEC_p4, ACT_i8);
    lsq_tune_entry entry = {
        .kernel = head, .tunables = lsq_tunables_default, .where = {LSQ_ANY, LSQ_ANY, LSQ_ANY}, .ns = 5};
    char *text;
    OK(lsq_tune_format(&own, &(lsq_tune){.entries = &entry, .count = 1}, &text, NULL));
    const size_t size = strlen(text);
    multiply(plain, w, LSQ_NO_TRANS, 1, expected);
    for (size_t i = 0; i <= 2 * size; i++) { /* the last is whole */
        const size_t at = i / 2;
        if (i % 2) {
            text[at] ^= (char)(1 << at % 8);
            put(text, size);
            text[at] ^= (char)(1 << at % 8);
        } else {
            put(text, at);
        }
        lsq_context *ctx = context_with(&s, path, 1, LSQ_ACT_INT);
        EXPECT(lsq_context_choice(ctx, OP_gemv, CODEC_p4, ACT_i8, 0, 1)->reason ==
                   (at == size ? REASON_tuned : REASON_default),
               "%s %zu", i % 2 ? "a bit of byte" : "cut to", at);
        EXPECT(json_array_size(ctx->notes) == (at != size), "%zu warnings", json_array_size(ctx->notes));
        multiply(ctx, w, LSQ_NO_TRANS, 1, found);
        EXPECT(!memcmp(expected, found, sizeof(found)), "%s %zu", i % 2 ? "a bit of byte" : "cut to", at);
        lsq_context_free(ctx);
    }
    free(text);
    lsq_context_free(plain);
    drop_subject(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tuned");
    TCase *tests = new_case(suite, "results");
    tcase_add_checked_fixture(tests, make_file, drop_file);
    tcase_add_loop_test(tests, integers_stay_bit_for_bit, 0, COUNT(formats));
    tcase_add_loop_test(tests, floats_stay_within_the_bound, 0, COUNT(formats));
    tcase_add_loop_test(tests, encoding_stays, 0, COUNT(formats));
    tcase_add_test(tests, damage_changes_nothing);
    return run_suite(suite);
}
