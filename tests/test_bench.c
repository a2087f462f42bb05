/*
 * test_bench.c - how lsq-bench reads, takes turns and multiplies, but for the time it takes.
 */
#include "bench/machine.h"
#include "bench/peak.h"
#include "bench/peers/convolution.h"
#include "bench/product.h"
#include "bench/stream.h"
#include "bench/text.h"
#include "bench/trial.h"

#include <check.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Reading ---- */

static uint64_t plain_sum(const uint8_t *bytes, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (uint64_t)bytes[i] << 8 * (i % 8);
    return sum;
}

START_TEST(every_read_loop_reads_every_byte_once)
{
    uint8_t bytes[2100];
    lsq_cpu cpu;
    size_t loops = 0;
    lsq_cpu_detect(&cpu);
    bench_fill_random(bytes, sizeof bytes, 7);
    for (; bench_stream_loop(&cpu, loops); loops++)
        for (size_t offset = 0; offset < 66; offset += 13)
            for (size_t count = 0; count <= 2 * 512 + 70; count++)
                ck_assert_uint_eq(bench_stream_loop(&cpu, loops)->read(bytes + offset, count),
                                  plain_sum(bytes + offset, count));
    ck_assert_uint_ge(loops, 1);
    ck_assert_ptr_eq(bench_stream_widest(&cpu), bench_stream_loop(&cpu, loops - 1));
}
END_TEST

/* ---- Multiplying ---- */

/* They multiply ones by ones, so the sum says how many products were made. */
START_TEST(every_peak_loop_does_the_operations_that_it_claims)
{
    lsq_cpu cpu;
    const bench_peak *loop, *highest[2] = {NULL, NULL};
    lsq_cpu_detect(&cpu);
    for (size_t i = 0; (loop = bench_peak_loop(&cpu, i)); i++) {
        ck_assert_double_eq(loop->run(0), 0);
        ck_assert_double_eq(2 * loop->run(1), loop->operations);
        ck_assert_double_eq(2 * loop->run(1001), 1001 * loop->operations);
        highest[loop->kind] = loop;
    }
    ck_assert_ptr_eq(bench_peak_highest(&cpu, BENCH_PEAK_INT8), highest[BENCH_PEAK_INT8]);
    ck_assert_ptr_eq(bench_peak_highest(&cpu, BENCH_PEAK_F32), highest[BENCH_PEAK_F32]);
    for (unsigned isa = 0; isa < ISAS; isa++)
        cpu.lacks[isa] = "forbidden";
    ck_assert_ptr_null(bench_peak_loop(&cpu, 0));
    ck_assert_ptr_null(bench_peak_highest(&cpu, BENCH_PEAK_F32));
}
END_TEST

/* Small whole numbers, of which every sum is exact. */
START_TEST(openblas_multiplies_what_ours_does)
{
    enum { M = 7, K = 5 };
    const bench_blas *blas = bench_openblas();
    float w[M * K], b[M * 4], c[M * 4];
    char text[256] = "";
    if (!blas)
        return;
    blas->set_threads(1);
    blas->describe(text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, ", core "));
    for (int i = 0; i < M * K; i++)
        w[i] = (float)(i * i % 13 - 6);
    for (int i = 0; i < M * 4; i++)
        b[i] = (float)(i * 7 % 11 - 5);
    for (int transposed = 0; transposed < 2; transposed++)
        for (int n = 1; n <= 4; n += 3) {
            const int in = transposed ? M : K, out = transposed ? K : M;
            blas->multiply(transposed, M, K, (size_t)n, w, b, c);
            for (int j = 0; j < n; j++)
                for (int o = 0; o < out; o++) {
                    float sum = 0;
                    for (int i = 0; i < in; i++)
                        sum += w[transposed ? i * K + o : o * K + i] * b[j * in + i];
                    ck_assert_float_eq(c[j * out + o], sum);
                }
        }
}
END_TEST

