/*
 * test_tuner.c - does the tuner find what is wrong, and does it choose well? Times are made up here, so that the answers are
 * known; kernels that are wrong in one way each are made of the reference.
 */
#include "tuner/kinds.h"
#include "tuner/verify.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Summaries ---- */

START_TEST(median_and_quartiles)
{
    double odd[] = {5, 1, 4, 2, 3}, even[] = {40, 10, 30, 20}, one[] = {7}, wild[] = {1, 1, 1, 1, 1e9};
    summary s = summarise(odd, 5);
    ck_assert(s.median == 3 && s.spread == 2);
    s = summarise(even, 4);
    ck_assert(s.median == 25 && s.spread == 15);
    s = summarise(one, 1);
    ck_assert(s.median == 7 && s.spread == 0);
    s = summarise(wild, 5);
    ck_assert(s.median == 1 && s.spread == 0);
    s = summarise(NULL, 0);
    ck_assert(s.median == 0 && s.spread == 0);
}
END_TEST

/* ---- Contests of made-up kernels ---- */

/* A machine whose times are known: ns a panel of each kernel, with noise, and for the first half another figure. */
typedef struct machine {
    const lsq_kernel *kernels;
    double ns[4], first_half[4], noise;
    double spent, budget;
    size_t calls[4];
    uint32_t random;
} machine;

static double made_up(void *arg, const candidate *c, size_t panels)
{
    machine *m = arg;
    size_t i = (size_t)(c->kernel - m->kernels);
    int early = m->first_half[i] > 0 && m->spent < m->budget / 2;
    m->random = m->random * 1664525u + 1013904223u;
    double wobble = 1 + m->noise * ((double)(m->random >> 8) / (1 << 24) - 0.5);
    double ns = (double)panels * (early ? m->first_half[i] : m->ns[i]) * wobble;
    m->spent += ns;
    m->calls[i]++;
    return ns;
}

static const lsq_kernel four[4] = {{.name = "a"}, {.name = "b"}, {.name = "c"}, {.name = "usual"}};

static contest hold(machine *m)
{
    volatile sig_atomic_t stop = 0;
    contest c = {.count = 4, .usual = 3, .budget = m->budget, .time = made_up, .arg = m, .stop = &stop};
    m->kernels = four;
    for (size_t i = 0; i < 4; i++)
        c.candidates[i].kernel = &four[i];
    ck_assert_int_eq(contest_run(&c), DECIDED);
    c.stop = NULL;
    return c;
}

START_TEST(the_faster_wins)
{
    machine m = {.ns = {900, 1200, 1300, 1000}, .noise = 0.02, .budget = 1e9};
    contest c = hold(&m);
    ck_assert_uint_eq(c.winner, 0);
    ck_assert_uint_eq(c.runner_up, 3);
    ck_assert(fabs(c.candidates[0].ns.median - 900) < 10 && fabs(c.candidates[3].ns.median - 1000) < 11);
    ck_assert(c.candidates[0].ns.spread > 0 && c.candidates[0].ns.spread < 20);
    ck_assert_uint_ge(c.candidates[0].samples, 10);
}
END_TEST

START_TEST(equals_leave_the_usual)
{
    for (uint32_t seed = 1; seed <= 50; seed++) {
        machine m = {.ns = {1000, 1000, 1000, 1000}, .noise = 0.1, .budget = 1e8, .random = seed * 77777};
        ck_assert_uint_eq(hold(&m).winner, 3);
    }
}
END_TEST

START_TEST(less_than_the_spread_is_not_enough)
{
    machine m = {.ns = {970, 1000, 1000, 1000}, .noise = 0.2, .budget = 1e9};
    ck_assert_uint_eq(hold(&m).winner, 3);
    m = (machine){.ns = {970, 1000, 1000, 1000}, .noise = 0.01, .budget = 1e9};
    ck_assert_uint_eq(hold(&m).winner, 0);
}
END_TEST

/* Ahead while something else was going on, behind afterwards. */
START_TEST(one_half_is_not_enough)
{
    machine m = {.ns = {1100, 1200, 1200, 1000}, .first_half = {800}, .noise = 0.01, .budget = 1e9};
    ck_assert_uint_eq(hold(&m).winner, 3);
}
END_TEST

