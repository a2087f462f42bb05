/*
 * test_tuner_findings.c - from made-up answers to the entries of a tune file, and what becomes of a file that is there already.
 */
#include "tuner/file.h"
#include "tuner/plan.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Answers ---- */

static const lsq_kernel fast = {.op = OP_gemv, .codec = CODEC_p4, .act = ACT_i8, .name = "fast"},
                        usual = {.op = OP_gemv, .codec = CODEC_p4, .act = ACT_i8, .name = "usual"};
static const kind vectors = {.op = OP_gemv,
                             .codec = CODEC_p4,
                             .act = ACT_i8,
                             .rows = {&fast, &usual},
                             .count = 2,
                             .usual = &usual,
                             .has_choice = 1};

/* Of products of 64 x 32 of which steps are half: 200 ns by default, 100 or what is given otherwise. */
static answer made(const kind *k, lsq_place where, const lsq_kernel *kernel, double ns)
{
    answer a = {.of = {k->op, k->codec, k->act, where}, .rows = 64, .columns = 32, .n = 1, .weights = 64 * 32 / 2};
    a.usual = (candidate){.kernel = k->usual, .tunables = lsq_tunables_default, .ns = {200, 1}};
    a.chosen = (candidate){.kernel = kernel, .tunables = lsq_tunables_default, .ns = {ns, 1}};
    return a;
}

static void add(findings *found, const answer *a)
{
    ck_assert(findings_add(found, a));
}

static void add_plain(findings *found, const kind *k, int class, int crew, const lsq_kernel *kernel)
{
    const answer a = made(k, (lsq_place){class, LSQ_ANY, crew}, kernel, kernel == k->usual ? 200 : 100);
    add(found, &a);
}

static void add_threshold(findings *found, const kind *k, lsq_place where, enum lsq_tunable number, uint32_t value)
{
    answer a = made(k, where, k->usual, value == lsq_tunables_default.value[number] ? 200 : 100);
    a.threshold = 1;
    a.number = number;
    a.chosen.tunables.value[number] = value;
    add(found, &a);
}

/* Every question about a kind, answered with the default. */
static void add_defaults(findings *found, const kind *k, int with_crew)
{
    kind copy = *k;
    size_t count;
    question *list = plan_questions(&copy, 1, with_crew, &count);
    ck_assert_ptr_nonnull(list);
    for (size_t i = 0; i < count; i++) {
        answer a = made(k, list[i].where, k->usual, 200);
        a.threshold = list[i].threshold;
        a.number = list[i].number;
        add(found, &a);
    }
    free(list);
}

static answer *answer_at(findings *found, int class, int crew)
{
    for (size_t i = 0; i < found->count; i++) {
        answer *a = &found->answers[i];
        if (!a->threshold && a->of.where.size_class == class && a->of.where.crew == crew)
            return a;
    }
    ck_abort_msg("no such answer");
    return NULL;
}

static void choose(answer *a, const lsq_kernel *kernel, double ns)
{
    a->chosen.kernel = kernel;
    a->chosen.ns.median = ns;
}

static lsq_tune tune_of(const findings *found, const kind *k, int with_crew)
{
    lsq_tune tune;
    ck_assert(findings_tune(found, k, 1, with_crew, &tune));
    /* Whatever it is, no product is in it twice. */
    for (int i = 0; i < CLASSES * BATCHES * CREWS; i++) {
        const lsq_place product = {i / (BATCHES * CREWS), i / CREWS % BATCHES, i % CREWS};
        size_t times = 0;
        for (size_t j = 0; j < tune.count; j++)
            times += (size_t)lsq_places_meet(&tune.entries[j].where, &product);
        for (size_t j = 0; j < tune.kept_count; j++)
            times += (size_t)lsq_places_meet(&tune.kept[j].where, &product);
        ck_assert_uint_le(times, 1);
    }
    return tune;
}

static void check_place(const lsq_place *where, int class, int batch, int crew)
{
    ck_assert_int_eq(where->size_class, class);
    ck_assert_int_eq(where->batch, batch);
    ck_assert_int_eq(where->crew, crew);
}

/* ---- Entries ---- */

START_TEST(defaults_are_kept)
{
    for (int with_crew = 0; with_crew < 2; with_crew++) {
        findings found = {0};
        add_defaults(&found, &vectors, with_crew);
        lsq_tune tune = tune_of(&found, &vectors, with_crew);
        ck_assert_uint_eq(tune.count, 0);
        ck_assert_uint_eq(tune.kept_count, with_crew ? CREWS : 1); /* of all sizes together */
        lsq_tune_free(&tune);
        findings_free(&found);
    }
}
END_TEST

