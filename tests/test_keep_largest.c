/*
 * test_keep_largest.c - a share of the weights, the largest ones, is kept apart: which, how many, and what that is worth.
 */
#include "tests/naive_outliers.h"

static lsq_weights *quantised(const char *name, size_t m, size_t k, const float *w, double share)
{
    const lsq_format f = format_named(name);
    const lsq_quantize_options o = {
        .size = sizeof(o), .outliers = share, .outlier_choice = LSQ_OUTLIERS_LARGEST, .curve = LSQ_CURVE_GIVEN};
    lsq_weights *weights = NULL;
    lsq_error err = {0};
    EXPECT(!lsq_quantize(NULL, &f, m, k, w, k, &o, &weights, &err), "%s: %s", name, err.text);
    return weights;
}

static size_t count_of(const lsq_weights *weights)
{
    size_t count;
    lsq_weights_outliers(weights, NULL, &count);
    return count;
}

enum { SIDE = 512, N = SIDE * SIDE };

/* Normally distributed numbers, the sum of two squares from uniform ones (Box and Muller). */
static void fill_normal(float *w)
{
    number_source s = {77};
    for (size_t i = 0; i < N; i++) {
        const double u = (next_u32(&s) + 0.5) * 0x1p-32, v = (next_u32(&s) + 0.5) * 0x1p-32;
        w[i] = (float)(sqrt(-2 * log(u)) * cos(6.283185307179586 * v));
    }
}

/*
 * On normal weights all of the share, and the SNR of the whole: 0.05 dB less than what was measured. In bits that is no bargain here
 * (s2.row with 10 % takes 2.79 of them), but it is what the publication does.
 */
START_TEST(shares_of_normal_weights)
{
    static const struct {
        const char *name;
        double share, decibels;
    } rows[] = {
        {"s2.row", 0, 8.69},      {"s2.row", 0.02, 9.79}, {"s2.row", 0.05, 10.69}, {"s2.row", 0.1, 11.83},
        {"s4", 0.02, 23.53},      {"s4", 0.05, 24.4},     {"s4", 0.1, 25.5},       {"c3.row", 0.1, 13.53},
        {"s2.tensor", 0.1, 11.8}, {"t2", 0.02, 12.9},     {"t2", 0.05, 13.76},     {"t2", 0.1, 14.81},
    };
    float *w = memory(2 * N * sizeof(*w)), *decoded = w + N;
    fill_normal(w);
    for (size_t i = 0; i < COUNT(rows); i++) {
        lsq_weights *weights = quantised(rows[i].name, SIDE, SIDE, w, rows[i].share);
        double error = 0, signal = 0;
        OK(lsq_dequantize(NULL, weights, 0, SIDE, decoded, SIDE));
        for (size_t j = 0; j < N; j++) {
            signal += (double)w[j] * w[j];
            error += ((double)w[j] - decoded[j]) * ((double)w[j] - decoded[j]);
        }
        const double decibels = 10 * log10(signal / error);
        EXPECT(decibels >= rows[i].decibels && decibels < rows[i].decibels + 0.2, "%s, %g: %.3f dB", rows[i].name,
               rows[i].share, decibels);
        EXPECT(count_of(weights) == (size_t)(rows[i].share * N), "%s, %g: %zu outliers", rows[i].name, rows[i].share,
               count_of(weights));
        lsq_weights_free(weights);
    }
    free(w);
}
END_TEST