/* One output, directly. */
static float convolved(const bench_convolution *c, const float *w, const float *x, size_t image, size_t output,
                       size_t top, size_t left)
{
    const lsq_conv2d_shape *s = &c->shape;
    const size_t inputs = s->channels / s->groups, group = output / (c->outputs / s->groups);
    float sum = 0;
    for (size_t channel = 0; channel < inputs; channel++)
        for (size_t i = 0; i < s->kernel[0]; i++)
            for (size_t j = 0; j < s->kernel[1]; j++) {
                const size_t row = top * s->stride[0] + i * s->dilation[0],
                             column = left * s->stride[1] + j * s->dilation[1];
                if (row < s->padding[0] || row - s->padding[0] >= s->height || column < s->padding[1] ||
                    column - s->padding[1] >= s->width)
                    continue;
                sum +=
                    w[((output * inputs + channel) * s->kernel[0] + i) * s->kernel[1] + j] *
                    x[((image * s->channels + group * inputs + channel) * s->height + row - s->padding[0]) * s->width +
                      column - s->padding[1]];
            }
    return sum;
}

static void check_convolution(const lsq_conv2d_shape *shape)
{
    enum { OUTPUTS = 4, BATCH = 2, ROOM = 4096 };
    bench_convolution c = {.shape = *shape, .outputs = OUTPUTS};
    float w[OUTPUTS * 4 * 9], x[BATCH * 4 * 7 * 9], y[ROOM], patches[ROOM];
    c.shape.size = sizeof c.shape;
    ck_assert_int_eq(lsq_conv2d_output(&c.shape, &c.out_height, &c.out_width, NULL), LSQ_OK);
    ck_assert_uint_le(bench_convolution_patches(&c), ROOM);
    for (size_t i = 0; i < sizeof w / sizeof *w; i++)
        w[i] = (float)(i * i % 13) - 6;
    for (size_t i = 0; i < sizeof x / sizeof *x; i++)
        x[i] = (float)(i * 7 % 11) - 5;
    bench_convolve(bench_openblas(), &c, BATCH, w, x, y, patches);
    const float *found = y;
    for (size_t image = 0; image < BATCH; image++)
        for (size_t output = 0; output < OUTPUTS; output++)
            for (size_t top = 0; top < c.out_height; top++)
                for (size_t left = 0; left < c.out_width; left++)
                    ck_assert_float_eq(*found++, convolved(&c, w, x, image, output, top, left));
}

START_TEST(float_convolutions_are_what_direct_loops_give)
{
    lsq_conv2d_shape shape = {.channels = 4, .height = 7, .width = 9};
    if (!bench_openblas())
        return;
    bench_openblas()->set_threads(1);
    for (size_t kernel = 1; kernel <= 3; kernel++)
        for (size_t stride = 1; stride <= 3; stride++)
            for (size_t padding = 0; padding <= 3; padding++)
                for (size_t dilation = 1; dilation <= 2; dilation++)
                    for (size_t groups = 1; groups <= 4; groups *= 2) {
                        shape.kernel[0] = kernel;
                        shape.kernel[1] = 4 - kernel;
                        shape.stride[0] = stride;
                        shape.stride[1] = 4 - stride;
                        shape.padding[0] = padding;
                        shape.padding[1] = 3 - padding;
                        shape.dilation[0] = dilation;
                        shape.dilation[1] = 3 - dilation;
                        shape.groups = groups;
                        check_convolution(&shape);
                    }
}
END_TEST

/* ---- Trials ---- */

