/*
 * test_choices.c - the table of choices: which kernel each place gets from a tune file, a cap, a name; and what a context makes of them.
 */
#include "dispatch/context.h"
#include "tests/core_sample.h"
#include "tests/tune_sample.h"

#include <sys/stat.h>
#include <unistd.h>

static lsq_cpu cpu;
static lsq_choice_table table;
static const lsq_kernel *first, *last;

static void begin(void)
{
    cpu = sample_cpu();
    sample_rows(&first, &last);
    ck_assert(lsq_choices_begin(&table, &cpu));
}

static void end(void)
{
    lsq_choices_end(&table);
}

static lsq_tune_entry entry_for(const lsq_kernel *kernel, int class, int batch, int crew)
{
    lsq_tune_entry entry = {.kernel = kernel, .tunables = lsq_tunables_default, .where = {class, batch, crew}};
    entry.tunables.value[TUNABLE_prefetch] = 1024;
    entry.ns = 100;
    entry.default_ns = 125;
    return entry;
}

static const lsq_choice *choice_at(const lsq_kernel *kind, int place)
{
    return &(
        *table.of[kind->op][kind->codec][kind->act])[place / (BATCHES * CREWS)][place / CREWS % BATCHES][place % CREWS];
}

enum { PLACES = CLASSES * BATCHES * CREWS };

/* Of this kind, these places have this choice, and all others the default. */
static void expect(const lsq_kernel *kind, const lsq_place *where, const lsq_kernel *kernel, uint32_t prefetch,
                   enum lsq_reason reason)
{
    const lsq_kernel *usual = lsq_kernel_default(&cpu, kind->op, kind->codec, kind->act);
    for (int place = 0; place < PLACES; place++) {
        const int class = place / (BATCHES * CREWS), batch = place / CREWS % BATCHES, crew = place % CREWS;
        const int is_meant = where && (where->size_class == LSQ_ANY || where->size_class == class) &&
                             (where->batch == LSQ_ANY || where->batch == batch) &&
                             (where->crew == LSQ_ANY || where->crew == crew);
        const lsq_choice *choice = choice_at(kind, place);
        EXPECT(choice->kernel == (is_meant ? kernel : usual), "place %d: %s", place, choice->kernel->name);
        EXPECT(choice->tunables.value[TUNABLE_prefetch] == (is_meant ? prefetch : 4096), "place %d: tunables", place);
        EXPECT(choice->speedup == (is_meant && reason == REASON_tuned ? 1.25f : 0.0f), "place %d: speedup", place);
        EXPECT(choice->reason == (is_meant ? reason : REASON_default), "place %d: %s", place,
               lsq_reason_names[choice->reason]);
    }
}

START_TEST(every_kind_has_its_default)
{
    for (const lsq_kernel *row = lsq_kernels; row < lsq_kernels + lsq_kernels_count; row++)
        expect(row, NULL, NULL, 0, REASON_default);
    for (unsigned i = 0; i < OPS * CODECS * ACTS; i++) { /* and no table where there is no kind */
        const unsigned op = i / (CODECS * ACTS), codec = i / ACTS % CODECS, act = i % ACTS;
        ck_assert(!table.of[op][codec][act] == !lsq_kernel_reference(op, codec, act));
    }
}
END_TEST

/* Each single place, each "any", each mixture. */
START_TEST(entries_are_about_their_places)
{
    for (int class = LSQ_ANY; class < CLASSES; class ++)
        for (int batch = LSQ_ANY; batch < BATCHES; batch++)
            for (int crew = LSQ_ANY; crew < CREWS; crew++) {
                lsq_tune_entry entry = entry_for(first, class, batch, crew);
                lsq_choices_tune(&table, &cpu, 0, &(lsq_tune){.entries = &entry, .count = 1});
                expect(first, &entry.where, first, 1024, REASON_tuned);
                end();
                begin();
            }
}
END_TEST

START_TEST(other_kinds_stay)
{
    lsq_tune_entry entry = entry_for(first, LSQ_ANY, LSQ_ANY, LSQ_ANY);
    lsq_choices_tune(&table, &cpu, 0, &(lsq_tune){.entries = &entry, .count = 1});
    for (const lsq_kernel *row = lsq_kernels; row < lsq_kernels + lsq_kernels_count; row++)
        if (row->op != first->op || row->codec != first->codec || row->act != first->act)
            expect(row, NULL, NULL, 0, REASON_default);
}
END_TEST