/* With times of the whole product, not of a step; small products on several threads take the kernel of one thread. */
START_TEST(better_kernels_are_entries)
{
    findings found = {0};
    add_defaults(&found, &vectors, 1);
    choose(answer_at(&found, CLASS_l2, CREW_one), &fast, 80);
    choose(answer_at(&found, CLASS_dram, CREW_many), &fast, 90);
    lsq_tune tune = tune_of(&found, &vectors, 1);
    ck_assert_uint_eq(tune.count, 3);
    ck_assert_uint_eq(tune.kept_count, CREWS * CLASSES - 3);
    check_place(&tune.entries[0].where, CLASS_l2, LSQ_ANY, CREW_one);
    check_place(&tune.entries[1].where, CLASS_l2, LSQ_ANY, CREW_many);
    check_place(&tune.entries[2].where, CLASS_dram, LSQ_ANY, CREW_many);
    for (int i = 0; i < 3; i++) {
        ck_assert_ptr_eq(tune.entries[i].kernel, &fast);
        ck_assert(tune.entries[i].ns == (i < 2 ? 160 : 180) && tune.entries[i].default_ns == 400);
    }
    lsq_tune_free(&tune);
    findings_free(&found);
}
END_TEST

START_TEST(what_is_not_complete_is_left_open)
{
    findings found = {0};
    add_plain(&found, &vectors, CLASS_l2, CREW_one, &fast);
    add_plain(&found, &vectors, CLASS_dram, CREW_one, &usual);
    lsq_tune tune = tune_of(&found, &vectors, 1);
    /* Several threads: nothing yet, for nobody has asked from where on they pay. */
    ck_assert(tune.count == 1 && tune.kept_count == 1);
    check_place(&tune.entries[0].where, CLASS_l2, LSQ_ANY, CREW_one);
    check_place(&tune.kept[0].where, CLASS_dram, LSQ_ANY, CREW_one);
    lsq_tune_free(&tune);

    add_threshold(&found, &vectors, (lsq_place){CLASS_l1, LSQ_ANY, CREW_many}, TUNABLE_thread_bytes, 32768);
    tune = tune_of(&found, &vectors, 1);
    /* Now products in l2 are known; those in memory would need a kernel of their own. */
    ck_assert(tune.count == 2 && tune.kept_count == 1);
    check_place(&tune.entries[1].where, CLASS_l2, LSQ_ANY, CREW_many);
    ck_assert_ptr_eq(tune.entries[1].kernel, &fast);
    ck_assert_uint_eq(tune.entries[1].tunables.value[TUNABLE_thread_bytes], 32768);
    lsq_tune_free(&tune);
    findings_free(&found);
}
END_TEST

START_TEST(the_same_for_all_sizes_is_one_entry)
{
    findings found = {0};
    add_defaults(&found, &vectors, 1);
    for (int class = 0; class < CLASSES; class ++)
        choose(answer_at(&found, class, CREW_one), &fast, 100 + class);
    lsq_tune tune = tune_of(&found, &vectors, 1);
    ck_assert_uint_eq(tune.count, 3);
    check_place(&tune.entries[0].where, LSQ_ANY, LSQ_ANY, CREW_one);
    ck_assert(tune.entries[0].ns == 2 * (100 + CLASS_l3) && tune.entries[0].default_ns == 400);
    check_place(&tune.entries[1].where, CLASS_l1, LSQ_ANY, CREW_many);
    check_place(&tune.entries[2].where, CLASS_l2, LSQ_ANY, CREW_many);
    ck_assert_uint_eq(tune.kept_count, 2);
    lsq_tune_free(&tune);

    /* Another number is another way. */
    answer_at(&found, CLASS_dram, CREW_one)->chosen.tunables.value[TUNABLE_prefetch] = 0;
    tune = tune_of(&found, &vectors, 1);
    ck_assert_uint_eq(tune.count, CLASSES + 2);
    check_place(&tune.entries[0].where, CLASS_l1, LSQ_ANY, CREW_one);
    ck_assert_uint_eq(tune.entries[3].tunables.value[TUNABLE_prefetch], 0);
    ck_assert_uint_eq(tune.entries[2].tunables.value[TUNABLE_prefetch], lsq_tunables_default.value[TUNABLE_prefetch]);
    lsq_tune_free(&tune);
    findings_free(&found);
}
END_TEST

