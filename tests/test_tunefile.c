/*
 * test_tunefile.c - the document of a tune file: what is believed, and that nothing else is.
 */
#include "tests/tune_sample.h"

#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static lsq_cpu cpu;
static lsq_tune_entry sample_entries[CLASSES];
static lsq_tune sample;
static char *sample_text;

static void make_sample(void)
{
    cpu = sample_cpu();
    sample = sample_tune(sample_entries);
    ck_assert_int_eq(lsq_tune_format(&cpu, &sample, &sample_text, NULL), LSQ_OK);
}

static void drop_sample(void)
{
    free(sample_text);
}

static lsq_status parse(const char *text, size_t size, lsq_error *err)
{
    lsq_tune tune = {0};
    errno = 77;
    lsq_status status = lsq_tune_parse(text, size, &cpu, &tune, err);
    ck_assert_int_eq(errno, 77);
    if (status == LSQ_OK)
        ck_assert(same_tune(&tune, &sample));
    else
        ck_assert(!tune.entries && !tune.count);
    lsq_tune_free(&tune);
    return status;
}

START_TEST(text_comes_back)
{
    ck_assert_int_eq(parse(sample_text, strlen(sample_text), NULL), LSQ_OK);
    lsq_tune none = {0}, back = {0};
    char *text;
    ck_assert_int_eq(lsq_tune_format(&cpu, &none, &text, NULL), LSQ_OK);
    ck_assert_int_eq(lsq_tune_parse(text, strlen(text), &cpu, &back, NULL), LSQ_OK);
    ck_assert_uint_eq(back.count, 0);
    lsq_tune_free(&back);
    free(text);
}
END_TEST

START_TEST(every_cut_is_refused)
{
    for (size_t size = 0; size < strlen(sample_text); size++) {
        lsq_error err = {0};
        lsq_status status = parse(sample_text, size, &err);
        ck_assert_int_ne(status, LSQ_OK);
        ck_assert_int_eq(err.status, status);
        ck_assert(err.text[0] && !strchr(err.text, '\n'));
    }
}
END_TEST

/* White space may become other white space; nothing else that changes is accepted. */
START_TEST(every_flipped_bit_is_refused_or_harmless)
{
    size_t size = strlen(sample_text), accepted = 0;
    for (size_t bit = 0; bit < size * 8; bit++) {
        sample_text[bit / 8] ^= (char)(1 << bit % 8);
        if (parse(sample_text, size, NULL) == LSQ_OK) {
            ck_assert(strchr(" \n\t\r", sample_text[bit / 8]) != NULL);
            accepted++;
        }
        sample_text[bit / 8] ^= (char)(1 << bit % 8);
    }
    ck_assert_uint_lt(accepted, size);
}
END_TEST

/* ---- Documents with a right checksum that are wrong otherwise ---- */

/* The checksum as docs/tuning.md describes it, written a second time. */
static lsq_status parse_sealed(json_t *document, lsq_error *err)
{
    char hex[17];
    uint64_t hash = 0xcbf29ce484222325u;
    json_object_del(document, "checksum");
    char *compact = json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);
    for (const char *c = compact; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
    snprintf(hex, sizeof(hex), "%016" PRIx64, hash);
    json_object_set_new(document, "checksum", json_string(hex));
    char *text = json_dumps(document, JSON_COMPACT);
    lsq_status status = parse(text, strlen(text), err);
    free(text);
    free(compact);
    return status;
}

static json_t *document(void)
{
    json_t *all = json_loads(sample_text, 0, NULL);
    ck_assert_ptr_nonnull(all);
    return all;
}

/* Sets (or with NULL removes) one value, in the document or in its entry 2, and returns what becomes of it. */
static lsq_status with(int in_entry, const char *key, json_t *value)
{
    lsq_error err = {0};
    json_t *all = document(), *at = in_entry ? json_array_get(json_object_get(all, "entries"), 2) : all;
    if (value)
        json_object_set_new(at, key, value);
    else
        ck_assert_int_eq(json_object_del(at, key), 0);
    lsq_status status = parse_sealed(all, &err);
    if (status != LSQ_OK && in_entry)
        ck_assert_msg(!strncmp(err.text, "entry 2: ", 9), "%s", err.text);
    json_decref(all);
    return status;
}

