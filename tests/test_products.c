/*
 * test_products.c - products that are the same in other words have the same bits: with alpha and beta, with increments, as
 * columns of lsq_sgemm(), as rows of lsq_dot(). What the bits are, test_blas.c and test_integer.c ask.
 */
#include "tests/core_sample.h"

#include <errno.h>
#include <math.h>

enum { M = 35, K = 70 };

static lsq_context *contexts[2]; /* int, float */
static lsq_weights *weights[4];
static uint8_t *packed[4];

static void make(void)
{
    static const char *const names[4] = {"s4", "c8.row", "t3", "s9.tensor"};
    for (int i = 0; i < 2; i++) {
        lsq_context_options options = {.size = sizeof(options), .activation = i};
        OK(lsq_context_new(&options, &contexts[i], NULL));
    }
    for (size_t i = 0; i < 4; i++) {
        size_t bytes;
        lsq_format f = format_named(names[i]);
        packed[i] = random_packed(f, M, K, 50 + i, 0.5f, &bytes);
        weights[i] = wrap(f, M, K, packed[i], bytes);
    }
}

static void drop(void)
{
    for (int i = 0; i < 2; i++)
        lsq_context_free(contexts[i]);
    for (size_t i = 0; i < 4; i++) {
        lsq_weights_free(weights[i]);
        free(packed[i]);
    }
}

static const float nan_pattern = NAN;

static void fill_nan(float *to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = nan_pattern;
}

/* Where BLAS has element i of n with this increment. */
static size_t at(size_t i, size_t n, ptrdiff_t inc)
{
    return inc > 0 ? i * (size_t)inc : (n - 1 - i) * (size_t)-inc;
}

static size_t inner_of(lsq_transpose t)
{
    return t == LSQ_TRANS ? M : K;
}

static size_t outer_of(lsq_transpose t)
{
    return t == LSQ_TRANS ? K : M;
}

/* op(W) x, plain: what everything else is compared with. */
static void plain(int act, lsq_transpose t, const lsq_weights *w, const float *x, float *y)
{
    fill_nan(y, outer_of(t));
    OK(lsq_sgemv(contexts[act], t, 1, w, x, 1, 0, y, 1));
}

START_TEST(alpha_and_beta)
{
    static const float factors[] = {1, -0.5f, 3, 0, -1};
    for (size_t i = 0; i < 4; i++)
        for (int act = 0; act < 2; act++)
            for (lsq_transpose t = LSQ_NO_TRANS; t <= LSQ_TRANS; t++)
                for (size_t j = 0; j < COUNT(factors) * COUNT(factors); j++) {
                    float alpha = factors[j / COUNT(factors)], beta = factors[j % COUNT(factors)];
                    float x[K], y[K], y0[K], base[K];
                    fill_bell(9, x, K);
                    fill_bell(10, y0, K);
                    plain(act, t, weights[i], x, base);
                    memcpy(y, y0, sizeof(y));
                    OK(lsq_sgemv(contexts[act], t, alpha, weights[i], x, 1, beta, y, 1));
                    for (size_t o = 0; o < K; o++) {
                        float expected = alpha == 0 ? beta * y0[o] : alpha * base[o] + beta * y0[o];
                        expected = beta == 0 ? alpha * base[o] : expected;
                        expected = o < outer_of(t) ? expected : y0[o];
                        EXPECT(y[o] == expected, "act %d, trans %d, alpha %g, beta %g: y[%zu] = %.9g, expected %.9g",
                               act, (int)t, alpha, beta, o, y[o], expected);
                    }
                }
}
END_TEST

START_TEST(increments_of_both_signs)
{
    static const ptrdiff_t increments[] = {1, -1, 2, -2, 3, -3};
    for (size_t i = 0; i < 4; i++)
        for (int act = 0; act < 2; act++)
            for (lsq_transpose t = LSQ_NO_TRANS; t <= LSQ_TRANS; t++)
                for (size_t j = 0; j < COUNT(increments) * COUNT(increments); j++) {
                    ptrdiff_t incx = increments[j / COUNT(increments)], incy = increments[j % COUNT(increments)];
                    size_t inner = inner_of(t), outer = outer_of(t);
                    float x[K], base[K], spread_x[3 * K], spread_y[3 * K];
                    fill_bell(9, x, K);
                    fill_bell(10, base, K);
                    for (size_t e = 0; e < inner; e++)
                        spread_x[at(e, inner, incx)] = x[e];
                    for (size_t e = 0; e < outer; e++)
                        spread_y[at(e, outer, incy)] = base[e];
                    OK(lsq_sgemv(contexts[act], t, 2, weights[i], x, 1, 0.5f, base, 1));
                    OK(lsq_sgemv(contexts[act], t, 2, weights[i], spread_x, incx, 0.5f, spread_y, incy));
                    for (size_t e = 0; e < outer; e++)
                        EXPECT(!memcmp(&spread_y[at(e, outer, incy)], &base[e], sizeof(float)),
                               "weights %zu, act %d, trans %d, increments %td %td: y[%zu]", i, act, (int)t, incx, incy,
                               e);
                }
}
END_TEST

