/*
 * test_interpose.c - liblsqblas before whatever BLAS there is: registered matrices in every place that BLAS has for them, and all
 * others left to it.
 */
#include <lsq/lsq_blas.h>

#include "bindings/blas/blas.h"
#include "tests/core_sample.h"

#include <errno.h>
#include <malloc.h>
#include <math.h>

enum { R = 21, K = 37, LD = K + 3, N = 5, NO = 111, YES = 112, ROW = 101, COL = 102 };

/* How a function is called; in Fortran there is one order only. */
enum style { CBLAS_ROW, CBLAS_COL, FORTRAN, STYLES };

/* The array that is registered holds numbers of its own, so that nobody can take a product with them for one with W. */
static float array[R * LD], decoded[R * LD];
static lsq_weights *weights;

static void make(void)
{
    lsq_format f = format_named("s4");
    fill_bell(1, decoded, COUNT(decoded));
    OK(lsq_quantize(NULL, &f, R, K, decoded, LD, NULL, &weights, NULL));
    OK(lsq_dequantize(NULL, weights, 0, R, decoded, LD));
    fill_bell(2, array, COUNT(array));
    OK(lsq_blas_register(array, R, K, LD, weights));
}

static void drop(void)
{
    OK(lsq_blas_unregister(array));
    lsq_weights_free(weights);
}

/* For what must not be read. */
static void fill_nan(float *to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = NAN;
}

static int order_of(enum style style)
{
    return style == CBLAS_ROW ? ROW : COL;
}

static const char *letter(int trans, int i)
{
    static const char *const letters[] = {"Nn", "Tt", "Cc"};
    return letters[trans - NO] + i % 2;
}

/* Where op(S) has element (i, j). */
static size_t place(int order, int trans, size_t i, size_t j, size_t ld)
{
    return (order == ROW) == (trans == NO) ? i * ld + j : j * ld + i;
}

/* ---- y = alpha op(A) x + beta y ---- */

static void call_gemv(enum style style, int trans, int m, int n, float alpha, const float *a, int lda, const float *x,
                      int incx, float beta, float *y, int incy)
{
    if (style == FORTRAN)
        sgemv_(letter(trans, m), &m, &n, &alpha, a, &lda, x, &incx, &beta, y, &incy);
    else
        cblas_sgemv(order_of(style), trans, m, n, alpha, a, lda, x, incx, beta, y, incy);
}

/* Element i of n, as BLAS counts. */
static size_t step(size_t i, size_t n, int inc)
{
    return inc > 0 ? i * (size_t)inc : (n - 1 - i) * (size_t)-inc;
}

/*
 * Against double arithmetic on these numbers: those of the array itself, if the product is not ours, or those that W decodes to,
 * and then but for the rounding of x.
 */
static void near_gemv(enum style style, int trans, const float *a, int m, int n, int lda, const float *numbers)
{
    static const float factors[][2] = {{1, 0}, {-2, 0.5f}, {0, 3}, {0, 0}};
    static const int incs[][2] = {{1, 1}, {-2, 3}, {3, -1}};
    const size_t rows = (size_t)(trans == NO ? m : n), inner = (size_t)(trans == NO ? n : m);
    const double tolerance = numbers == a ? 1e-5 : 0.02;
    for (size_t f = 0; f < COUNT(factors) * COUNT(incs); f++) {
        const float alpha = factors[f / 3][0], beta = factors[f / 3][1];
        const int incx = incs[f % 3][0], incy = incs[f % 3][1];
        float x[3 * LD], y[3 * LD], before[3 * LD];
        fill_bell(3, x, COUNT(x));
        fill_bell(4, y, COUNT(y));
        if (alpha == 0.0f)
            fill_nan(x, COUNT(x));
        if (beta == 0.0f)
            fill_nan(y, COUNT(y));
        memcpy(before, y, sizeof(y));
        call_gemv(style, trans, m, n, alpha, a, lda, x, incx, beta, y, incy);
        for (size_t i = 0; i < rows; i++) {
            double sum = 0, size = 0;
            for (size_t l = 0; l < inner && alpha != 0.0f; l++) {
                double term =
                    (double)numbers[place(order_of(style), trans, i, l, (size_t)lda)] * (double)x[step(l, inner, incx)];
                sum += alpha * term;
                size += fabs(alpha * term);
            }
            float *at = &y[step(i, rows, incy)], old = before[step(i, rows, incy)];
            sum += beta == 0.0f ? 0 : beta * old;
            EXPECT(fabs(*at - sum) <= tolerance * (size + fabs(sum)), "style %d, trans %d, inc %d %d: %g, not %g",
                   style, trans, incx, incy, *at, sum);
            *at = old;
        }
        EXPECT(!memcmp(y, before, sizeof(y)), "something beside y was written");
    }
}

