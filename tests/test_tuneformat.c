/*
 * test_tuneformat.c - writing the document of a tune file: what is refused, what is left out, in any locale, and as its manual says.
 */
#include "dispatch/tunedoc.h"
#include "tests/tune_sample.h"

#include <check.h>
#include <locale.h>
#include <math.h>
#include <unistd.h>

static lsq_cpu cpu;
static tune_sample parts;
static lsq_tune sample;
static char *sample_text;

static void make_sample(void)
{
    cpu = sample_cpu();
    sample = sample_tune(&parts);
    ck_assert_int_eq(lsq_tune_format(&cpu, &sample, &sample_text, NULL), LSQ_OK);
}

static void drop_sample(void)
{
    free(sample_text);
}

static json_t *document(void)
{
    json_t *all = json_loads(sample_text, 0, NULL);
    ck_assert_ptr_nonnull(all);
    return all;
}

/* Is it read as the sample? */
static int is_sample(const char *text)
{
    lsq_tune tune = {0};
    const int is = lsq_tune_parse(text, strlen(text), &cpu, &tune, NULL) == LSQ_OK && same_tune(&tune, &sample);
    lsq_tune_free(&tune);
    return is;
}

/* Defaults are not written, nor "any": a file is about what differs. */
START_TEST(defaults_are_left_out)
{
    json_t *all = document(), *entries = json_object_get(all, "entries"), *entry;
    size_t i;
    json_array_foreach(entries, i, entry) for (unsigned t = 0; t < TUNABLES; t++)
        ck_assert_int_eq(json_object_get(entry, lsq_tunable_names[t]) != NULL,
                         parts.entries[i].tunables.value[t] != lsq_tunables_default.value[t]);
    json_t *untimed = json_array_get(entries, CLASSES);
    ck_assert(!json_object_get(untimed, "ns") && !json_object_get(untimed, "default_ns"));
    ck_assert(!json_object_get(untimed, "class") && !json_object_get(untimed, "threads"));
    ck_assert_ptr_nonnull(json_object_get(untimed, "batch"));
    json_decref(all);
}
END_TEST

START_TEST(nonsense_is_not_written)
{
    static const double times[] = {-1, 0.5, 1e300, NAN, INFINITY};
    char *text = NULL;
    const unsigned tunables[] = {TUNABLE_prefetch, TUNABLE_columns}; /* an illegal value, and one of another op */
    for (size_t i = 0; i < 2 * sizeof(times) / sizeof(*times) + 5; i++) {
        tune_sample bad = parts;
        lsq_tune tune = {bad.entries, bad.kept, SAMPLE_ENTRIES, SAMPLE_KEPT};
        lsq_tune_entry *entry = &bad.entries[2];
        lsq_cpu weaker = cpu;
        if (i < 10) {
            *(i % 2 ? &entry->ns : &entry->default_ns) = times[i / 2];
        } else if (i < 12) {
            entry->tunables.value[tunables[i - 10]] = i == 10 ? 4095 : 64;
        } else if (i == 12) {
            bad.entries[1] = *entry; /* twice */
        } else if (i == 13) {
            bad.kept[0].where = entry->where; /* kept and not */
        } else if (entry->kernel->isa != ISA_scalar) {
            weaker.lacks[entry->kernel->isa] = "a test";
        } else {
            break;
        }
        ck_assert_int_eq(lsq_tune_format(&weaker, &tune, &text, NULL), LSQ_E_ARGUMENT);
        ck_assert_ptr_null(text);
    }
}
END_TEST

/* ---- The manual ---- */

static char *page(void)
{
    static char text[1 << 16];
    FILE *file = fopen(TEST_DATA "/../../docs/man/lsq-tune.5.scd", "r");
    ck_assert_ptr_nonnull(file);
    const size_t size = fread(text, 1, sizeof(text) - 1, file);
    ck_assert(size > 0 && size < sizeof(text) - 1 && !fclose(file));
    text[size] = 0;
    return text;
}

/* All tunables and no others, each with its op, default and values. */
START_TEST(the_manual_lists_tunables)
{
    const char *text = page(), *at = text;
    for (unsigned t = 0; t < TUNABLES; t++) {
        char head[128], values[128] = "Values:";
        snprintf(head, sizeof(head), "\n*%s*, of %s, usually %u\n", lsq_tunable_names[t],
                 lsq_op_names[lsq_tunable_ops[t]], lsq_tunables_default.value[t]);
        const uint32_t *legal;
        for (size_t i = 0; (legal = lsq_tunable_legal(t, i)); i++)
            snprintf(values + strlen(values), sizeof(values) - strlen(values), "%s %u", i ? "," : "", *legal);
        at = strstr(at, head); /* in their order */
        ck_assert_msg(at != NULL, "the page does not contain%s", head);
        at = strstr(at, "Values:");
        ck_assert_msg(at && !strncmp(at, values, strlen(values)) && at[strlen(values)] == '.', "%s", values);
    }
    size_t count = 0;
    for (at = text; (at = strstr(at, ", usually ")); at++)
        count++;
    ck_assert_uint_eq(count, TUNABLES);
    ck_assert_ptr_nonnull(strstr(text, tune_schema));
}
END_TEST

