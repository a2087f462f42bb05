/*
 * tunefile.c - the document of a tune file: docs/man/lsq-tune.5.scd describes it field by field.
 *
 * A tune file can only choose among kernels that give the right result, so a wrong one costs speed, never correctness.
 * Still it is believed whole or not at all: half a file is a mix of two measurements. "checksum", the last member, is
 * FNV-1a over all bytes before it, so that checking costs less than parsing and whatever an editor changes shows.
 */
#include "dispatch/tunefile.h"

#include "dispatch/error.h"
#include "dispatch/fnv.h"

#include <jansson.h>

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char schema[] = "lsq.tune/2";
static const char tail_before[] = "\"checksum\": \"", tail_behind[] = "\"\n}\n";

enum { DIGITS = 16, TAIL = sizeof(tail_before) - 1 + DIGITS + sizeof(tail_behind) - 1 };

typedef struct hex {
    char digits[DIGITS + 1];
} hex;

static hex hex_of(uint64_t number)
{
    hex text;
    snprintf(text.digits, sizeof(text.digits), "%016" PRIx64, number);
    return text;
}

void lsq_tune_free(lsq_tune *tune)
{
    free(tune->entries);
    free(tune->kept);
    *tune = (lsq_tune){NULL, NULL, 0, 0};
}

/* ---- Names of places ---- */

static const char any[] = "any";

static const char *name_of(int value, const char *const *names)
{
    return value == LSQ_ANY ? any : names[value];
}

/* Index of a name, LSQ_ANY for "any" if that is allowed; -2: neither. */
static int index_of(const char *name, const char *const *names, int count, int or_any)
{
    for (int i = 0; name && i < count; i++)
        if (!strcmp(name, names[i]))
            return i;
    return or_any && name && !strcmp(name, any) ? LSQ_ANY : -2;
}

static int place_of(const char *class, const char *batch, const char *crew, lsq_place *where)
{
    where->size_class = index_of(class, lsq_class_names, CLASSES, 1);
    where->batch = index_of(batch, lsq_batch_names, BATCHES, 1);
    where->crew = index_of(crew, lsq_crew_names, CREWS, 1);
    return where->size_class >= LSQ_ANY && where->batch >= LSQ_ANY && where->crew >= LSQ_ANY;
}

void lsq_tune_kept_name(const lsq_tune_kept *kept, char name[LSQ_TUNE_NAME_MAX])
{
    const lsq_place *where = &kept->where;
    snprintf(name, LSQ_TUNE_NAME_MAX, "%s_%s_%s/%s/%s/%s", lsq_op_names[kept->op], lsq_family_names[kept->codec],
             lsq_act_names[kept->act], name_of(where->size_class, lsq_class_names),
             name_of(where->batch, lsq_batch_names), name_of(where->crew, lsq_crew_names));
}

/* ---- What a document is about: a bit for each place of each kind ---- */

typedef struct coverage {
    uint32_t places[OPS][CODECS][ACTS];
} coverage;

