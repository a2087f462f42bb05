/*
 * test_quantizer.c - strips of a matrix have, byte for byte, what the whole matrix has there.
 */
#include "tests/emulated.h"
#include "tests/strip_sample.h"

#include <errno.h>
#include <math.h>

enum { M = 600, K = 45 };

static float w[M * K], importance[M * K], gram[K * K];

/* Rows of unlike sizes, so that the largest weight is in a late one, with many equal weights and a row of zeros. */
static void fill_all(void)
{
    number_source s = {8};
    for (size_t i = 0; i < M * K; i++) {
        w[i] = bell(&s) * (1 + (float)(i / K % 300) / 64);
        if (i % 7 == 0)
            w[i] = roundf(w[i] * 16) / 16;
        if (i / K == 290)
            w[i] = 0;
        importance[i] = (float)(next_u32(&s) >> 20) / 1024;
    }
    for (size_t i = 0; i < K; i++)
        for (size_t j = 0; j < K; j++)
            gram[i * K + j] = i == j ? 2 : 1 / (1 + fabsf((float)i - (float)j));
}

/* Quantises both ways, in strips of so many rows. */
static void check_strips(lsq_format f, size_t step, const lsq_quantize_options *o)
{
    const lsq_magnitudes known = surveyed(M, K, w, o->outliers);
    lsq_quantizer *q = NULL;
    lsq_weights *whole = NULL;
    const void *bytes = &bytes, *of_whole;
    size_t size = 1, size_of_whole;
    lsq_error err = {0};
    OK(lsq_quantize(NULL, &f, M, K, w, K, o, &whole, NULL));
    EXPECT(!lsq_quantizer_new(NULL, &f, M, K, &known, o, &q, &err), "%s: %s", name_of(f), err.text);
    for (size_t row = 0; row < M; row += step) {
        const lsq_weights *strip = NULL;
        const size_t rows = M - row < step ? M - row : step;
        EXPECT(!lsq_quantizer_rows(q, rows, w + row * K, K, &strip, &err), "%s: %s", name_of(f), err.text);
        EXPECT(lsq_weights_rows(strip) == rows && is_strip(strip, whole, row), "%s: rows from %zu on differ",
               name_of(f), row);
        EXPECT(decodes_like(strip, whole, row), "%s: rows from %zu on have other outliers", name_of(f), row);
    }
    EXPECT(!lsq_quantizer_outliers(q, &bytes, &size, &err), "%s", err.text);
    of_whole = lsq_weights_outliers(whole, &size_of_whole, NULL);
    EXPECT(size == size_of_whole && (size > 0) == (o->outliers > 0) && (bytes != NULL) == (size > 0),
           "%s: %zu bytes of outliers, %zu in strips", name_of(f), size_of_whole, size);
    EXPECT(!size || !memcmp(bytes, of_whole, size), "%s: other outliers", name_of(f));
    lsq_quantizer_free(q);
    lsq_weights_free(whole);
}

/* Every format but those with a scale for the tensor: as it stands, with importance of columns, and of single weights. */
START_TEST(strips_have_the_bytes_of_the_whole)
{
    lsq_format formats[USUAL_FORMATS];
    const size_t count = usual_formats(formats, COUNT(formats));
    fill_all();
    for (size_t i = 0; i < count; i += emulated() ? 7 : 1) { /* some of them: trellises take a minute each there */
        lsq_quantize_options o = {.size = sizeof(o), .rounding = i % 2 ? LSQ_ROUND_NEAREST : LSQ_ROUND_PUBLISHED};
        if (formats[i].scale == LSQ_SCALE_TENSOR)
            continue;
        o.importance = _i ? importance : NULL;
        o.importance_ld = _i == 2 ? K : 0;
        check_strips(formats[i], 256, &o);
    }
}
END_TEST

static const char *const some[] = {"c3.none", "c5.row",   "c8",      "s2.row",   "s4",
                                   "s9.row",  "t1.nib32", "t3.st64", "t5.byte32"};

