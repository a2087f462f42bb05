/*
 * test_quantize.c - lsq_quantize(): how near it comes, what it does with hard matrices, what it refuses.
 */
#include "tests/core_sample.h"
#include "tests/emulated.h"

#include <math.h>
#include <stdio.h>

/* All formats, but of the trellises only those of 8 states, and at 4 bits of 64: the others differ in the code alone. */
enum { TRIED = 7 * 4 + 8 * 3 + 6 * 3 + 3 + 3 };
static lsq_format formats[TRIED];

static void list_formats(void)
{
    lsq_format all[USUAL_FORMATS];
    size_t count = usual_formats(all, USUAL_FORMATS), tried = 0;
    for (size_t i = 0; i < count; i++)
        if (all[i].codec != LSQ_TRELLIS || all[i].states == 8 || (all[i].states == 64 && all[i].bits == 4)) {
            ck_assert_uint_lt(tried, TRIED);
            formats[tried++] = all[i];
        }
    ck_assert_uint_eq(tried, TRIED);
}

static void there_and_back(lsq_format f, size_t m, size_t k, const float *w, size_t ld, float *decoded)
{
    lsq_weights *q = NULL;
    lsq_error err = {0};
    ck_assert_msg(lsq_quantize(NULL, &f, m, k, w, ld, NULL, &q, &err) == LSQ_OK, "%s", err.text);
    OK(lsq_dequantize(NULL, q, 0, m, decoded, k));
    lsq_weights_free(q);
}

static double snr(const float *w, const float *decoded, size_t n)
{
    double signal = 0, noise = 0;
    for (size_t i = 0; i < n; i++) {
        signal += (double)w[i] * w[i];
        noise += ((double)w[i] - decoded[i]) * ((double)w[i] - decoded[i]);
    }
    return 10 * log10(signal / noise);
}

/* ---- How near ---- */

/*
 * dB on Gaussian weights that the codecs were designed for; 0.15 less are accepted. What is reached is in docs/results.md.
 */
static const struct {
    const char *name;
    double snr;
} designed[] = {
    {"c4", 13.98},     {"c5", 17.39},     {"c6", 20.09},       {"c7", 22.34},       {"c8", 24.26},       {"c9", 25.94},
    {"s2", 10.09},     {"s3", 16.33},     {"s4", 22.50},       {"s5", 28.53},       {"s6", 34.28},       {"s7", 40.32},
    {"s8", 46.13},     {"s9", 52.07},     {"t1.nib32", 5.35},  {"t2", 11.63},       {"t2.nib32", 11.21}, {"t3", 17.93},
    {"t4.st4", 23.93}, {"t4.st8", 24.05}, {"t4", 24.11},       {"t4.st64", 24.25},  {"t4.nib32", 23.45}, {"t5", 30.03},
    {"t6", 35.94},     {"b1", 4.40},      {"b1.tensor", 4.40}, {"b1.byte32", 4.49},
};

START_TEST(as_near_as_designed)
{
    enum { M = 64, K = 2048 };
    float *w = memory(M * K * sizeof(*w)), *decoded = memory(M * K * sizeof(*decoded));
    number_source s = {2};
    for (size_t i = 0; i < M * K; i++) {
        double radius = sqrt(-2 * log((next_u32(&s) + 1.0) / 0x1p32)),
               angle = 6.283185307179586 * (next_u32(&s) / 0x1p32);
        w[i] = (float)(0.02 * radius * cos(angle));
    }
    there_and_back(format_named(designed[_i].name), M, K, w, K, decoded);
    double got = snr(w, decoded, M * K);
    ck_assert_msg(got >= designed[_i].snr - 0.15 && got < designed[_i].snr + 2, "%s: %.2f dB, designed for %.2f",
                  designed[_i].name, got, designed[_i].snr);
    free(w);
    free(decoded);
}
END_TEST

/* What has been quantised once is not far from what it would be quantised to: the second time costs no more than the first. */
START_TEST(a_second_time_costs_less)
{
    enum { M = 17, K = 320 };
    static float w[M * K], first[M * K], second[M * K];
    fill_bell(3, w, M * K);
    for (size_t i = 0; i < M * K; i++)
        w[i] *= 4; /* where the published code without a scale has levels */
    there_and_back(formats[_i], M, K, w, K, first);
    there_and_back(formats[_i], M, K, first, K, second);
    double once = snr(w, first, M * K), twice = snr(first, second, M * K);
    ck_assert_msg(twice > once - 0.3, "%s: %.2f dB, then %.2f dB", name_of(formats[_i]), once, twice);
    if (formats[_i].codec == LSQ_CLASSIC && formats[_i].scale == LSQ_SCALE_NONE)
        ck_assert(twice == INFINITY); /* exactly the same */
}
END_TEST