/* The threshold goes with whatever else was chosen for several threads. */
START_TEST(thresholds_are_merged)
{
    findings found = {0};
    for (int class = 0; class < CLASSES; class ++)
        add_plain(&found, &vectors, class, CREW_one, &usual);
    add_plain(&found, &vectors, CLASS_l3, CREW_many, &usual);
    add_plain(&found, &vectors, CLASS_dram, CREW_many, &fast);
    answer *l3 = answer_at(&found, CLASS_l3, CREW_many);
    l3->chosen.tunables.value[TUNABLE_prefetch] = 1024;
    l3->chosen.ns.median = 150;
    add_threshold(&found, &vectors, (lsq_place){CLASS_l1, LSQ_ANY, CREW_many}, TUNABLE_thread_bytes, 65536);
    lsq_tune tune = tune_of(&found, &vectors, 1);
    ck_assert(tune.count == CLASSES && tune.kept_count == 1);
    check_place(&tune.kept[0].where, LSQ_ANY, LSQ_ANY, CREW_one);
    for (int class = 0; class < CLASSES; class ++) {
        const lsq_tune_entry *e = &tune.entries[class];
        check_place(&e->where, class, LSQ_ANY, CREW_many);
        ck_assert_uint_eq(e->tunables.value[TUNABLE_thread_bytes], 65536);
        ck_assert_uint_eq(e->tunables.value[TUNABLE_prefetch],
                          class == CLASS_l3 ? 1024 : lsq_tunables_default.value[TUNABLE_prefetch]);
        ck_assert_ptr_eq(e->kernel, class == CLASS_dram ? &fast : &usual);
        ck_assert(e->ns == (class == CLASS_l3 ? 300 : 200) && e->default_ns == 400);
    }
    lsq_tune_free(&tune);
    findings_free(&found);
}
END_TEST

/* Where the default is wrong every product needs an entry, with several threads too, measured or not; nothing compares with it. */
START_TEST(a_wrong_default_is_nowhere_left)
{
    kind k = vectors;
    findings found = {0};
    k.default_wrong = 1;
    lsq_tune tune = tune_of(&found, &k, 0);
    ck_assert(tune.count == CREWS && tune.kept_count == 0);
    for (int crew = 0; crew < CREWS; crew++) {
        check_place(&tune.entries[crew].where, LSQ_ANY, LSQ_ANY, crew);
        ck_assert_ptr_eq(tune.entries[crew].kernel, &usual);
        ck_assert(tune.entries[crew].ns == 0 && tune.entries[crew].default_ns == 0);
    }
    lsq_tune_free(&tune);

    add_defaults(&found, &k, 1);
    choose(answer_at(&found, CLASS_l2, CREW_one), &fast, 80);
    tune = tune_of(&found, &k, 1);
    ck_assert(tune.count == CREWS * CLASSES && tune.kept_count == 0);
    for (size_t i = 0; i < tune.count; i++) {
        const int is_fast = tune.entries[i].where.size_class == CLASS_l2;
        ck_assert_ptr_eq(tune.entries[i].kernel, is_fast ? &fast : &usual);
        ck_assert(tune.entries[i].ns == (is_fast ? 160 : 400) && tune.entries[i].default_ns == 0);
    }
    lsq_tune_free(&tune);

    /* One thread has no threshold, and so not its time. */
    findings other = {0};
    add_threshold(&other, &k, (lsq_place){CLASS_l1, LSQ_ANY, CREW_many}, TUNABLE_thread_bytes, 65536);
    tune = tune_of(&other, &k, 1);
    ck_assert(tune.count == CREWS && tune.entries[0].ns == 0 && tune.entries[1].ns == 200);
    lsq_tune_free(&tune);
    findings_free(&other);

    /* All are wrong: there is nothing to name. */
    k.usual = NULL;
    k.count = 0;
    findings none = {0};
    tune = tune_of(&none, &k, 1);
    ck_assert(tune.count == 0 && tune.kept_count == 0);
    lsq_tune_free(&tune);
    findings_free(&found);
}
END_TEST

/* One that was dropped for being slow is no less a choice: columns that nobody asked about stay open. */
START_TEST(dropped_kernels_do_not_answer_for_others)
{
    kind k = vectors;
    findings found = {0};
    k.op = OP_gemm;
    k.codec = CODEC_e8;
    const answer few = made(&k, (lsq_place){LSQ_ANY, BATCH_few, LSQ_ANY}, k.usual, 200);
    add(&found, &few);
    k.rows[0] = k.usual;
    k.count = 1;
    lsq_tune tune = tune_of(&found, &k, 1);
    ck_assert(tune.count == 0 && tune.kept_count == 1);
    check_place(&tune.kept[0].where, LSQ_ANY, BATCH_few, LSQ_ANY);
    lsq_tune_free(&tune);
    findings_free(&found);
}
END_TEST

