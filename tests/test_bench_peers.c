/*
 * test_bench_peers.c - what `lsq-bench peers` multiplies and reads, but for the time it takes.
 */
#include "bench/bytes.h"
#include "bench/calls.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Plain loops in the place of a peer. */
static int multiply_plainly(size_t m, size_t k, size_t n, const int8_t *w, const uint8_t *b, int32_t *d)
{
    for (size_t j = 0; j < n; j++)
        for (size_t r = 0; r < m; r++) {
            d[j * m + r] = 0;
            for (size_t i = 0; i < k; i++)
                d[j * m + r] += w[r * k + i] * b[j * k + i];
        }
    return 1;
}

static int refuse(size_t m, size_t k, size_t n, const int8_t *w, const uint8_t *b, int32_t *d)
{
    (void)m, (void)k, (void)n, (void)w, (void)b, (void)d;
    return 0;
}

enum { M = 7, K = 37, N = 3 };

/* Whole numbers up to 127, which rounding leaves as they are, and scales that are powers of two: every product is exact. */
static void check_bytes(const bench_int8 *peer)
{
    bench_bytes bytes;
    float b[K * N], c[M * N];
    ck_assert(bench_bytes_begin(&bytes, peer, M, K, 2, N));
    for (size_t i = 0; i < (size_t)2 * M * K; i++)
        bytes.weights[i] = (int8_t)(i * i % 61) - 30;
    for (size_t r = 0; r < M; r++)
        bytes.scales[r] = (float)(1u << r);
    bench_bytes_sum(&bytes);
    for (size_t i = 0; i < (size_t)K * N; i++)
        b[i] = (float)((int)(i * 7 % 51) - 25);
    for (size_t j = 0; j < N; j++)
        b[j * K + 5 * j + 2] = j % 2 ? 127 : -127;
    for (size_t matrix = 0; matrix < 2; matrix++)
        for (size_t n = 1; n <= N; n++) {
            ck_assert(bench_bytes_multiply(&bytes, matrix, n, b, c));
            for (size_t j = 0; j < n; j++)
                for (size_t r = 0; r < M; r++) {
                    float sum = 0;
                    for (size_t i = 0; i < K; i++)
                        sum += (float)bytes.weights[(matrix * M + r) * K + i] * b[j * K + i];
                    ck_assert_float_eq(c[j * M + r], (float)(1u << r) * sum);
                }
        }
    bench_bytes_end(&bytes);
}

START_TEST(bytes_are_multiplied_as_their_floats_are)
{
    const bench_int8 plain = {.multiply = multiply_plainly};
    check_bytes(&plain);
}
END_TEST

START_TEST(onednn_multiplies_bytes)
{
    const bench_int8 *peer = bench_onednn();
    char text[128] = "";
    if (!peer)
        return;
    peer->describe(text, sizeof text);
    ck_assert_int_eq(strncmp(text, "oneDNN ", 7), 0);
    for (unsigned threads = 1; threads <= 2; threads++) {
        peer->set_threads(threads);
        check_bytes(peer);
    }
}
END_TEST

START_TEST(columns_are_rounded_under_their_own_scale)
{
    const bench_int8 plain = {.multiply = multiply_plainly};
    bench_bytes bytes;
    float b[K * 2] = {0}, c[M * 2];
    ck_assert(bench_bytes_begin(&bytes, &plain, M, K, 1, 2));
    for (size_t i = 0; i < (size_t)M * K; i++)
        bytes.weights[i] = i % K == 4;
    bench_bytes_sum(&bytes);
    b[K + 4] = 63.8e-3f / 127; /* 63.8 of 127 steps: nearer to 64 */
    b[K + 30] = -1e-3f;
    ck_assert(bench_bytes_multiply(&bytes, 0, 2, b, c));
    for (size_t r = 0; r < M; r++) {
        ck_assert_float_eq(c[r], 0); /* zeros have no scale, and stay zeros */
        ck_assert_float_eq_tol(c[M + r], 64e-3f / 127, 1e-9f);
    }
    bench_bytes_end(&bytes);
}
END_TEST

START_TEST(a_peer_that_refuses_is_noticed)
{
    const bench_int8 unwilling = {.multiply = refuse};
    bench_bytes bytes;
    float b[K] = {0}, c[M];
    ck_assert(bench_bytes_begin(&bytes, &unwilling, M, K, 1, 1));
    ck_assert(!bench_bytes_multiply(&bytes, 0, 1, b, c));
    bench_bytes_end(&bytes);
}
END_TEST

/* ---- Ways by turns ---- */

static void check_way(bench_calls *all, size_t bytes)
{
    ck_assert_uint_eq(bench_calls_matrix_bytes(all), bytes);
    for (size_t i = 0; i < 2; i++) {
        const bench_trial_sample sample = bench_calls_take(all, i);
        ck_assert_double_gt(sample.seconds, 0);
        ck_assert(bench_calls_trial(all)->blas ? sample.blas_seconds > 0 : isnan(sample.blas_seconds));
    }
    ck_assert_double_gt(bench_calls_read(all), 0);
}

START_TEST(every_way_reads_its_own_bytes)
{
    static const bench_call calls[] = {{1, LSQ_NO_TRANS}, {5, LSQ_NO_TRANS}};
    const bench_matrix_size size = {64, 96, 0};
    bench_calls *all;
    lsq_format format;
    size_t packed;
    ck_assert_int_eq(lsq_format_parse("t4", &format, NULL), LSQ_OK);
    ck_assert_int_eq(lsq_packed_bytes(&format, 64, 96, &packed), LSQ_OK);
    ck_assert_int_eq(bench_calls_new(&size, calls, 2, &all), LSQ_OK);
    for (unsigned threads = 1; threads <= 2; threads++) {
        ck_assert_int_eq(bench_calls_threads(all, threads, LSQ_ACT_INT, NULL), LSQ_OK);
        const lsq_status floats = bench_calls_floats(all);
        ck_assert_int_eq(floats, bench_openblas() ? LSQ_OK : LSQ_E_UNSUPPORTED);
        if (!floats)
            check_way(all, sizeof(float) * 64 * 96);
        const lsq_status bytes = bench_calls_bytes(all);
        ck_assert_int_eq(bytes, bench_onednn() ? LSQ_OK : LSQ_E_UNSUPPORTED);
        if (!bytes)
            check_way(all, (size_t)64 * 96);
        ck_assert_int_eq(bench_calls_format(all, &format), LSQ_OK);
        check_way(all, packed);
    }
    bench_calls_free(all);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("peers");
    tcase_set_timeout(tests, 100);
    tcase_add_test(tests, bytes_are_multiplied_as_their_floats_are);
    tcase_add_test(tests, onednn_multiplies_bytes);
    tcase_add_test(tests, columns_are_rounded_under_their_own_scale);
    tcase_add_test(tests, a_peer_that_refuses_is_noticed);
    tcase_add_test(tests, every_way_reads_its_own_bytes);
    Suite *suite = suite_create("peers");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