/* Nearest rounding gains, and never loses. */
START_TEST(nearest_rounding)
{
    enum { M = 32, K = 256 };
    static float w[M * K], published[M * K], nearest[M * K];
    lsq_quantize_options options = {.size = sizeof(options), .rounding = LSQ_ROUND_NEAREST};
    fill_bell(4, w, M * K);
    for (uint8_t bits = 3; bits <= 9; bits++)
        for (uint8_t scale = LSQ_SCALE_NONE; scale <= LSQ_SCALE_BYTE32; scale++) {
            lsq_format f = {LSQ_CLASSIC, bits, scale, 0, 7};
            lsq_weights *q = NULL;
            there_and_back(f, M, K, w, K, published);
            OK(lsq_quantize(NULL, &f, M, K, w, K, &options, &q, NULL));
            OK(lsq_dequantize(NULL, q, 0, M, nearest, K));
            lsq_weights_free(q);
            ck_assert_double_ge(snr(w, nearest, M * K), snr(w, published, M * K));
        }
}
END_TEST

/* Without a scale the codes are those of the published encoder. */
START_TEST(no_scale_is_the_published_code)
{
    enum { M = 18, K = 40 };
    float w[M * K];
    uint32_t codes[M * K], expected[M * K];
    fill_bell(5, w, M * K);
    for (size_t i = 0; i < M * K; i++)
        w[i] *= 8; /* some beyond 1 */
    for (uint8_t bits = 3; bits <= 9; bits++)
        for (int rounding = 0; rounding < 2; rounding++) {
            lsq_format f = {LSQ_CLASSIC, bits, LSQ_SCALE_NONE, 0, 7};
            lsq_quantize_options options = {.size = sizeof(options), .rounding = rounding};
            lsq_weights *q = NULL;
            OK(lsq_quantize(NULL, &f, M, K, w, K, &options, &q, NULL));
            OK(lsq_weights_codes(q, 0, M, codes, K));
            OK(lsq_classic_encode(bits, M * K, w, rounding, expected));
            ck_assert_mem_eq(codes, expected, sizeof(codes));
            lsq_weights_free(q);
        }
}
END_TEST

/* ---- Hard matrices ---- */

/* Weights of any size are quantised as well as those near 1. */
START_TEST(size_does_not_matter)
{
    enum { M = 17, K = 96 };
    static const int octaves[] = {-93, -60, -20, 20, 60, 99};
    float w[M * K], scaled[M * K], decoded[M * K];
    if (formats[_i].scale == LSQ_SCALE_NONE)
        return;
    fill_bell(6, w, M * K);
    there_and_back(formats[_i], M, K, w, K, decoded);
    double usual = snr(w, decoded, M * K);
    for (size_t i = 0; i < COUNT(octaves); i++) {
        for (size_t j = 0; j < M * K; j++)
            scaled[j] = ldexpf(w[j], octaves[i]);
        there_and_back(formats[_i], M, K, scaled, K, decoded);
        ck_assert_msg(fabs(snr(scaled, decoded, M * K) - usual) < 0.25, "%s: %.2f dB, but %.2f dB at 2^%d",
                      name_of(formats[_i]), usual, snr(scaled, decoded, M * K), octaves[i]);
    }
}
END_TEST

static void check_zeros(lsq_format f, const float *w, const float *decoded, size_t n)
{
    for (size_t i = 0; i < n; i++)
        EXPECT(w[i] != 0 || decoded[i] == 0, "%s: weight %zu is zero and decodes to %g", name_of(f), i, decoded[i]);
}

/* Zeros stay zeros: a matrix in any format, a row under a scale of its own, a group under a byte. */
START_TEST(zeros_stay_zeros)
{
    enum { M = 20, K = 96 };
    float w[M * K] = {0}, decoded[M * K];
    lsq_format f = formats[_i];
    there_and_back(f, M, K, w, K, decoded);
    check_zeros(f, w, decoded, M * K);
    fill_bell(7, w, M * K);
    for (size_t c = 0; c < K; c++)
        w[3 * K + c] = w[17 * K + c] = 0;
    there_and_back(f, M, K, w, K, decoded);
    if (f.codec == LSQ_CLASSIC || f.scale >= LSQ_SCALE_ROW)
        check_zeros(f, w, decoded, M * K);
    for (size_t c = 32; c < 64; c++)
        w[5 * K + c] = w[19 * K + c] = 0;
    there_and_back(f, M, K, w, K, decoded);
    if (f.codec == LSQ_CLASSIC || f.scale == LSQ_SCALE_BYTE32)
        check_zeros(f, w, decoded, M * K);
}
END_TEST

