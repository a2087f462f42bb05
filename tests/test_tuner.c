/*
 * test_tuner.c - does the tuner ask everything once, and choose well? Times are made up here, so that the answers are known.
 */
#include "tuner/ask.h"
#include "tuner/plan.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

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

/* Candidates whose times are known: ns a step of each kernel, with noise, and for the first half another figure. */
typedef struct times {
    const lsq_kernel *kernels;
    double ns[4], first_half[4], noise;
    double spent, budget;
    size_t calls[4];
    uint32_t random;
} times;

static double made_up(void *arg, const candidate *c, size_t steps)
{
    times *m = arg;
    size_t i = (size_t)(c->kernel - m->kernels);
    int early = m->first_half[i] > 0 && m->spent < m->budget / 2;
    m->random = m->random * 1664525u + 1013904223u;
    double wobble = 1 + m->noise * ((double)(m->random >> 8) / (1 << 24) - 0.5);
    double ns = (double)steps * (early ? m->first_half[i] : m->ns[i]) * wobble;
    m->spent += ns;
    m->calls[i]++;
    return ns;
}

static const lsq_kernel four[4] = {{.name = "a"}, {.name = "b"}, {.name = "c"}, {.name = "usual"}};

static contest hold(times *m)
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
    times m = {.ns = {900, 1200, 1300, 1000}, .noise = 0.02, .budget = 1e9};
    contest c = hold(&m);
    ck_assert_uint_eq(c.winner, 0);
    ck_assert(fabs(c.candidates[0].ns.median - 900) < 10 && fabs(c.candidates[3].ns.median - 1000) < 11);
    ck_assert(c.candidates[0].ns.spread > 0 && c.candidates[0].ns.spread < 20);
    ck_assert_uint_ge(c.candidates[0].samples, 10);
}
END_TEST

START_TEST(equals_leave_the_usual)
{
    for (uint32_t seed = 1; seed <= 50; seed++) {
        times m = {.ns = {1000, 1000, 1000, 1000}, .noise = 0.1, .budget = 1e8, .random = seed * 77777};
        ck_assert_uint_eq(hold(&m).winner, 3);
    }
}
END_TEST

START_TEST(less_than_the_spread_is_not_enough)
{
    times m = {.ns = {970, 1000, 1000, 1000}, .noise = 0.2, .budget = 1e9};
    ck_assert_uint_eq(hold(&m).winner, 3);
    m = (times){.ns = {970, 1000, 1000, 1000}, .noise = 0.01, .budget = 1e9};
    ck_assert_uint_eq(hold(&m).winner, 0);
}
END_TEST

/* Ahead while something else was going on, behind afterwards. */
START_TEST(one_half_is_not_enough)
{
    times m = {.ns = {1100, 1200, 1200, 1000}, .first_half = {800}, .noise = 0.01, .budget = 1e9};
    ck_assert_uint_eq(hold(&m).winner, 3);
}
END_TEST

START_TEST(the_hopeless_are_spared)
{
    times m = {.ns = {5000, 1600, 1000, 1000}, .noise = 0.01, .budget = 1e9};
    contest c = hold(&m);
    ck_assert_uint_eq(c.candidates[0].samples, 0);
    ck_assert_uint_eq(c.candidates[1].samples, 0);
    ck_assert_uint_lt(m.calls[0], 20);
    ck_assert_uint_ge(m.calls[2], 20);
    ck_assert(fabs(c.candidates[0].ns.median - 5000) < 100);
    /* The usual one stays in the contest however slow it is: it is what the others must beat. */
    m = (times){.ns = {1000, 2000, 2000, 9000}, .noise = 0.01, .budget = 1e9};
    c = hold(&m);
    ck_assert_uint_eq(c.winner, 0);
    ck_assert_uint_ge(c.candidates[3].samples, 10);
}
END_TEST