START_TEST(vectors)
{
    for (enum style s = 0; s < STYLES; s++)
        for (int trans = NO; trans <= CONJ_TRANS; trans++) {
            float other[R * LD], x[LD], y[LD] = {0}, expected[LD] = {0};
            const int m = s == CBLAS_ROW ? R : K, n = s == CBLAS_ROW ? K : R;
            near_gemv(s, trans, array, m, n, LD, decoded);
            memcpy(other, array, sizeof(other));
            near_gemv(s, trans, other, m, n, LD, other);
            fill_bell(5, x, COUNT(x));
            call_gemv(s, trans, m, n, 1, array, LD, x, 1, 0, y, 1);
            OK(lsq_sgemv(NULL, (s == CBLAS_ROW) == (trans == NO) ? LSQ_NO_TRANS : LSQ_TRANS, 1, weights, x, 1, 0,
                         expected, 1));
            ck_assert_mem_eq(y, expected, sizeof(y));
        }
}
END_TEST

/* ---- C = alpha op(A) op(B) + beta C ---- */

typedef struct gemm {
    enum style style;
    int ta, tb, m, n, k;
    float alpha, beta;
    const float *a, *b;
    int lda, ldb, ldc;
} gemm;

enum { ROOM = LD * LD };

static void call_gemm(const gemm *g, float *c)
{
    if (g->style == FORTRAN)
        sgemm_(letter(g->ta, g->m), letter(g->tb, g->n), &g->m, &g->n, &g->k, &g->alpha, g->a, &g->lda, g->b, &g->ldb,
               &g->beta, c, &g->ldc);
    else
        cblas_sgemm(order_of(g->style), g->ta, g->tb, g->m, g->n, g->k, g->alpha, g->a, g->lda, g->b, g->ldb, g->beta,
                    c, g->ldc);
}

/* Against double arithmetic, where a and b stand for the operands. */
static void near_gemm(const gemm *g, const float *a, const float *b, const float *c, const float *before,
                      double tolerance)
{
    const int order = order_of(g->style);
    float rest[ROOM];
    memcpy(rest, c, sizeof(rest));
    for (size_t i = 0; i < (size_t)g->m; i++)
        for (size_t j = 0; j < (size_t)g->n; j++) {
            double sum = 0, size = 0;
            for (size_t l = 0; l < (size_t)g->k && g->alpha != 0.0f; l++) {
                double term = (double)a[place(order, g->ta, i, l, (size_t)g->lda)] *
                              (double)b[place(order, g->tb, l, j, (size_t)g->ldb)];
                sum += g->alpha * term;
                size += fabs(g->alpha * term);
            }
            size_t at = place(order, NO, i, j, (size_t)g->ldc);
            sum += g->beta == 0.0f ? 0 : g->beta * before[at];
            EXPECT(fabs(c[at] - sum) <= tolerance * (size + fabs(sum)), "style %d, trans %d %d, (%zu, %zu): %g, not %g",
                   g->style, g->ta, g->tb, i, j, c[at], sum);
            rest[at] = before[at];
        }
    EXPECT(!memcmp(rest, before, sizeof(rest)), "something beside C was written");
}

/* The same bits as column after column, or row after row, through lsq_sgemv(). */
static void exact_gemm(const gemm *g, int of_b, const float *c, const float *before)
{
    const int order = order_of(g->style);
    const size_t count = (size_t)(of_b ? g->m : g->n), inner = (size_t)g->k, outer = (size_t)(of_b ? g->n : g->m);
    for (size_t v = 0; v < count; v++) {
        float x[LD], y[LD];
        for (size_t l = 0; l < inner; l++)
            x[l] = of_b ? g->a[place(order, g->ta, v, l, (size_t)g->lda)]
                        : g->b[place(order, g->tb, l, v, (size_t)g->ldb)];
        for (size_t o = 0; o < outer; o++)
            y[o] = before[of_b ? place(order, NO, v, o, (size_t)g->ldc) : place(order, NO, o, v, (size_t)g->ldc)];
        /* W is R x K, so its sizes tell which way round it is. */
        OK(lsq_sgemv(NULL, outer == R ? LSQ_NO_TRANS : LSQ_TRANS, g->alpha, weights, x, 1, g->beta, y, 1));
        for (size_t o = 0; o < outer; o++)
            EXPECT(!memcmp(&y[o],
                           &c[of_b ? place(order, NO, v, o, (size_t)g->ldc) : place(order, NO, o, v, (size_t)g->ldc)],
                           sizeof(float)),
                   "style %d, trans %d %d: not what lsq_sgemv() has", g->style, g->ta, g->tb);
    }
}