/* Are these n numbers the same bits, or, if they were summed in another order, as close as two results within the bound must
 * be? `size` is at least the sum of magnitudes. */
static int same(const float *a, const float *b, size_t n, int exactly, double size)
{
    int same = 1;
    for (size_t i = 0; i < n; i++)
        same &= exactly || isnan(b[i]) ? !memcmp(&a[i], &b[i], sizeof(*a))
                                       : fabs((double)a[i] - b[i]) <= (K / 4.0 + 64) * 0x1p-23 * size;
    return same;
}

static double largest_weight(const lsq_weights *w)
{
    float decoded[M * K], largest = 0;
    OK(lsq_dequantize(NULL, w, 0, M, decoded, K));
    for (size_t i = 0; i < COUNT(decoded); i++)
        largest = fabsf(decoded[i]) > largest ? fabsf(decoded[i]) : largest;
    return largest;
}

/* One column of op(B) and of C, by lsq_sgemv() with the increments that it has there. */
static void check_columns(int act, lsq_order order, lsq_transpose tw, lsq_transpose tb, size_t n, float alpha,
                          float beta, const lsq_weights *w)
{
    size_t inner = inner_of(tw), outer = outer_of(tw);
    int b_packed = (order == LSQ_COL_MAJOR) == (tb == LSQ_NO_TRANS), c_packed = order == LSQ_COL_MAJOR;
    size_t ldb = (b_packed ? inner : n) + 3, ldc = (c_packed ? outer : n) + 2;
    size_t b_room = ldb * (b_packed ? n : inner), c_room = ldc * (c_packed ? n : outer);
    float *b = memory(b_room * sizeof(float)), *c = memory(c_room * sizeof(float)),
          *expected = memory(c_room * sizeof(float));
    fill_nan(b, b_room);
    fill_nan(c, c_room);
    for (size_t j = 0; j < n; j++) {
        for (size_t e = 0; e < inner; e++)
            b[b_packed ? j * ldb + e : e * ldb + j] = (float)((e * 7 + j * 3) % 11) - 5;
        for (size_t e = 0; e < outer && beta != 0; e++)
            c[c_packed ? j * ldc + e : e * ldc + j] = (float)((e * 5 + j) % 13) - 6;
    }
    memcpy(expected, c, c_room * sizeof(float));
    for (size_t j = 0; j < n; j++)
        OK(lsq_sgemv(contexts[act], tw, alpha, w, b + (b_packed ? j * ldb : j), b_packed ? 1 : (ptrdiff_t)ldb, beta,
                     expected + (c_packed ? j * ldc : j), c_packed ? 1 : (ptrdiff_t)ldc));
    OK(lsq_sgemm(contexts[act], order, tw, tb, n, alpha, w, b, ldb, beta, c, ldc));
    /* Elements of B and C are below 7, factors below 4. */
    const int exactly = act == LSQ_ACT_INT || tw == LSQ_TRANS;
    ck_assert_msg(same(c, expected, c_room, exactly, 4.0 * 7 * K * largest_weight(w)),
                  "order %d, trans %d %d, n %zu, alpha %g, beta %g", (int)order, (int)tw, (int)tb, n, alpha, beta);
    free(b);
    free(c);
    free(expected);
}

START_TEST(columns_of_gemm_are_gemv)
{
    static const size_t columns[] = {0, 1, 2, 3, 4, 5, 17};
    static const float factors[][2] = {{1, 0}, {-2, 0.5f}, {0, 0}, {0, 3}};
    for (size_t i = 0; i < 4; i++)
        for (int act = 0; act < 2; act++)
            for (int how = 0; how < 8; how++)
                for (size_t n = 0; n < COUNT(columns); n++)
                    for (size_t f = 0; f < COUNT(factors); f++)
                        check_columns(act, how & 1 ? LSQ_COL_MAJOR : LSQ_ROW_MAJOR, how & 2 ? LSQ_TRANS : LSQ_NO_TRANS,
                                      how & 4 ? LSQ_TRANS : LSQ_NO_TRANS, columns[n], factors[f][0], factors[f][1],
                                      weights[i]);
}
END_TEST

