/*
 * test_blas_next.c - what is not ours arrives at the next BLAS as it was called, and wrong arguments too: it has words for them.
 * usage: test_blas_next recorded|alone, whichever the environment should lead to
 */
#include <lsq/lsq_blas.h>

#include "bindings/blas/blas.h"
#include "tests/core_sample.h"
#include "tests/recording_blas.h"

#include <errno.h>

enum { R = 4, K = 40, N = 3, NO = 111, YES = 112, ROW = 101, COL = 102 };

static int alone;
static float a[R * K], x[K * K], y[K * K], before[K * K];
static lsq_weights *weights;

static void make(void)
{
    lsq_format f = format_named("s4");
    fill_bell(1, a, COUNT(a));
    fill_bell(2, x, COUNT(x));
    fill_bell(3, y, COUNT(y));
    memcpy(before, y, sizeof(y));
    OK(lsq_quantize(NULL, &f, R, K, a, K, NULL, &weights, NULL));
    errno = 77;
}

static void drop(void)
{
    ck_assert_int_eq(errno, 77);
    lsq_weights_free(weights);
}

/* Looks at the last call and forgets it. It has computed nothing, unless there is no recorder. */
static void expect(recording wanted, int computes)
{
    if (alone) {
        ck_assert_ptr_null(recorded.function);
        ck_assert_int_eq(memcmp(y, before, sizeof(y)) != 0, computes);
        memcpy(y, before, sizeof(y));
        return;
    }
    ck_assert_ptr_nonnull(recorded.function);
    ck_assert_str_eq(recorded.function, wanted.function);
    ck_assert_mem_eq(recorded.numbers, wanted.numbers, sizeof(wanted.numbers));
    ck_assert_mem_eq(recorded.factors, wanted.factors, sizeof(wanted.factors));
    ck_assert_mem_eq(recorded.arrays, wanted.arrays, sizeof(wanted.arrays));
    ck_assert_mem_eq(recorded.lengths, wanted.lengths, sizeof(wanted.lengths));
    ck_assert_mem_eq(y, before, sizeof(y));
    recorded = (recording){0};
}

static void pass_gemv(int order, int trans, int m, int n, int lda, int incx, int incy, int good)
{
    cblas_sgemv(order, trans, m, n, 2, a, lda, x, incx, 0.5f, y, incy);
    expect((recording){"cblas_sgemv", {order, trans, m, n, lda, incx, incy}, {2, 0.5f}, {a, x, y}, {0}}, good);
}

static void pass_gemm(int order, int trans_a, int trans_b, int m, int n, int k, int lda, int ldb, int ldc, int good)
{
    cblas_sgemm(order, trans_a, trans_b, m, n, k, 2, a, lda, x, ldb, 0.5f, y, ldc);
    expect((recording){"cblas_sgemm", {order, trans_a, trans_b, m, n, k, lda, ldb, ldc}, {2, 0.5f}, {a, x, y}, {0}},
           good);
}

static void pass_fortran_gemv(char trans, int m, int n, int lda, int incx, int incy, int good)
{
    const float alpha = 2, beta = 0.5f;
    sgemv_(&trans, &m, &n, &alpha, a, &lda, x, &incx, &beta, y, &incy);
    expect((recording){"sgemv_", {trans, m, n, lda, incx, incy}, {2, 0.5f}, {a, x, y}, {1}}, good);
}

static void pass_fortran_gemm(char trans_a, char trans_b, int m, int n, int k, int lda, int ldb, int ldc, int good)
{
    const float alpha = 2, beta = 0.5f;
    sgemm_(&trans_a, &trans_b, &m, &n, &k, &alpha, a, &lda, x, &ldb, &beta, y, &ldc);
    expect((recording){"sgemm_", {trans_a, trans_b, m, n, k, lda, ldb, ldc}, {2, 0.5f}, {a, x, y}, {1, 1}}, good);
}

START_TEST(nothing_is_registered)
{
    pass_gemv(ROW, NO, R, K, K, 1, -2, 1);
    pass_gemv(COL, CONJ_TRANS, K, R, K, 2, 1, 1);
    pass_gemm(ROW, NO, YES, R, N, K, K, K, N + 1, 1);
    pass_fortran_gemv('t', K, R, K, 1, 1, 1);
    pass_fortran_gemm('C', 'n', R, N, K, K, K, R, 1);
}
END_TEST

/* Of what is registered, too, only what BLAS would compute is ours. */
START_TEST(wrong_arguments)
{
    OK(lsq_blas_register(a, R, K, K, weights));
    for (int i = 0; i < 2; i++) { /* registered, and then not */
        pass_gemv(100, NO, R, K, K, 1, 1, 0);
        pass_gemv(ROW, 114, R, K, K, 1, 1, 0);
        pass_gemv(ROW, NO, -R, K, K, 1, 1, 0);
        pass_gemv(ROW, NO, R, K, K - 1, 1, 1, 0);
        pass_gemv(ROW, NO, R, K, K, 0, 1, 0);
        pass_gemv(ROW, NO, R, K, K, 1, 0, 0);
        pass_gemm(0, NO, NO, R, N, K, K, N, N, 0);
        pass_gemm(ROW, 0, NO, R, N, K, K, N, N, 0);
        pass_gemm(ROW, NO, 114, R, N, K, K, N, N, 0);
        pass_gemm(ROW, NO, NO, R, -N, K, K, N, N, 0);
        pass_gemm(ROW, NO, NO, R, N, K, K, N - 1, N, 0);
        pass_gemm(ROW, NO, NO, R, N, K, K, N, -1, 0);
        pass_gemm(COL, YES, NO, R, -1, K, K, K, R, 0);
        pass_fortran_gemv('x', K, R, K, 1, 1, 0);
        pass_fortran_gemv('N', K, -1, K, 1, 1, 0);
        pass_fortran_gemm('T', ' ', R, N, K, K, K, R, 0);
        pass_fortran_gemm('T', 'N', R, N, K, K, K, R - 1, 0);
        if (i == 0)
            OK(lsq_blas_unregister(a));
    }
}
END_TEST

START_TEST(ours_does_not_arrive)
{
    OK(lsq_blas_register(a, R, K, K, weights));
    cblas_sgemv(ROW, NO, R, K, 1, a, K, x, 1, 0, y, 1);
    cblas_sgemm(ROW, NO, YES, N, R, K, 1, x, K, a, K, 0, y, R);
    ck_assert_ptr_null(recorded.function);
    ck_assert(memcmp(y, before, sizeof(y)));
    OK(lsq_blas_unregister(a));
}
END_TEST

int main(int argc, char **argv)
{
    alone = argc > 1 && !strcmp(argv[1], "alone");
    Suite *suite = suite_create("blas next");
    TCase *next = new_case(suite, "next");
    tcase_add_checked_fixture(next, make, drop);
    tcase_add_test(next, nothing_is_registered);
    tcase_add_test(next, wrong_arguments);
    tcase_add_test(next, ours_does_not_arrive);
    return run_suite(suite);
}