/* Those are outliers that are the largest, of equal ones the first; exactly as many as the share says. */
START_TEST(the_largest_and_of_equal_ones_the_first)
{
    enum { ROWS = 30, COLUMNS = 50 };
    static float w[ROWS * COLUMNS], sparse[ROWS * COLUMNS];
    static const double shares[] = {0.0006, 0.0007, 0.001, 0.0333, 0.05, 0.1};
    number_source s = {9};
    for (size_t i = 0; i < COUNT(w); i++) /* of 8 magnitudes, the largest ones rare */
        w[i] = (float)(8 - (next_u32(&s) % 64 ? 4 : 0) - (int)(next_u32(&s) % 4)) * (next_u32(&s) % 2 ? 1.0f : -1.0f);
    for (size_t i = 0; i < COUNT(shares); i++) {
        const size_t wanted = (size_t)(shares[i] * (double)COUNT(w));
        lsq_weights *weights = quantised("s4", ROWS, COLUMNS, w, shares[i]);
        ck_assert_uint_eq(count_of(weights), wanted);
        if (wanted)
            ck_assert_uint_eq(read_outliers(lsq_weights_outliers(weights, NULL, NULL), sparse, COUNT(w)), wanted);
        float least = INFINITY; /* of the outliers */
        for (size_t j = 0; j < COUNT(w); j++)
            if (wanted && sparse[j] != 0)
                least = fminf(least, fabsf(w[j]));
        int over = 0; /* one that equals the least has been left out */
        for (size_t j = 0; wanted && j < COUNT(w); j++) {
            over |= fabsf(w[j]) == least && sparse[j] == 0;
            EXPECT(fabsf(w[j]) > least           ? sparse[j] != 0
                   : fabsf(w[j]) < least || over ? sparse[j] == 0
                                                 : 1,
                   "share %g: weight %zu", shares[i], j);
        }
        lsq_weights_free(weights);
    }
}
END_TEST

/* Fewer weights than the share that are not zero, none, one weight, and shares below one weight. */
START_TEST(there_may_be_fewer)
{
    static float w[40 * 100];
    for (size_t i = 0; i < 3; i++)
        w[i * 1234 + 5] = -1 - (float)i;
    lsq_weights *weights = quantised("s4", 40, 100, w, 0.1);
    float decoded[100];
    ck_assert_uint_eq(count_of(weights), 3);
    OK(lsq_dequantize(NULL, weights, 0, 1, decoded, 100));
    for (size_t c = 0; c < 100; c++) /* without outliers there is nothing but zeros */
        ck_assert(c == 5 ? fabsf(decoded[c] + 1) < 0.2f : decoded[c] == 0);
    lsq_weights_free(weights);
    memset(w, 0, sizeof(w));
    weights = quantised("t2", 40, 100, w, 0.1);
    ck_assert_uint_eq(count_of(weights), 0);
    lsq_weights_free(weights);
    w[0] = 3;
    weights = quantised("s2", 1, 1, w, 0.1);
    ck_assert_uint_eq(count_of(weights), 0);
    lsq_weights_free(weights);
}
END_TEST

/* The curve is the best one for what is left; importance still says what counts. */
START_TEST(with_other_options)
{
    const lsq_format f = format_named("s3");
    static float w[64 * 300], importance[300], decoded[64 * 300];
    double error[2] = {0, 0};
    number_source s = {10};
    for (size_t i = 0; i < COUNT(w); i++)
        w[i] = bell(&s) * (next_u32(&s) % 32 == 0 ? 20.0f : 1.0f);
    for (size_t c = 0; c < 300; c++)
        importance[c] = c % 2 ? 100 : 0.01f;
    for (int with = 0; with < 2; with++) {
        const lsq_quantize_options o = {.size = sizeof(o),
                                        .outliers = 0.03,
                                        .outlier_choice = LSQ_OUTLIERS_LARGEST,
                                        .curve = LSQ_CURVE_BEST,
                                        .importance = with ? importance : NULL};
        lsq_weights *weights;
        OK(lsq_quantize(NULL, &f, 64, 300, w, 300, &o, &weights, NULL));
        ck_assert_uint_eq(count_of(weights), 576);
        OK(lsq_dequantize(NULL, weights, 0, 64, decoded, 300));
        for (size_t i = 0; i < COUNT(w); i++)
            error[with] += (double)importance[i % 300] * pow((double)w[i] - decoded[i], 2);
        lsq_weights_free(weights);
    }
    ck_assert_msg(error[1] < 0.9 * error[0], "%g with importance, %g without", error[1], error[0]);
}
END_TEST