START_TEST(the_hopeless_are_spared)
{
    machine m = {.ns = {5000, 1600, 1000, 1000}, .noise = 0.01, .budget = 1e9};
    contest c = hold(&m);
    ck_assert_uint_eq(c.candidates[0].samples, 0);
    ck_assert_uint_eq(c.candidates[1].samples, 0);
    ck_assert_uint_lt(m.calls[0], 20);
    ck_assert_uint_ge(m.calls[2], 20);
    ck_assert(fabs(c.candidates[0].ns.median - 5000) < 100);
    /* The usual one stays in the contest however slow it is: it is what the others must beat. */
    m = (machine){.ns = {1000, 2000, 2000, 9000}, .noise = 0.01, .budget = 1e9};
    c = hold(&m);
    ck_assert_uint_eq(c.winner, 0);
    ck_assert_uint_ge(c.candidates[3].samples, 10);
}
END_TEST

START_TEST(budgets_are_kept)
{
    const double budgets[] = {2e6, 2e7, 2e8, 2e9};
    for (size_t i = 0; i < 4; i++) {
        machine m = {.ns = {900, 1000, 1100, 1000}, .noise = 0.02, .budget = budgets[i]};
        hold(&m);
        /* Ten rounds of the shortest timings are the least that decides anything. */
        double least = 2 * 5 * 4 * 60e3 + 4 * 250e3;
        ck_assert_msg(m.spent < 1.1 * (m.budget > least ? m.budget : least), "%.0f of %.0f", m.spent, m.budget);
    }
}
END_TEST

static volatile sig_atomic_t asked_to_stop;

static double stops_soon(void *arg, const candidate *c, size_t panels)
{
    machine *m = arg;
    double ns = made_up(arg, c, panels);
    asked_to_stop = m->spent > m->budget / 4;
    return ns;
}

START_TEST(contests_can_be_stopped)
{
    machine m = {.ns = {900, 1000, 1100, 1000}, .budget = 1e9, .kernels = four};
    contest c = {.count = 4, .usual = 3, .budget = 1e9, .time = stops_soon, .arg = &m, .stop = &asked_to_stop};
    for (size_t i = 0; i < 4; i++)
        c.candidates[i].kernel = &four[i];
    asked_to_stop = 0;
    ck_assert_int_eq(contest_run(&c), STOPPED);
    ck_assert(m.spent < m.budget / 2);
}
END_TEST

/* ---- Walks and sizes ---- */

static size_t seen[64];

static void remember(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    (void)a;
    for (size_t p = p0; p < p1; p++)
        seen[p]++;
}

START_TEST(walks_go_round)
{
    lsq_kernel counting = *lsq_kernel_reference(OP_gemv, CODEC_p4, ACT_i8);
    lsq_format format = product_format(CODEC_p4);
    uint8_t *packed = calloc(1, product_bytes(&format, 5, 2));
    product p;
    ck_assert(packed && product_make(&p, &counting, &format, 5, 2, packed, 0));
    counting.run.gemv = remember;
    walk w = {.p = &p};
    ck_assert(walk_time(&w, &counting, 3) >= 0);
    ck_assert(walk_time(&w, &counting, 9) >= 0);
    ck_assert_uint_eq(w.next, 2);
    for (size_t i = 0; i < 5; i++)
        ck_assert_uint_eq(seen[i], i < 2 ? 3 : 2);
    product_free(&p);
    free(packed);
}
END_TEST

/* On each of some machines, the product of a class is of that class; one without an L3 has no such class. */
START_TEST(products_are_of_their_class)
{
    const uint64_t caches[][3] = {{32 << 10, 256 << 10, 4 << 20},
                                  {32 << 10, 1 << 20, 32 << 20},
                                  {48 << 10, 2 << 20, 105 << 20},
                                  {64 << 10, 1 << 20, 1 << 20},
                                  {128 << 10, 12 << 20, 24 << 20}};
    for (size_t i = 0; i < sizeof(caches) / sizeof(*caches); i++)
        for (unsigned codec = 0; codec < CODEC_e8; codec++)
            for (unsigned size_class = 0; size_class < CLASSES; size_class++) {
                lsq_cpu cpu = {.l1d = caches[i][0], .l2 = caches[i][1], .l3 = caches[i][2]};
                lsq_format format = product_format(codec);
                size_t panels, groups;
                int there = class_product(&cpu, &format, (enum lsq_size_class)size_class, &panels, &groups);
                ck_assert_int_eq(there, size_class != CLASS_l3 || cpu.l3 > cpu.l2);
                ck_assert_uint_ge(panels, 1);
                if (there)
                    ck_assert_int_eq(lsq_size_class(&cpu, product_bytes(&format, panels, groups)), size_class);
            }
}
END_TEST