/* More columns than are rounded at once, more groups than are expanded at once, and rows and columns that fill nothing. */
START_TEST(large_gemm_is_gemv)
{
    enum { ROWS = 40, INNER = 1100, N = 261 };
    static const char *const names[] = {"s2", "s6.row",    "s9", "c7.none",  "t1.nib32",
                                        "t4", "t6.byte32", "b1", "b1.byte32"};
    float *b = memory(INNER * N * sizeof(float)), *c = memory(ROWS * N * sizeof(float)), y[ROWS];
    fill_bell(9, b, INNER * N);
    for (size_t i = 0; i < COUNT(names); i++) {
        size_t bytes;
        lsq_format f = format_named(names[i]);
        uint8_t *bits = random_packed(f, ROWS, INNER, i, 1, &bytes); /* 1: what formats without a scale must have */
        lsq_weights *w = wrap(f, ROWS, INNER, bits, bytes);
        OK(lsq_sgemm(contexts[0], LSQ_ROW_MAJOR, LSQ_NO_TRANS, LSQ_NO_TRANS, N, 1, w, b, N, 0, c, N));
        for (size_t j = 0; j < N; j++) {
            OK(lsq_sgemv(contexts[0], LSQ_NO_TRANS, 1, w, b + j, N, 0, y, 1));
            for (size_t r = 0; r < ROWS; r++)
                EXPECT(!memcmp(&c[r * N + j], &y[r], sizeof(float)), "%s: (%zu, %zu) is %g, of gemv %g", names[i], r, j,
                       c[r * N + j], y[r]);
        }
        lsq_weights_free(w);
        free(bits);
    }
    free(b);
    free(c);
}
END_TEST

/* Rows of a product, from any place to any other, with rows around them that stay as they are. */
START_TEST(ranges_of_rows)
{
    enum { N = 5, LD = N + 1 };
    float b[K * N], whole[M * LD], part[M * LD];
    fill_bell(1, b, COUNT(b));
    for (size_t i = 0; i < 4; i++)
        for (size_t n = 1; n <= N; n += 4)
            for (size_t row = 0; row <= M; row++)
                for (size_t rows = 0; rows <= M - row; rows += 1 + rows / 3) {
                    fill_bell(2, whole, COUNT(whole));
                    fill_bell(2, part, COUNT(part));
                    OK(lsq_sgemm(contexts[0], LSQ_ROW_MAJOR, LSQ_NO_TRANS, LSQ_NO_TRANS, n, 2, weights[i], b, N, 0.5f,
                                 whole, LD));
                    OK(lsq_sgemm_rows(contexts[0], LSQ_ROW_MAJOR, LSQ_NO_TRANS, row, rows, n, 2, weights[i], b, N, 0.5f,
                                      part + row * LD, LD));
                    memcpy(whole, part, row * LD * sizeof(float));
                    memcpy(whole + (row + rows) * LD, part + (row + rows) * LD, (M - row - rows) * LD * sizeof(float));
                    EXPECT(!memcmp(whole, part, sizeof(whole)), "weights %zu, n %zu: rows [%zu, %zu)", i, n, row,
                           row + rows);
                    fill_bell(2, whole, row * LD);
                    EXPECT(!memcmp(whole, part, row * LD * sizeof(float)), "rows before %zu were written", row);
                }
}
END_TEST

START_TEST(dots_are_rows_of_gemv)
{
    for (size_t i = 0; i < 4; i++)
        for (int act = 0; act < 2; act++)
            for (ptrdiff_t inc = -2; inc <= 2; inc++) {
                float x[2 * K], y[M], dot;
                if (inc == 0)
                    continue;
                fill_bell(i, x, COUNT(x));
                OK(lsq_sgemv(contexts[act], LSQ_NO_TRANS, 1, weights[i], x, inc, 0, y, 1));
                for (size_t r = 0; r < M; r++) {
                    OK(lsq_dot(contexts[act], weights[i], r, x, inc, &dot));
                    EXPECT(!memcmp(&dot, &y[r], sizeof(dot)), "weights %zu, act %d: row %zu is %g, of gemv %g", i, act,
                           r, dot, y[r]);
                }
            }
}
END_TEST

