/*
 * test_sign.c - what lsq_quantize() makes of signs: the sign of each weight, and of all scales that there are the best
 * one.
 *
 * Under a scale s the error is the sum of importance * (|w| - s)^2, so every scale that a byte can name is tried here,
 * in double.
 */
#include "kernels/codec.h"
#include "tests/core_sample.h"

#include <math.h>

enum { M = 37, K = 203 };

static float w[M * K], importance[M * K], decoded[M * K];

/* Most rows have heavy tails, and one weight that is far above the mean; some of no importance. */
static void draw(void)
{
    number_source s = {12};
    for (size_t i = 0; i < M * K; i++) {
        const float a = bell(&s), b = bell(&s);
        w[i] = i % 7 ? a : 40 * a * b;
        importance[i] = next_u32(&s) % 5 ? 10 * fabsf(b) : 0;
    }
    for (size_t r = 0; r < M; r += 5)
        w[r * K + r] = r % 2 ? 30.0f : -30.0f;
}

/* The scales of rows that the tensor's float makes of the quantised matrix. */
static void quantised(const char *name, const float *by, float row[256])
{
    const lsq_format f = format_named(name);
    const lsq_quantize_options options = {.size = sizeof(options), .importance = by, .importance_ld = by ? K : 0};
    lsq_weights *q = NULL;
    lsq_geometry geometry;
    OK(lsq_quantize(NULL, &f, M, K, w, K, &options, &q, NULL));
    OK(lsq_geometry_of(&f, M, K, &geometry));
    lsq_row_scales(&f, lsq_tensor_scale(lsq_weights_packed(q), &geometry), row);
    OK(lsq_dequantize(NULL, q, 0, M, decoded, K));
    lsq_weights_free(q);
}

/* Of n weights. */
static double error_under(double scale, size_t at, size_t n, const float *by)
{
    double sum = 0;
    for (size_t i = at; i < at + n; i++)
        sum += (by ? (double)by[i] : 1) * (fabs((double)w[i]) - scale) * (fabs((double)w[i]) - scale);
    return sum;
}

static void expect_least(size_t at, size_t n, const float *by, double other, const char *what)
{
    const double error = error_under(fabs((double)decoded[at]), at, n, by), least = error_under(other, at, n, by);
    EXPECT(error <= least * (1 + 1e-6), "%s: weights from %zu on: error %g, but %g with %g", what, at, error, least,
           other);
}

START_TEST(signs)
{
    float row[256];
    draw();
    w[3] = 0;
    w[4] = -0.0f;
    for (size_t i = 0; i < M * K; i++)
        importance[i] = 1;
    static const char *const names[] = {"b1", "b1.tensor", "b1.byte32"};
    for (size_t f = 0; f < COUNT(names); f++) {
        quantised(names[f], f % 2 ? importance : NULL, row);
        for (size_t i = 0; i < M * K; i++)
            EXPECT(decoded[i] != 0 && (decoded[i] > 0) == (w[i] >= 0), "%s: %g for %g", names[f], decoded[i], w[i]);
    }
}
END_TEST

START_TEST(row_scales)
{
    const float *by = _i ? importance : NULL;
    float row[256];
    draw();
    quantised("b1", by, row);
    for (size_t r = 0; r < M; r++) {
        for (size_t c = 1; c < K; c++)
            EXPECT(fabsf(decoded[r * K + c]) == fabsf(decoded[r * K]), "row %zu has two scales", r);
        for (unsigned b = 0; b < 256; b++)
            expect_least(r * K, K, by, row[b], "b1");
    }
}
END_TEST

START_TEST(byte_scales)
{
    const float *by = _i ? importance : NULL;
    float rows[256];
    draw();
    quantised("b1.byte32", by, rows);
    for (size_t r = 0; r < M; r++)
        for (size_t c = 0; c < K; c += 32) {
            const size_t n = K - c < 32 ? K - c : 32;
            /* The bytes beside this one are a 16th away, or less. */
            const double scale = fabs((double)decoded[r * K + c]);
            expect_least(r * K + c, n, by, scale * (1 + 1.0 / 16), "b1.byte32");
            expect_least(r * K + c, n, by, scale * (1 - 1.0 / 16), "b1.byte32");
        }
}
END_TEST

/* The least error of all scales is that of the mean, and has a closed form. */
START_TEST(tensor_scale)
{
    const float *by = _i ? importance : NULL;
    float row[256];
    double sum = 0, squares = 0, all = 0;
    draw();
    quantised("b1.tensor", by, row);
    for (size_t i = 0; i < M * K; i++) {
        const double f = by ? (double)by[i] : 1;
        all += f;
        sum += f * fabs((double)w[i]);
        squares += f * (double)w[i] * w[i];
    }
    EXPECT(fabs(fabs((double)decoded[0]) - sum / all) <= 1e-6 * sum / all, "%.9g for %.9g", decoded[0], sum / all);
    const double error = error_under(fabs((double)decoded[0]), 0, M * K, by);
    EXPECT(fabs(error - (squares - sum * sum / all)) <= 1e-6 * squares, "%g", error);
}
END_TEST

/* A row that nobody asks for costs nothing, and spoils nothing. */
START_TEST(no_importance_at_all)
{
    float row[256];
    draw();
    for (size_t c = 0; c < K; c++)
        importance[2 * K + c] = 0;
    static const char *const names[] = {"b1", "b1.byte32"};
    for (size_t f = 0; f < COUNT(names); f++) {
        quantised(names[f], importance, row);
        EXPECT(decoded[2 * K] == 0, "%s: %g", names[f], decoded[2 * K]);
        EXPECT(isfinite(decoded[K]) && decoded[K] != 0, "%s: %g", names[f], decoded[K]);
    }
    for (size_t i = 0; i < M * K; i++)
        importance[i] = 0;
    quantised("b1.tensor", importance, row);
    ck_assert_float_eq(decoded[0], 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sign");
    TCase *scales = new_case(suite, "scales");
    tcase_add_test(scales, signs);
    tcase_add_loop_test(scales, row_scales, 0, 2);
    tcase_add_loop_test(scales, byte_scales, 0, 2);
    tcase_add_loop_test(scales, tensor_scale, 0, 2);
    tcase_add_test(scales, no_importance_at_all);
    return run_suite(suite);
}