/* What the cap forbids is the default under it, with the default's tunables: those of the entry belong to its kernel. */
START_TEST(capped_entries_fall_back)
{
    if (last->isa == ISA_scalar)
        return; /* a build of one level has nothing to cap */
    lsq_tune_entry entry = entry_for(last, CLASS_l2, LSQ_ANY, CREW_one);
    for (int i = last->isa; i < ISAS; i++)
        cpu.lacks[i] = "permission";
    end();
    ck_assert(lsq_choices_begin(&table, &cpu));
    lsq_choices_tune(&table, &cpu, 0, &(lsq_tune){.entries = &entry, .count = 1});
    expect(last, &entry.where, lsq_kernel_default(&cpu, last->op, last->codec, last->act), 4096, REASON_capped);
}
END_TEST

/* Nothing changes but the reason, and that not under a cap: another default was measured. */
START_TEST(kept_defaults_are_confirmed)
{
    lsq_tune_kept kept = {last->op, last->codec, last->act, {CLASS_l3, LSQ_ANY, LSQ_ANY}};
    const lsq_tune tune = {.kept = &kept, .kept_count = 1};
    const lsq_choice *there = &(*table.of[last->op][last->codec][last->act])[CLASS_l3][BATCH_one][CREW_one];
    const lsq_kernel *usual = there->kernel;
    lsq_choices_tune(&table, &cpu, 1, &tune);
    ck_assert_int_eq(there->reason, REASON_default);
    lsq_choices_tune(&table, &cpu, 0, &tune);
    ck_assert(there->reason == REASON_confirmed && there->kernel == usual && there->speedup == 0);
    ck_assert(!memcmp(&there->tunables, &lsq_tunables_default, sizeof(lsq_tunables)));
    ck_assert_int_eq((*table.of[last->op][last->codec][last->act])[CLASS_l2][BATCH_one][CREW_one].reason,
                     REASON_default);
}
END_TEST

START_TEST(a_name_is_stronger_than_a_file)
{
    lsq_tune_entry entry = entry_for(last, CLASS_l2, LSQ_ANY, LSQ_ANY);
    const lsq_choice forced = {first, lsq_tunables_default, REASON_forced, 0};
    lsq_choices_tune(&table, &cpu, 0, &(lsq_tune){.entries = &entry, .count = 1});
    lsq_choices_set(&table, &lsq_everywhere, &forced);
    expect(first, &lsq_everywhere, first, 4096, REASON_forced);
}
END_TEST

/* ---- In a context ---- */

static lsq_cpu own; /* this machine */
static const lsq_kernel *plain, *usual;
static char folder[] = "/tmp/lsq-choices-XXXXXX", path[64];

static void make_folder(void)
{
    begin();
    setenv("LSQ_MAX_ISA", "", 1);
    setenv("XDG_CONFIG_DIRS", "/nonexistent", 1);
    lsq_cpu_detect(&own);
    plain = lsq_kernel_reference(first->op, first->codec, first->act);
    usual = lsq_kernel_default(&own, first->op, first->codec, first->act);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/tune.json", folder);
}

static void drop_folder(void)
{
    char command[64];
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
    memcpy(strrchr(folder, '-') + 1, "XXXXXX", 6);
    end();
}

static lsq_context *context_with(lsq_context_options options)
{
    lsq_context *ctx = NULL;
    lsq_error err = {0};
    options.size = sizeof(options);
    ck_assert_msg(lsq_context_new(&options, &ctx, &err) == LSQ_OK, "%s", err.text);
    return ctx;
}

/* What a product of a second cache's size gets. */
static const lsq_choice *of_l2(const lsq_context *ctx, size_t columns)
{
    return lsq_context_choice(ctx, first->op, first->codec, first->act, ctx->cpu.l2, columns);
}

/* The reference, for one column in the second cache on one thread. */
static lsq_tune_entry own_entry(void)
{
    return entry_for(plain, CLASS_l2, BATCH_one, CREW_one);
}

