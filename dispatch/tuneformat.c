/*
 * tuneformat.c - writing the document of a tune file, a line for each entry. Nothing in it depends on the locale: all numbers are whole.
 */
#include "dispatch/error.h"
#include "dispatch/fnv.h"
#include "dispatch/tunedoc.h"

#include <jansson.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Nothing is said of what is "any". */
static void set_part(json_t *item, const char *key, int value, const char *const *names)
{
    if (value != LSQ_ANY)
        json_object_set_new(item, key, json_string(names[value]));
}

static json_t *entry_json(const lsq_tune_entry *entry)
{
    json_t *item = json_pack("{s:s}", "kernel", entry->kernel->name);
    set_part(item, "class", entry->where.size_class, lsq_class_names);
    set_part(item, "batch", entry->where.batch, lsq_batch_names);
    set_part(item, "threads", entry->where.crew, lsq_crew_names);
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

static const char *refuse_entry(const lsq_tune_entry *entry, const lsq_cpu *cpu, lsq_coverage *all)
{
    const lsq_kernel *kernel = entry->kernel;
    if (!time_fits(entry->ns) || !time_fits(entry->default_ns))
        return "a time out of range";
    if (!lsq_kernel_runs(cpu, kernel))
        return "a kernel that this CPU cannot run";
    for (unsigned t = 0; t < TUNABLES; t++)
        if (lsq_tunable_ops[t] == kernel->op ? !tune_is_legal(t, entry->tunables.value[t])
                                             : entry->tunables.value[t] != lsq_tunables_default.value[t])
            return "a tunable out of range";
    if (lsq_covers(all, kernel->op, kernel->codec, kernel->act, &entry->where))
        return "some product is there twice";
    lsq_cover(all, kernel->op, kernel->codec, kernel->act, &entry->where);
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
    int good = fprintf(out, "{\n \"schema\": \"%s\",\n \"fingerprint\": \"%s\",\n \"cpu\": ", tune_schema,
                       tune_hex_of(lsq_tune_fingerprint(cpu)).digits) > 0 &&
               name && !json_dumpf(name, out, JSON_ENCODE_ANY) &&
               fprintf(out, ",\n \"library\": \"%s\",\n \"kernels\": \"%s\",\n \"entries\": [", lsq_version(),
                       tune_hex_of(lsq_kernel_set_id()).digits) > 0;
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
    lsq_coverage all = {{{{0}}}};
    for (size_t i = 0; i < tune->count; i++) {
        const char *why = refuse_entry(&tune->entries[i], cpu, &all);
        if (why)
            return lsq_error_set(err, LSQ_E_ARGUMENT, "entry %zu: %s", i, why);
    }
    for (size_t i = 0; i < tune->kept_count; i++) {
        const lsq_tune_kept *kept = &tune->kept[i];
        if (lsq_covers(&all, kept->op, kept->codec, kept->act, &kept->where))
            return lsq_error_set(err, LSQ_E_ARGUMENT, "kept %zu: some product is there twice", i);
        lsq_cover(&all, kept->op, kept->codec, kept->act, &kept->where);
    }
    const int saved = errno;
    char *made = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&made, &size);
    int good = out && put_document(out, cpu, tune) && !fflush(out);
    good = good && fprintf(out, tune_tail, fnv_add(FNV_START, made, size)) > 0;
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
