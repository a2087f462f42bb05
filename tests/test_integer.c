/*
 * test_integer.c - products with rounded activations give the bits that docs/codecs.md defines, and products with exact ones
 * keep the bound of lsq.h, in every format and every odd shape.
 */
#include "tests/core_sample.h"
#include "tests/naive_decode.h"
#include "tests/naive_round.h"

/* Ends of steps, panels and groups, and what lies beside them. */
static const size_t shapes[][2] = {{1, 1},  {1, 2},   {2, 31}, {3, 4},  {15, 5},  {16, 16}, {17, 17},
                                   {31, 3}, {16, 32}, {1, 33}, {33, 1}, {18, 63}, {5, 64},  {32, 95}};
enum { LONGEST = 128, MOST = 300 };

static lsq_format formats[USUAL_FORMATS];
static lsq_context *integer_context, *float_context;

static void make(void)
{
    lsq_context_options options = {.size = sizeof(options), .activation = LSQ_ACT_INT};
    ck_assert_uint_eq(usual_formats(formats, USUAL_FORMATS), USUAL_FORMATS);
    OK(lsq_context_new(&options, &integer_context, NULL));
    options.activation = LSQ_ACT_FLOAT;
    OK(lsq_context_new(&options, &float_context, NULL));
}

static void drop(void)
{
    lsq_context_free(integer_context);
    lsq_context_free(float_context);
}

/* ---- The definition ---- */

static int32_t integer_level(const naive *n, size_t row, size_t column)
{
    const float level = naive_level(n, row, column);
    return (int32_t)(n->f.codec == LSQ_CLASSIC ? rint((double)level * naive_largest(n->f)) : level);
}

static float unit_of(const naive *n)
{
    return n->f.codec == LSQ_CLASSIC ? 1.0f / (float)naive_largest(n->f) : 1.0f;
}

/* One row of W x, in the order of operations that is part of the definition. */
static float row_product(const naive *n, size_t row, const float *x)
{
    float limit = n->f.bits > 6 ? 4095 : 127, acc = 0;
    for (size_t g = 0; g < n->groups; g++) {
        int32_t q[32], dot[2] = {0, 0};
        size_t left = n->k - g * 32 < 32 ? n->k - g * 32 : 32;
        float sx = round_group(x + g * 32, left, limit, q);
        for (size_t c = 0; c < left; c++)
            dot[c / 16] += integer_level(n, row, g * 32 + c) * q[c];
        float s0 = naive_scale(n, row, g * 32), s1 = naive_scale(n, row, g * 32 + 16);
        if (n->f.scale >= LSQ_SCALE_NIBBLE32)
            acc += (float)(dot[0] * (int32_t)s0 + dot[1] * (int32_t)s1) * sx;
        else
            acc += (float)(dot[0] + dot[1]) * (sx * s0);
    }
    return acc * (naive_row_scale(n, row) * unit_of(n));
}

/* One column of W^T x, likewise. */
static float column_product(const naive *n, size_t m, size_t column, const float *x)
{
    float limit = n->f.bits > 6 ? 4095 : 127, acc = 0;
    for (size_t p = 0; p < m; p += 16) {
        float v[16];
        int32_t q[32], dot = 0;
        const size_t rows = m - p < 16 ? m - p : 16;
        for (size_t r = 0; r < rows; r++)
            v[r] = x[p + r] * (naive_row_scale(n, p + r) * unit_of(n)) * naive_scale(n, p + r, column);
        const float sx = round_group(v, rows, limit, q);
        for (size_t r = 0; r < rows; r++)
            dot += integer_level(n, p + r, column) * q[r];
        acc += (float)dot * sx;
    }
    return acc;
}

static int same_float(float a, float b)
{
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof(a)) == 0;
}

static void check_integer(lsq_format f, const lsq_weights *w, const float *x, float alpha, float beta)
{
    size_t m = lsq_weights_rows(w), k = lsq_weights_columns(w);
    naive n = naive_open(f, m, k, lsq_weights_packed(w));
    float y[MOST], y0[MOST];
    fill_bell(77, y0, m);
    memcpy(y, y0, m * sizeof(float));
    EXPECT(lsq_sgemv(integer_context, LSQ_NO_TRANS, alpha, w, x, 1, beta, y, 1) == LSQ_OK, "refused");
    for (size_t r = 0; r < m; r++) {
        float expected = alpha * row_product(&n, r, x);
        expected = beta == 0 ? expected : expected + beta * y0[r];
        EXPECT(same_float(y[r], expected), "%s, %zu x %zu, row %zu: %.9g, by definition %.9g", name_of(f), m, k, r,
               y[r], expected);
    }
}

static void check_transposed(lsq_format f, const lsq_weights *w, const float *x, float alpha, float beta)
{
    size_t m = lsq_weights_rows(w), k = lsq_weights_columns(w);
    naive n = naive_open(f, m, k, lsq_weights_packed(w));
    float y[MOST], y0[MOST];
    fill_bell(78, y0, k);
    memcpy(y, y0, k * sizeof(float));
    EXPECT(lsq_sgemv(integer_context, LSQ_TRANS, alpha, w, x, 1, beta, y, 1) == LSQ_OK, "refused");
    for (size_t c = 0; c < k; c++) {
        float expected = alpha * column_product(&n, m, c, x);
        expected = beta == 0 ? expected : expected + beta * y0[c];
        EXPECT(same_float(y[c], expected), "%s, %zu x %zu, column %zu: %.9g, by definition %.9g", name_of(f), m, k, c,
               y[c], expected);
    }
}