/* 0 if some product is there already. */
static int cover(coverage *all, unsigned op, unsigned codec, unsigned act, const lsq_place *where)
{
    uint32_t places = 0;
    for (int i = 0; i < CLASSES * BATCHES * CREWS; i++)
        if (lsq_places_meet(where, &(lsq_place){i / (BATCHES * CREWS), i / CREWS % BATCHES, i % CREWS}))
            places |= 1u << i;
    uint32_t *taken = &all->places[op][codec][act];
    const int fresh = !(*taken & places);
    *taken |= places;
    return fresh;
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

static int is_legal(unsigned tunable, json_int_t value)
{
    const uint32_t *legal;
    for (size_t i = 0; (legal = lsq_tunable_legal(tunable, i)); i++)
        if (*legal == value)
            return 1;
    return 0;
}

static const char *read_tunables(const json_t *item, unsigned op, lsq_tunables *tunables)
{
    *tunables = lsq_tunables_default;
    for (unsigned t = 0; t < TUNABLES; t++) {
        const json_t *value = json_object_get(item, lsq_tunable_names[t]);
        if (value && lsq_tunable_ops[t] != op)
            return "a tunable is one of another op";
        if (value && (!json_is_integer(value) || !is_legal(t, json_integer_value(value))))
            return "a tunable has a value that is not listed";
        if (value)
            tunables->value[t] = (uint32_t)json_integer_value(value);
    }
    return NULL;
}

static const char *read_entry(const json_t *item, const lsq_cpu *cpu, lsq_tune_entry *entry, coverage *all)
{
    const char *name = text_at(item, "kernel");
    const lsq_kernel *kernel = name ? lsq_kernel_find(name) : NULL;
    if (!kernel)
        return "it names an unknown kernel";
    if (!is_text(item, "op", lsq_op_names[kernel->op]) || !is_text(item, "codec", lsq_family_names[kernel->codec]) ||
        !is_text(item, "act", lsq_act_names[kernel->act]))
        return "it names a kernel of another kind";
    if (!lsq_kernel_runs(cpu, kernel))
        return "it names a kernel that this CPU cannot run";
    *entry = (lsq_tune_entry){.kernel = kernel};
    if (!place_of(text_at(item, "class"), text_at(item, "batch"), text_at(item, "threads"), &entry->where))
        return "its class, batch or threads are missing or unknown";
    const char *why = read_tunables(item, kernel->op, &entry->tunables);
    why = why ? why : read_time(item, "ns", &entry->ns);
    why = why ? why : read_time(item, "default_ns", &entry->default_ns);
    if (!why && !cover(all, kernel->op, kernel->codec, kernel->act, &entry->where))
        why = "some product is there twice";
    return why;
}

/* "gemv_p4_i8/l3/any/one": six names, and whatever is not written so is no such name. */
static const char *read_kept(const json_t *item, lsq_tune_kept *kept, coverage *all)
{
    char copy[LSQ_TUNE_NAME_MAX], again[LSQ_TUNE_NAME_MAX], *rest = copy, *part[6];
    const char *text = json_string_value(item);
    if (!text || strlen(text) >= sizeof(copy))
        return "not the name of a kind and a place";
    memcpy(copy, text, strlen(text) + 1);
    for (size_t i = 0; i < 6; i++)
        part[i] = strsep(&rest, "_/");
    const int op = index_of(part[0], lsq_op_names, OPS, 0), codec = index_of(part[1], lsq_family_names, CODECS, 0),
              act = index_of(part[2], lsq_act_names, ACTS, 0);
    if (op < 0 || codec < 0 || act < 0 || !place_of(part[3], part[4], part[5], &kept->where))
        return "not the name of a kind and a place";
    kept->op = (uint8_t)op;
    kept->codec = (uint8_t)codec;
    kept->act = (uint8_t)act;
    lsq_tune_kept_name(kept, again);
    if (strcmp(again, text) != 0)
        return "not the name of a kind and a place";
    return cover(all, kept->op, kept->codec, kept->act, &kept->where) ? NULL : "some product is there twice";
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
    coverage all = {{{{0}}}};
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
    if (size < TAIL)
        return 0;
    const hex sum = hex_of(fnv_add(FNV_START, text, size - TAIL));
    const char *at = text + size - TAIL;
    return !memcmp(at, tail_before, sizeof(tail_before) - 1) &&
           !memcmp(at + sizeof(tail_before) - 1, sum.digits, DIGITS) &&
           !memcmp(at + sizeof(tail_before) - 1 + DIGITS, tail_behind, sizeof(tail_behind) - 1);
}

/* Is it a whole document, and one for this machine and library? */
static lsq_status check_head(const json_t *document, const char *text, size_t size, const lsq_cpu *cpu, lsq_error *err)
{
    if (!is_text(document, "schema", schema))
        return lsq_error_set(err, LSQ_E_UNSUPPORTED, "\"schema\" is not \"%s\"", schema);
    if (!sum_matches(text, size))
        return lsq_error_set(err, LSQ_E_CHECKSUM, "damaged or edited: the checksum does not match");
    const hex kernels = hex_of(lsq_kernel_set_id()), fingerprint = hex_of(lsq_tune_fingerprint(cpu));
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

/* ---- Writing ---- */

static json_t *entry_json(const lsq_tune_entry *entry)
{
    const lsq_kernel *kernel = entry->kernel;
    json_t *item = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "op", lsq_op_names[kernel->op], "codec",
                             lsq_family_names[kernel->codec], "act", lsq_act_names[kernel->act], "class",
                             name_of(entry->where.size_class, lsq_class_names), "batch",
                             name_of(entry->where.batch, lsq_batch_names), "threads",
                             name_of(entry->where.crew, lsq_crew_names), "kernel", kernel->name);
    for (unsigned t = 0; t < TUNABLES; t++)
        if (entry->tunables.value[t] != lsq_tunables_default.value[t])
            json_object_set_new(item, lsq_tunable_names[t], json_integer(entry->tunables.value[t]));
    if (entry->ns > 0)
        json_object_set_new(item, "ns", json_integer((json_int_t)rint(entry->ns)));
    if (entry->default_ns > 0)
        json_object_set_new(item, "default_ns", json_integer((json_int_t)rint(entry->default_ns)));
    return item;
}

static int time_fits(double ns)
{
    return ns == 0 || (ns >= 1 && ns <= 9007199254740992.0); /* false for NaN */
}

static const char *refuse_entry(const lsq_tune_entry *entry, const lsq_cpu *cpu, coverage *all)
{
    const lsq_kernel *kernel = entry->kernel;
    if (!time_fits(entry->ns) || !time_fits(entry->default_ns))
        return "a time out of range";
    if (!lsq_kernel_runs(cpu, kernel))
        return "a kernel that this CPU cannot run";
    for (unsigned t = 0; t < TUNABLES; t++)
        if (lsq_tunable_ops[t] == kernel->op ? !is_legal(t, entry->tunables.value[t])
                                             : entry->tunables.value[t] != lsq_tunables_default.value[t])
            return "a tunable out of range";
    return cover(all, kernel->op, kernel->codec, kernel->act, &entry->where) ? NULL : "some product is there twice";
}

/* CPUs name themselves in ASCII, or not at all; anything else would not be JSON. */
static void plain_text(char *to, size_t room, const char *from, size_t from_room)
{
    size_t length = strnlen(from, from_room < room ? from_room : room - 1);
    for (size_t i = 0; i < length; i++)
        to[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
    to[length] = 0;
}

/* An item of an array, a line. 0 if memory ran out. */
static int put_item(FILE *out, json_t *item, int is_first)
{
    const int good = item && fputs(is_first ? "\n  " : ",\n  ", out) >= 0 && !json_dumpf(item, out, JSON_ENCODE_ANY);
    json_decref(item);
    return good;
}

/* Everything before the checksum. 0 if memory ran out. */
static int put_document(FILE *out, const lsq_cpu *cpu, const lsq_tune *tune)
{
    char brand[sizeof(cpu->brand) + 1];
    plain_text(brand, sizeof(brand), cpu->brand, sizeof(cpu->brand));
    json_t *name = json_string(brand);
    int good = fprintf(out, "{\n \"schema\": \"%s\",\n \"fingerprint\": \"%s\",\n \"cpu\": ", schema,
                       hex_of(lsq_tune_fingerprint(cpu)).digits) > 0 &&
               name && !json_dumpf(name, out, JSON_ENCODE_ANY) &&
               fprintf(out, ",\n \"library\": \"%s\",\n \"kernels\": \"%s\",\n \"entries\": [", lsq_version(),
                       hex_of(lsq_kernel_set_id()).digits) > 0;
    json_decref(name);
    for (size_t i = 0; good && i < tune->count; i++)
        good = put_item(out, entry_json(&tune->entries[i]), i == 0);
    good = good && fputs("\n ],\n \"kept\": [", out) >= 0;
    for (size_t i = 0; good && i < tune->kept_count; i++) {
        char kept[LSQ_TUNE_NAME_MAX];
        lsq_tune_kept_name(&tune->kept[i], kept);
        good = put_item(out, json_string(kept), i == 0);
    }
    return good && fputs("\n ],\n ", out) >= 0;
}

lsq_status lsq_tune_format(const lsq_cpu *cpu, const lsq_tune *tune, char **text, lsq_error *err)
{
    coverage all = {{{{0}}}};
    for (size_t i = 0; i < tune->count; i++) {
        const char *why = refuse_entry(&tune->entries[i], cpu, &all);
        if (why)
            return lsq_error_set(err, LSQ_E_ARGUMENT, "entry %zu: %s", i, why);
    }
    for (size_t i = 0; i < tune->kept_count; i++)
        if (!cover(&all, tune->kept[i].op, tune->kept[i].codec, tune->kept[i].act, &tune->kept[i].where))
            return lsq_error_set(err, LSQ_E_ARGUMENT, "kept %zu: some product is there twice", i);
    const int saved = errno;
    char *made = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&made, &size);
    int good = out && put_document(out, cpu, tune) && !fflush(out);
    good = good && fprintf(out, "%s%s%s", tail_before, hex_of(fnv_add(FNV_START, made, size)).digits, tail_behind) > 0;
    if (out && fclose(out))
        good = 0;
    errno = saved;
    if (!good) {
        free(made);
        return lsq_error_set(err, LSQ_E_NOMEM, "no memory for the text of %zu entries", tune->count);
    }
    *text = made;
    return LSQ_OK;
}
