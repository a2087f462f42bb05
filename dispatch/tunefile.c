/*
 * tunefile.c - the document of a tune file: docs/tuning.md describes it field by field.
 *
 * A tune file can only choose among kernels that give the right result, so a wrong one costs speed, never correctness.
 * Still it is believed whole or not at all: half a file is a mix of two measurements. "checksum" is FNV-1a over the
 * rest of the document as compact JSON with sorted keys, so every value counts (unknown keys too, which are otherwise
 * passed over) and white space and the order of keys do not.
 */
#include "dispatch/error.h"
#include "dispatch/fnv.h"
#include "dispatch/tunefile.h"

#include <jansson.h>

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char schema[] = "lsq.tune/1";

enum { HEX = 17 }; /* 16 digits and a NUL */

static void to_hex(uint64_t number, char hex[HEX])
{
    snprintf(hex, HEX, "%016" PRIx64, number);
}

/* Of a document without its "checksum". 0 if memory ran out. */
static int checksum_of(const json_t *document, char hex[HEX])
{
    char *text = json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);
    if (!text)
        return 0;
    to_hex(fnv_add(FNV_START, text, strlen(text)), hex);
    free(text);
    return 1;
}

/* ---- Reading: each function returns the reason for a refusal, or NULL ---- */

static int is_text(const json_t *value, const char *expected)
{
    const char *text = json_string_value(value);
    return text && !strcmp(text, expected);
}

/* Index of the string under `key` among names, or -1. */
static int name_index(const json_t *item, const char *key, const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (is_text(json_object_get(item, key), names[i]))
            return i;
    return -1;
}

static const char *read_time(const json_t *value, double *ns)
{
    json_int_t whole = json_integer_value(value); /* 0 if it is no integer */
    if (whole < 1 || whole > 1ll << 53)
        return "a time is not a whole number of nanoseconds";
    *ns = (double)whole;
    return NULL;
}

/* The row that `value` names, if it is of the same kind as the entry and can run here. */
static const char *read_kernel(const json_t *value, const int kind[3], const lsq_cpu *cpu, const lsq_kernel **kernel)
{
    const char *name = json_string_value(value);
    *kernel = name ? lsq_kernel_find(name) : NULL;
    if (!*kernel)
        return "it names an unknown kernel";
    if ((*kernel)->op != kind[0] || (*kernel)->codec != kind[1] || (*kernel)->act != kind[2])
        return "it names a kernel of another kind";
    if (!lsq_kernel_runs(cpu, *kernel))
        return "it names a kernel that this CPU cannot run";
    return NULL;
}

static int is_legal(unsigned tunable, json_int_t value)
{
    const uint32_t *legal;
    for (size_t i = 0; (legal = lsq_tunable_legal(tunable, i)); i++)
        if (*legal == value)
            return 1;
    return 0;
}

static const char *read_tunables(const json_t *item, lsq_tunables *tunables)
{
    for (unsigned t = 0; t < TUNABLES; t++) {
        const json_t *value = json_object_get(item, lsq_tunable_names[t]);
        if (!json_is_integer(value) || !is_legal(t, json_integer_value(value)))
            return "a tunable is missing or has a value that dispatch/tunables.inc does not list";
        tunables->value[t] = (uint32_t)json_integer_value(value);
    }
    return NULL;
}

static const char *read_entry(const json_t *item, const lsq_cpu *cpu, lsq_tune_entry *entry)
{
    const int kind[3] = {name_index(item, "op", lsq_op_names, OPS), name_index(item, "codec", lsq_family_names, CODECS),
                         name_index(item, "act", lsq_act_names, ACTS)};
    int size_class = name_index(item, "class", lsq_class_names, CLASSES);
    json_int_t threads = json_integer_value(json_object_get(item, "threads"));
    if (kind[0] < 0 || kind[1] < 0 || kind[2] < 0 || size_class < 0)
        return "its op, codec, act or class is missing or unknown";
    if (threads != 1 && threads != 2)
        return "its threads are neither 1 nor 2";
    if (!json_is_true(json_object_get(item, "verified")))
        return "it is not verified";
    *entry = (lsq_tune_entry){.size_class = (enum lsq_size_class)size_class, .threads = (unsigned)threads};
    const char *why = read_kernel(json_object_get(item, "kernel"), kind, cpu, &entry->kernel);
    if (!why)
        why = read_tunables(item, &entry->tunables);
    if (!why)
        why = read_time(json_object_get(item, "ns"), &entry->ns);
    const json_t *runner_up = json_object_get(item, "runner_up"), *its_ns = json_object_get(item, "runner_up_ns");
    if (why || (json_is_null(runner_up) && json_is_null(its_ns)))
        return why;
    why = read_kernel(runner_up, kind, cpu, &entry->runner_up);
    if (!why && entry->runner_up == entry->kernel)
        why = "its runner-up is the kernel itself";
    return why ? why : read_time(its_ns, &entry->runner_up_ns);
}