START_TEST(seal_is_as_documented)
{
    ck_assert_int_eq(with(0, "cpu", json_string("another text")), LSQ_OK);
}
END_TEST

START_TEST(unknown_keys_are_passed_over_if_sealed)
{
    ck_assert_int_eq(with(0, "comment", json_string("measured at night")), LSQ_OK);
    ck_assert_int_eq(with(1, "temperature", json_real(61.5)), LSQ_OK);
    json_t *all = document();
    json_object_set_new(all, "comment", json_string("added by hand"));
    char *text = json_dumps(all, 0);
    ck_assert_int_eq(parse(text, strlen(text), NULL), LSQ_E_CHECKSUM);
    free(text);
    json_decref(all);
}
END_TEST

START_TEST(missing_fields_are_refused)
{
    static const char *const head[] = {"schema", "fingerprint", "cpu", "library", "kernels", "entries"};
    static const char *const item[] = {"op", "codec",     "act",          "class",    "threads",  "kernel",
                                       "ns", "runner_up", "runner_up_ns", "verified", "prefetch", "columns"};
    for (size_t i = 0; i < sizeof(head) / sizeof(*head); i++)
        ck_assert_int_ne(with(0, head[i], NULL), LSQ_OK);
    for (size_t i = 0; i < sizeof(item) / sizeof(*item); i++)
        ck_assert_int_eq(with(1, item[i], NULL), LSQ_E_MALFORMED);
    json_t *all = document();
    json_object_del(all, "checksum");
    char *text = json_dumps(all, 0);
    ck_assert_int_eq(parse(text, strlen(text), NULL), LSQ_E_MALFORMED);
    free(text);
    json_decref(all);
}
END_TEST

START_TEST(wrong_values_are_refused)
{
    ck_assert_int_eq(with(0, "schema", json_string("lsq.tune/2")), LSQ_E_UNSUPPORTED);
    ck_assert_int_eq(with(0, "entries", json_object()), LSQ_E_MALFORMED);
    ck_assert_int_eq(with(0, "library", json_integer(1)), LSQ_E_MALFORMED);
    ck_assert_int_eq(with(1, "op", json_string("gemm")), LSQ_E_MALFORMED);
    ck_assert_int_eq(with(1, "class", json_integer(1)), LSQ_E_MALFORMED);
    ck_assert_int_eq(with(1, "threads", json_integer(3)), LSQ_E_MALFORMED);
    ck_assert_int_eq(with(1, "threads", json_string("1")), LSQ_E_MALFORMED);
    ck_assert_int_eq(with(1, "verified", json_false()), LSQ_E_MALFORMED);
    ck_assert_int_eq(with(1, "prefetch", json_integer(0)), LSQ_OK);
    ck_assert_int_eq(with(1, "prefetch", json_integer(4095)), LSQ_E_MALFORMED);
    ck_assert_int_eq(with(1, "prefetch", json_integer(-1)), LSQ_E_MALFORMED);
    ck_assert_int_eq(with(1, "prefetch", json_integer((1ll << 32) + 4096)), LSQ_E_MALFORMED);
    ck_assert_int_eq(with(1, "prefetch", json_string("4096")), LSQ_E_MALFORMED);
    ck_assert_int_eq(with(1, "ns", json_integer(0)), LSQ_E_MALFORMED);
    ck_assert_int_eq(with(1, "ns", json_integer(-5)), LSQ_E_MALFORMED);
    ck_assert_int_eq(with(1, "ns", json_real(5.5)), LSQ_E_MALFORMED);
    ck_assert_int_eq(with(1, "ns", json_integer(1ll << 62)), LSQ_E_MALFORMED);
    /* A runner-up without its time, and a time without its runner-up. */
    int has_other = sample_entries[2].runner_up != NULL;
    ck_assert_int_eq(with(1, "runner_up", has_other ? json_null() : json_string("")), LSQ_E_MALFORMED);
    ck_assert_int_eq(with(1, "runner_up_ns", has_other ? json_null() : json_integer(5)), LSQ_E_MALFORMED);
    ck_assert_int_eq(with(1, "runner_up", json_string(sample_entries[2].kernel->name)), LSQ_E_MALFORMED);
}
END_TEST

