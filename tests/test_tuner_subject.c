/*
 * test_tuner_subject.c - is what the tuner times the product that it names, run by the kernel that it names?
 */
#include "tuner/plan.h"
#include "tuner/subject.h"

#include <check.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* ---- Sizes ---- */

/* On each of some machines, the product of a class is of that class; one without an L3 has no such class. */
START_TEST(products_are_of_their_class)
{
    const uint64_t caches[][3] = {{32 << 10, 256 << 10, 4 << 20},
                                  {32 << 10, 1 << 20, 32 << 20},
                                  {48 << 10, 2 << 20, 105 << 20},
                                  {64 << 10, 1 << 20, 1 << 20},
                                  {128 << 10, 12 << 20, 24 << 20}};
    for (size_t i = 0; i < sizeof(caches) / sizeof(*caches); i++)
        for (int codec = 0; codec < CODEC_e8; codec++)
            for (int class = 0; class < CLASSES; class ++) {
                const lsq_cpu cpu = {.l1d = caches[i][0], .l2 = caches[i][1], .l3 = caches[i][2]};
                const lsq_format format = subject_format((enum lsq_family)codec);
                size_t rows, columns, bytes = 0;
                const int there = subject_size(&cpu, &format, (enum lsq_size_class) class, &rows, &columns);
                ck_assert_int_eq(there, class != CLASS_l3 || cpu.l3 > cpu.l2);
                ck_assert(rows >= PANEL && rows % PANEL == 0 && columns % GROUP == 0);
                ck_assert_int_eq(lsq_packed_bytes(&format, rows, columns, &bytes), LSQ_OK);
                ck_assert_uint_le(bytes, subject_bytes_max(&cpu));
                if (there)
                    ck_assert_int_eq(lsq_size_class(&cpu, bytes), class);
            }
}
END_TEST

/* ---- Walks ---- */

static workshop shop;

static void open_shop(void)
{
    lsq_cpu cpu;
    lsq_cpu_detect(&cpu);
    ck_assert(workshop_open(&shop, subject_bytes_max(&cpu)));
}

static void close_shop(void)
{
    workshop_close(&shop);
}

enum { WALKED = 300 };
static unsigned seen[WALKED];

static void remember(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    memset(a->y, 0, (p1 - p0) * PANEL * sizeof(float));
    for (size_t p = p0; p < p1; p++)
        seen[p]++;
}

/* A matrix of more than a step is gone round, each panel as often as any other, from where the last timing ended. */
START_TEST(walks_go_round)
{
    const target of = {OP_gemv, CODEC_p4, ACT_i8, {CLASS_dram, LSQ_ANY, CREW_one}};
    lsq_kernel counting = *lsq_kernel_reference(OP_gemv, CODEC_p4, ACT_i8);
    const candidate c = {.kernel = &counting, .tunables = lsq_tunables_default};
    subject s;
    counting.run.gemv = remember;
    ck_assert(subject_make_sized(&s, &shop, &of, WALKED * PANEL - 5, 1024, 1));
    ck_assert(s.window % (CHAIN * PANEL) == 0 && s.window < s.rows && s.window > s.rows / 10);
    ck_assert(subject_weights(&s) == (double)s.window * 1024);
    subject_time(&s, &c, 1);
    ck_assert_uint_eq(s.next, s.window);
    for (size_t p = 0; p < WALKED; p++)
        ck_assert_uint_eq(seen[p], p < s.window / PANEL);
    ck_assert_uint_eq(s.rows % s.window, 0);
    ck_assert_uint_gt(s.rows + s.window, (WALKED - 1) * PANEL);
    subject_time(&s, &c, 2 * s.rows / s.window - 1);
    ck_assert_uint_eq(s.next, 0);
    for (size_t p = 0; p < WALKED; p++)
        ck_assert_uint_eq(seen[p], p < s.rows / PANEL ? 2 : 0);
    ck_assert(!s.failed);
    subject_free(&s);
}
END_TEST

/* ---- Every op ---- */

static const lsq_kernel *model; /* the kernel behind the counting ones */
static atomic_ulong calls;

static void count_gemv(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    calls++;
    model->run.gemv(a, p0, p1);
}

static void count_decode(const lsq_decode_args *a, size_t p, size_t g0, size_t g1)
{
    calls++;
    model->run.decode(a, p, g0, g1);
}

static void count_expand(const lsq_expand_args *a, size_t p, size_t g0, size_t g1)
{
    calls++;
    model->run.expand(a, p, g0, g1);
}

