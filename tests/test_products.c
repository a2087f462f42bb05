/*
 * test_products.c - lsq_sgemv() and lsq_sgemm() keep to the letter of BLAS: alpha, beta, increments, orders, transposes,
 * and touch nothing else.
 */
#include "dispatch/weights.h"
#include "tests/core_sample.h"
#include "tests/guarded.h"

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

/*
 * What rounding may cost an element of W^T x: for each panel half a step of the largest of its 16 products of x and scales, 16 times the
 * largest level.
 */
static double transposed_step(const lsq_weights *w, const float *x, size_t column, double limit)
{
    const lsq_tiles tiles = lsq_weights_tiles(w);
    double step = 0;
    for (size_t p = 0; p * PANEL < M; p++) {
        double largest = 0;
        for (unsigned r = 0; r < PANEL && p * PANEL + r < M; r++) {
            const uint8_t byte = tiles.rows[p * PANEL + r];
            float s[2];
            lsq_tile_scale(&tiles, p * tiles.groups + column / GROUP, r, byte, s);
            const double v = fabs((double)x[p * PANEL + r] * s[column % GROUP / 16] * w->row[byte]) * w->levels.unit;
            largest = v > largest ? v : largest;
        }
        step += largest / limit / 2 * PANEL * lsq_largest_level(&w->format);
    }
    return step;
}

/* Against double arithmetic on the decoded weights: rounded activations within their steps, others within the bound. */
START_TEST(products_are_products)
{
    for (size_t i = 0; i < 4; i++)
        for (int act = 0; act < 2; act++)
            for (lsq_transpose t = LSQ_NO_TRANS; t <= LSQ_TRANS; t++) {
                float x[K], y[K], decoded[M * K], largest = 0;
                fill_bell(i, x, K);
                plain(act, t, weights[i], x, y);
                OK(lsq_dequantize(NULL, weights[i], 0, M, decoded, K));
                for (size_t j = 0; j < K; j++)
                    largest = fabsf(x[j]) > largest ? fabsf(x[j]) : largest;
                for (size_t o = 0; o < outer_of(t); o++) {
                    double sum = 0, size = 0, row = 0, step = 0;
                    for (size_t j = 0; j < inner_of(t); j++) {
                        double w = t == LSQ_TRANS ? decoded[j * K + o] : decoded[o * K + j];
                        sum += w * x[j];
                        size += fabs(w * x[j]);
                        row += fabs(w);
                    }
                    /* Half a step of x for each weight, and half a step of a classic level for each x. */
                    const double limit = i == 0 || i == 2 ? 127 : 4095, levels = limit == 127 ? 0 : size / 100;
                    if (act == LSQ_ACT_INT && t == LSQ_NO_TRANS)
                        step = row * largest / limit / 2 + levels;
                    else if (act == LSQ_ACT_INT)
                        step = transposed_step(weights[i], x, o, limit) + levels;
                    double bound = ((double)inner_of(t) / 4 + 64) * 0x1p-24 * size + step * 1.001;
                    EXPECT(fabs(y[o] - sum) <= bound, "weights %zu, act %d, trans %d: y[%zu] = %g, exactly %g", i, act,
                           (int)t, o, y[o], sum);
                }
            }
}
END_TEST

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

