/*
 * test_pick_outliers.c - when lsq_quantize() keeps weights apart, and that it pays.
 */
#include "tests/naive_outliers.h"

/* Numbers with heavy tails: bell numbers, some of them much larger. */
static void fill_heavy(float *w, size_t n)
{
    number_source s = {21};
    for (size_t i = 0; i < n; i++)
        w[i] = bell(&s) * (next_u32(&s) % 64 == 0 ? 6.0f : 1.0f);
}

typedef struct result {
    double error, bits; /* sum of squares; everything counted */
    size_t count;
} result;

static result quantised(const char *name, size_t m, size_t k, const float *w, double share, lsq_weights **weights)
{
    const lsq_format f = format_named(name);
    const lsq_quantize_options options = {.size = sizeof(options), .outliers = share};
    result r = {0, 0, 0};
    size_t bytes, outlier_bytes;
    float *decoded = memory(m * k * sizeof(float));
    OK(lsq_quantize(NULL, &f, m, k, w, k, &options, weights, NULL));
    OK(lsq_dequantize(NULL, *weights, 0, m, decoded, k));
    OK(lsq_packed_bytes(&f, m, k, &bytes));
    const void *outliers = lsq_weights_outliers(*weights, &outlier_bytes, &r.count);
    ck_assert((outliers != NULL) == (r.count > 0) && (outlier_bytes > 0) == (r.count > 0));
    for (size_t i = 0; i < m * k; i++)
        r.error += ((double)w[i] - decoded[i]) * ((double)w[i] - decoded[i]);
    r.bits = 8.0 * (double)(bytes + outlier_bytes);
    free(decoded);
    return r;
}

/* Better at equal bits, 6.02 dB a bit, by at least `gain` dB; the bytes are the documented ones, and fewer if fewer are allowed. */
START_TEST(heavy_tails_have_outliers)
{
    static const struct {
        const char *name;
        double gain;
    } rows[] = {{"s4", 0.4},   {"t4.nib32", 0.2}, {"t2.nib32", 0.2}, {"t1.nib32", 0.1},
                {"s4.row", 1}, {"s8.row", 1},     {"c6", 0.5},       {"s9", 0.4},
                {"t6", 0.05},  {"s3.tensor", 0},  {"b1", 0.3},       {"b1.byte32", 0.1}};
    enum { ROWS = 48, COLUMNS = 523 };
    static float w[ROWS * COLUMNS], sparse[ROWS * COLUMNS];
    lsq_weights *without, *with, *again, *fewer;
    fill_heavy(w, ROWS * COLUMNS);
    const char *name = rows[_i].name;
    const result a = quantised(name, ROWS, COLUMNS, w, 0, &without), b = quantised(name, ROWS, COLUMNS, w, 0.01, &with),
                 c = quantised(name, ROWS, COLUMNS, w, 0.01, &again),
                 d = quantised(name, ROWS, COLUMNS, w, 0.001, &fewer);
    const double gain = 10 * log10(a.error / b.error) - 6.0206 * (b.bits - a.bits) / (ROWS * COLUMNS);
    ck_assert_uint_eq(a.count, 0);
    ck_assert_uint_le(b.count, ROWS * COLUMNS / 100);
    ck_assert_uint_le(d.count, ROWS * COLUMNS / 1000);
    ck_assert_msg(gain >= rows[_i].gain, "%s: %zu outliers gain %g dB", name, b.count, gain);
    if (b.count) {
        size_t bytes;
        ck_assert_uint_eq(read_outliers(lsq_weights_outliers(with, &bytes, NULL), sparse, ROWS * COLUMNS), b.count);
        ck_assert(!memcmp(lsq_weights_outliers(again, NULL, NULL), lsq_weights_outliers(with, NULL, NULL), bytes));
    }
    ck_assert(c.error == b.error && c.bits == b.bits);
    lsq_weights_free(without);
    lsq_weights_free(with);
    lsq_weights_free(again);
    lsq_weights_free(fewer);
}
END_TEST

/* Nothing to gain: the bytes are those without the option. */
START_TEST(others_have_none)
{
    static const size_t shapes[][2] = {{1, 1}, {40, 600}, {3, 33}};
    static float w[40 * 600];
    lsq_weights *without, *with;
    for (size_t i = 0; i < COUNT(shapes); i++)
        for (int zeros = 0; zeros < 2; zeros++) {
            const size_t m = shapes[i][0], k = shapes[i][1];
            fill_bell(31, w, m * k);
            if (zeros)
                memset(w, 0, sizeof(w));
            const result a = quantised("t4", m, k, w, 0, &without), b = quantised("t4", m, k, w, 0.01, &with);
            ck_assert_uint_eq(b.count, 0);
            ck_assert(a.bits == b.bits);
            ck_assert(!memcmp(lsq_weights_packed(without), lsq_weights_packed(with), (size_t)(a.bits / 8)));
            lsq_weights_free(without);
            lsq_weights_free(with);
        }
}
END_TEST

START_TEST(shares_beyond_the_limits_are_refused)
{
    static const double shares[] = {-0.001, 0.1001, 1, NAN, INFINITY};
    const lsq_format f = format_named("s4");
    const float w[4] = {1, 2, 3, 4};
    for (size_t i = 0; i < COUNT(shares); i++) {
        const lsq_quantize_options options = {.size = sizeof(options), .outliers = shares[i]};
        lsq_weights *weights = NULL;
        lsq_error err = {0};
        REFUSED(lsq_quantize(NULL, &f, 2, 2, w, 2, &options, &weights, &err));
        ck_assert_ptr_nonnull(strstr(err.text, "options->outliers"));
        ck_assert_ptr_null(weights);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pick_outliers");
    TCase *quantising = new_case(suite, "quantising");
    tcase_add_loop_test(quantising, heavy_tails_have_outliers, 0, 12);
    tcase_add_test(quantising, others_have_none);
    tcase_add_test(quantising, shares_beyond_the_limits_are_refused);
    return run_suite(suite);
}