/* Sums of many terms stay within the bound also where every rounding goes the same way. */
START_TEST(long_sums_keep_the_bound)
{
    enum { LONG = 5000 };
    const lsq_format f = format_named("s2.tensor");
    for (lsq_transpose t = LSQ_NO_TRANS; t <= LSQ_TRANS; t++) {
        size_t m = t == LSQ_TRANS ? LONG : 16, k = t == LSQ_TRANS ? 16 : LONG, bytes;
        uint8_t *zeros = random_packed(f, m, k, 1, 0.008f, &bytes);
        memset(zeros, 0, (m + 15) / 16 * ((k + 31) / 32 * 128 + 16)); /* code 0, level -127, everywhere: -1.016 */
        lsq_weights *w = wrap(f, m, k, zeros, bytes);
        float *x = memory(LONG * sizeof(float)), y[16], row[LONG];
        OK(lsq_dequantize(NULL, w, 0, 1, row, k));
        x[0] = 1;
        for (size_t i = 1; i < LONG; i++)
            x[i] = 0x1.8p-25f; /* less than half an ulp of the first term: added one by one, all are lost */
        double exact = row[0] * (1 + (LONG - 1) * 0x1.8p-25), bound = (LONG / 4.0 + 64) * 0x1p-24 * fabs(exact);
        OK(lsq_sgemv(contexts[LSQ_ACT_FLOAT], t, 1, w, x, 1, 0, y, 1));
        for (size_t o = 0; o < 16; o++)
            ck_assert_msg(fabs(y[o] - exact) <= bound, "trans %d: y[%zu] is %.9g, exactly %.9g +- %.3g", (int)t, o,
                          y[o], exact, bound);
        lsq_weights_free(w);
        free(zeros);
        free(x);
    }
}
END_TEST

START_TEST(wrong_dots_and_rows_change_nothing)
{
    const float x[2 * K] = {0};
    const lsq_weights *w = weights[0];
    float y = 3;
    errno = 77;
    REFUSED(lsq_sgemm_rows(NULL, LSQ_ROW_MAJOR, LSQ_NO_TRANS, 0, M + 1, 2, 1, w, x, 2, 0, &y, 2));
    REFUSED(lsq_sgemm_rows(NULL, LSQ_ROW_MAJOR, LSQ_NO_TRANS, M, 1, 2, 1, w, x, 2, 0, &y, 2));
    REFUSED(lsq_sgemm_rows(NULL, LSQ_ROW_MAJOR, LSQ_NO_TRANS, M + 1, (size_t)-1, 2, 1, w, x, 2, 0, &y, 2));
    REFUSED(lsq_sgemm_rows(NULL, LSQ_COL_MAJOR, LSQ_NO_TRANS, 3, 5, 1, 1, w, x, K, 0, &y, 4));
    REFUSED(lsq_sgemm_rows(NULL, LSQ_ROW_MAJOR, LSQ_TRANS, 0, 1, 2, 1, NULL, x, K, 0, &y, 2));
    OK(lsq_sgemm_rows(NULL, LSQ_ROW_MAJOR, LSQ_NO_TRANS, M, 0, 2, 1, w, x, 2, 0, &y, 2));
    REFUSED(lsq_dot(contexts[0], NULL, 0, x, 1, &y));
    REFUSED(lsq_dot(contexts[0], weights[0], M, x, 1, &y));
    REFUSED(lsq_dot(contexts[0], weights[0], 0, NULL, 1, &y));
    REFUSED(lsq_dot(contexts[0], weights[0], 0, x, 0, &y));
    REFUSED(lsq_dot(contexts[0], weights[0], 0, x, 1, NULL));
    ck_assert_int_eq(errno, 77);
    ck_assert(y == 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("products");
    TCase *products = new_case(suite, "products");
    tcase_add_checked_fixture(products, make, drop);
    tcase_add_test(products, alpha_and_beta);
    tcase_add_test(products, increments_of_both_signs);
    tcase_add_test(products, columns_of_gemm_are_gemv);
    tcase_add_test(products, large_gemm_is_gemv);
    tcase_add_test(products, ranges_of_rows);
    tcase_add_test(products, dots_are_rows_of_gemv);
    tcase_add_test(products, long_sums_keep_the_bound);
    tcase_add_test(products, wrong_dots_and_rows_change_nothing);
    return run_suite(suite);
}