START_TEST(expanding_needs_both_answers)
{
    kind k = vectors;
    findings found = {0};
    k.op = OP_expand;
    const answer kernels = made(&k, lsq_everywhere, &fast, 100);
    add(&found, &kernels);
    lsq_tune tune = tune_of(&found, &k, 1);
    ck_assert(tune.count == 0 && tune.kept_count == 0);
    lsq_tune_free(&tune);
    add_threshold(&found, &k, lsq_everywhere, TUNABLE_expand_from, 8);
    tune = tune_of(&found, &k, 1);
    ck_assert(tune.count == 1 && tune.kept_count == 0);
    ck_assert(tune.entries[0].kernel == &fast && tune.entries[0].tunables.value[TUNABLE_expand_from] == 8);
    lsq_tune_free(&tune);
    findings_free(&found);

    /* Of one kernel only the threshold is a question. */
    found = (findings){0};
    k.has_choice = 0;
    add_threshold(&found, &k, lsq_everywhere, TUNABLE_expand_from, 0);
    tune = tune_of(&found, &k, 1);
    ck_assert(tune.count == 0 && tune.kept_count == 1);
    lsq_tune_free(&tune);
    findings_free(&found);
}
END_TEST

/* A place without products on this machine is answered with the default, and has no times. */
START_TEST(no_product_no_time)
{
    findings found = {0};
    add_defaults(&found, &vectors, 0);
    for (size_t i = 0; i < found.count; i++) {
        answer *a = &found.answers[i];
        if (a->of.where.size_class != CLASS_l3)
            choose(a, &fast, 100);
        else
            a->weights = a->chosen.ns.median = a->usual.ns.median = 0;
    }
    lsq_tune tune = tune_of(&found, &vectors, 0);
    ck_assert(tune.count == CLASSES - 1 && tune.kept_count == 1);
    check_place(&tune.kept[0].where, CLASS_l3, LSQ_ANY, CREW_one);
    lsq_tune_free(&tune);
    kind k = vectors;
    k.default_wrong = 1;
    tune = tune_of(&found, &k, 0);
    for (size_t i = 0; i < tune.count; i++)
        ck_assert((tune.entries[i].ns == 0) == (tune.entries[i].kernel == &usual));
    lsq_tune_free(&tune);
    findings_free(&found);
}
END_TEST

/* ---- The file ---- */

static lsq_cpu cpu;
static char folder[] = "/tmp/lsq-test-XXXXXX", path[64];

static void make_folder(void)
{
    strcpy(folder + sizeof(folder) - 7, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/tune.json", folder);
    lsq_cpu_detect(&cpu);
}

static void drop_folder(void)
{
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0); /* and nothing else is in it */
}

static lsq_tune_entry entry(const lsq_kernel *kernel, lsq_place where, double ns)
{
    return (lsq_tune_entry){
        .kernel = kernel, .tunables = lsq_tunables_default, .where = where, .ns = ns, .default_ns = 2 * ns};
}

static void write_with(lsq_tune_entry *entries, size_t count, lsq_tune_kept *kept, size_t kept_count,
                       const findings *found)
{
    const lsq_tune tune = {entries, kept, count, kept_count};
    ck_assert_int_eq(file_write(path, &cpu, &tune, found), EXIT_FINE);
}

/* What the file says of a product: the nanoseconds of its entry, 0 if it is kept, -1 if there is nothing. */
static double said_of(const lsq_tune *tune, unsigned codec, int class, int crew)
{
    const lsq_place product = {class, BATCH_one, crew};
    for (size_t i = 0; i < tune->count; i++)
        if (tune->entries[i].kernel->codec == codec && lsq_places_meet(&tune->entries[i].where, &product))
            return tune->entries[i].ns;
    for (size_t i = 0; i < tune->kept_count; i++)
        if (tune->kept[i].codec == codec && lsq_places_meet(&tune->kept[i].where, &product))
            return 0;
    return -1;
}

static const lsq_place any_one = {LSQ_ANY, LSQ_ANY, CREW_one}, any_many = {LSQ_ANY, LSQ_ANY, CREW_many},
                       l2_one = {CLASS_l2, LSQ_ANY, CREW_one}, l3_many = {CLASS_l3, LSQ_ANY, CREW_many};

