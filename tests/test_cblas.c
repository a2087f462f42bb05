/*
 * test_cblas.c - cblas_lsq_sgemv() and cblas_lsq_sgemm() are lsq_sgemv() and lsq_sgemm(), and hold sizes against the weights.
 */
#include <lsq/lsq_cblas.h>

#include "tests/core_sample.h"

#include <limits.h>

enum { M = 21, K = 70, N = 6, NO = 111, YES = 112, CONJUGATE = 113, ROW = 101, COL = 102 };

static lsq_weights *weights;
static uint8_t *packed;

static void make(void)
{
    size_t bytes;
    lsq_format f = format_named("s4");
    packed = random_packed(f, M, K, 1, 0.5f, &bytes);
    weights = wrap(f, M, K, packed, bytes);
}

static void drop(void)
{
    lsq_weights_free(weights);
    free(packed);
}

static lsq_transpose plain(int trans)
{
    return trans == NO ? LSQ_NO_TRANS : LSQ_TRANS;
}

START_TEST(vectors)
{
    for (int order = ROW; order <= COL; order++)
        for (int trans = NO; trans <= CONJUGATE; trans++)
            for (int inc = -2; inc <= 2; inc += inc == -1 ? 2 : 1) {
                float x[2 * K], y[2 * K], expected[2 * K];
                fill_bell(1, x, COUNT(x));
                fill_bell(2, y, COUNT(y));
                memcpy(expected, y, sizeof(y));
                OK(lsq_sgemv(NULL, plain(trans), 2, weights, x, inc, 0.5f, expected, -inc));
                OK(cblas_lsq_sgemv(order, trans, M, K, 2, weights, x, inc, 0.5f, y, -inc));
                ck_assert_mem_eq(y, expected, sizeof(y));
            }
}
END_TEST

START_TEST(matrices)
{
    enum { LD = K + 3 }; /* enough for every shape */
    for (int order = ROW; order <= COL; order++)
        for (int ta = NO; ta <= CONJUGATE; ta++)
            for (int tb = NO; tb <= CONJUGATE; tb++) {
                float b[LD * LD], c[LD * LD], expected[LD * LD];
                fill_bell(1, b, COUNT(b));
                fill_bell(2, c, COUNT(c));
                memcpy(expected, c, sizeof(c));
                int m = ta == NO ? M : K, k = ta == NO ? K : M;
                OK(lsq_sgemm(NULL, (lsq_order)order, plain(ta), plain(tb), N, -1, weights, b, LD, 0.5f, expected, LD));
                OK(cblas_lsq_sgemm(order, ta, tb, m, N, k, -1, weights, b, LD, 0.5f, c, LD));
                ck_assert_mem_eq(c, expected, sizeof(c));
            }
}
END_TEST

START_TEST(wrong_arguments_change_nothing)
{
    float x[K * N] = {0}, y[K * N], before[K * N];
    const lsq_weights *w = weights;
    fill_bell(1, y, COUNT(y));
    memcpy(before, y, sizeof(y));
    REFUSED(cblas_lsq_sgemv(100, NO, M, K, 1, w, x, 1, 0, y, 1));
    REFUSED(cblas_lsq_sgemv(ROW, 114, M, K, 1, w, x, 1, 0, y, 1));
    REFUSED(cblas_lsq_sgemv(ROW, NO, K, M, 1, w, x, 1, 0, y, 1));
    REFUSED(cblas_lsq_sgemv(COL, YES, K, M, 1, w, x, 1, 0, y, 1));
    REFUSED(cblas_lsq_sgemv(ROW, NO, M - 1, K, 1, w, x, 1, 0, y, 1));
    REFUSED(cblas_lsq_sgemv(ROW, NO, M, K + 1, 1, w, x, 1, 0, y, 1));
    REFUSED(cblas_lsq_sgemv(ROW, NO, -M, K, 1, w, x, 1, 0, y, 1));
    REFUSED(cblas_lsq_sgemv(ROW, NO, M, 0, 1, w, x, 1, 0, y, 1));
    REFUSED(cblas_lsq_sgemv(ROW, NO, M, K, 1, NULL, x, 1, 0, y, 1));
    REFUSED(cblas_lsq_sgemv(ROW, NO, M, K, 1, w, x, 0, 0, y, 1));
    REFUSED(cblas_lsq_sgemm(100, NO, NO, M, N, K, 1, w, x, N, 0, y, N));
    REFUSED(cblas_lsq_sgemm(ROW, 110, NO, M, N, K, 1, w, x, N, 0, y, N));
    REFUSED(cblas_lsq_sgemm(ROW, NO, 114, M, N, K, 1, w, x, N, 0, y, N));
    REFUSED(cblas_lsq_sgemm(ROW, YES, NO, M, N, K, 1, w, x, N, 0, y, N));
    REFUSED(cblas_lsq_sgemm(ROW, NO, NO, M, N, K - 1, 1, w, x, N, 0, y, N));
    REFUSED(cblas_lsq_sgemm(ROW, NO, NO, M, -1, K, 1, w, x, N, 0, y, N));
    REFUSED(cblas_lsq_sgemm(ROW, NO, NO, M, N, K, 1, w, x, INT_MIN, 0, y, N));
    REFUSED(cblas_lsq_sgemm(ROW, NO, NO, M, N, K, 1, w, x, N, 0, y, -N));
    REFUSED(cblas_lsq_sgemm(ROW, NO, NO, M, N, K, 1, w, x, N - 1, 0, y, N));
    REFUSED(cblas_lsq_sgemm(ROW, NO, NO, M, N, K, 1, NULL, x, N, 0, y, N));
    OK(cblas_lsq_sgemm(ROW, NO, NO, M, 0, K, 1, w, x, 1, 0, y, 1));
    ck_assert_mem_eq(y, before, sizeof(y));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cblas");
    TCase *cblas = new_case(suite, "cblas");
    tcase_add_checked_fixture(cblas, make, drop);
    tcase_add_test(cblas, vectors);
    tcase_add_test(cblas, matrices);
    tcase_add_test(cblas, wrong_arguments_change_nothing);
    return run_suite(suite);
}