static void count_gemm(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    calls++;
    model->run.gemm(a, p, g0, g1);
}

static void count_gemvt(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)
{
    calls++;
    model->run.gemvt(a, p, g0, g1);
}

static void count_round(const lsq_round_args *a)
{
    calls++;
    model->run.round(a);
}

static void count_roundt(const lsq_roundt_args *a)
{
    calls++;
    model->run.roundt(a);
}

static void count_measure(const lsq_encode_args *a)
{
    calls++;
    model->run.measure(a);
}

static void count_encode(const lsq_encode_args *a)
{
    calls++;
    model->run.encode(a);
}

static lsq_kernel counting(const lsq_kernel *kernel)
{
    lsq_kernel other = *kernel;
    model = kernel;
    switch (kernel->op) {
    case OP_gemv:
        other.run.gemv = count_gemv;
        break;
    case OP_decode:
        other.run.decode = count_decode;
        break;
    case OP_expand:
        other.run.expand = count_expand;
        break;
    case OP_gemm:
        other.run.gemm = count_gemm;
        break;
    case OP_gemvt:
        other.run.gemvt = count_gemvt;
        break;
    case OP_round:
        other.run.round = count_round;
        break;
    case OP_roundt:
        other.run.roundt = count_roundt;
        break;
    case OP_measure:
        other.run.measure = count_measure;
        break;
    default:
        other.run.encode = count_encode;
    }
    return other;
}

static void check_subject(const kind *k, const lsq_place *where)
{
    const target of = {k->op, k->codec, k->act, *where};
    const lsq_kernel counted = counting(k->usual);
    const candidate c = {.kernel = &counted, .tunables = lsq_tunables_default};
    subject s;
    if (!subject_make(&s, &shop, &of)) {
        ck_assert(!s.failed && where->size_class >= CLASS_l3);
        return;
    }
    if (k->op == OP_gemv)
        ck_assert_int_eq(lsq_size_class(&shop.cpu, s.bytes), where->size_class);
    if (where->batch != LSQ_ANY)
        ck_assert_int_eq(lsq_batch(s.n), where->batch);
    ck_assert_int_eq(s.ctx->threads > 1, where->crew == CREW_many);
    ck_assert(subject_weights(&s) == (double)s.window * (double)s.columns && s.window <= s.rows);
    calls = 0;
    ck_assert(subject_time(&s, &c, 1) > 0);
    ck_assert_msg(!s.failed && calls > 0, "%s: %lu calls", k->name, (unsigned long)calls);
    /* Afterwards the context is as it was. */
    const lsq_context *ctx = s.ctx;
    subject_free(&s);
    calls = 0;
    ck_assert_ptr_eq(lsq_context_choice(ctx, k->op, k->codec, k->act, 1, 1)->kernel, k->usual);
}

START_TEST(every_kind_runs_by_its_candidate)
{
    size_t count;
    const int with_crew = shop.machine.crew > 1;
    kind *kinds = kinds_list(&shop.cpu, &count);
    ck_assert(kinds && count > 0);
    for (size_t i = 0; i < count; i++) {
        lsq_place places[PLACES_MAX];
        const size_t n = kind_places(&kinds[i], with_crew, places);
        for (size_t p = 0; p < n; p++)
            check_subject(&kinds[i], &places[p]);
    }
    free(kinds);
}
END_TEST

/* What would need more memory than the workshop has is no product. */
START_TEST(too_large_is_not_there)
{
    const target of = {OP_gemv, CODEC_p4, ACT_i8, {CLASS_dram, LSQ_ANY, CREW_one}};
    workshop small;
    subject s;
    ck_assert(workshop_open(&small, 64 << 10));
    ck_assert(!subject_make(&s, &small, &of));
    ck_assert(!s.failed);
    ck_assert(!subject_make_sized(&s, &small, &of, 1024, 1024, 1) && !s.failed);
    ck_assert(subject_make_sized(&s, &small, &of, 64, 512, 1));
    subject_free(&s);
    workshop_close(&small);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tuner_subject");
    TCase *sizes = tcase_create("sizes"), *running = tcase_create("running");
    tcase_add_test(sizes, products_are_of_their_class);
    tcase_add_test(sizes, too_large_is_not_there);
    tcase_add_checked_fixture(running, open_shop, close_shop);
    tcase_add_test(running, walks_go_round);
    tcase_add_test(running, every_kind_runs_by_its_candidate);
    tcase_set_timeout(running, 100);
    suite_add_tcase(suite, sizes);
    suite_add_tcase(suite, running);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