static void check_float(lsq_format f, const lsq_weights *w, const float *x)
{
    size_t m = lsq_weights_rows(w), k = lsq_weights_columns(w);
    float y[MOST], row[LONGEST];
    EXPECT(lsq_sgemv(float_context, LSQ_NO_TRANS, 1, w, x, 1, 0, y, 1) == LSQ_OK, "refused");
    for (size_t r = 0; r < m; r++) {
        double sum = 0, size = 0;
        EXPECT(lsq_dequantize(NULL, w, r, 1, row, LONGEST) == LSQ_OK, "refused");
        for (size_t c = 0; c < k; c++) {
            sum += (double)row[c] * x[c];
            size += fabs((double)row[c] * x[c]);
        }
        EXPECT(fabs(y[r] - sum) <= ((double)k / 4 + 64) * 0x1p-24 * size, "%s, %zu x %zu, row %zu: %.9g, exactly %.9g",
               name_of(f), m, k, r, y[r], sum);
    }
}

START_TEST(every_format_and_shape)
{
    lsq_format f = formats[_i];
    for (size_t i = 0; i < COUNT(shapes); i++) {
        size_t m = shapes[i][0], k = shapes[i][1], bytes;
        uint8_t *packed = random_packed(f, m, k, i, f.scale == LSQ_SCALE_NONE ? 1 : 0.03f, &bytes);
        lsq_weights *w = wrap(f, m, k, packed, bytes);
        float x[LONGEST];
        fill_bell(500 + i, x, LONGEST);
        check_integer(f, w, x, 1, 0);
        check_integer(f, w, x, -1.7f, 0.3f);
        check_transposed(f, w, x, 1, 0);
        check_transposed(f, w, x, -1.7f, 0.3f);
        check_float(f, w, x);
        lsq_weights_free(w);
        free(packed);
    }
}
END_TEST

/* Through the end of a chain, where the history of a trellis begins again. */
START_TEST(two_chains)
{
    static const char *const names[] = {"t1", "t2.st64.nib32", "t3.st8", "t4.byte32", "t5.st4", "t6.st64"};
    for (size_t i = 0; i < COUNT(names); i++) {
        size_t bytes, m = 290, k = 40;
        lsq_format f = format_named(names[i]);
        uint8_t *packed = random_packed(f, m, k, 3, 1, &bytes);
        lsq_weights *w = wrap(f, m, k, packed, bytes);
        float x[MOST];
        fill_bell(6, x, MOST);
        check_integer(f, w, x, 1, 0);
        check_transposed(f, w, x, 1, 0);
        check_float(f, w, x);
        lsq_weights_free(w);
        free(packed);
    }
}
END_TEST

/* Vectors that are hard to round, each in a group of 32 beside an ordinary one. */
static void hard_vector(unsigned kind, float x[LONGEST])
{
    fill_bell(kind, x, LONGEST);
    for (unsigned i = 0; i < 32; i++) {
        float half = (float)(int)i - 16 + 0.5f;
        switch (kind) {
        case 0: /* ties: the largest is the limit itself */
            x[i] = i == 31 ? 127 : half;
            break;
        case 1:
            x[i] = i == 31 ? -4095 : half * 200;
            break;
        case 2: /* too small to divide by, and just not */
            x[i] = half * 0x1p-105f;
            break;
        case 3:
            x[i] = i == 5 ? 0x1p-100f : half * 0x1p-106f;
            break;
        case 4:
            x[i] = i == 5 ? nextafterf(0x1p-100f, 0) : 0;
            break;
        case 5:
            x[i] = i % 2 ? 3e38f : -3.4028235e38f;
            break;
        case 6: /* denormals, zeros of both signs */
            x[i] = i % 3 ? 1e-41f : -0.0f;
            break;
        case 7:
            x[i] = i == 9 ? NAN : x[i];
            break;
        case 8:
            x[i] = i == 31 ? -INFINITY : x[i];
            break;
        case 9: /* every product at its largest */
            x[i] = 1;
            break;
        default:
            x[i] = 0;
        }
    }
}

START_TEST(hard_vectors)
{
    static const char *const names[] = {"c6.row", "c9",       "s2.tensor", "s6", "s9.row",
                                        "t4",     "t6.nib32", "t5.byte32", "b1", "b1.byte32"};
    for (size_t i = 0; i < COUNT(names); i++) {
        size_t bytes, m = 19, k = 96;
        lsq_format f = format_named(names[i]);
        uint8_t *packed = random_packed(f, m, k, 8 + i, 0.1f, &bytes);
        for (int extreme = 0; extreme < 3; extreme++) {
            if (extreme) /* every code the first, every code the last */
                memset(packed, extreme == 1 ? 0 : 0xff, 6 * 64 * f.bits);
            lsq_weights *w = wrap(f, m, k, packed, bytes);
            for (unsigned kind = 0; kind <= 10; kind++) {
                float x[LONGEST];
                hard_vector(kind, x);
                check_integer(f, w, x, 1, 0);
                check_transposed(f, w, x, 1, 0);
            }
            lsq_weights_free(w);
        }
        free(packed);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("integer");
    TCase *products = new_case(suite, "products");
    tcase_add_checked_fixture(products, make, drop);
    tcase_add_loop_test(products, every_format_and_shape, 0, USUAL_FORMATS);
    tcase_add_test(products, two_chains);
    tcase_add_test(products, hard_vectors);
    return run_suite(suite);
}
