/*
 * test_calibration.c - lsq_quantize() with importance and with inputs: what products gain, what is refused, the same bits everywhere.
 */
#include "tests/core_sample.h"

#include <math.h>

enum { M = 33, K = 104, INPUTS = 256, FACTORS = 20 };

static float w[M * K], gram[K * K];

/* Inputs that are sums of a few things, with a little noise; column 5 is dead. */
static void draw(void)
{
    static float x[INPUTS * K], mix[FACTORS * K];
    number_source s = {7};
    fill_bell(3, w, M * K);
    fill_bell(4, mix, FACTORS * K);
    for (size_t n = 0; n < INPUTS; n++) {
        float part[FACTORS];
        for (size_t f = 0; f < FACTORS; f++)
            part[f] = bell(&s);
        for (size_t c = 0; c < K; c++) {
            x[n * K + c] = 0.2f * bell(&s);
            for (size_t f = 0; f < FACTORS; f++)
                x[n * K + c] += part[f] * mix[f * K + c];
            if (c == 5)
                x[n * K + c] = 0;
        }
    }
    for (size_t i = 0; i < K; i++)
        for (size_t j = 0; j < K; j++) {
            double sum = 0;
            for (size_t n = 0; n < INPUTS; n++)
                sum += (double)x[n * K + i] * (double)x[n * K + j];
            gram[i * K + j] = (float)sum;
        }
}

static lsq_weights *quantised(const lsq_context *ctx, const char *name, const float *importance, size_t ld,
                              const float *of_inputs)
{
    const lsq_quantize_options options = {
        .size = sizeof(options), .importance = importance, .importance_ld = ld, .gram = of_inputs};
    const lsq_format f = format_named(name);
    lsq_weights *q = NULL;
    lsq_error err = {0};
    ck_assert_msg(lsq_quantize(ctx, &f, M, K, w, K, &options, &q, &err) == LSQ_OK, "%s: %s", name, err.text);
    return q;
}

/* The noise of products, in dB below them; frees q. */
static double product_snr(lsq_weights *q, const float *h)
{
    static float decoded[M * K];
    double power[2] = {0};
    OK(lsq_dequantize(NULL, q, 0, M, decoded, K));
    lsq_weights_free(q);
    for (size_t r = 0; r < M; r++)
        for (size_t i = 0; i < K; i++)
            for (size_t j = 0; j < K; j++) {
                const float *v = w + r * K, *d = decoded + r * K;
                power[0] += (double)h[i * K + j] * v[i] * v[j];
                power[1] += (double)h[i * K + j] * ((double)v[i] - d[i]) * ((double)v[j] - d[j]);
            }
    return 10 * log10(power[0] / power[1]);
}

static const char *const names[] = {"s2",       "s3", "s4",     "s4.row",         "c8", "t1", "t2",
                                    "t2.nib32", "t3", "t4.st4", "t4.st64.byte32", "t4", "t6", "b1",
                                    "b1.byte32"};

START_TEST(products_gain)
{
    const double before = product_snr(quantised(NULL, names[_i], NULL, 0, NULL), gram);
    const double after = product_snr(quantised(NULL, names[_i], NULL, 0, gram), gram);
    ck_assert_msg(after > before + 1.5, "%s: %.2f dB, fed back %.2f dB", names[_i], before, after);
}
END_TEST

/* With factors on every second column alone the others may be anything. */
START_TEST(importance_counts)
{
    static float rows[M * (K + 3)], h[K * K];
    for (size_t c = 0; c < K; c++)
        h[c * K + c] = c % 2;
    for (size_t r = 0; r < M; r++)
        for (size_t c = 0; c < K; c++)
            rows[r * (K + 3) + c] = (float)(c % 2);
    const double before = product_snr(quantised(NULL, names[_i], NULL, 0, NULL), h);
    lsq_weights *one = quantised(NULL, names[_i], rows, 0, NULL), *all = quantised(NULL, names[_i], rows, K + 3, NULL);
    const lsq_format f = format_named(names[_i]);
    size_t bytes;
    OK(lsq_packed_bytes(&f, M, K, &bytes));
    ck_assert_mem_eq(lsq_weights_packed(one), lsq_weights_packed(all), bytes);
    lsq_weights_free(all);
    ck_assert_double_gt(product_snr(one, h), before);
}
END_TEST