START_TEST(budgets_are_kept)
{
    const double budgets[] = {2e6, 2e7, 2e8, 2e9};
    for (size_t i = 0; i < 4; i++) {
        times m = {.ns = {900, 1000, 1100, 1000}, .noise = 0.02, .budget = budgets[i]};
        hold(&m);
        /* Ten rounds of the shortest timings are the least that decides anything. */
        double least = 2 * 5 * 4 * 60e3 + 4 * 250e3;
        ck_assert_msg(m.spent < 1.1 * (m.budget > least ? m.budget : least), "%.0f of %.0f", m.spent, m.budget);
    }
}
END_TEST

static volatile sig_atomic_t asked_to_stop;

static double stops_soon(void *arg, const candidate *c, size_t steps)
{
    times *m = arg;
    double ns = made_up(arg, c, steps);
    asked_to_stop = m->spent > m->budget / 4;
    return ns;
}

START_TEST(contests_can_be_stopped)
{
    times m = {.ns = {900, 1000, 1100, 1000}, .budget = 1e9, .kernels = four};
    contest c = {.count = 4, .usual = 3, .budget = 1e9, .time = stops_soon, .arg = &m, .stop = &asked_to_stop};
    for (size_t i = 0; i < 4; i++)
        c.candidates[i].kernel = &four[i];
    asked_to_stop = 0;
    ck_assert_int_eq(contest_run(&c), STOPPED);
    ck_assert(m.spent < m.budget / 2);
}
END_TEST

/* ---- Thresholds ---- */

/*
 * All ways in which contests at six values can end, for all defaults, the last value among them: the lowest value at which crossing
 * won, asked upwards and no further; and never another than the default unless the default was beaten everywhere between.
 */
START_TEST(thresholds_leave_the_default_only_if_it_is_beaten)
{
    enum { VALUES = 6 };
    for (unsigned outcome = 0; outcome < 1u << VALUES; outcome++)
        for (size_t usual = 0; usual <= VALUES; usual++) {
            int other_won[VALUES];
            size_t asked = 0;
            for (size_t i = 0; i < VALUES; i++)
                other_won[i] = (int)(outcome >> i & 1);
            while (asked < VALUES && threshold_among(other_won, asked, usual) == asked)
                asked++;
            const size_t found = threshold_among(other_won, asked, usual);
            ck_assert_uint_le(found, VALUES);
            ck_assert_uint_eq(found, threshold_among(other_won, VALUES, usual));
            ck_assert(outcome != 0 || found == usual);
            for (size_t i = usual; i < found; i++)
                ck_assert(other_won[i]);
            if (found < usual)
                ck_assert(other_won[found]);
            for (size_t i = 0; i < found && i < usual; i++)
                ck_assert(!other_won[i]);
        }
}
END_TEST

/* ---- The plan ---- */

/* In how many places of a kind each product is, of all that differ in their place. */
static void count_products(const kind *k, int with_crew, unsigned counts[CLASSES][BATCHES][CREWS])
{
    lsq_place places[PLACES_MAX];
    const size_t count = kind_places(k, with_crew, places);
    ck_assert_uint_le(count, PLACES_MAX);
    for (int i = 0; i < CLASSES * BATCHES * CREWS; i++) {
        const lsq_place product = {i / (BATCHES * CREWS), i / CREWS % BATCHES, i % CREWS};
        unsigned *at = &counts[product.size_class][product.batch][product.crew];
        *at = 0;
        for (size_t p = 0; p < count; p++)
            *at += (unsigned)lsq_places_meet(&places[p], &product);
    }
}

START_TEST(places_of_a_kind_are_all_products_once)
{
    for (int op = 0; op < OPS; op++)
        for (int with_crew = 0; with_crew < 2; with_crew++) {
            const kind k = {.op = (enum lsq_op)op};
            unsigned counts[CLASSES][BATCHES][CREWS];
            count_products(&k, with_crew, counts);
            for (int i = 0; i < CLASSES * BATCHES * CREWS; i++) {
                const int class = i / (BATCHES * CREWS), batch = i / CREWS % BATCHES, crew = i % CREWS;
                /* Several threads are no question where there is one core; gemm is never used for one column. */
                const int is_left_out =
                    (op == OP_gemv && !with_crew && crew == CREW_many) || (op == OP_gemm && batch == BATCH_one);
                ck_assert_uint_eq(counts[class][batch][crew], !is_left_out);
            }
        }
}
END_TEST