/* Everything finite, and no weight further off than the largest of its row (of the matrix, under one scale) is from zero. */
static void check_sane(lsq_format f, const char *what, size_t m, size_t k, const float *w, size_t ld,
                       const float *decoded)
{
    float all = 0;
    for (size_t r = 0; r < m; r++)
        for (size_t c = 0; c < k; c++)
            all = fabsf(w[r * ld + c]) > all ? fabsf(w[r * ld + c]) : all;
    for (size_t r = 0; r < m; r++) {
        float largest = f.scale <= LSQ_SCALE_TENSOR ? all : 0;
        for (size_t c = 0; c < k; c++)
            largest = fabsf(w[r * ld + c]) > largest ? fabsf(w[r * ld + c]) : largest;
        for (size_t c = 0; c < k; c++) {
            float off = fabsf(w[r * ld + c] - decoded[r * k + c]);
            /* With one bit a weight a path of few steps can end on a wrong side. */
            EXPECT(isfinite(decoded[r * k + c]) && off <= largest * (f.bits == 1 ? 1.7f : 1.2f),
                   "%s, %s, %zu x %zu: (%zu, %zu) is %g for %g", name_of(f), what, m, k, r, c, decoded[r * k + c],
                   w[r * ld + c]);
        }
    }
}

START_TEST(hard_matrices)
{
    enum { M = 19, K = 70 };
    static const char *const kinds[] = {"tiny rows", "denormals", "huge", "outlier", "constant", "signs", "one column"};
    float w[M * K], decoded[M * K];
    for (size_t kind = 0; kind < COUNT(kinds); kind++) {
        fill_bell(8, w, M * K);
        for (size_t i = 0; i < M * K; i++) {
            size_t r = i / K, c = i % K;
            switch (kind) {
            case 0:
                w[i] *= r % 3 == 1 ? 1e-40f : r % 3 == 2 ? 1e-20f : 1;
                break;
            case 1:
                w[i] *= 1e-39f;
                break;
            case 2:
                w[i] = w[i] < 0 ? -0x1p100f : 0x1p100f;
                break;
            case 3:
                w[i] = i == 5 * K + 40 ? 1000 : w[i];
                break;
            case 4:
                w[i] = (float)r - 9;
                break;
            case 5:
                w[i] = (r + c) % 2 ? 0.25f : -0.25f;
                break;
            default:
                w[i] = c == 33 ? w[i] : 0;
            }
        }
        there_and_back(formats[_i], M, K, w, K, decoded);
        check_sane(formats[_i], kinds[kind], M, K, w, K, decoded);
        if (kind == 3 && formats[_i].scale >= LSQ_SCALE_ROW) /* an outlier is the matter of its own row */
            ck_assert_double_gt(snr(w + 6 * K, decoded + 6 * K, 10 * K), formats[_i].bits == 1 ? 1.5 : 4);
    }
}
END_TEST

/* Odd shapes, as parts of a larger matrix whose other elements must not matter. */
START_TEST(shapes_and_leading_dimensions)
{
    static const size_t shapes[][2] = {{1, 1}, {1, 47}, {47, 1}, {17, 33}, {16, 32}, {2, 31}, {33, 2}};
    enum { LD = 50, ROOM = 50 };
    static float w[ROOM * LD], dense[ROOM * LD], decoded[2][ROOM * LD];
    for (size_t i = 0; i < COUNT(shapes); i++) {
        size_t m = shapes[i][0], k = shapes[i][1];
        fill_bell(9 + i, dense, m * k);
        for (size_t j = 0; j < ROOM * LD; j++)
            w[j] = j / LD < m && j % LD < k ? dense[j / LD * k + j % LD] : NAN;
        there_and_back(formats[_i], m, k, w, LD, decoded[0]);
        there_and_back(formats[_i], m, k, dense, k, decoded[1]);
        ck_assert(!memcmp(decoded[0], decoded[1], m * k * sizeof(float)));
        check_sane(formats[_i], "plain", m, k, w, LD, decoded[0]);
    }
}
END_TEST

/* ---- Refusals ---- */