/* With outliers, whose bytes are the same too, and with error feedback; the first strip may be all rows, or all but the last ones. */
START_TEST(outliers_and_feedback_go_on_from_strip_to_strip)
{
    static const size_t steps[] = {256, 512, M, 1024};
    static const double shares[] = {0.0001, 0.02, 0.1};
    fill_all();
    for (size_t i = 0; i < COUNT(some); i += emulated() ? 4 : 1)
        for (size_t j = 0; j < (emulated() ? 1 : COUNT(steps)); j++) {
            lsq_quantize_options o = {.size = sizeof(o), .outlier_choice = LSQ_OUTLIERS_LARGEST};
            if (_i < (int)COUNT(shares))
                o.outliers = shares[_i];
            else
                o.gram = gram;
            if (i % 2)
                o.importance = importance;
            check_strips(format_named(some[i]), steps[j], &o);
        }
}
END_TEST

static void refused_new(const char *name, const lsq_quantize_options *o, lsq_status status, const char *named)
{
    const lsq_format f = format_named(name);
    const lsq_magnitudes known = {.largest = 1, .dense = 1, .bound = 1};
    lsq_quantizer *q = NULL;
    lsq_error err = {0};
    ck_assert_int_eq(lsq_quantizer_new(NULL, &f, M, K, &known, o, &q, &err), status);
    ck_assert_msg(strstr(err.text, named) != NULL, "%s", err.text);
    ck_assert_ptr_null(q);
}

START_TEST(what_strips_cannot_know_is_refused)
{
    lsq_quantize_options o = {.size = sizeof(o)};
    refused_new("s4.tensor", &o, LSQ_E_UNSUPPORTED, "scale");
    refused_new("c4.tensor", NULL, LSQ_E_UNSUPPORTED, "scale");
    o.curve = LSQ_CURVE_BEST;
    refused_new("s4", &o, LSQ_E_UNSUPPORTED, "LSQ_CURVE_GIVEN");
    o = (lsq_quantize_options){.size = sizeof(o), .outliers = 0.01};
    refused_new("s4", &o, LSQ_E_UNSUPPORTED, "LSQ_OUTLIERS_LARGEST");
    o.outlier_choice = 2;
    refused_new("s4", &o, LSQ_E_ARGUMENT, "outlier_choice");
    o = (lsq_quantize_options){.size = sizeof(o), .outliers = 0.11, .outlier_choice = LSQ_OUTLIERS_LARGEST};
    refused_new("s4", &o, LSQ_E_ARGUMENT, "options->outliers");
    o = (lsq_quantize_options){.size = sizeof(o) - 8};
    refused_new("s4", &o, LSQ_E_ARGUMENT, "options->size");
    importance[0] = -1;
    o = (lsq_quantize_options){.size = sizeof(o), .importance = importance};
    refused_new("s4", &o, LSQ_E_VALUE, "importance (0, 0)");
}
END_TEST

START_TEST(what_cannot_be_known_is_refused)
{
    static const lsq_magnitudes wrong[] = {
        {.largest = NAN, .dense = 1, .bound = 1},
        {.largest = -1, .dense = -1, .bound = -1},
        {.largest = INFINITY, .dense = 1, .bound = 1},
        {.largest = 1, .dense = 1, .bound = 2},
        {.largest = 1, .dense = 1, .bound = 0.5f},
        {.largest = 2, .dense = 1, .bound = 1, .ties = 2, .outliers = 1},
        {.largest = 0x1.1p100f, .dense = 1, .bound = 1},
        {.largest = 1, .dense = NAN, .bound = 1},
    };
    const lsq_magnitudes known = {.largest = 1, .dense = 1, .bound = 1};
    const lsq_quantize_options wide = {.size = sizeof(wide), .outliers = 0.1, .outlier_choice = LSQ_OUTLIERS_LARGEST};
    const lsq_format f = format_named("s4"), none = {.codec = 9};
    lsq_quantizer *q = NULL;
    for (size_t i = 0; i < COUNT(wrong); i++)
        REFUSED(lsq_quantizer_new(NULL, &f, M, K, &wrong[i], NULL, &q, NULL));
    REFUSED(lsq_quantizer_new(NULL, &f, M, K, NULL, NULL, &q, NULL));
    REFUSED(lsq_quantizer_new(NULL, &f, M, K, &known, NULL, NULL, NULL));
    REFUSED(lsq_quantizer_new(NULL, &f, 0, K, &known, NULL, &q, NULL));
    REFUSED(lsq_quantizer_new(NULL, NULL, M, K, &known, NULL, &q, NULL));
    REFUSED(lsq_quantizer_new(NULL, &none, M, K, &known, NULL, &q, NULL));
    ck_assert_int_eq(lsq_quantizer_new(NULL, &f, (size_t)1 << 41, K, &known, NULL, &q, NULL), LSQ_E_LIMIT);
    ck_assert_int_eq(lsq_quantizer_new(NULL, &f, 1, ((size_t)1 << 20) + 1, &known, &wide, &q, NULL), LSQ_E_LIMIT);
    ck_assert_ptr_null(q);
    lsq_quantizer_free(NULL);
}
END_TEST

