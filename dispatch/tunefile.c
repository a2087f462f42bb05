/*
 * tunefile.c - reading the document of a tune file: docs/man/lsq-tune.5.scd describes it field by field.
 *
 * A tune file can only choose among kernels that give the right result, so a wrong one costs speed, never correctness.
 * Still it is believed whole or not at all: half a file is a mix of two measurements. "checksum", the last member, is
 * FNV-1a over all bytes before it, so that checking costs less than parsing and whatever an editor changes shows.
 */
#include "dispatch/error.h"
#include "dispatch/fnv.h"
#include "dispatch/tunedoc.h"

#include <jansson.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void lsq_tune_free(lsq_tune *tune)
{
    free(tune->entries);
    free(tune->kept);
    *tune = (lsq_tune){NULL, NULL, 0, 0};
}

void lsq_tune_coverage(const lsq_tune *tune, lsq_coverage *coverage)
{
    *coverage = (lsq_coverage){{{{0}}}};
    for (size_t i = 0; i < tune->count; i++) {
        const lsq_kernel *kernel = tune->entries[i].kernel;
        lsq_cover(coverage, kernel->op, kernel->codec, kernel->act, &tune->entries[i].where);
    }
    for (size_t i = 0; i < tune->kept_count; i++)
        lsq_cover(coverage, tune->kept[i].op, tune->kept[i].codec, tune->kept[i].act, &tune->kept[i].where);
}

/* ---- Names of places ---- */

static const char *name_of(int value, const char *const *names)
{
    return value == LSQ_ANY ? tune_any : names[value];
}

void lsq_tune_kept_name(const lsq_tune_kept *kept, char name[LSQ_TUNE_NAME_MAX])
{
    const lsq_place *where = &kept->where;
    snprintf(name, LSQ_TUNE_NAME_MAX, "%s_%s_%s/%s/%s/%s", lsq_op_names[kept->op], lsq_family_names[kept->codec],
             lsq_act_names[kept->act], name_of(where->size_class, lsq_class_names),
             name_of(where->batch, lsq_batch_names), name_of(where->crew, lsq_crew_names));
}

/* Index of a name, LSQ_ANY for "any"; below that: neither. */
static int index_of(const char *name, const char *const *names, int count)
{
    for (int i = 0; name && i < count; i++)
        if (!strcmp(name, names[i]))
            return i;
    return name && !strcmp(name, tune_any) ? LSQ_ANY : LSQ_ANY - 1;
}

static int place_of(const char *class, const char *batch, const char *crew, lsq_place *where)
{
    where->size_class = index_of(class, lsq_class_names, CLASSES);
    where->batch = index_of(batch, lsq_batch_names, BATCHES);
    where->crew = index_of(crew, lsq_crew_names, CREWS);
    return where->size_class >= LSQ_ANY && where->batch >= LSQ_ANY && where->crew >= LSQ_ANY;
}

/* Copies a name that begins with those of a kind, "gemv_p4_i8", each with a mark from `marks` behind it, and points at what is left. */
static int kind_of(const char *name, const char *marks, char copy[LSQ_TUNE_NAME_MAX], lsq_tune_kept *kind, char **rest)
{
    if (!name || strlen(name) >= LSQ_TUNE_NAME_MAX)
        return 0;
    *rest = memcpy(copy, name, strlen(name) + 1);
    const int op = index_of(strsep(rest, marks), lsq_op_names, OPS),
              codec = index_of(strsep(rest, marks), lsq_family_names, CODECS),
              act = index_of(strsep(rest, marks), lsq_act_names, ACTS);
    if (op < 0 || codec < 0 || act < 0)
        return 0;
    kind->op = (uint8_t)op;
    kind->codec = (uint8_t)codec;
    kind->act = (uint8_t)act;
    return 1;
}

/* ---- Reading: each function returns the reason for a refusal, or NULL ---- */

static const char *text_at(const json_t *item, const char *key)
{
    return json_string_value(json_object_get(item, key));
}

static int is_text(const json_t *document, const char *key, const char *expected)
{
    const char *text = text_at(document, key);
    return text && !strcmp(text, expected);
}