START_TEST(what_is_not_finite_is_refused)
{
    static const float wrong[] = {NAN, -NAN, INFINITY, -INFINITY, 3.4e38f, 0x1.000002p100f, -3e38f};
    static const char *const names[] = {"c8", "s4.tensor", "t4"};
    enum { M = 20, K = 50, LD = 53 };
    float w[M * LD];
    for (size_t n = 0; n < COUNT(names); n++)
        for (size_t i = 0; i < COUNT(wrong); i++) {
            lsq_format f = format_named(names[n]);
            lsq_weights *q = NULL;
            lsq_error err = {0};
            fill_bell(1, w, M * LD);
            w[17 * LD + 49] = wrong[i];
            ck_assert_int_eq(lsq_quantize(NULL, &f, M, K, w, LD, NULL, &q, &err), LSQ_E_VALUE);
            ck_assert_msg(err.status == LSQ_E_VALUE && strstr(err.text, "(17, 49)"), "%s", err.text);
            ck_assert_int_eq(lsq_quantize(NULL, &f, M, K, w, LD, NULL, &q, NULL), LSQ_E_VALUE);
            ck_assert_ptr_null(q);
        }
}
END_TEST

START_TEST(wrong_arguments)
{
    float w[4] = {1, 2, 3, 4};
    lsq_format f = format_named("s4"), none = {LSQ_SCALAR, 4, LSQ_SCALE_NONE, 0, 3};
    lsq_weights *q = NULL;
    lsq_quantize_options options = {.size = sizeof(options)};
    lsq_error err;
    REFUSED(lsq_quantize(NULL, &f, 2, 2, NULL, 2, NULL, &q, &err));
    REFUSED(lsq_quantize(NULL, &f, 2, 2, w, 2, NULL, NULL, &err));
    REFUSED(lsq_quantize(NULL, &f, 2, 2, w, 1, NULL, &q, &err));
    REFUSED(lsq_quantize(NULL, &f, 0, 2, w, 2, NULL, &q, &err));
    REFUSED(lsq_quantize(NULL, &f, 2, 0, w, 2, NULL, &q, &err));
    REFUSED(lsq_quantize(NULL, &none, 2, 2, w, 2, NULL, &q, &err));
    REFUSED(lsq_quantize(NULL, NULL, 2, 2, w, 2, NULL, &q, &err));
    options.rounding = 2;
    REFUSED(lsq_quantize(NULL, &f, 2, 2, w, 2, &options, &q, &err));
    ck_assert(err.status == LSQ_E_ARGUMENT && strstr(err.text, "rounding"));
    options.rounding = -1;
    REFUSED(lsq_quantize(NULL, &f, 2, 2, w, 2, &options, &q, &err));
    options = (lsq_quantize_options){.size = sizeof(options) + 8};
    REFUSED(lsq_quantize(NULL, &f, 2, 2, w, 2, &options, &q, &err));
    options.size = 0;
    REFUSED(lsq_quantize(NULL, &f, 2, 2, w, 2, &options, &q, &err));
    ck_assert_ptr_null(q);
}
END_TEST

/* Sizes are judged before weights are looked at: here there are none of that size. */
START_TEST(sizes_over_the_limit)
{
    float w[4] = {1, 2, 3, 4};
    lsq_format f = format_named("t4");
    lsq_weights *q = NULL;
    const size_t big = ((size_t)1 << 40) + 1;
    ck_assert_int_eq(lsq_quantize(NULL, &f, big, 1, w, 1, NULL, &q, NULL), LSQ_E_LIMIT);
    ck_assert_int_eq(lsq_quantize(NULL, &f, 1, big, w, big, NULL, &q, NULL), LSQ_E_LIMIT);
    ck_assert_int_eq(lsq_quantize(NULL, &f, SIZE_MAX, SIZE_MAX, w, SIZE_MAX, NULL, &q, NULL), LSQ_E_LIMIT);
    ck_assert_ptr_null(q);
}
END_TEST

/* ---- Curves, threads ---- */

static lsq_weights *quantised(const lsq_context *ctx, const lsq_format *f, size_t m, size_t k, const float *w,
                              int curve)
{
    const lsq_quantize_options options = {.size = sizeof(options), .curve = curve};
    lsq_weights *q = NULL;
    lsq_error err = {0};
    ck_assert_msg(lsq_quantize(ctx, f, m, k, w, k, &options, &q, &err) == LSQ_OK, "%s", err.text);
    return q;
}