START_TEST(contexts_believe_it)
{
    lsq_tune_entry entry = own_entry();
    OK(lsq_tune_write(path, &own, &(lsq_tune){.entries = &entry, .count = 1}, NULL));
    lsq_context *one = context_with((lsq_context_options){.tune_file = path}),
                *two = context_with((lsq_context_options){.tune_file = path, .threads = 2}),
                *none = context_with((lsq_context_options){.tune_file = "none"});
    ck_assert(of_l2(one, 1)->kernel == plain && of_l2(one, 1)->reason == REASON_tuned);
    ck_assert(of_l2(one, 2)->kernel == usual && of_l2(one, 2)->reason == REASON_default);
    ck_assert(of_l2(two, 1)->kernel == usual && of_l2(two, 1)->reason == REASON_default);
    ck_assert(of_l2(none, 1)->kernel == usual && of_l2(none, 1)->reason == REASON_default);
    lsq_context_free(one);
    lsq_context_free(two);
    lsq_context_free(none);
}
END_TEST

/* The fingerprint is that of the whole CPU, so a file is used under a cap too, but for what the cap forbids. */
START_TEST(contexts_cap_it)
{
    lsq_tune_entry entry = own_entry();
    entry.kernel = usual;
    OK(lsq_tune_write(path, &own, &(lsq_tune){.entries = &entry, .count = 1}, NULL));
    lsq_context *capped = context_with((lsq_context_options){.tune_file = path, .max_isa = "scalar"}),
                *forced = context_with((lsq_context_options){.tune_file = path, .kernel = plain->name});
    const int forbidden = usual->isa != ISA_scalar;
    ck_assert_int_eq(of_l2(capped, 1)->reason, forbidden ? REASON_capped : REASON_tuned);
    ck_assert(!forbidden || of_l2(capped, 1)->kernel->isa == ISA_scalar);
    ck_assert(of_l2(forced, 1)->kernel == plain && of_l2(forced, 1)->reason == REASON_forced);
    lsq_context_free(capped);
    lsq_context_free(forced);
}
END_TEST

/* A file in the place of this CPU's, and one that LSQ_TUNE_FILE names: the reason that begins with these words, or "used". */
static void expect_became(const char *words)
{
    char name[256], text[1 << 16];
    setenv("XDG_CONFIG_HOME", folder, 1);
    unsetenv("LSQ_TUNE_FILE");
    char *place = lsq_tune_place(&own, 0, 1);
    ck_assert_ptr_nonnull(place);
    snprintf(name, sizeof(name), "mkdir -p %s/lsq && cp %s %s", folder, path, place);
    ck_assert_int_eq(system(name), 0);
    lsq_context *found = context_with((lsq_context_options){0}),
                *named = context_with((lsq_context_options){.tune_file = path});
    lsq_context *const made[] = {found, named};
    for (size_t i = 0; i < COUNT(made); i++) {
        snprintf(name, sizeof(name), "{\"path\":\"%s\",\"result\":\"%s", i ? path : place, words);
        ck_assert_uint_lt(lsq_describe(made[i], text, sizeof(text)), sizeof(text));
        ck_assert_msg(strstr(text, name) != NULL, "expected %s in %s", name, text);
        ck_assert_int_eq(of_l2(made[i], 1)->reason, strcmp(words, "used") ? REASON_default : REASON_tuned);
        lsq_context_free(made[i]);
    }
    free(place);
    setenv("LSQ_TUNE_FILE", "none", 1);
    lsq_context *strict = NULL;
    setenv("LSQ_STRICT", "1", 1);
    const lsq_context_options options = {.size = sizeof(options), .tune_file = path};
    ck_assert_int_eq(lsq_context_new(&options, &strict, NULL), strcmp(words, "used") ? LSQ_E_CONFIG : LSQ_OK);
    lsq_context_free(strict);
    setenv("LSQ_STRICT", "", 1);
}

