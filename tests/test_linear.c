/*
 * test_linear.c - lsq_linear() against double arithmetic on the decoded weights, and what layers do at their end.
 */
#include "tests/layer_sample.h"

enum { M = 37, K = 150, LDX = K + 3, LDY = M + 5 };

START_TEST(layers_are_products)
{
    static const size_t batches[] = {1, 2, 3, 4, 5, 19, 300};
    static const char *const formats[] = {"s4", "t3"};
    const lsq_nonlinearity f = (lsq_nonlinearity)_i;
    float *bias = bell_of(1, M);
    for (size_t i = 0; i < COUNT(batches) * COUNT(formats) * 2; i++) {
        const size_t batch = batches[i / 2 % COUNT(batches)];
        const int act = i % 2, with_bias = i % 3 > 0;
        float *decoded, *x = bell_of(2, batch * LDX), *y = memory(batch * LDY * sizeof(*y)), gap;
        lsq_weights *w = weights_of(formats[i / 2 / COUNT(batches)], M, K, 3, &decoded);
        memset(y, 0xff, batch * LDY * sizeof(*y));
        memcpy(&gap, y, sizeof(gap));
        OK(lsq_linear(contexts[act], w, with_bias ? bias : NULL, f, batch, x, LDX, y, LDY, NULL));
        for (size_t o = 0; o < batch * LDY; o++) {
            const size_t row = o / LDY, j = o % LDY;
            exact e = {0};
            if (j >= M) {
                EXPECT(memcmp(&y[o], &gap, sizeof(gap)) == 0, "what lies between two rows of Y was written");
                continue;
            }
            for (size_t c = 0; c < K; c++)
                exact_add(&e, c, decoded[j * K + c], x[row * LDX + c]);
            EXPECT(is_output(y[o], &e, with_bias ? bias[j] : 0, f, bound_of(&e, K, act == LSQ_ACT_INT, 0)),
                   "batch %zu, act %d, bias %d: y[%zu][%zu] is %.9g", batch, act, with_bias, row, j, y[o]);
        }
        free(x);
        free(y);
        free(decoded);
        lsq_weights_free(w);
    }
    free(bias);
}
END_TEST

/* Exact products against the usual estimate, 2 sqrt(k) 2^-23 |w| |x|, for y = W x and for Y = X W^T + bias. */
START_TEST(float_layers_keep_the_usual_bound)
{
    enum { ROWS = 16, LONG = 4096, BATCH = 6 };
    float *decoded, *x = bell_of(4, BATCH * LONG), *bias = bell_of(5, ROWS), y[BATCH * ROWS];
    lsq_weights *w = weights_of("s5", ROWS, LONG, 6, &decoded);
    for (size_t batch = 1; batch <= BATCH; batch += BATCH - 1) {
        OK(lsq_linear(contexts[1], w, batch > 1 ? bias : NULL, LSQ_IDENTITY, batch, x, LONG, y, ROWS, NULL));
        for (size_t o = 0; o < batch * ROWS; o++) {
            double sum = batch > 1 ? bias[o % ROWS] : 0, ww = 0, xx = 0;
            for (size_t c = 0; c < LONG; c++) {
                const double a = decoded[o % ROWS * LONG + c], b = x[o / ROWS * LONG + c];
                sum += a * b;
                ww += a * a;
                xx += b * b;
            }
            EXPECT(fabs(y[o] - sum) <= 2 * sqrt(LONG) * 0x1p-23 * sqrt(ww * xx), "y[%zu] is %.9g, exactly %.9g", o,
                   y[o], sum);
        }
    }
    free(x);
    free(bias);
    free(decoded);
    lsq_weights_free(w);
}
END_TEST

/* Rounded products: a row has the same bits alone and in any batch, on any number of threads. */
START_TEST(rows_do_not_know_their_neighbours)
{
    enum { BATCH = 9 };
    float *x = bell_of(7, BATCH * K), y[BATCH * M], one[BATCH * M];
    lsq_weights *w = weights_of("t4", M, K, 8, NULL);
    for (size_t i = 0; i < BATCH; i++)
        OK(lsq_linear(contexts[0], w, NULL, LSQ_GELU, 1, x + i * K, K, one + i * M, M, NULL));
    for (unsigned threads = 1; threads < 4; threads++) {
        const lsq_context_options options = {.size = sizeof(options), .threads = threads};
        lsq_context *ctx;
        OK(lsq_context_new(&options, &ctx, NULL));
        OK(lsq_linear(ctx, w, NULL, LSQ_GELU, BATCH, x, K, y, M, NULL));
        ck_assert_mem_eq(y, one, sizeof(y));
        lsq_context_free(ctx);
    }
    free(x);
    lsq_weights_free(w);
}
END_TEST