/* Signal to noise of products with inputs that have this gram matrix. */
static double product_snr(const char *name, size_t m, size_t k, const float *w, const float *gram, double share)
{
    const lsq_format f = format_named(name);
    const lsq_quantize_options o = {
        .size = sizeof(o), .outliers = share, .outlier_choice = LSQ_OUTLIERS_LARGEST, .gram = gram};
    lsq_weights *weights;
    float *decoded = memory(m * k * sizeof(*decoded));
    double signal = 0, noise = 0;
    OK(lsq_quantize(NULL, &f, m, k, w, k, &o, &weights, NULL));
    OK(lsq_dequantize(NULL, weights, 0, m, decoded, k));
    for (size_t r = 0; r < m; r++)
        for (size_t i = 0; i < k; i++)
            for (size_t j = 0; j < k; j++) {
                const float *v = w + r * k, *d = decoded + r * k;
                signal += (double)gram[i * k + j] * v[i] * v[j];
                noise += (double)gram[i * k + j] * ((double)v[i] - d[i]) * ((double)v[j] - d[j]);
            }
    lsq_weights_free(weights);
    free(decoded);
    return 10 * log10(signal / noise);
}

/* Columns that make up for what others lost leave to outliers what these make up for: that is worth 0.2 dB and 0.5 dB. */
START_TEST(error_feedback_knows_of_outliers)
{
    enum { ROWS = 32, COLUMNS = 128 };
    static const struct {
        const char *name;
        double gain;
    } rows[] = {{"s2.row", 1.75}, {"t2", 1.2}};
    static float w[ROWS * COLUMNS], gram[COLUMNS * COLUMNS];
    fill_bell(12, w, COUNT(w));
    for (int i = 0; i < COLUMNS; i++)
        for (int j = 0; j < COLUMNS; j++)
            gram[i * COLUMNS + j] = powf(0.75f, (float)abs(i - j));
    for (size_t i = 0; i < COUNT(rows); i++) {
        const double without = product_snr(rows[i].name, ROWS, COLUMNS, w, gram, 0),
                     with = product_snr(rows[i].name, ROWS, COLUMNS, w, gram, 0.05);
        EXPECT(with > without + rows[i].gain, "%s: %.2f dB, with outliers %.2f dB", rows[i].name, without, with);
    }
}
END_TEST

START_TEST(what_cannot_be_is_refused)
{
    static float w[((size_t)1 << 20) + 1];
    const lsq_format f = format_named("s2");
    lsq_quantize_options o = {.size = sizeof(o), .outliers = 0.01, .outlier_choice = 2};
    lsq_weights *weights = NULL;
    lsq_error err;
    ck_assert_int_eq(lsq_quantize(NULL, &f, 2, 20, w, 20, &o, &weights, &err), LSQ_E_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(err.text, "options->outlier_choice"));
    o.outlier_choice = LSQ_OUTLIERS_LARGEST;
    ck_assert_int_eq(lsq_quantize(NULL, &f, 1, COUNT(w), w, COUNT(w), &o, &weights, &err), LSQ_E_LIMIT);
    w[33] = NAN;
    ck_assert_int_eq(lsq_quantize(NULL, &f, 2, 20, w, 20, &o, &weights, &err), LSQ_E_VALUE);
    ck_assert_ptr_nonnull(strstr(err.text, "weight (1, 13)"));
    ck_assert_ptr_null(weights);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keep_largest");
    TCase *tests = new_case(suite, "all");
    tcase_add_test(tests, shares_of_normal_weights);
    tcase_add_test(tests, the_largest_and_of_equal_ones_the_first);
    tcase_add_test(tests, there_may_be_fewer);
    tcase_add_test(tests, with_other_options);
    tcase_add_test(tests, error_feedback_knows_of_outliers);
    tcase_add_test(tests, what_cannot_be_is_refused);
    return run_suite(suite);
}