static void check_gemm(enum style style, int ta, int tb, int of_b, float alpha, float beta)
{
    float other[ROOM], same[R * LD], c[ROOM], before[ROOM];
    const int across = (style == CBLAS_ROW) == ((of_b ? tb : ta) == NO), rows = across ? R : K,
              columns = across ? K : R;
    gemm g = {.style = style, .ta = ta, .tb = tb, .alpha = alpha, .beta = beta, .lda = LD, .ldb = LD, .ldc = LD - 1};
    g.m = of_b ? N : rows, g.n = of_b ? columns : N, g.k = of_b ? rows : columns;
    fill_bell(6, other, COUNT(other));
    g.a = of_b ? other : array, g.b = of_b ? array : other;
    fill_bell(7, before, COUNT(before));
    if (alpha == 0.0f)
        fill_nan(other, COUNT(other));
    if (beta == 0.0f)
        fill_nan(before, COUNT(before));
    memcpy(c, before, sizeof(c));
    call_gemm(&g, c);
    near_gemm(&g, of_b ? other : decoded, of_b ? decoded : other, c, before, 0.02);
    exact_gemm(&g, of_b, c, before);

    memcpy(same, array, sizeof(same)); /* the same numbers, but not registered */
    g.a = of_b ? other : same, g.b = of_b ? same : other;
    memcpy(c, before, sizeof(c));
    call_gemm(&g, c);
    near_gemm(&g, g.a, g.b, c, before, 1e-5);
}

START_TEST(matrices)
{
    static const float factors[][2] = {{1, 0}, {-2, 0.5f}, {0, 3}, {0, 0}, {1, 1}};
    for (enum style s = 0; s < STYLES; s++)
        for (int ta = NO; ta <= CONJ_TRANS; ta++)
            for (int tb = NO; tb <= CONJ_TRANS; tb++)
                for (size_t f = 0; f < COUNT(factors); f++)
                    for (int of_b = 0; of_b < 2; of_b++)
                        check_gemm(s, ta, tb, of_b, factors[f][0], factors[f][1]);
}
END_TEST

/* Weights times weights: A comes from the codes, and of B the floats are read. */
START_TEST(both_registered)
{
    float second[K * LD], c[ROOM] = {0}, before[ROOM] = {0};
    lsq_weights *w = NULL;
    lsq_format f = format_named("s4");
    fill_bell(8, second, COUNT(second));
    OK(lsq_quantize(NULL, &f, K, N, second, LD, NULL, &w, NULL));
    OK(lsq_blas_register(second, K, N, LD, w));
    for (enum style s = 0; s < STYLES; s++) {
        gemm g = {s, NO, NO, R, N, K, 1, 0, array, second, LD, LD, LD};
        if (s != CBLAS_ROW)
            g.ta = g.tb = YES;
        call_gemm(&g, c);
        exact_gemm(&g, 0, c, before);
        memset(c, 0, sizeof(c));
    }
    OK(lsq_blas_unregister(second));
    lsq_weights_free(w);
}
END_TEST

/* ---- Not ours ---- */

START_TEST(parts_are_not_the_matrix)
{
    float c[ROOM], before[ROOM], other[ROOM];
    static const struct {
        size_t at;
        int m, n, lda;
    } parts[] = {{0, R - 1, K, LD}, {0, R, K - 1, LD}, {0, R, K + 1, LD}, {LD, R - 1, K, LD},    {1, R, K - 1, LD},
                 {0, 1, K, LD},     {0, K, R, LD},     {0, R, 1, LD},     {0, R / 2, K, 2 * LD}, {0, R / 2, K, LD + 1}};
    fill_bell(9, other, COUNT(other));
    fill_bell(10, before, COUNT(before));
    for (size_t i = 0; i < COUNT(parts); i++) {
        const float *a = array + parts[i].at;
        const int m = parts[i].m, n = parts[i].n, lda = parts[i].lda;
        if ((m - 1) * lda + n > (int)COUNT(array))
            continue; /* more than there is */
        near_gemv(CBLAS_ROW, NO, a, m, n, lda, a);
        near_gemv(FORTRAN, YES, a, n, m, lda, a);
        gemm g = {CBLAS_ROW, NO, NO, m, N, n, 1, 1, a, other, lda, LD, LD};
        memcpy(c, before, sizeof(c));
        call_gemm(&g, c);
        near_gemm(&g, a, other, c, before, 1e-5);
        g = (gemm){CBLAS_ROW, NO, NO, N, n, m, 1, 1, other, a, LD, lda, LD};
        memcpy(c, before, sizeof(c));
        call_gemm(&g, c);
        near_gemm(&g, other, a, c, before, 1e-5);
    }
}
END_TEST