/* On a matrix that is all sample, no curve is better than the best. Weights cubed want another one than weights all alike. */
START_TEST(best_curve)
{
    static const char *const names[] = {"s3", "s8", "t2", "t4.nib32"};
    enum { M = 32, K = 512 };
    static float w[M * K], decoded[M * K];
    const lsq_format f = format_named(names[_i]);
    lsq_format chosen[2];
    for (unsigned heavy = 0; heavy < 2; heavy++) {
        number_source s = {9};
        for (size_t i = 0; i < M * K; i++) {
            const float u = (float)(next_u32(&s) / 0x1p31 - 1);
            w[i] = heavy ? u * u * u : u;
        }
        lsq_weights *best = quantised(NULL, &f, M, K, w, LSQ_CURVE_BEST);
        chosen[heavy] = lsq_weights_format(best);
        OK(lsq_dequantize(NULL, best, 0, M, decoded, K));
        const double reached = snr(w, decoded, M * K);
        lsq_weights_free(best);
        for (uint8_t curve = 0; curve < 8; curve++) {
            lsq_format given = f;
            given.curve = curve;
            there_and_back(given, M, K, w, K, decoded);
            const double other = snr(w, decoded, M * K);
            EXPECT(curve == chosen[heavy].curve ? reached == other : reached >= other,
                   "%s: curve%u has %.3f dB, best %.3f dB", names[_i], curve, other, reached);
        }
    }
    ck_assert_uint_lt((chosen[0].curve + 1) % 8, (chosen[1].curve + 1) % 8); /* 7 is the one with s > 0 */
}
END_TEST

/* Of a larger matrix the sample is a part; what it decides is right for the rest of it. */
START_TEST(best_curve_of_a_sample)
{
    enum { M = 256, K = 1024 };
    float *w = memory(M * K * sizeof(*w));
    const lsq_format f = format_named("s4");
    fill_bell(5, w, M * K);
    lsq_weights *q = quantised(NULL, &f, M, K, w, LSQ_CURVE_BEST);
    const uint8_t curve = lsq_weights_format(q).curve;
    ck_assert_msg(curve >= 2 && curve <= 4, "curve%u for Gaussian weights", curve);
    lsq_weights_free(q);
    free(w);
}
END_TEST

START_TEST(same_bytes_on_any_number_of_threads)
{
    static const char *const names[] = {"s4", "s4.row", "s4.tensor", "c8", "t2", "t4.nib32", "t5.byte32"};
    enum { M = 16 * 16 * 2 + 40, K = 70 };
    if (emulated() && _i % 3) /* trellises take half a minute each there */
        return;
    float *w = memory(M * K * sizeof(*w));
    lsq_weights *first = NULL;
    const lsq_format f = format_named(names[_i]);
    fill_bell(6, w, M * K);
    for (unsigned threads = 1; threads <= (emulated() ? 3 : 5); threads += 2) {
        const lsq_context_options options = {.size = sizeof(options), .threads = threads};
        lsq_context *ctx;
        size_t bytes;
        OK(lsq_context_new(&options, &ctx, NULL));
        lsq_weights *q = quantised(ctx, &f, M, K, w, LSQ_CURVE_BEST);
        OK(lsq_packed_bytes(&f, M, K, &bytes));
        if (first)
            EXPECT(!memcmp(lsq_weights_packed(first), lsq_weights_packed(q), bytes), "%s: others on %u threads",
                   names[_i], threads);
        if (first)
            lsq_weights_free(q);
        else
            first = q;
        lsq_context_free(ctx);
    }
    lsq_weights_free(first);
    free(w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("quantize");
    TCase *near = new_case(suite, "near");
    tcase_add_checked_fixture(near, list_formats, NULL);
    tcase_add_loop_test(near, as_near_as_designed, 0, COUNT(designed));
    tcase_add_loop_test(near, a_second_time_costs_less, 0, TRIED);
    tcase_add_test(near, nearest_rounding);
    tcase_add_test(near, no_scale_is_the_published_code);
    TCase *hard = new_case(suite, "hard");
    tcase_add_checked_fixture(hard, list_formats, NULL);
    tcase_add_loop_test(hard, size_does_not_matter, 0, TRIED);
    tcase_add_loop_test(hard, zeros_stay_zeros, 0, TRIED);
    tcase_add_loop_test(hard, hard_matrices, 0, TRIED);
    tcase_add_loop_test(hard, shapes_and_leading_dimensions, 0, TRIED);
    TCase *choices = new_case(suite, "choices");
    tcase_add_loop_test(choices, best_curve, 0, 4);
    tcase_add_test(choices, best_curve_of_a_sample);
    tcase_add_loop_test(choices, same_bytes_on_any_number_of_threads, 0, 7);
    TCase *refusals = new_case(suite, "refusals");
    tcase_add_test(refusals, what_is_not_finite_is_refused);
    tcase_add_test(refusals, wrong_arguments);
    tcase_add_test(refusals, sizes_over_the_limit);
    return run_suite(suite);
}