/* A row of every other kind, in the place of the kernel and of the runner-up. */
START_TEST(wrong_kernels_are_refused)
{
    const lsq_kernel *own = sample_entries[2].kernel;
    ck_assert_int_eq(with(1, "kernel", json_string("gemv_p4_i8_quantum_r1")), LSQ_E_MALFORMED);
    ck_assert_int_eq(with(1, "kernel", json_string("")), LSQ_E_MALFORMED);
    for (const lsq_kernel *k = lsq_kernels; k < lsq_kernels + lsq_kernels_count; k++)
        if (k->op != own->op || k->codec != own->codec || k->act != own->act) {
            ck_assert_int_eq(with(1, "kernel", json_string(k->name)), LSQ_E_MALFORMED);
            ck_assert_int_eq(with(1, "runner_up", json_string(k->name)), LSQ_E_MALFORMED);
        }
}
END_TEST

/* Sealed by a machine that claims the same fingerprint, for a level that this one lacks. */
START_TEST(unrunnable_kernels_are_refused)
{
    unsigned above = sample_entries[2].kernel->isa;
    if (above == ISA_scalar)
        return; /* a build of one level has nothing above it */
    char hex[17];
    lsq_error err = {0};
    json_t *all = document();
    cpu.lacks[above] = "a test";
    snprintf(hex, sizeof(hex), "%016" PRIx64, lsq_tune_fingerprint(&cpu));
    json_object_set_new(all, "fingerprint", json_string(hex));
    ck_assert_int_eq(parse_sealed(all, &err), LSQ_E_MALFORMED);
    ck_assert_ptr_nonnull(strstr(err.text, "cannot run"));
    json_decref(all);
}
END_TEST

START_TEST(duplicates_are_refused)
{
    json_t *all = document(), *entries = json_object_get(all, "entries");
    json_array_append_new(entries, json_deep_copy(json_array_get(entries, 0)));
    ck_assert_int_eq(parse_sealed(all, NULL), LSQ_E_MALFORMED);
    json_decref(all);

    size_t size = strlen(sample_text);
    char *twice = malloc(size + 32);
    ck_assert_ptr_nonnull(twice);
    snprintf(twice, size + 32, "{\"schema\":\"lsq.tune/1\",%s", sample_text + 1);
    ck_assert_int_eq(parse(twice, strlen(twice), NULL), LSQ_E_MALFORMED);
    snprintf(twice, size + 32, "%s{}", sample_text);
    ck_assert_int_eq(parse(twice, strlen(twice), NULL), LSQ_E_MALFORMED);
    free(twice);
}
END_TEST

START_TEST(other_kernel_sets_are_refused)
{
    char hex[17];
    lsq_error err = {0};
    snprintf(hex, sizeof(hex), "%016" PRIx64, lsq_kernel_set_id() ^ 1);
    json_t *all = document();
    json_object_set_new(all, "kernels", json_string(hex));
    ck_assert_int_eq(parse_sealed(all, &err), LSQ_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.text, "kernels"));
    json_decref(all);
}
END_TEST