static int same_place(const lsq_tune_entry *a, const lsq_tune_entry *b)
{
    return a->kernel->op == b->kernel->op && a->kernel->codec == b->kernel->codec && a->kernel->act == b->kernel->act &&
           a->size_class == b->size_class && a->threads == b->threads;
}

static lsq_status read_entries(const json_t *items, const lsq_cpu *cpu, lsq_tune *tune, lsq_error *err)
{
    enum { MOST = OPS * CODECS * ACTS * CLASSES * 2 };
    size_t count = json_array_size(items);
    if (!json_is_array(items) || count > MOST)
        return lsq_error_set(err, LSQ_E_MALFORMED, "\"entries\": expected an array of at most %d", MOST);
    lsq_tune_entry *entries = calloc(count + 1, sizeof(*entries));
    if (!entries)
        return lsq_error_set(err, LSQ_E_NOMEM, "no memory for %zu entries", count);
    for (size_t i = 0; i < count; i++) {
        const char *why = read_entry(json_array_get(items, i), cpu, &entries[i]);
        for (size_t j = 0; !why && j < i; j++)
            if (same_place(&entries[i], &entries[j]))
                why = "it is there twice";
        if (why) {
            free(entries);
            return lsq_error_set(err, LSQ_E_MALFORMED, "entry %zu: %s", i, why);
        }
    }
    *tune = (lsq_tune){entries, count};
    return LSQ_OK;
}

/* Is it a whole document, and one for this machine and library? Takes the checksum out of it. */
static lsq_status check_head(json_t *document, const lsq_cpu *cpu, lsq_error *err)
{
    char hex[HEX], stated[HEX] = "";
    const json_t *sum = json_object_get(document, "checksum");
    if (!is_text(json_object_get(document, "schema"), schema))
        return lsq_error_set(err, LSQ_E_UNSUPPORTED, "\"schema\" is not \"%s\"", schema);
    if (json_string_length(sum) != HEX - 1)
        return lsq_error_set(err, LSQ_E_MALFORMED, "\"checksum\": expected 16 hexadecimal digits");
    memcpy(stated, json_string_value(sum), HEX - 1);
    json_object_del(document, "checksum");
    if (!checksum_of(document, hex))
        return lsq_error_set(err, LSQ_E_NOMEM, "no memory for its checksum");
    if (strcmp(stated, hex) != 0)
        return lsq_error_set(err, LSQ_E_CHECKSUM, "damaged or edited: the checksum does not match");
    to_hex(lsq_kernel_set_id(), hex);
    if (!is_text(json_object_get(document, "kernels"), hex))
        return lsq_error_set(err, LSQ_E_UNSUPPORTED, "made for another set of kernels than this library's, %s", hex);
    to_hex(lsq_tune_fingerprint(cpu), hex);
    if (!is_text(json_object_get(document, "fingerprint"), hex))
        return lsq_error_set(err, LSQ_E_UNSUPPORTED, "made on another CPU than this one, %s", hex);
    if (!json_is_string(json_object_get(document, "cpu")) || !json_is_string(json_object_get(document, "library")))
        return lsq_error_set(err, LSQ_E_MALFORMED, "\"cpu\" or \"library\" is missing");
    return LSQ_OK;
}

lsq_status lsq_tune_parse(const char *text, size_t size, const lsq_cpu *cpu, lsq_tune *tune, lsq_error *err)
{
    int saved = errno;
    json_error_t at;
    lsq_status status;
    json_t *document = json_loadb(text, size, JSON_REJECT_DUPLICATES, &at);
    if (document) {
        status = check_head(document, cpu, err);
        if (status == LSQ_OK)
            status = read_entries(json_object_get(document, "entries"), cpu, tune, err);
    } else if (json_error_code(&at) == json_error_out_of_memory) {
        status = lsq_error_set(err, LSQ_E_NOMEM, "no memory for %zu bytes of JSON", size);
    } else {
        status = lsq_error_set(err, LSQ_E_MALFORMED, "not JSON: line %d, column %d", at.line, at.column);
    }
    json_decref(document);
    errno = saved;
    return status;
}