/* Kernels of small products on several threads are those of one thread, which is a place of the same kind that has its own. */
START_TEST(kernels_come_from_places_of_the_kind)
{
    for (int op = 0; op < OPS; op++) {
        const kind k = {.op = (enum lsq_op)op, .has_choice = 1};
        lsq_place places[PLACES_MAX];
        const size_t count = kind_places(&k, 1, places);
        for (size_t p = 0; p < count; p++) {
            const lsq_place source = kernel_place(&k, &places[p]), again = kernel_place(&k, &source);
            size_t among = 0;
            for (size_t i = 0; i < count; i++)
                among += (size_t)same_place(&places[i], &source);
            ck_assert_uint_eq(among, 1);
            ck_assert(same_place(&source, &again));
            ck_assert_int_eq(source.size_class, places[p].size_class);
        }
    }
}
END_TEST

/* Every place has the answers that it needs, from one question each. */
static void check_plan(kind *kinds, size_t kind_count, int with_crew)
{
    size_t count;
    question *list = plan_questions(kinds, kind_count, with_crew, &count);
    ck_assert_ptr_nonnull(list);
    for (size_t i = 0; i < kind_count; i++) {
        const kind *k = &kinds[i];
        lsq_place places[PLACES_MAX];
        size_t thresholds = 0, wanted = 0;
        const size_t n = kind_places(k, with_crew, places);
        for (size_t p = 0; p < n; p++) {
            const lsq_place source = kernel_place(k, &places[p]);
            enum lsq_tunable number;
            size_t asked = 0;
            for (size_t j = 0; j < count; j++)
                asked += list[j].kind == k && !list[j].threshold && question_matters(&list[j], &places[p]);
            ck_assert_uint_eq(asked, place_has_choice(k, &source));
            wanted |= (size_t)place_threshold(k->op, &places[p], &number);
        }
        for (size_t j = 0; j < count; j++)
            thresholds += list[j].kind == k && list[j].threshold;
        ck_assert_uint_eq(thresholds, wanted);
    }
    for (size_t j = 0; j + 1 < count; j++)
        ck_assert_uint_le(list[j].rank, list[j + 1].rank);
    free(list);
}

START_TEST(everything_is_asked_once)
{
    lsq_cpu cpu;
    size_t count;
    lsq_cpu_detect(&cpu);
    kind *kinds = kinds_list(&cpu, &count);
    ck_assert(kinds && count > 0);
    check_plan(kinds, count, 0);
    check_plan(kinds, count, 1);
    for (size_t i = 0; i < count; i++)
        kinds[i].has_choice = 0; /* but of numbers */
    check_plan(kinds, count, 1);
    free(kinds);
}
END_TEST

/* Where in the list the first of such questions stands; `count`: nowhere. */
static size_t first_of(const question *list, size_t count, enum lsq_op op, enum lsq_act act, int crew, int threshold)
{
    size_t i = 0;
    while (i < count && !(list[i].kind->op == op && list[i].kind->act == act && list[i].where.crew == crew &&
                          list[i].threshold == threshold))
        i++;
    return i;
}