START_TEST(old_entries_of_other_products_stay)
{
    const lsq_kernel *p4 = lsq_kernel_reference(OP_gemv, CODEC_p4, ACT_i8),
                     *p5 = lsq_kernel_reference(OP_gemv, CODEC_p5, ACT_i8);
    const findings found = {0};
    lsq_tune_entry old[] = {entry(p4, any_one, 11), entry(p4, l3_many, 12), entry(p5, any_one, 13)};
    lsq_tune_kept old_kept[] = {{OP_gemv, CODEC_p5, ACT_i8, any_many}, {OP_gemv, CODEC_p6, ACT_i8, any_one}};
    write_with(old, 3, old_kept, 2, &found);
    /* A better kernel for one size, the default for another, and of another kind all sizes anew. */
    lsq_tune_entry fresh[] = {entry(p4, l2_one, 21), entry(p5, l3_many, 22)};
    lsq_tune_kept fresh_kept[] = {{OP_gemv, CODEC_p4, ACT_i8, l3_many}, {OP_gemv, CODEC_p6, ACT_i8, any_one}};
    write_with(fresh, 2, fresh_kept, 2, &found);
    lsq_tune now;
    ck_assert_int_eq(lsq_tune_read(path, &cpu, &now, NULL), LSQ_OK);
    for (int class = 0; class < CLASSES; class ++) {
        ck_assert(said_of(&now, CODEC_p4, class, CREW_one) == (class == CLASS_l2 ? 21 : 11));
        ck_assert(said_of(&now, CODEC_p4, class, CREW_many) == (class == CLASS_l3 ? 0 : -1));
        ck_assert(said_of(&now, CODEC_p5, class, CREW_one) == 13);
        ck_assert(said_of(&now, CODEC_p5, class, CREW_many) == (class == CLASS_l3 ? 22 : 0));
        ck_assert(said_of(&now, CODEC_p6, class, CREW_one) == 0);
        ck_assert(said_of(&now, CODEC_p6, class, CREW_many) == -1);
    }
    lsq_tune_free(&now);
}
END_TEST

START_TEST(wrong_kernels_are_dropped)
{
    const lsq_kernel *p4 = lsq_kernel_reference(OP_gemv, CODEC_p4, ACT_i8),
                     *p5 = lsq_kernel_reference(OP_gemv, CODEC_p5, ACT_i8);
    failure fault = {.kernel = p4, .why = "made up"};
    findings found = {0};
    lsq_tune_entry old[] = {entry(p4, any_one, 11), entry(p5, any_one, 12)};
    write_with(old, 2, NULL, 0, &found);
    found.wrong = (failures){&fault, 1};
    write_with(NULL, 0, NULL, 0, &found);
    lsq_tune now;
    ck_assert_int_eq(lsq_tune_read(path, &cpu, &now, NULL), LSQ_OK);
    ck_assert(now.count == 1 && now.entries[0].kernel == p5);
    lsq_tune_free(&now);
}
END_TEST

START_TEST(an_unusable_file_is_replaced)
{
    const findings found = {0};
    FILE *file = fopen(path, "w");
    ck_assert(file && fputs("{\"schema\": \"lsq.tune/1\"}\n", file) >= 0 && !fclose(file));
    lsq_tune_entry one = entry(lsq_kernel_reference(OP_gemv, CODEC_p4, ACT_i8), any_one, 11);
    write_with(&one, 1, NULL, 0, &found);
    lsq_tune now;
    ck_assert_int_eq(lsq_tune_read(path, &cpu, &now, NULL), LSQ_OK);
    ck_assert_uint_eq(now.count, 1);
    lsq_tune_free(&now);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tuner_findings");
    TCase *entries = tcase_create("entries"), *file = tcase_create("file");
    tcase_add_test(entries, defaults_are_kept);
    tcase_add_test(entries, better_kernels_are_entries);
    tcase_add_test(entries, what_is_not_complete_is_left_open);
    tcase_add_test(entries, the_same_for_all_sizes_is_one_entry);
    tcase_add_test(entries, thresholds_are_merged);
    tcase_add_test(entries, a_wrong_default_is_nowhere_left);
    tcase_add_test(entries, dropped_kernels_do_not_answer_for_others);
    tcase_add_test(entries, expanding_needs_both_answers);
    tcase_add_test(entries, no_product_no_time);
    tcase_add_checked_fixture(file, make_folder, drop_folder);
    tcase_add_test(file, old_entries_of_other_products_stay);
    tcase_add_test(file, wrong_kernels_are_dropped);
    tcase_add_test(file, an_unusable_file_is_replaced);
    suite_add_tcase(suite, entries);
    suite_add_tcase(suite, file);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