static const char *read_time(const json_t *item, const char *key, double *ns)
{
    const json_t *value = json_object_get(item, key);
    const json_int_t whole = json_integer_value(value); /* 0 if it is no integer */
    if (value && (whole < 1 || whole > 1ll << 53))
        return "a time is not a whole number of nanoseconds";
    *ns = (double)whole;
    return NULL;
}

static const char *read_tunables(const json_t *item, unsigned op, lsq_tunables *tunables)
{
    *tunables = lsq_tunables_default;
    for (unsigned t = 0; t < TUNABLES; t++) {
        const json_t *value = json_object_get(item, lsq_tunable_names[t]);
        if (value && lsq_tunable_ops[t] != op)
            return "a tunable is one of another op";
        if (value && (!json_is_integer(value) || !tune_is_legal(t, json_integer_value(value))))
            return "a tunable has a value that is not listed";
        if (value)
            tunables->value[t] = (uint32_t)json_integer_value(value);
    }
    return NULL;
}

/* Most rows are of another kind, which numbers tell sooner than names. */
static const lsq_kernel *row_of(const char *name)
{
    lsq_tune_kept kind;
    char copy[LSQ_TUNE_NAME_MAX], *rest;
    if (!kind_of(name, "_", copy, &kind, &rest))
        return NULL;
    for (const lsq_kernel *row = lsq_kernels; row < lsq_kernels + lsq_kernels_count; row++)
        if (row->op == kind.op && row->codec == kind.codec && row->act == kind.act && !strcmp(row->name, name))
            return row;
    return NULL;
}

/* Whatever products, if nothing is said of them. */
static const char *part_of_place(const json_t *item, const char *key)
{
    const json_t *value = json_object_get(item, key);
    return value ? json_string_value(value) : tune_any;
}

static const char *read_entry(const json_t *item, const lsq_cpu *cpu, lsq_tune_entry *entry, lsq_coverage *all)
{
    const lsq_kernel *kernel = row_of(text_at(item, "kernel"));
    if (!kernel)
        return "it names an unknown kernel";
    if (!lsq_kernel_runs(cpu, kernel))
        return "it names a kernel that this CPU cannot run";
    *entry = (lsq_tune_entry){.kernel = kernel};
    if (!place_of(part_of_place(item, "class"), part_of_place(item, "batch"), part_of_place(item, "threads"),
                  &entry->where))
        return "its class, batch or threads are unknown";
    const char *why = read_tunables(item, kernel->op, &entry->tunables);
    why = why ? why : read_time(item, "ns", &entry->ns);
    why = why ? why : read_time(item, "default_ns", &entry->default_ns);
    if (!why && lsq_covers(all, kernel->op, kernel->codec, kernel->act, &entry->where))
        why = "some product is there twice";
    lsq_cover(all, kernel->op, kernel->codec, kernel->act, &entry->where);
    return why;
}

/* "gemv_p4_i8/l3/any/one": what is not written so is no such name. */
static const char *read_kept(const json_t *item, lsq_tune_kept *kept, lsq_coverage *all)
{
    static const char why[] = "not the name of a kind and a place";
    const char *text = json_string_value(item);
    char copy[LSQ_TUNE_NAME_MAX], again[LSQ_TUNE_NAME_MAX], *rest;
    if (!kind_of(text, "_/", copy, kept, &rest))
        return why;
    const char *class = strsep(&rest, "/"), *batch = strsep(&rest, "/"), *crew = strsep(&rest, "/");
    if (!place_of(class, batch, crew, &kept->where))
        return why;
    lsq_tune_kept_name(kept, again);
    if (strcmp(again, text) != 0)
        return why;
    if (lsq_covers(all, kept->op, kept->codec, kept->act, &kept->where))
        return "some product is there twice";
    lsq_cover(all, kept->op, kept->codec, kept->act, &kept->where);
    return NULL;
}