/* Each fact of the fingerprint, changed alone, makes another machine. */
START_TEST(other_machines_are_refused)
{
    lsq_cpu others[9];
    for (size_t i = 0; i < 9; i++)
        others[i] = cpu;
    others[0].vendor[0] = 'i';
    others[1].family++;
    others[2].model++;
    others[3].stepping++;
    others[4].l1d *= 2;
    others[5].l2 *= 2;
    others[6].l3 *= 2;
    others[7].lacks[ISAS - 1] = "a test";
    others[8].lacks[ISA_scalar + 1] = "a test";
    for (size_t i = 0; i < 9; i++) {
        lsq_tune tune = {0};
        lsq_error err = {0};
        ck_assert_int_eq(lsq_tune_parse(sample_text, strlen(sample_text), &others[i], &tune, &err), LSQ_E_UNSUPPORTED);
        ck_assert_ptr_nonnull(strstr(err.text, "another CPU"));
        for (size_t j = 0; j < i; j++)
            ck_assert(lsq_tune_fingerprint(&others[i]) != lsq_tune_fingerprint(&others[j]));
    }
    others[0] = cpu;
    memcpy(others[0].brand, "a new marketing name", 21);
    ck_assert_uint_eq(lsq_tune_fingerprint(&others[0]), lsq_tune_fingerprint(&cpu));
}
END_TEST

START_TEST(nonsense_is_not_written)
{
    char *text = NULL;
    lsq_tune_entry bad[2];
    lsq_tune tune = {bad, 1};
    for (int i = 0; i < 9; i++) {
        bad[0] = bad[1] = sample_entries[1];
        tune.count = i == 7 ? 2 : 1; /* the last: an entry twice */
        bad[0].threads = i == 0 ? 0 : i == 1 ? 3 : bad[0].threads;
        bad[0].ns = bad[0].runner_up_ns = i == 2 ? 0 : i == 3 ? 1e300 : i == 4 ? NAN : bad[0].ns;
        bad[0].size_class = i == 5 ? CLASSES : bad[0].size_class;
        bad[0].tunables.value[TUNABLE_prefetch] += i == 8;
        bad[0].runner_up = i == 6 ? bad[0].kernel : bad[0].runner_up;
        ck_assert_int_eq(lsq_tune_format(&cpu, &tune, &text, NULL), LSQ_E_ARGUMENT);
        ck_assert_ptr_null(text);
    }
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
    ck_assert_int_eq(parse_sealed(all, NULL), LSQ_OK);
    char *pointed = json_dumps(all, 0);
    if (!comma_locale(folder)) {
        fprintf(stderr, "note: no locale with a decimal comma could be had; tried in this one only\n");
        setlocale(LC_ALL, "");
    } else {
        ck_assert_str_eq(localeconv()->decimal_point, ",");
    }
    ck_assert_int_eq(lsq_tune_format(&cpu, &sample, &text, NULL), LSQ_OK);
    ck_assert_str_eq(text, sample_text);
    ck_assert_int_eq(parse(sample_text, strlen(sample_text), NULL), LSQ_OK);
    ck_assert_int_eq(parse(pointed, strlen(pointed), NULL), LSQ_OK);
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
    Suite *suite = suite_create("tunefile");
    TCase *document_case = tcase_create("document");
    tcase_add_checked_fixture(document_case, make_sample, drop_sample);
    tcase_set_timeout(document_case, 60);
    tcase_add_test(document_case, text_comes_back);
    tcase_add_test(document_case, every_cut_is_refused);
    tcase_add_test(document_case, every_flipped_bit_is_refused_or_harmless);
    tcase_add_test(document_case, seal_is_as_documented);
    tcase_add_test(document_case, unknown_keys_are_passed_over_if_sealed);
    tcase_add_test(document_case, missing_fields_are_refused);
    tcase_add_test(document_case, wrong_values_are_refused);
    tcase_add_test(document_case, wrong_kernels_are_refused);
    tcase_add_test(document_case, unrunnable_kernels_are_refused);
    tcase_add_test(document_case, duplicates_are_refused);
    tcase_add_test(document_case, other_kernel_sets_are_refused);
    tcase_add_test(document_case, other_machines_are_refused);
    tcase_add_test(document_case, nonsense_is_not_written);
    tcase_add_test(document_case, locale_changes_nothing);
    suite_add_tcase(suite, document_case);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