void lsq_tune_free(lsq_tune *tune)
{
    free(tune->entries);
    *tune = (lsq_tune){NULL, 0};
}

/* ---- Writing ---- */

static json_t *entry_json(const lsq_tune_entry *entry)
{
    const lsq_kernel *kernel = entry->kernel, *other = entry->runner_up;
    json_t *item = json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:I, s:s?, s:o, s:b}", "op", lsq_op_names[kernel->op],
                             "codec", lsq_family_names[kernel->codec], "act", lsq_act_names[kernel->act], "class",
                             lsq_class_names[entry->size_class], "threads", (int)entry->threads, "kernel", kernel->name,
                             "ns", (json_int_t)rint(entry->ns), "runner_up", other ? other->name : NULL, "runner_up_ns",
                             other ? json_integer((json_int_t)rint(entry->runner_up_ns)) : json_null(), "verified", 1);
    for (unsigned t = 0; t < TUNABLES; t++)
        json_object_set_new(item, lsq_tunable_names[t], json_integer(entry->tunables.value[t]));
    return item;
}

static int time_fits(double ns)
{
    return ns >= 1 && ns <= 9007199254740992.0; /* false for NaN */
}

/* Why an entry cannot be written, or NULL. */
static const char *refuse_entry(const lsq_tune *tune, size_t i, const lsq_cpu *cpu)
{
    const lsq_tune_entry *entry = &tune->entries[i];
    const lsq_kernel *kernel = entry->kernel, *other = entry->runner_up;
    if ((entry->threads != 1 && entry->threads != 2) || entry->size_class >= CLASSES)
        return "threads or class out of range";
    if (!time_fits(entry->ns) || (other && !time_fits(entry->runner_up_ns)))
        return "a time out of range";
    if (!lsq_kernel_runs(cpu, kernel) || (other && !lsq_kernel_runs(cpu, other)))
        return "a kernel that this CPU cannot run";
    if (other &&
        (other == kernel || other->op != kernel->op || other->codec != kernel->codec || other->act != kernel->act))
        return "a runner-up of another kind";
    for (unsigned t = 0; t < TUNABLES; t++)
        if (!is_legal(t, entry->tunables.value[t]))
            return "a tunable out of range";
    for (size_t j = 0; j < i; j++)
        if (same_place(entry, &tune->entries[j]))
            return "it is there twice";
    return NULL;
}

/* CPUs name themselves in ASCII, or not at all; anything else would not be JSON. */
static void plain_text(char *to, size_t room, const char *from, size_t from_room)
{
    size_t length = strnlen(from, from_room < room ? from_room : room - 1);
    for (size_t i = 0; i < length; i++)
        to[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
    to[length] = 0;
}

static json_t *document_of(const lsq_cpu *cpu, const lsq_tune *tune)
{
    char fingerprint[HEX], kernels[HEX], brand[sizeof(cpu->brand) + 1], sum[HEX];
    to_hex(lsq_tune_fingerprint(cpu), fingerprint);
    to_hex(lsq_kernel_set_id(), kernels);
    plain_text(brand, sizeof(brand), cpu->brand, sizeof(cpu->brand));
    json_t *entries = json_array();
    json_t *document = json_pack("{s:s, s:s, s:s, s:s, s:s, s:O}", "schema", schema, "fingerprint", fingerprint, "cpu",
                                 brand, "library", lsq_version(), "kernels", kernels, "entries", entries);
    int good = document != NULL;
    for (size_t i = 0; good && i < tune->count; i++)
        good = !json_array_append_new(entries, entry_json(&tune->entries[i]));
    good = good && checksum_of(document, sum) && !json_object_set_new(document, "checksum", json_string(sum));
    json_decref(entries);
    if (good)
        return document;
    json_decref(document);
    return NULL;
}

lsq_status lsq_tune_format(const lsq_cpu *cpu, const lsq_tune *tune, char **text, lsq_error *err)
{
    for (size_t i = 0; i < tune->count; i++) {
        const char *why = refuse_entry(tune, i, cpu);
        if (why)
            return lsq_error_set(err, LSQ_E_ARGUMENT, "entry %zu: %s", i, why);
    }
    int saved = errno;
    json_t *document = document_of(cpu, tune);
    char *dump = document ? json_dumps(document, JSON_INDENT(1)) : NULL;
    json_decref(document);
    errno = saved;
    if (!dump)
        return lsq_error_set(err, LSQ_E_NOMEM, "no memory for the text of %zu entries", tune->count);
    *text = dump;
    return LSQ_OK;
}