START_TEST(kinds_end_with_their_default)
{
    lsq_cpu cpu;
    size_t count;
    lsq_cpu_detect(&cpu);
    kind *kinds = kinds_list(&cpu, &count);
    ck_assert_ptr_nonnull(kinds);
    for (size_t i = 0; i < count; i++) {
        const lsq_kernel *first = kinds[i].rows[0], *last = kinds[i].rows[kinds[i].count - 1];
        ck_assert_uint_ge(kinds[i].count, 2);
        ck_assert_ptr_eq(first, lsq_kernel_reference(first->op, first->codec, first->act));
        ck_assert_ptr_eq(last, lsq_kernel_default(&cpu, first->op, first->codec, first->act));
    }
    free(kinds);
}
END_TEST

/* ---- Kernels that are wrong ---- */

static const lsq_kernel *model; /* the reference that the faulty ones are made of */

static void last_bit(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    model->run.gemv(a, p0, p1);
    float *y = &a->y[(p1 - p0) * PANEL - 1];
    *y = *y == 0 ? 0 : nextafterf(*y, INFINITY);
}

static void one_in_a_thousand(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    model->run.gemv(a, p0, p1);
    a->y[3] *= 1.001f;
}

static void one_panel_too_far(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    model->run.gemv(a, p0, p1);
    a->y[(p1 - p0) * PANEL] = 0;
}

static void one_panel_short(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    if (p1 > p0 + 1)
        model->run.gemv(a, p0, p1 - 1);
}

/* Takes the scales for those of another kind of format. */
static void no_scales(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    lsq_gemv_args other = *a;
    other.w.scale = LSQ_SCALE_TENSOR;
    other.w.scales = NULL;
    model->run.gemv(&other, p0, p1);
}

static void always_16_states(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    lsq_gemv_args other = *a;
    other.w.states = 16;
    model->run.gemv(&other, p0, p1);
}

/* Begins the history of a trellis at its own first panel instead of that of the chain. */
static void forgets(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    lsq_gemv_args other = *a;
    size_t bits = (size_t)lsq_family_names[model->codec][1] - '0';
    other.w.codes += p0 * other.w.groups * 64 * bits;
    other.w.scales += p0 * other.w.groups * (other.w.scale == LSQ_SCALE_NIBBLE32 ? 8 : 16);
    other.w.rows += p0 * PANEL;
    model->run.gemv(&other, 0, p1 - p0);
}

/* As an AVX2 kernel would whose pair sums saturate in 16 bits. */
static void saturates(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    model->run.gemv(a, p0, p1);
    for (size_t i = 0; i < (p1 - p0) * PANEL; i++)
        if (fabsf(a->y[i]) > 32 * 127)
            a->y[i] *= 0.5f;
}

static void wrong_group(const lsq_decode_args *a, size_t p, size_t g0, size_t g1)
{
    model->run.decode(a, p, g0, g1);
    a->out[PANEL * GROUP * (g1 - g0) - 1] = -a->out[PANEL * GROUP * (g1 - g0) - 2];
}

static verdict judge(unsigned op, unsigned codec, unsigned act, lsq_gemv_fn *gemv, lsq_decode_fn *decode)
{
    char why[160] = "";
    model = lsq_kernel_reference(op, codec, act);
    ck_assert_ptr_nonnull(model);
    lsq_kernel faulty = *model;
    if (gemv)
        faulty.run.gemv = gemv;
    if (decode)
        faulty.run.decode = decode;
    verdict is = verify_kernel(&faulty, model, why, sizeof(why));
    ck_assert((is == WRONG) == (why[0] != 0));
    return is;
}

START_TEST(references_are_right)
{
    ck_assert_int_eq(judge(OP_gemv, CODEC_p2, ACT_i8, NULL, NULL), RIGHT);
    ck_assert_int_eq(judge(OP_gemv, CODEC_p9, ACT_i16, NULL, NULL), RIGHT);
    ck_assert_int_eq(judge(OP_gemv, CODEC_p5, ACT_f32, NULL, NULL), RIGHT);
    ck_assert_int_eq(judge(OP_gemv, CODEC_t1, ACT_f32, NULL, NULL), RIGHT);
    ck_assert_int_eq(judge(OP_gemv, CODEC_t4, ACT_i8, NULL, NULL), RIGHT);
    ck_assert_int_eq(judge(OP_decode, CODEC_t3, ACT_f32, NULL, NULL), RIGHT);
}
END_TEST