/* Copied from another machine, under its own name or this one's; a name alone says nothing. */
START_TEST(foreign_files_are_passed_over)
{
    lsq_tune_entry entry = own_entry();
    const lsq_tune tune = {.entries = &entry, .count = 1};
    OK(lsq_tune_write(path, &own, &tune, NULL));
    expect_became("used");
    lsq_cpu other = own;
    other.stepping++;
    OK(lsq_tune_write(path, &other, &tune, NULL));
    expect_became("foreign: ");

    /* Another machine's name is not one of the places, whatever is in it. */
    char command[256], text[1 << 16];
    char *elsewhere = lsq_tune_place(&other, 0, 1), *here = lsq_tune_place(&own, 0, 1);
    OK(lsq_tune_write(elsewhere, &own, &tune, NULL));
    ck_assert_int_eq(unlink(here), 0);
    unsetenv("LSQ_TUNE_FILE");
    lsq_context *ctx = context_with((lsq_context_options){0});
    lsq_describe(ctx, text, sizeof(text));
    ck_assert(!strstr(text, elsewhere) && strstr(text, here) && of_l2(ctx, 1)->kernel == usual);
    lsq_context_free(ctx);
    setenv("LSQ_TUNE_FILE", "none", 1);
    snprintf(command, sizeof(command), "mv %s %s", elsewhere, path);
    ck_assert_int_eq(system(command), 0);
    expect_became("used");
    free(elsewhere);
    free(here);
}
END_TEST

/* The next place is looked at when a file cannot be used. */
START_TEST(the_next_place_is_tried)
{
    char folders[80], text[1 << 16];
    lsq_tune_entry entry = own_entry();
    lsq_cpu other = own;
    other.l3 *= 2;
    setenv("XDG_CONFIG_HOME", folder, 1);
    snprintf(folders, sizeof(folders), "%s/other", folder);
    setenv("XDG_CONFIG_DIRS", folders, 1);
    ck_assert_int_eq(mkdir(folders, 0700), 0);
    unsetenv("LSQ_TUNE_FILE");
    const lsq_tune tune = {.entries = &entry, .count = 1};
    char *before = lsq_tune_place(&own, 0, 1), *behind = lsq_tune_place(&own, 1, 1);
    OK(lsq_tune_write(before, &other, &tune, NULL));
    OK(lsq_tune_write(behind, &own, &tune, NULL));
    lsq_context *ctx = context_with((lsq_context_options){0});
    lsq_describe(ctx, text, sizeof(text));
    ck_assert(strstr(text, "foreign: ") && strstr(text, "\"used\"") && of_l2(ctx, 1)->reason == REASON_tuned);
    lsq_context_free(ctx);
    free(before);
    free(behind);
}
END_TEST

/* Made for another set of kernels. */
START_TEST(stale_files_are_passed_over)
{
    char *text, hex[17];
    lsq_tune none = {0};
    OK(lsq_tune_format(&own, &none, &text, NULL));
    json_t *all = json_loads(text, 0, NULL);
    free(text);
    snprintf(hex, sizeof(hex), "%016" PRIx64, lsq_kernel_set_id() + 1);
    json_object_set_new(all, "kernels", json_string(hex));
    text = sealed_text(all);
    FILE *file = fopen(path, "w");
    ck_assert(file && fputs(text, file) >= 0 && !fclose(file));
    expect_became("stale: ");
    free(text);
    json_decref(all);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("choices");
    TCase *tables = new_case(suite, "table"), *contexts = new_case(suite, "context");
    tcase_add_checked_fixture(tables, begin, end);
    tcase_add_test(tables, every_kind_has_its_default);
    tcase_add_test(tables, entries_are_about_their_places);
    tcase_add_test(tables, other_kinds_stay);
    tcase_add_test(tables, capped_entries_fall_back);
    tcase_add_test(tables, kept_defaults_are_confirmed);
    tcase_add_test(tables, a_name_is_stronger_than_a_file);
    tcase_add_checked_fixture(contexts, make_folder, drop_folder);
    tcase_add_test(contexts, contexts_believe_it);
    tcase_add_test(contexts, contexts_cap_it);
    tcase_add_test(contexts, foreign_files_are_passed_over);
    tcase_add_test(contexts, the_next_place_is_tried);
    tcase_add_test(contexts, stale_files_are_passed_over);
    return run_suite(suite);
}