/* Through a 1 x 1 matrix of one, by way of the bias: every magnitude, and as a vector of all lengths. */
START_TEST(functions_keep_their_bound)
{
    enum { N = 20001 };
    const lsq_nonlinearity f = (lsq_nonlinearity)_i;
    const lsq_format format = format_named("c3.none");
    float *zeros = memory(N * sizeof(float)), *v = memory(N * sizeof(float)), *y = memory(N * sizeof(float)), x = 0;
    lsq_weights *w = NULL;
    OK(lsq_quantize(NULL, &format, N, 1, zeros, 1, NULL, &w, NULL));
    for (int power = -30; power <= 10; power++) {
        for (size_t i = 0; i < N; i++)
            v[i] = (float)ldexp(((double)i - N / 2) / (N / 2), power);
        OK(lsq_linear(NULL, w, v, f, 1, &x, 1, y, N, NULL));
        for (size_t i = 0; i < N; i++)
            EXPECT(fabs(y[i] - function_of(f, v[i])) <= 0x1p-20 * fabs(v[i]), "f %d of %.9g is %.9g, exactly %.9g",
                   (int)f, v[i], y[i], function_of(f, v[i]));
    }
    static const float extremes[] = {NAN, 1e30f, -1e30f, 0x1p-149f, -0x1p-149f, 3e38f};
    memcpy(v, extremes, sizeof(extremes));
    OK(lsq_linear(NULL, w, v, f, 1, &x, 1, y, N, NULL));
    ck_assert(isnan(y[0]));
    for (size_t i = 1; i < COUNT(extremes); i++)
        ck_assert_msg(fabs(y[i] - function_of(f, v[i])) <= 0x1p-20 * fabs(v[i]) + 0x1p-149, "f %d of %g is %g", (int)f,
                      v[i], y[i]);
    free(zeros);
    free(v);
    free(y);
    lsq_weights_free(w);
}
END_TEST

static void refuse(lsq_status status, const lsq_error *err, const char *text)
{
    ck_assert_int_eq(status, LSQ_E_ARGUMENT);
    ck_assert_msg(strstr(err->text, text) != NULL, "\"%s\" instead of \"%s\"", err->text, text);
}

START_TEST(bad_arguments_are_refused)
{
    lsq_weights *w = weights_of("s4", 3, 2, 9, NULL);
    float x[4] = {1, 2, 3, 4}, y[6] = {7, 7, 7, 7, 7, 7};
    lsq_error e = {0};
    refuse(lsq_linear(NULL, NULL, NULL, LSQ_RELU, 2, x, 2, y, 3, &e), &e, "w: no weights");
    refuse(lsq_linear(NULL, w, NULL, (lsq_nonlinearity)5, 2, x, 2, y, 3, &e), &e, "f is 5");
    refuse(lsq_linear(NULL, w, NULL, (lsq_nonlinearity)-1, 2, x, 2, y, 3, &e), &e, "f is -1");
    refuse(lsq_linear(NULL, w, NULL, LSQ_RELU, 2, x, 1, y, 3, &e), &e, "ldx is 1: W has 2 columns");
    refuse(lsq_linear(NULL, w, NULL, LSQ_RELU, 1, x, 2, y, 2, &e), &e, "ldy is 2: W has 3 rows");
    refuse(lsq_linear(NULL, w, NULL, LSQ_RELU, 2, NULL, 2, y, 3, &e), &e, "x: no matrix");
    refuse(lsq_linear(NULL, w, NULL, LSQ_RELU, 2, x, 2, NULL, 3, &e), &e, "y: no matrix");
    OK(lsq_linear(NULL, w, NULL, LSQ_RELU, 0, NULL, 2, NULL, 3, NULL));
    for (size_t i = 0; i < 6; i++)
        ck_assert(y[i] == 7);
    lsq_weights_free(w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("linear");
    TCase *values = new_case(suite, "values"), *arguments = new_case(suite, "arguments");
    tcase_add_checked_fixture(values, make_contexts, drop_contexts);
    tcase_add_loop_test(values, layers_are_products, LSQ_IDENTITY, LSQ_SILU + 1);
    tcase_add_test(values, float_layers_keep_the_usual_bound);
    tcase_add_test(values, rows_do_not_know_their_neighbours);
    tcase_add_loop_test(arguments, functions_keep_their_bound, LSQ_IDENTITY, LSQ_SILU + 1);
    tcase_add_test(arguments, bad_arguments_are_refused);
    return run_suite(suite);
}