START_TEST(faults_are_found)
{
    ck_assert_int_eq(judge(OP_gemv, CODEC_p4, ACT_i8, last_bit, NULL), WRONG);
    ck_assert_int_eq(judge(OP_gemv, CODEC_p8, ACT_i16, last_bit, NULL), WRONG);
    ck_assert_int_eq(judge(OP_gemv, CODEC_p4, ACT_f32, last_bit, NULL), RIGHT); /* the order of a sum may do that */
    ck_assert_int_eq(judge(OP_gemv, CODEC_p4, ACT_f32, one_in_a_thousand, NULL), WRONG);
    ck_assert_int_eq(judge(OP_gemv, CODEC_p4, ACT_i8, one_panel_too_far, NULL), WRONG);
    ck_assert_int_eq(judge(OP_gemv, CODEC_p4, ACT_f32, one_panel_too_far, NULL), WRONG);
    ck_assert_int_eq(judge(OP_gemv, CODEC_p4, ACT_i8, one_panel_short, NULL), WRONG);
    ck_assert_int_eq(judge(OP_gemv, CODEC_p4, ACT_i8, no_scales, NULL), WRONG);
    ck_assert_int_eq(judge(OP_gemv, CODEC_p6, ACT_i8, saturates, NULL), WRONG);
    ck_assert_int_eq(judge(OP_decode, CODEC_p3, ACT_f32, NULL, wrong_group), WRONG);
}
END_TEST

START_TEST(faults_of_trellises_are_found)
{
    ck_assert_int_eq(judge(OP_gemv, CODEC_t2, ACT_i8, always_16_states, NULL), WRONG);
    ck_assert_int_eq(judge(OP_gemv, CODEC_t4, ACT_f32, always_16_states, NULL), WRONG);
    ck_assert_int_eq(judge(OP_gemv, CODEC_t4, ACT_i8, forgets, NULL), WRONG);
    ck_assert_int_eq(judge(OP_gemv, CODEC_t4, ACT_f32, forgets, NULL), WRONG);
}
END_TEST

/* A wrong row leaves the kind, the others stay in their order. */
START_TEST(wrong_rows_are_left_out)
{
    volatile sig_atomic_t stop = 0;
    findings found = {0};
    model = lsq_kernel_reference(OP_gemv, CODEC_p4, ACT_i8);
    lsq_kernel bad = *model, good = *model;
    bad.run.gemv = last_bit;
    kind k = {.rows = {model, &bad, &good}, .count = 3};
    ck_assert_int_eq(kind_verify(&k, &found, &stop), 1);
    ck_assert_uint_eq(k.count, 2);
    ck_assert(k.rows[0] == model && k.rows[1] == &good);
    ck_assert_uint_eq(found.failures_count, 1);
    ck_assert_ptr_eq(found.failures[0].kernel, &bad);
    ck_assert(found.failures[0].why[0]);
    findings_free(&found);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tuner");
    TCase *choosing = tcase_create("choosing"), *checking = tcase_create("checking");
    tcase_add_test(choosing, median_and_quartiles);
    tcase_add_test(choosing, the_faster_wins);
    tcase_add_test(choosing, equals_leave_the_usual);
    tcase_add_test(choosing, less_than_the_spread_is_not_enough);
    tcase_add_test(choosing, one_half_is_not_enough);
    tcase_add_test(choosing, the_hopeless_are_spared);
    tcase_add_test(choosing, budgets_are_kept);
    tcase_add_test(choosing, contests_can_be_stopped);
    tcase_add_test(choosing, walks_go_round);
    tcase_add_test(choosing, products_are_of_their_class);
    tcase_add_test(choosing, kinds_end_with_their_default);
    tcase_add_test(checking, references_are_right);
    tcase_add_test(checking, faults_are_found);
    tcase_add_test(checking, faults_of_trellises_are_found);
    tcase_add_test(checking, wrong_rows_are_left_out);
    tcase_set_timeout(checking, 100);
    suite_add_tcase(suite, choosing);
    suite_add_tcase(suite, checking);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