/* A quantizer that has refused rows takes better ones, and the result is as if nothing had been. */
START_TEST(rows_that_fail_do_not_count)
{
    static const lsq_quantize_options o = {.size = sizeof(o), .outliers = 0.05, .outlier_choice = LSQ_OUTLIERS_LARGEST};
    const lsq_format f = format_named("t2");
    lsq_weights *whole;
    lsq_quantizer *q;
    const lsq_weights *strip = NULL;
    const void *bytes = NULL;
    size_t size = 7, size_of_whole;
    lsq_error err;
    fill_all();
    const lsq_magnitudes known = surveyed(M, K, w, o.outliers);
    OK(lsq_quantize(NULL, &f, M, K, w, K, &o, &whole, NULL));
    OK(lsq_quantizer_new(NULL, &f, M, K, &known, &o, &q, NULL));
    OK(lsq_quantizer_rows(q, 256, w, K, &strip, NULL));
    const lsq_weights *const first = strip;
    REFUSED(lsq_quantizer_rows(q, 0, w, K, &strip, NULL));
    REFUSED(lsq_quantizer_rows(q, 16, w, K, &strip, NULL));  /* no chain */
    REFUSED(lsq_quantizer_rows(q, 345, w, K, &strip, NULL)); /* more than there are */
    REFUSED(lsq_quantizer_rows(q, 512, w, K, &strip, NULL));
    REFUSED(lsq_quantizer_rows(q, 256, w, K - 1, &strip, NULL));
    REFUSED(lsq_quantizer_rows(q, 256, NULL, K, &strip, NULL));
    REFUSED(lsq_quantizer_rows(q, 256, w, K, NULL, NULL));
    REFUSED(lsq_quantizer_outliers(q, &bytes, &size, NULL)); /* not all rows */
    ck_assert(strip == first && is_strip(strip, whole, 0) && !bytes && size == 7);
    const float right = w[400 * K + 5], too_large = nextafterf(known.largest, INFINITY);
    w[400 * K + 5] = NAN;
    errno = 12345;
    ck_assert_int_eq(lsq_quantizer_rows(q, 256, w + 256 * K, K, &strip, &err), LSQ_E_VALUE);
    ck_assert_msg(strstr(err.text, "weight (400, 5) is nan") != NULL, "%s", err.text);
    w[400 * K + 5] = -too_large;
    ck_assert_int_eq(lsq_quantizer_rows(q, 256, w + 256 * K, K, &strip, &err), LSQ_E_VALUE);
    ck_assert_msg(strstr(err.text, "weight (400, 5)") && strstr(err.text, "the largest"), "%s", err.text);
    ck_assert_int_eq(errno, 12345);
    w[400 * K + 5] = right;
    OK(lsq_quantizer_rows(q, 256, w + 256 * K, K, &strip, NULL));
    ck_assert(is_strip(strip, whole, 256) && decodes_like(strip, whole, 256));
    float *high = memory(88 * K * sizeof(*high)); /* not the rows of the survey: all of them would be outliers */
    for (size_t i = 0; i < 88 * K; i++)
        high[i] = known.largest;
    ck_assert_int_eq(lsq_quantizer_rows(q, 88, high, K, &strip, &err), LSQ_E_ARGUMENT);
    free(high);
    OK(lsq_quantizer_rows(q, 88, w + 512 * K, K, &strip, NULL));
    ck_assert(is_strip(strip, whole, 512) && decodes_like(strip, whole, 512));
    REFUSED(lsq_quantizer_rows(q, 1, w, K, &strip, NULL));
    REFUSED(lsq_quantizer_outliers(q, NULL, &size, NULL));
    REFUSED(lsq_quantizer_outliers(q, &bytes, NULL, NULL));
    REFUSED(lsq_quantizer_outliers(NULL, &bytes, &size, NULL));
    OK(lsq_quantizer_outliers(q, &bytes, &size, NULL));
    const void *of_whole = lsq_weights_outliers(whole, &size_of_whole, NULL);
    ck_assert(size == size_of_whole && !memcmp(bytes, of_whole, size));
    lsq_quantizer_free(q);
    lsq_weights_free(whole);
}
END_TEST