/* A product over nothing: gemv leaves y alone, gemm scales C. */
START_TEST(nothing_to_sum)
{
    float y[R], c[R * N], before[R * N], scaled[R * N];
    fill_bell(12, before, COUNT(before));
    for (size_t i = 0; i < COUNT(before); i++)
        scaled[i] = 0.5f * before[i];
    memcpy(y, before, sizeof(y));
    memcpy(c, before, sizeof(c));
    cblas_sgemv(ROW, NO, R, 0, 1, array, LD, array, 1, 0.5f, y, 1);
    cblas_sgemm(ROW, NO, NO, R, N, 0, 1, array, LD, array, LD, 0.5f, c, N);
    ck_assert_mem_eq(y, before, sizeof(y));
    ck_assert_mem_eq(c, scaled, sizeof(c));
    cblas_sgemm(ROW, NO, NO, R, 0, K, 1, array, LD, array, LD, 0.5f, c, N);
    ck_assert_mem_eq(c, scaled, sizeof(c));
}
END_TEST

/* A single row: programs pass any leading dimension for it. */
START_TEST(one_row)
{
    float row[K] = {0}, x[K], y, expected;
    lsq_weights *w = NULL;
    lsq_format f = format_named("s4");
    OK(lsq_quantize(NULL, &f, 1, K, decoded, LD, NULL, &w, NULL));
    OK(lsq_blas_register(row, 1, K, K, w));
    fill_bell(11, x, K);
    OK(lsq_sgemv(NULL, LSQ_NO_TRANS, 1, w, x, 1, 0, &expected, 1));
    cblas_sgemv(ROW, NO, 1, K, 1, row, 5 * K, x, 1, 0, &y, 1);
    ck_assert_mem_eq(&y, &expected, sizeof(y));
    OK(lsq_blas_unregister(row));
    lsq_weights_free(w);
}
END_TEST

/* ---- No memory ---- */

static int fail, asked;

/* What liblsq takes memory for a rounded vector from. */
void *aligned_alloc(size_t alignment, size_t bytes)
{
    void *m = NULL;
    asked++;
    return fail || posix_memalign(&m, alignment, bytes) ? NULL : m;
}

START_TEST(without_memory_it_is_the_next)
{
    enum { LONG = 20000 }; /* too much for the stack */
    float *a = memory(R * LONG * sizeof(float)), *x = memory(LONG * sizeof(float)), y[R];
    size_t bytes;
    lsq_format f = format_named("s4");
    uint8_t *packed = random_packed(f, R, LONG, 1, 0.5f, &bytes);
    lsq_weights *w = wrap(f, R, LONG, packed, bytes);
    OK(lsq_blas_register(a, R, LONG, LONG, w));
    for (size_t i = 0; i < LONG; i++)
        x[i] = 1;
    for (size_t i = 0; i < R; i++)
        a[i * LONG + i] = 1;
    for (fail = 0; fail < 2; fail++) {
        errno = 77;
        asked = 0;
        cblas_sgemv(ROW, NO, R, LONG, 1, a, LONG, x, 1, 0, y, 1);
        ck_assert(errno == 77 || fail); /* another BLAS does as it likes */
        ck_assert_msg(asked > 0, "liblsq takes its memory from somewhere else: this test must make that fail");
        for (size_t i = 0; i < R; i++)
            ck_assert((y[i] == 1) == (fail == 1));
    }
    fail = 0;
    OK(lsq_blas_unregister(a));
    lsq_weights_free(w);
    free(packed);
    free(a);
    free(x);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("interpose");
    TCase *blas = new_case(suite, "blas");
    tcase_add_checked_fixture(blas, make, drop);
    tcase_add_test(blas, vectors);
    tcase_add_test(blas, matrices);
    tcase_add_test(blas, both_registered);
    tcase_add_test(blas, parts_are_not_the_matrix);
    tcase_add_test(blas, nothing_to_sum);
    tcase_add_test(blas, one_row);
    tcase_add_test(blas, without_memory_it_is_the_next);
    return run_suite(suite);
}