/* Whatever runs it, and however many threads. */
START_TEST(the_same_bits_everywhere)
{
    const lsq_context_options options[] = {
        {.size = sizeof(options[0]), .threads = 1},
        {.size = sizeof(options[0]), .threads = 3},
        {.size = sizeof(options[0]), .threads = 1, .max_isa = "scalar"},
    };
    const lsq_format f = format_named(names[_i]);
    lsq_weights *first = NULL;
    size_t bytes;
    OK(lsq_packed_bytes(&f, M, K, &bytes));
    for (size_t i = 0; i < COUNT(options); i++) {
        lsq_context *ctx;
        OK(lsq_context_new(&options[i], &ctx, NULL));
        lsq_weights *q = quantised(ctx, names[_i], NULL, 0, gram);
        if (first)
            ck_assert_mem_eq(lsq_weights_packed(first), lsq_weights_packed(q), bytes);
        else
            first = q;
        if (first != q)
            lsq_weights_free(q);
        lsq_context_free(ctx);
    }
    lsq_weights_free(first);
}
END_TEST

/* Independent inputs of one size, or none at all, leave everything as it was. */
START_TEST(nothing_to_learn)
{
    static float h[K * K];
    const lsq_format f = format_named(names[_i]);
    size_t bytes;
    OK(lsq_packed_bytes(&f, M, K, &bytes));
    lsq_weights *plain = quantised(NULL, names[_i], NULL, 0, NULL);
    lsq_weights *silent = quantised(NULL, names[_i], NULL, 0, h);
    ck_assert_mem_eq(lsq_weights_packed(plain), lsq_weights_packed(silent), bytes);
    lsq_weights_free(silent);
    for (size_t c = 0; c < K; c++)
        h[c * K + c] = 3;
    lsq_weights *even = quantised(NULL, names[_i], NULL, 0, h);
    const double snr = product_snr(plain, h);
    ck_assert_double_eq_tol(product_snr(even, h), snr, 0.2);
}
END_TEST

static void refused(const lsq_quantize_options *options, lsq_status status, const char *named)
{
    const lsq_format f = format_named("s4");
    lsq_weights *q = NULL;
    lsq_error err = {0};
    ck_assert_int_eq(lsq_quantize(NULL, &f, M, K, w, K, options, &q, &err), status);
    ck_assert_msg(strstr(err.text, named) != NULL, "%s", err.text);
    ck_assert_ptr_null(q);
}

START_TEST(what_is_refused)
{
    static float factors[M * K], h[K * K];
    const float bad[] = {-1, NAN, INFINITY, 1e30f};
    for (size_t i = 0; i < COUNT(bad); i++) {
        factors[2 * K + 7] = bad[i];
        const lsq_quantize_options o = {.size = sizeof(o), .importance = factors, .importance_ld = K};
        refused(&o, LSQ_E_VALUE, "importance (2, 7)");
        const lsq_quantize_options one = {.size = sizeof(o), .importance = factors + 2 * K};
        refused(&one, LSQ_E_VALUE, "importance (0, 7)");
    }
    const lsq_quantize_options narrow = {.size = sizeof(narrow), .importance = factors, .importance_ld = K - 1};
    refused(&narrow, LSQ_E_ARGUMENT, "importance_ld");
    const lsq_quantize_options o = {.size = sizeof(o), .gram = h};
    h[3 * K + 3] = -1;
    refused(&o, LSQ_E_VALUE, "gram (3, 3)");
    h[3 * K + 3] = 1;
    h[3 * K + 9] = NAN;
    refused(&o, LSQ_E_VALUE, "gram (3, 9)");
    h[3 * K + 9] = 5;
    refused(&o, LSQ_E_VALUE, "not positive semidefinite");
}
END_TEST

START_TEST(too_many_columns)
{
    enum { MANY = 16385 };
    float *row = memory(MANY * sizeof(*row));
    const lsq_quantize_options o = {.size = sizeof(o), .gram = row}; /* not looked at */
    const lsq_format f = format_named("s4");
    lsq_weights *q = NULL;
    memset(row, 0, MANY * sizeof(*row));
    ck_assert_int_eq(lsq_quantize(NULL, &f, 1, MANY, row, MANY, &o, &q, NULL), LSQ_E_LIMIT);
    ck_assert_ptr_null(q);
    free(row);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("calibration");
    TCase *all = new_case(suite, "all");
    tcase_add_checked_fixture(all, draw, NULL);
    tcase_add_loop_test(all, products_gain, 0, COUNT(names));
    tcase_add_loop_test(all, importance_counts, 0, COUNT(names));
    tcase_add_loop_test(all, the_same_bits_everywhere, 0, COUNT(names));
    tcase_add_loop_test(all, nothing_to_learn, 0, COUNT(names));
    tcase_add_test(all, what_is_refused);
    tcase_add_test(all, too_many_columns);
    return run_suite(suite);
}