START_TEST(what_is_worth_most_is_asked_first)
{
    kind kinds[] = {{.op = OP_encode, .codec = CODEC_p4, .act = ACT_f32, .has_choice = 1},
                    {.op = OP_gemv, .codec = CODEC_p4, .act = ACT_f32, .has_choice = 1},
                    {.op = OP_expand, .codec = CODEC_p4, .act = ACT_i8, .has_choice = 1},
                    {.op = OP_gemm, .codec = CODEC_e8, .act = ACT_i8, .has_choice = 1},
                    {.op = OP_gemv, .codec = CODEC_p4, .act = ACT_i8, .has_choice = 1},
                    {.op = OP_gemv, .codec = CODEC_t4, .act = ACT_i8, .has_choice = 1}};
    size_t count;
    question *list = plan_questions(kinds, sizeof(kinds) / sizeof(*kinds), 1, &count);
    ck_assert_ptr_nonnull(list);
    /* The second cache for all codecs, then the other sizes. */
    ck_assert(list[0].kind == &kinds[4] && list[1].kind == &kinds[5]);
    ck_assert(list[0].where.size_class == CLASS_l2 && list[1].where.size_class == CLASS_l2);
    ck_assert_int_ne(list[2].where.size_class, CLASS_l2);
    const size_t order[] = {first_of(list, count, OP_gemv, ACT_i8, CREW_one, 0),
                            first_of(list, count, OP_gemm, ACT_i8, LSQ_ANY, 0),
                            first_of(list, count, OP_expand, ACT_i8, LSQ_ANY, 0),
                            first_of(list, count, OP_expand, ACT_i8, LSQ_ANY, 1),
                            first_of(list, count, OP_gemv, ACT_i8, CREW_many, 0),
                            first_of(list, count, OP_gemv, ACT_i8, CREW_many, 1),
                            first_of(list, count, OP_gemv, ACT_f32, CREW_one, 0),
                            first_of(list, count, OP_encode, ACT_f32, LSQ_ANY, 0),
                            count};
    for (size_t i = 0; i + 1 < sizeof(order) / sizeof(*order); i++)
        ck_assert_uint_lt(order[i], order[i + 1]);
    free(list);
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
        ck_assert_ptr_eq(first, lsq_kernel_reference(first->op, first->codec, first->act));
        ck_assert_ptr_eq(last, lsq_kernel_default(&cpu, first->op, first->codec, first->act));
        ck_assert_ptr_eq(last, kinds[i].usual);
        ck_assert_int_eq(kinds[i].has_choice, kinds[i].count > 1);
    }
    free(kinds);
}
END_TEST

/* What one contest has shown to be far too slow need not run in the next; the default must. */
START_TEST(slow_kernels_are_dropped)
{
    kind k = {.rows = {&four[0], &four[1], &four[2], &four[3]}, .count = 4, .usual = &four[3], .has_choice = 1};
    times m = {.ns = {1000, 1900, 2900, 9000}, .noise = 0.01, .budget = 1e8};
    const contest c = hold(&m);
    kind_drop_slow(&k, &c, 2.5);
    ck_assert_uint_eq(k.count, 3);
    ck_assert(k.rows[0] == &four[0] && k.rows[1] == &four[1] && k.rows[2] == &four[3]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tuner");
    TCase *choosing = tcase_create("choosing"), *planning = tcase_create("planning");
    tcase_add_test(choosing, median_and_quartiles);
    tcase_add_test(choosing, the_faster_wins);
    tcase_add_test(choosing, equals_leave_the_usual);
    tcase_add_test(choosing, less_than_the_spread_is_not_enough);
    tcase_add_test(choosing, one_half_is_not_enough);
    tcase_add_test(choosing, the_hopeless_are_spared);
    tcase_add_test(choosing, budgets_are_kept);
    tcase_add_test(choosing, contests_can_be_stopped);
    tcase_add_test(choosing, thresholds_leave_the_default_only_if_it_is_beaten);
    tcase_add_test(choosing, slow_kernels_are_dropped);
    tcase_add_test(planning, places_of_a_kind_are_all_products_once);
    tcase_add_test(planning, kernels_come_from_places_of_the_kind);
    tcase_add_test(planning, everything_is_asked_once);
    tcase_add_test(planning, what_is_worth_most_is_asked_first);
    tcase_add_test(planning, kinds_end_with_their_default);
    suite_add_tcase(suite, choosing);
    suite_add_tcase(suite, planning);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