/* The next line, without its end; NULL behind the last. What depends on the build and its sum is cut off. */
static char *next_line(char **rest)
{
    static const char *const varying[] = {" \"fingerprint\"", " \"library\"", " \"kernels\"", " \"checksum\""};
    char *line = strsep(rest, "\n");
    for (size_t i = 0; line && i < sizeof(varying) / sizeof(*varying); i++)
        if (!strncmp(line, varying[i], strlen(varying[i])))
            line[strlen(varying[i])] = 0;
    return line;
}

/* Its example is what lsq_tune_format() makes of the same entries, but for numbers of the build. */
START_TEST(the_example_of_the_manual_is_written_so)
{
    const lsq_kernel *gemv = lsq_kernel_find("gemv_p4_i8_avx2_r1"), *expand = lsq_kernel_find("expand_p4_i8_avx512_r1");
    if (!gemv || !expand)
        return; /* a build for another machine than that of the example */
    lsq_tune_entry entries[] = {
        {gemv, lsq_tunables_default, {CLASS_l3, BATCH_one, CREW_one}, 70213, 78101},
        {expand, lsq_tunables_default, {LSQ_ANY, BATCH_few, LSQ_ANY}, 0, 0},
    };
    entries[0].tunables.value[TUNABLE_prefetch] = 8192;
    entries[1].tunables.value[TUNABLE_expand_from] = 16;
    lsq_tune_kept kept = {OP_gemv, CODEC_p4, ACT_i8, {CLASS_l1, BATCH_one, CREW_one}};
    lsq_cpu machine = cpu;
    strcpy(machine.brand, "Imaginary 1000");
    char *text, *start = strstr(page(), "\n```\n{");
    ck_assert_int_eq(lsq_tune_format(&machine, &(lsq_tune){entries, &kept, 2, 1}, &text, NULL), LSQ_OK);
    ck_assert_msg(start && strstr(start + 5, "}\n```\n"), "no example; it should be\n%s", text);
    start += 5;
    strstr(start, "}\n```\n")[2] = 0;
    for (char *written = text, *shown = start; written || shown;) {
        char *a = next_line(&written), *b = next_line(&shown);
        ck_assert_msg(a && b && !strcmp(a, b), "written: %s\nshown:   %s", a, b);
    }
    free(text);
}
END_TEST

/* ---- Locale ---- */

/* A locale that writes 0.5 as 0,5: one that is installed, else one that localedef makes here. */
static int comma_locale(char *folder)
{
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (setlocale(LC_ALL, names[i]))
            return 1;
    char command[256];
    if (!mkdtemp(folder))
        return 0;
    snprintf(command, sizeof(command), "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 2>&1", folder);
    if (system(command) != 0)
        return 0;
    setenv("LOCPATH", folder, 1);
    return setlocale(LC_ALL, "de_DE.UTF-8") != NULL;
}

START_TEST(locale_changes_nothing)
{
    char folder[] = "/tmp/lsq-locale-XXXXXX", command[64], *text;
    json_t *all = document();
    json_object_set_new(all, "load", json_real(0.25)); /* a number with a point, under the checksum */
    char *pointed = sealed_text(all);
    ck_assert(is_sample(pointed));
    if (!comma_locale(folder)) {
        fprintf(stderr, "note: no locale with a decimal comma could be had; tried in this one only\n");
        setlocale(LC_ALL, "");
    } else {
        ck_assert_str_eq(localeconv()->decimal_point, ",");
    }
    ck_assert_int_eq(lsq_tune_format(&cpu, &sample, &text, NULL), LSQ_OK);
    ck_assert_str_eq(text, sample_text);
    ck_assert(is_sample(text));
    ck_assert(is_sample(pointed));
    setlocale(LC_ALL, "C");
    if (!strstr(folder, "XXXXXX")) {
        snprintf(command, sizeof(command), "rm -r %s", folder);
        ck_assert_int_eq(system(command), 0);
    }
    free(text);
    free(pointed);
    json_decref(all);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tuneformat");
    TCase *tests = tcase_create("document");
    tcase_add_checked_fixture(tests, make_sample, drop_sample);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, defaults_are_left_out);
    tcase_add_test(tests, nonsense_is_not_written);
    tcase_add_test(tests, the_manual_lists_tunables);
    tcase_add_test(tests, the_example_of_the_manual_is_written_so);
    tcase_add_test(tests, locale_changes_nothing);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