START_TEST(parts_of_a_packed_form)
{
    const lsq_format f = format_named("t3.nib32"), none = {.codec = 9};
    lsq_parts parts = {.tensor = 7};
    REFUSED(lsq_packed_parts(&none, M, K, &parts));
    REFUSED(lsq_packed_parts(&f, 0, K, &parts));
    ck_assert_int_eq(lsq_packed_parts(&f, (size_t)1 << 41, K, &parts), LSQ_E_LIMIT);
    ck_assert_uint_eq(parts.tensor, 7);
    OK(lsq_packed_parts(&f, 17, 33, &parts));
    ck_assert(parts.scales == 4 * 64 * 3 && parts.rows == parts.scales + 64 && parts.tensor == parts.rows + 32);
}
END_TEST

/* A matrix put together from strips has the bytes of the whole; what is not a strip of it is refused. */
START_TEST(strips_are_joined)
{
    enum { ROWS = 600, COLUMNS = 40, FIRST = 256 };
    const lsq_format f = format_named("t3.nib32"), other = format_named("t3.nib32.curve5");
    float *m = memory(ROWS * COLUMNS * sizeof(*m));
    lsq_weights *whole = NULL, *first = NULL, *last = NULL;
    size_t bytes;
    fill_bell(31, m, ROWS * COLUMNS);
    for (size_t row = 0; row < ROWS; row += 300) /* one largest magnitude in each strip: they have the same float */
        m[row * COLUMNS] = 9;
    OK(lsq_packed_bytes(&f, ROWS, COLUMNS, &bytes));
    uint8_t *packed = calloc(bytes, 1);
    ck_assert_ptr_nonnull(packed);
    OK(lsq_quantize(NULL, &f, ROWS, COLUMNS, m, COLUMNS, NULL, &whole, NULL));
    OK(lsq_quantize(NULL, &f, FIRST, COLUMNS, m, COLUMNS, NULL, &first, NULL));
    OK(lsq_quantize(NULL, &f, ROWS - FIRST, COLUMNS, m + FIRST * COLUMNS, COLUMNS, NULL, &last, NULL));
    OK(lsq_packed_join(&f, ROWS, COLUMNS, packed, FIRST, last));
    OK(lsq_packed_join(&f, ROWS, COLUMNS, packed, 0, first));
    ck_assert_mem_eq(packed, lsq_weights_packed(whole), bytes);
    REFUSED(lsq_packed_join(&f, ROWS, COLUMNS, packed, 16, first));
    REFUSED(lsq_packed_join(&f, ROWS, COLUMNS, packed, 0, last)); /* not a multiple of 256, and not the last rows */
    REFUSED(lsq_packed_join(&f, ROWS, COLUMNS, packed, 512, first));
    REFUSED(lsq_packed_join(&f, ROWS, COLUMNS, packed, 768, last));
    REFUSED(lsq_packed_join(&f, ROWS, COLUMNS + 1, packed, 0, first));
    REFUSED(lsq_packed_join(&other, ROWS, COLUMNS, packed, 0, first));
    REFUSED(lsq_packed_join(&f, ROWS, COLUMNS, NULL, 0, first));
    REFUSED(lsq_packed_join(&f, ROWS, COLUMNS, packed, 0, NULL));
    lsq_weights_free(whole);
    lsq_weights_free(first);
    lsq_weights_free(last);
    free(packed);
    free(m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("quantizer");
    TCase *tests = new_case(suite, "all");
    tcase_add_loop_test(tests, strips_have_the_bytes_of_the_whole, 0, 3);
    tcase_add_loop_test(tests, outliers_and_feedback_go_on_from_strip_to_strip, 0, 4);
    tcase_add_test(tests, what_strips_cannot_know_is_refused);
    tcase_add_test(tests, what_cannot_be_known_is_refused);
    tcase_add_test(tests, rows_that_fail_do_not_count);
    tcase_add_test(tests, parts_of_a_packed_form);
    tcase_add_test(tests, strips_are_joined);
    return run_suite(suite);
}
