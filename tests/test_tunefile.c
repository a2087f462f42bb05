/*
 * test_tunefile.c - the document of a tune file: what is believed, and that nothing else is.
 */
#include "tests/tune_sample.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
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

static lsq_status parse(const char *text, size_t size, lsq_error *err)
{
    lsq_tune tune = {0};
    errno = 77;
    lsq_status status = lsq_tune_parse(text, size, &cpu, &tune, err);
    ck_assert_int_eq(errno, 77);
    if (status == LSQ_OK)
        ck_assert(same_tune(&tune, &sample));
    else
        ck_assert(!tune.entries && !tune.count && !tune.kept && !tune.kept_count);
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

/* The checksum is over bytes, not over what they mean: blanks count like anything else. */
START_TEST(every_flipped_bit_is_refused)
{
    for (size_t bit = 0; bit < strlen(sample_text) * 8; bit++) {
        sample_text[bit / 8] ^= (char)(1 << bit % 8);
        lsq_status status = parse(sample_text, strlen(sample_text), NULL);
        if (status == LSQ_OK)
            ck_abort_msg("bit %zu of byte %zu", bit % 8, bit / 8);
        sample_text[bit / 8] ^= (char)(1 << bit % 8);
    }
    ck_assert_int_eq(parse(sample_text, strlen(sample_text), NULL), LSQ_OK);
}
END_TEST

/* Another blank for a blank, or one more, though it would still be the same JSON. */
START_TEST(every_blank_counts)
{
    const size_t size = strlen(sample_text);
    char *more = malloc(size + 2);
    ck_assert_ptr_nonnull(more);
    for (size_t at = 0; at <= size; at++) {
        memcpy(more, sample_text, at);
        more[at] = ' ';
        memcpy(more + at + 1, sample_text + at, size - at);
        lsq_status status = parse(more, size + 1, NULL);
        if (status == LSQ_OK)
            ck_abort_msg("a blank before byte %zu", at);
        memcpy(more, sample_text, size);
        for (const char *blank = " \t\n\r"; at < size && strchr(" \n", more[at]) && *blank; blank++) {
            more[at] = *blank;
            if (*blank != sample_text[at] && parse(more, size, NULL) == LSQ_OK)
                ck_abort_msg("another blank at byte %zu", at);
        }
    }
    free(more);
}
END_TEST

/* ---- Documents with a right checksum that are wrong otherwise ---- */

static lsq_status parse_sealed(json_t *document, lsq_error *err)
{
    char *text = sealed_text(document);
    ck_assert_ptr_nonnull(text);
    lsq_status status = parse(text, strlen(text), err);
    free(text);
    return status;
}

static json_t *document(void)
{
    json_t *all = json_loads(sample_text, 0, NULL);
    ck_assert_ptr_nonnull(all);
    return all;
}

/* Sets (or with NULL removes) one value, in the document or in one of its entries, and returns what becomes of it. */
static lsq_status with(int entry, const char *key, json_t *value)
{
    lsq_error err = {0};
    char head[32];
    json_t *all = document(), *at = entry < 0 ? all : json_array_get(json_object_get(all, "entries"), (size_t)entry);
    if (value)
        json_object_set_new(at, key, value);
    else
        ck_assert_int_eq(json_object_del(at, key), 0);
    lsq_status status = parse_sealed(all, &err);
    snprintf(head, sizeof(head), "entry %d: ", entry);
    if (status != LSQ_OK && entry >= 0)
        ck_assert_msg(!strncmp(err.text, head, strlen(head)), "%s", err.text);
    json_decref(all);
    return status;
}

enum { HEAD = -1, GEMV = 2, GEMM = CLASSES, EXPAND /* entries of the sample */ };

static void refuse(int entry, const char *key, json_t *value)
{
    char *text = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
    const lsq_status status = with(entry, key, value);
    ck_assert_msg(status == LSQ_E_MALFORMED, "entry %d: %s: %s: %d", entry, key, text ? text : "(missing)", status);
    free(text);
}

START_TEST(seal_is_as_documented)
{
    ck_assert_int_eq(with(HEAD, "cpu", json_string("another text")), LSQ_OK);
}
END_TEST

START_TEST(unknown_keys_are_passed_over_if_sealed)
{
    ck_assert_int_eq(with(HEAD, "comment", json_string("measured at night")), LSQ_OK);
    ck_assert_int_eq(with(GEMV, "temperature", json_real(61.5)), LSQ_OK);
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
    static const char *const head[] = {"schema", "fingerprint", "cpu", "library", "kernels", "entries", "kept"};
    for (size_t i = 0; i < sizeof(head) / sizeof(*head); i++)
        ck_assert_int_ne(with(HEAD, head[i], NULL), LSQ_OK);
    refuse(GEMV, "kernel", NULL);
    json_t *all = document();
    json_object_del(all, "checksum");
    char *text = json_dumps(all, 0);
    ck_assert_int_eq(parse(text, strlen(text), NULL), LSQ_E_CHECKSUM);
    free(text);
    json_decref(all);
}
END_TEST

/* A file of schema 1 says so in its refusal, though its checksum is another one too. */
START_TEST(other_schemas_are_refused_by_name)
{
    static const char old[] = "{\"schema\":\"lsq.tune/1\",\"entries\":[],\"checksum\":\"bb22411362b663be\"}";
    lsq_error err = {0};
    ck_assert_int_eq(parse(old, strlen(old), &err), LSQ_E_UNSUPPORTED);
    ck_assert_msg(strstr(err.text, "\"schema\"") && strstr(err.text, "lsq.tune/2"), "%s", err.text);
    ck_assert_int_eq(with(HEAD, "schema", json_string("lsq.tune/1")), LSQ_E_UNSUPPORTED);
    ck_assert_int_eq(with(HEAD, "schema", json_string("lsq.tune/3")), LSQ_E_UNSUPPORTED);
    ck_assert_int_eq(with(HEAD, "schema", json_integer(2)), LSQ_E_UNSUPPORTED);
}
END_TEST

START_TEST(wrong_values_are_refused)
{
    refuse(HEAD, "entries", json_object());
    refuse(HEAD, "kept", json_object());
    refuse(HEAD, "kept", json_pack("[i]", 1));
    refuse(HEAD, "library", json_integer(1));
    refuse(GEMV, "class", json_integer(1));
    refuse(GEMV, "class", json_null());
    refuse(GEMV, "class", json_string("l4"));
    refuse(GEMV, "batch", json_string("two"));
    refuse(GEMV, "batch", json_integer(1));
    refuse(GEMV, "threads", json_integer(1));
    refuse(GEMV, "threads", json_string("few"));
    refuse(GEMV, "threads", json_string("Any"));
    refuse(GEMV, "ns", json_integer(0));
    refuse(GEMV, "ns", json_integer(-5));
    refuse(GEMV, "ns", json_real(5.5));
    refuse(GEMV, "ns", json_string("5"));
    refuse(GEMV, "ns", json_integer(1ll << 62));
    refuse(GEMV, "default_ns", json_integer(0));
    refuse(GEMV, "default_ns", json_null());
}
END_TEST

/* Each tunable in an entry of its op and in one of another, with values that are listed and such as are not. */
START_TEST(tunables_are_those_of_the_op_and_listed)
{
    for (unsigned t = 0; t < TUNABLES; t++) {
        const char *name = lsq_tunable_names[t];
        const unsigned op = lsq_tunable_ops[t];
        const int own = op == OP_gemm ? GEMM : op == OP_expand ? EXPAND : GEMV, other = own == GEMM ? GEMV : GEMM;
        ck_assert_uint_eq(parts.entries[own].kernel->op, op);
        const uint32_t usual = lsq_tunables_default.value[t];
        refuse(other, name, json_integer(usual));
        refuse(own, name, json_integer((json_int_t)usual + 1));
        refuse(own, name, json_integer(-1));
        refuse(own, name, json_integer((1ll << 32) + usual));
        refuse(own, name, json_real(usual));
        refuse(own, name, json_string("4096"));
        refuse(own, name, json_null());
        const uint32_t *legal;
        for (size_t i = 0; (legal = lsq_tunable_legal(t, i)); i++) {
            lsq_tune_entry *entry = &parts.entries[own];
            const uint32_t before = entry->tunables.value[t];
            entry->tunables.value[t] = *legal; /* what parse() expects to find */
            ck_assert_int_eq(with(own, name, json_integer(*legal)), LSQ_OK);
            entry->tunables.value[t] = before;
        }
    }
}
END_TEST

START_TEST(wrong_kernels_are_refused)
{
    static const char *const bad[] = {"gemv_p4_i8_quantum_r1",
                                      "",
                                      "gemv",
                                      "gemv_p4_i8",
                                      "gemv_p4_i8_scalar_r",
                                      "gemv_p4_i8_scalar_r1_",
                                      "gemv/p4/i8/scalar/r1",
                                      "gemv_any_i8_scalar_r1",
                                      "_gemv_p4_i8_scalar_r1",
                                      "gemv_p4_i8_scalar_r1_and_a_name_that_goes_on_and_on"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        refuse(GEMV, "kernel", json_string(bad[i]));
    refuse(GEMV, "kernel", json_integer(4));
}
END_TEST

/* An entry is about the kind of its kernel: of another op, codec or activation it is another entry, not a wrong one. */
START_TEST(entries_are_of_the_kind_of_their_kernel)
{
    for (const lsq_kernel *k = lsq_kernels; k < lsq_kernels + lsq_kernels_count; k++) {
        lsq_tune tune = {0};
        json_t *all = document();
        json_object_set_new(all, "entries", json_pack("[{s:s}]", "kernel", k->name));
        json_object_set_new(all, "kept", json_array());
        char *text = sealed_text(all);
        ck_assert_int_eq(lsq_tune_parse(text, strlen(text), &cpu, &tune, NULL), LSQ_OK);
        ck_assert(tune.count == 1 && tune.entries[0].kernel == k &&
                  same_place(&tune.entries[0].where, &lsq_everywhere));
        lsq_tune_free(&tune);
        free(text);
        json_decref(all);
    }
}
END_TEST

/* Sealed by a machine that claims the same fingerprint, for a level that this one lacks. */
START_TEST(unrunnable_kernels_are_refused)
{
    unsigned above = parts.entries[GEMV].kernel->isa;
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

/* Sealed, with one more entry or kept name; what became of it. */
static lsq_status with_more(const char *list, json_t *item)
{
    lsq_error err = {0};
    json_t *all = document();
    json_array_append_new(json_object_get(all, list), item);
    const lsq_status status = parse_sealed(all, &err);
    ck_assert_msg(status == LSQ_OK || strstr(err.text, "twice") != NULL, "%s", err.text);
    json_decref(all);
    return status;
}

/* The first entry of the sample about other places. It, and what is kept, takes l1/one and any/few whole. */
static json_t *entry_about(const char *class, const char *batch, const char *threads)
{
    json_t *all = document(), *entry = json_deep_copy(json_array_get(json_object_get(all, "entries"), 0));
    json_object_set_new(entry, "class", json_string(class));
    json_object_set_new(entry, "batch", json_string(batch));
    json_object_set_new(entry, "threads", json_string(threads));
    json_decref(all);
    return entry;
}

static json_t *kept_about(const char *place)
{
    const lsq_kernel *kernel = parts.entries[0].kernel;
    return json_sprintf("%s_%s_%s/%s", lsq_op_names[kernel->op], lsq_family_names[kernel->codec],
                        lsq_act_names[kernel->act], place);
}

START_TEST(no_product_is_there_twice)
{
    static const char *const wide[][3] = {{"l1", "one", "many"}, {"any", "any", "any"}, {"any", "one", "any"},
                                          {"l2", "any", "one"},  {"l1", "one", "one"},  {"dram", "few", "one"},
                                          {"any", "few", "any"}, {"l2", "one", "one"}};
    for (size_t i = 0; i < sizeof(wide) / sizeof(*wide); i++) {
        char place[32];
        snprintf(place, sizeof(place), "%s/%s/%s", wide[i][0], wide[i][1], wide[i][2]);
        ck_assert_int_eq(with_more("entries", entry_about(wide[i][0], wide[i][1], wide[i][2])), LSQ_E_MALFORMED);
        ck_assert_int_eq(with_more("kept", kept_about(place)), LSQ_E_MALFORMED);
    }
    /* parse() knows the sample only: a status shows that these go beside it. */
    lsq_tune tune = {0};
    json_t *all = document();
    json_array_append_new(json_object_get(all, "entries"), entry_about("any", "many", "one"));
    json_array_append_new(json_object_get(all, "kept"), kept_about("any/many/many"));
    char *text = sealed_text(all);
    ck_assert_int_eq(lsq_tune_parse(text, strlen(text), &cpu, &tune, NULL), LSQ_OK);
    ck_assert_uint_eq(tune.count, SAMPLE_ENTRIES + 1);
    ck_assert_uint_eq(tune.kept_count, SAMPLE_KEPT + 1);
    lsq_tune_free(&tune);
    free(text);
    json_decref(all);
}
END_TEST

START_TEST(kept_names_are_whole)
{
    static const char *const bad[] = {"",
                                      "gemv",
                                      "gemv_p4_i8",
                                      "gemv_p4_i8/l1/one",
                                      "gemv_p4_i8/l1/one/one/",
                                      "gemv_p4_i8/l1/one/one/one",
                                      "gemv/p4/i8/l1/one/one",
                                      "gemv_p4_i8_l1_one_one",
                                      "gemv_p4_i8/l1/one/two",
                                      "gemv_p4_i8/l1//one",
                                      "gemv_p4_i9/l1/one/one",
                                      "gemv_any_i8/l1/one/one",
                                      "any_p4_i8/l1/one/one",
                                      " gemv_p4_i8/l1/one/one",
                                      "gemv_p4_i8/l1/one/one gemv_p4_i8/l1/one/one gemv"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        lsq_error err = {0};
        json_t *all = document();
        json_object_set_new(all, "kept", json_pack("[s]", bad[i]));
        ck_assert_int_eq(parse_sealed(all, &err), LSQ_E_MALFORMED);
        ck_assert_msg(!strncmp(err.text, "kept 0: ", 8), "%s", err.text);
        json_decref(all);
    }
}
END_TEST

START_TEST(keys_twice_are_refused)
{
    size_t size = strlen(sample_text);
    char *twice = malloc(size + 32);
    ck_assert_ptr_nonnull(twice);
    snprintf(twice, size + 32, "{\"schema\":\"lsq.tune/2\",%s", sample_text + 1);
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
    ck_assert_msg(!strncmp(err.text, "stale: ", 7) && strstr(err.text, "lsq-tune"), "%s", err.text);
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
        ck_assert_msg(!strncmp(err.text, "foreign: ", 9), "%s", err.text);
        for (size_t j = 0; j < i; j++)
            ck_assert(lsq_tune_fingerprint(&others[i]) != lsq_tune_fingerprint(&others[j]));
    }
    others[0] = cpu;
    memcpy(others[0].brand, "a new marketing name", 21);
    ck_assert_uint_eq(lsq_tune_fingerprint(&others[0]), lsq_tune_fingerprint(&cpu));
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
    tcase_add_test(document_case, every_flipped_bit_is_refused);
    tcase_add_test(document_case, every_blank_counts);
    tcase_add_test(document_case, seal_is_as_documented);
    tcase_add_test(document_case, unknown_keys_are_passed_over_if_sealed);
    tcase_add_test(document_case, missing_fields_are_refused);
    tcase_add_test(document_case, other_schemas_are_refused_by_name);
    tcase_add_test(document_case, wrong_values_are_refused);
    tcase_add_test(document_case, tunables_are_those_of_the_op_and_listed);
    tcase_add_test(document_case, wrong_kernels_are_refused);
    tcase_add_test(document_case, entries_are_of_the_kind_of_their_kernel);
    tcase_add_test(document_case, unrunnable_kernels_are_refused);
    tcase_add_test(document_case, no_product_is_there_twice);
    tcase_add_test(document_case, kept_names_are_whole);
    tcase_add_test(document_case, keys_twice_are_refused);
    tcase_add_test(document_case, other_kernel_sets_are_refused);
    tcase_add_test(document_case, other_machines_are_refused);
    suite_add_tcase(suite, document_case);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