START_TEST(zero_factors_do_not_look)
{
    guarded nothing = guarded_new(0, 1); /* a forbidden page */
    for (int act = 0; act < 2; act++)
        for (lsq_transpose t = LSQ_NO_TRANS; t <= LSQ_TRANS; t++) {
            float x[K], y[K], base[K];
            fill_bell(9, x, K);
            plain(act, t, weights[0], x, base);
            fill_nan(y, K); /* beta = 0 */
            OK(lsq_sgemv(contexts[act], t, 1, weights[0], x, 1, 0, y, 1));
            ck_assert_mem_eq(y, base, outer_of(t) * sizeof(float));
            fill_nan(y, K); /* alpha = beta = 0 */
            OK(lsq_sgemv(contexts[act], t, 0, weights[0], nothing.data, 1, 0, y, 1));
            for (size_t o = 0; o < outer_of(t); o++)
                EXPECT(y[o] == 0 && !signbit(y[o]), "y[%zu] = %g", o, y[o]);
            fill_bell(3, y, K); /* alpha = 0, beta = 1: nothing happens */
            memcpy(base, y, sizeof(y));
            OK(lsq_sgemv(contexts[act], t, 0, weights[0], NULL, 1, 1, y, 1));
            ck_assert_mem_eq(y, base, sizeof(y));
            y[1] = NAN; /* beta not 0 reads y */
            OK(lsq_sgemv(contexts[act], t, 1, weights[0], x, 1, 1, y, 1));
            ck_assert(isnan(y[1]) && !isnan(y[0]));
        }
    guarded_free(&nothing);
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
                    float x[K], base[K], y[K], y0[K];
                    fill_bell(9, x, K);
                    fill_bell(10, y0, K);
                    memcpy(base, y0, sizeof(base));
                    OK(lsq_sgemv(contexts[act], t, 2, weights[i], x, 1, 0.5f, base, 1));

                    /* NaN in every gap: read, it spreads; written, it is gone. */
                    size_t x_room = 1 + (inner - 1) * (size_t)labs(incx), y_room = 1 + (outer - 1) * (size_t)labs(incy);
                    guarded gx = guarded_new(x_room * sizeof(float), 1), gy = guarded_new(y_room * sizeof(float), 1);
                    float *spread_x = gx.data, *spread_y = gy.data;
                    fill_nan(spread_x, x_room);
                    fill_nan(spread_y, y_room);
                    for (size_t e = 0; e < inner; e++)
                        spread_x[at(e, inner, incx)] = x[e];
                    for (size_t e = 0; e < outer; e++)
                        spread_y[at(e, outer, incy)] = y0[e];
                    guarded_seal(&gx);
                    OK(lsq_sgemv(contexts[act], t, 2, weights[i], spread_x, incx, 0.5f, spread_y, incy));
                    for (size_t e = 0; e < outer; e++) {
                        y[e] = spread_y[at(e, outer, incy)];
                        spread_y[at(e, outer, incy)] = nan_pattern;
                    }
                    EXPECT(!memcmp(y, base, outer * sizeof(float)), "weights %zu, act %d, trans %d, increments %td %td",
                           i, act, (int)t, incx, incy);
                    for (size_t e = 0; e < y_room; e++)
                        EXPECT(!memcmp(&spread_y[e], &nan_pattern, sizeof(float)), "a gap of y was written");
                    guarded_free(&gx);
                    guarded_free(&gy);
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
    static const char *const names[] = {"s2", "s6.row", "s9", "c7.none", "t1.nib32", "t4", "t6.byte32"};
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

/* Spreads over every row of the result, whatever the weights are. */
START_TEST(nan_and_infinity_in_x)
{
    static const float values[] = {NAN, -NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 4; i++)
        for (size_t v = 0; v < COUNT(values); v++)
            for (size_t place = 0; place < K; place += 23) {
                float x[K], y[K];
                fill_bell(4, x, K);
                x[place] = values[v];
                OK(lsq_sgemv(contexts[LSQ_ACT_INT], LSQ_NO_TRANS, 1, weights[i], x, 1, 0, y, 1));
                for (size_t o = 0; o < M; o++)
                    EXPECT(isnan(y[o]), "int: y[%zu] = %g", o, y[o]);
                OK(lsq_sgemv(contexts[LSQ_ACT_FLOAT], LSQ_NO_TRANS, 1, weights[i], x, 1, 0, y, 1));
                for (size_t o = 0; o < M; o++)
                    EXPECT(!isfinite(y[o]), "float: y[%zu] = %g", o, y[o]);
            }
}
END_TEST

START_TEST(wrong_arguments_change_nothing)
{
    float x[K * 2] = {0}, y[K * 2], y0[K * 2];
    const lsq_weights *w = weights[0];
    const lsq_context *c = contexts[0];
    const lsq_transpose no = LSQ_NO_TRANS, yes = LSQ_TRANS;
    const lsq_order row = LSQ_ROW_MAJOR, col = LSQ_COL_MAJOR;
    fill_bell(1, y, K * 2);
    memcpy(y0, y, sizeof(y));
    errno = 77;
    REFUSED(lsq_sgemv(c, no, 1, NULL, x, 1, 0, y, 1));
    REFUSED(lsq_sgemv(c, no, 1, w, NULL, 1, 0, y, 1));
    REFUSED(lsq_sgemv(c, no, 1, w, x, 1, 0, NULL, 1));
    REFUSED(lsq_sgemv(c, no, 1, w, x, 0, 0, y, 1));
    REFUSED(lsq_sgemv(c, no, 1, w, x, 1, 0, y, 0));
    REFUSED(lsq_sgemv(c, no, 0, w, x, 0, 0, y, 1));
    REFUSED(lsq_sgemv(c, (lsq_transpose)113, 1, w, x, 1, 0, y, 1));
    REFUSED(lsq_sgemv(c, (lsq_transpose)0, 0, w, x, 1, 0, y, 1));
    REFUSED(lsq_dot(c, NULL, 0, x, 1, y));
    REFUSED(lsq_dot(c, w, M, x, 1, y));
    REFUSED(lsq_dot(c, w, 0, NULL, 1, y));
    REFUSED(lsq_dot(c, w, 0, x, 0, y));
    REFUSED(lsq_dot(c, w, 0, x, 1, NULL));
    REFUSED(lsq_sgemm(c, row, no, no, 2, 1, NULL, x, 2, 0, y, 2));
    REFUSED(lsq_sgemm(c, row, no, no, 2, 1, w, NULL, 2, 0, y, 2));
    REFUSED(lsq_sgemm(c, row, no, no, 2, 1, w, x, 2, 0, NULL, 2));
    REFUSED(lsq_sgemm(c, (lsq_order)100, no, no, 2, 1, w, x, 2, 0, y, 2));
    REFUSED(lsq_sgemm(c, row, (lsq_transpose)113, no, 2, 1, w, x, 2, 0, y, 2));
    REFUSED(lsq_sgemm(c, row, no, (lsq_transpose)113, 2, 1, w, x, 2, 0, y, 2));
    REFUSED(lsq_sgemm(c, row, no, no, 2, 1, w, x, 1, 0, y, 2)); /* B is K x 2 */
    REFUSED(lsq_sgemm(c, row, no, no, 2, 1, w, x, 2, 0, y, 1)); /* C is M x 2 */
    REFUSED(lsq_sgemm(c, row, no, yes, 2, 1, w, x, K - 1, 0, y, 2));
    REFUSED(lsq_sgemm(c, col, no, no, 2, 1, w, x, K - 1, 0, y, M));
    REFUSED(lsq_sgemm(c, col, no, yes, 2, 1, w, x, 1, 0, y, M));
    REFUSED(lsq_sgemm(c, col, no, no, 1, 1, w, x, K, 0, y, M - 1));
    REFUSED(lsq_sgemm(c, col, yes, no, 1, 1, w, x, M, 0, y, K - 1));
    REFUSED(lsq_sgemm(c, row, no, no, 0, 1, w, x, 0, 0, y, 1)); /* at least 1, as in BLAS */
    OK(lsq_sgemm(c, row, no, no, 0, 1, w, NULL, 1, 0, NULL, 1));
    REFUSED(lsq_sgemm_rows(c, row, no, 0, M + 1, 2, 1, w, x, 2, 0, y, 2));
    REFUSED(lsq_sgemm_rows(c, row, no, M, 1, 2, 1, w, x, 2, 0, y, 2));
    REFUSED(lsq_sgemm_rows(c, row, no, M + 1, (size_t)-1, 2, 1, w, x, 2, 0, y, 2));
    REFUSED(lsq_sgemm_rows(c, col, no, 3, 5, 1, 1, w, x, K, 0, y, 4));
    OK(lsq_sgemm_rows(c, row, no, M, 0, 2, 1, w, x, 2, 0, y, 2));
    ck_assert_int_eq(errno, 77);
    ck_assert_mem_eq(y, y0, sizeof(y));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("products");
    TCase *products = new_case(suite, "products");
    tcase_add_checked_fixture(products, make, drop);
    tcase_add_test(products, products_are_products);
    tcase_add_test(products, alpha_and_beta);
    tcase_add_test(products, zero_factors_do_not_look);
    tcase_add_test(products, increments_of_both_signs);
    tcase_add_test(products, columns_of_gemm_are_gemv);
    tcase_add_test(products, large_gemm_is_gemv);
    tcase_add_test(products, ranges_of_rows);
    tcase_add_test(products, dots_are_rows_of_gemv);
    tcase_add_test(products, long_sums_keep_the_bound);
    tcase_add_test(products, nan_and_infinity_in_x);
    tcase_add_test(products, wrong_arguments_change_nothing);
    return run_suite(suite);
}