START_TEST(trials_are_judged_by_medians_of_ratios)
{
    const bench_trial_sample samples[] = {{2, 6, 10}, {4, 4, 20}, {3, 12, 10}},
                             alone[] = {{2, NAN, NAN}, {4, NAN, NAN}};
    double scratch[3];
    bench_trial_figures figures = bench_trial_judge(samples, 3, 6, scratch);
    ck_assert_double_eq(figures.seconds, 3);
    ck_assert_double_eq(figures.spread, 1.0 / 3);
    ck_assert_double_eq(figures.blas_seconds, 6);
    ck_assert_double_eq(figures.times_blas, 3);
    ck_assert_double_eq(figures.peak, 10);
    ck_assert_double_eq_tol(figures.share_of_peak, 0.2, 1e-15);
    figures = bench_trial_judge(alone, 2, 6, scratch);
    ck_assert_double_eq(figures.seconds, 3);
    ck_assert(isnan(figures.blas_seconds) && isnan(figures.times_blas) && isnan(figures.peak) &&
              isnan(figures.share_of_peak));
}
END_TEST

/* ---- Where threads run ---- */

START_TEST(a_process_is_confined_to_so_many_cores)
{
    const unsigned cores = bench_cores();
    cpu_set_t set;
    if (!bench_confine(1))
        return; /* the system refuses */
    ck_assert_int_eq(sched_getaffinity(0, sizeof set, &set), 0);
    ck_assert_int_eq(CPU_COUNT(&set), 1);
    ck_assert_uint_eq(bench_cores(), cores);
    ck_assert(bench_confine(cores + 3)); /* wider again */
    ck_assert_int_eq(sched_getaffinity(0, sizeof set, &set), 0);
    ck_assert_int_eq(CPU_COUNT(&set), (int)cores);
    bench_settle();
}
END_TEST

/* ---- Turns ---- */

START_TEST(median_and_spread_are_those_of_the_sorted_values)
{
    double odd[] = {9, 1, 5, 100, 2}, even[] = {4, 1, 3, 10}, spread[] = {1, 1, 2, 2, 4, 6, 9};
    ck_assert_double_eq(bench_median(odd, 5), 5);
    ck_assert_double_eq(bench_median(even, 4), 3.5);
    ck_assert_double_eq(bench_spread(spread, 7), 1);
}
END_TEST

enum { UNITS = 37 };

typedef struct tally {
    size_t done[UNITS];
    unsigned thread[UNITS];
} tally;

static void count_units(const void *arg, unsigned thread, size_t first, size_t end)
{
    tally *t = (tally *)arg;
    for (size_t i = first; i < end; i++) {
        t->done[i]++;
        t->thread[i] = thread;
    }
    /* Long enough for the clock to see. */
    for (volatile int i = 0; i < 1000; i++)
        ;
}

/* Samples by parts come round evenly, and threads keep to their shares. */
static void check_turns(unsigned threads)
{
    tally t = {0};
    bench_team *team = bench_team_new(threads);
    ck_assert_ptr_nonnull(team);
    ck_assert_uint_eq(bench_team_size(team), threads);
    const bench_work work = {count_units, &t, UNITS};
    bench_turn turn;
    bench_turn_prepare(&turn, &work, team, 1e-5);
    ck_assert_uint_ge(turn.step, 1);
    for (int i = 0; i < 100; i++)
        bench_turn_sample(&turn);
    for (unsigned thread = 0; thread < threads; thread++) {
        const size_t first = UNITS * thread / threads, end = UNITS * (thread + 1) / threads;
        for (size_t i = first; i < end; i++) {
            ck_assert_uint_eq(t.thread[i], thread);
            ck_assert_uint_ge(t.done[i] + 1, t.done[first]);
            ck_assert_uint_le(t.done[i], t.done[first]);
        }
        ck_assert_uint_gt(t.done[first], 0);
    }
    bench_team_free(team);
}

START_TEST(one_thread_comes_round_evenly)
{
    check_turns(1);
}
END_TEST

START_TEST(threads_keep_to_their_shares)
{
    check_turns(3);
}
END_TEST

/* ---- Products ---- */