/* Both lists. What was allocated is the caller's to free. */
static lsq_status read_lists(const json_t *document, const lsq_cpu *cpu, lsq_tune *tune, lsq_error *err)
{
    enum { MOST = OPS * CODECS * ACTS * CLASSES * BATCHES * CREWS };
    const json_t *entries = json_object_get(document, "entries"), *kept = json_object_get(document, "kept");
    const size_t count = json_array_size(entries), kept_count = json_array_size(kept);
    if (!json_is_array(entries) || !json_is_array(kept) || count + kept_count > MOST)
        return lsq_error_set(err, LSQ_E_MALFORMED, "\"entries\", \"kept\": expected arrays of together at most %d",
                             MOST);
    tune->entries = calloc(count + 1, sizeof(*tune->entries));
    tune->kept = calloc(kept_count + 1, sizeof(*tune->kept));
    if (!tune->entries || !tune->kept)
        return lsq_error_set(err, LSQ_E_NOMEM, "no memory for %zu entries", count + kept_count);
    lsq_coverage all = {{{{0}}}};
    for (; tune->count < count; tune->count++) {
        const char *why = read_entry(json_array_get(entries, tune->count), cpu, &tune->entries[tune->count], &all);
        if (why)
            return lsq_error_set(err, LSQ_E_MALFORMED, "entry %zu: %s", tune->count, why);
    }
    for (; tune->kept_count < kept_count; tune->kept_count++) {
        const char *why = read_kept(json_array_get(kept, tune->kept_count), &tune->kept[tune->kept_count], &all);
        if (why)
            return lsq_error_set(err, LSQ_E_MALFORMED, "kept %zu: %s", tune->kept_count, why);
    }
    return LSQ_OK;
}

/* Is the sum at the end that of what is before it? */
static int sum_matches(const char *text, size_t size)
{
    char tail[TUNE_TAIL_BYTES + 1];
    if (size < TUNE_TAIL_BYTES)
        return 0;
    snprintf(tail, sizeof(tail), tune_tail, fnv_add(FNV_START, text, size - TUNE_TAIL_BYTES));
    return !memcmp(text + size - TUNE_TAIL_BYTES, tail, TUNE_TAIL_BYTES);
}

/* Is it a whole document, and one for this machine and library? */
static lsq_status check_head(const json_t *document, const char *text, size_t size, const lsq_cpu *cpu, lsq_error *err)
{
    if (!is_text(document, "schema", tune_schema))
        return lsq_error_set(err, LSQ_E_UNSUPPORTED, "\"schema\" is not \"%s\"", tune_schema);
    if (!sum_matches(text, size))
        return lsq_error_set(err, LSQ_E_CHECKSUM, "damaged or edited: the checksum does not match");
    const tune_hex kernels = tune_hex_of(lsq_kernel_set_id()), fingerprint = tune_hex_of(lsq_tune_fingerprint(cpu));
    if (!is_text(document, "kernels", kernels.digits))
        return lsq_error_set(err, LSQ_E_UNSUPPORTED,
                             "stale: made for another set of kernels than this library's, %s; run lsq-tune again",
                             kernels.digits);
    if (!is_text(document, "fingerprint", fingerprint.digits))
        return lsq_error_set(err, LSQ_E_UNSUPPORTED, "foreign: made on another CPU than this one, %s",
                             fingerprint.digits);
    if (!text_at(document, "cpu") || !text_at(document, "library"))
        return lsq_error_set(err, LSQ_E_MALFORMED, "\"cpu\" or \"library\" is missing");
    return LSQ_OK;
}

lsq_status lsq_tune_parse(const char *text, size_t size, const lsq_cpu *cpu, lsq_tune *tune, lsq_error *err)
{
    const int saved = errno;
    json_error_t at;
    lsq_status status;
    lsq_tune made = {NULL, NULL, 0, 0};
    json_t *document = json_loadb(text, size, JSON_REJECT_DUPLICATES, &at);
    if (document) {
        status = check_head(document, text, size, cpu, err);
        if (status == LSQ_OK)
            status = read_lists(document, cpu, &made, err);
    } else if (json_error_code(&at) == json_error_out_of_memory) {
        status = lsq_error_set(err, LSQ_E_NOMEM, "no memory for %zu bytes of JSON", size);
    } else {
        status = lsq_error_set(err, LSQ_E_MALFORMED, "not JSON: line %d, column %d", at.line, at.column);
    }
    json_decref(document);
    if (status == LSQ_OK)
        *tune = made;
    else
        lsq_tune_free(&made);
    errno = saved;
    return status;
}