START_TEST(rows_fill_the_bytes_given)
{
    static const char *const names[] = {"c3.none", "s4", "s9.tensor", "t1", "t4.st64.nib32"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        lsq_format format;
        size_t bytes;
        ck_assert_int_eq(lsq_format_parse(names[i], &format, NULL), LSQ_OK);
        const size_t rows = bench_product_rows(&format, 1024, 262144);
        ck_assert_uint_gt(rows, 0);
        ck_assert_uint_eq(rows % 16, 0);
        ck_assert_int_eq(lsq_packed_bytes(&format, rows, 1024, &bytes), LSQ_OK);
        ck_assert_uint_le(bytes, 262144);
        ck_assert_int_eq(lsq_packed_bytes(&format, rows + 16, 1024, &bytes), LSQ_OK);
        ck_assert_uint_gt(bytes, 262144);
        ck_assert_uint_eq(bench_product_rows(&format, 1024, 64), 0);
    }
}
END_TEST

/* The packed bytes end where the memory ends, and a product in two parts is the product. */
START_TEST(products_run_on_any_bytes)
{
    const lsq_kernel *kernel = &lsq_kernels[_i];
    lsq_cpu cpu;
    lsq_cpu_detect(&cpu);
    if (!lsq_kernel_runs(&cpu, kernel) || kernel->op != OP_gemv)
        return;
    const lsq_format format = lsq_family_format(kernel->codec);
    size_t bytes;
    enum { ROWS = 16 * 5, COLUMNS = 32 * 3 };
    ck_assert_int_eq(lsq_packed_bytes(&format, ROWS, COLUMNS, &bytes), LSQ_OK);
    uint8_t *packed = aligned_alloc(64, bytes);
    bench_fill_random(packed, bytes, 11);
    bench_product product;
    ck_assert_int_eq(bench_product_make(&product, kernel, &format, ROWS, COLUMNS, packed, 2), LSQ_OK);
    ck_assert_uint_eq(product.bytes, bytes);
    const bench_work work = bench_product_work(&product);
    ck_assert_uint_eq(work.units, ROWS / 16);
    float whole[ROWS];
    work.run(work.arg, 0, 0, 5);
    memcpy(whole, product.gemv.y, sizeof whole);
    memset(product.gemv.y, 0, sizeof whole);
    work.run(work.arg, 1, 3, 5);
    work.run(work.arg, 0, 0, 3);
    for (int r = 0; r < ROWS; r++)
        ck_assert_float_eq(product.gemv.y[r], whole[r]);
    bench_product_free(&product);
    free(packed);
}
END_TEST

START_TEST(text_from_outside_is_harmless)
{
    char copy[8];
    bench_text_copy(copy, sizeof copy, "a\x1b[2J\nb");
    ck_assert_str_eq(copy, "a?[2J?b");
    bench_text_copy(copy, sizeof copy, "x\xff\x80y");
    ck_assert_str_eq(copy, "x??y");
    bench_text_copy(copy, sizeof copy, "\xc3\xa4");
    ck_assert_str_eq(copy, "\xc3\xa4");
    bench_text_copy(copy, sizeof copy, "123456\xc3\xa4"); /* cut in the middle of a character */
    ck_assert_str_eq(copy, "123456?");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("bench");
    tcase_set_timeout(tests, 100);
    tcase_add_test(tests, every_read_loop_reads_every_byte_once);
    tcase_add_test(tests, every_peak_loop_does_the_operations_that_it_claims);
    tcase_add_test(tests, openblas_multiplies_what_ours_does);
    tcase_add_test(tests, float_convolutions_are_what_direct_loops_give);
    tcase_add_test(tests, trials_are_judged_by_medians_of_ratios);
    tcase_add_test(tests, a_process_is_confined_to_so_many_cores);
    tcase_add_test(tests, median_and_spread_are_those_of_the_sorted_values);
    tcase_add_test(tests, one_thread_comes_round_evenly);
    tcase_add_test(tests, threads_keep_to_their_shares);
    tcase_add_test(tests, rows_fill_the_bytes_given);
    tcase_add_loop_test(tests, products_run_on_any_bytes, 0, (int)lsq_kernels_count);
    tcase_add_test(tests, text_from_outside_is_harmless);
    Suite *suite = suite_create("bench");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
