/*
 * record.c - documents of earlier runs.
 *
 * A document of ours says of itself which columns name a row ("row_keys") and where its samples are, so nothing here knows the commands.
 * Documents come from anywhere: whatever is not as expected is refused, with its place.
 */
#include "bench/record.h"

#include "bench/text.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 512, TEXT_MAX = 512, KEYS_MAX = 8, FACTS_MAX = 64 };

static const double shortest = 1e-12, longest = 1e6; /* seconds of a sample */

static lsq_status refuse(lsq_error *err, lsq_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static lsq_status refuse(lsq_error *err, lsq_status status, const char *format, ...)
{
    va_list arguments;
    if (!err)
        return status;
    err->status = status;
    va_start(arguments, format);
    vsnprintf(err->text, sizeof err->text, format, arguments);
    va_end(arguments);
    return status;
}

static lsq_status no_memory(lsq_error *err)
{
    return refuse(err, LSQ_E_NOMEM, "out of memory");
}

/* A copy that is fit to print. */
static char *safe_copy(const char *text)
{
    char safe[TEXT_MAX];
    bench_text_copy(safe, sizeof safe, text);
    return strdup(safe);
}

/* ---- Facts ---- */

/* The strings of an object, but for its schema. */
static lsq_status take_facts(const json_t *from, bench_record *record)
{
    const char *key;
    json_t *value;
    record->facts = calloc(FACTS_MAX, sizeof *record->facts);
    if (!record->facts)
        return LSQ_E_NOMEM;
    json_object_foreach((json_t *)from, key, value)
    {
        if (!json_is_string(value) || !strcmp(key, "schema") || !strncmp(key, "row_", 4) ||
            record->fact_count == FACTS_MAX)
            continue;
        bench_record_fact *fact = &record->facts[record->fact_count++];
        *fact = (bench_record_fact){safe_copy(key), safe_copy(json_string_value(value))};
        if (!fact->key || !fact->value)
            return LSQ_E_NOMEM;
    }
    return LSQ_OK;
}

/* ---- Rows ---- */

static lsq_status take_seconds(const json_t *value, double unit, double *seconds)
{
    if (!json_is_number(value))
        return LSQ_E_MALFORMED;
    *seconds = unit * json_number_value(value);
    return *seconds >= shortest && *seconds <= longest ? LSQ_OK : LSQ_E_MALFORMED;
}

/* Appends a key's value to a row's name; texts as they are, numbers with their key. */
static lsq_status add_to_name(char name[NAME_MAX_BYTES], const char *key, const json_t *value, size_t place,
                              lsq_error *err)
{
    const size_t length = strlen(name), left = NAME_MAX_BYTES - length;
    const char *gap = length ? " " : "";
    int more = 0;
    if (json_is_string(value))
        more = snprintf(name + length, left, "%s%s", gap, json_string_value(value));
    else if (json_is_number(value))
        more = snprintf(name + length, left, "%s%s=%.10g", gap, key, json_number_value(value));
    else
        return refuse(err, LSQ_E_MALFORMED, "rows[%zu].%.64s: expected a string or a number", place, key);
    if ((size_t)more >= left)
        return refuse(err, LSQ_E_MALFORMED, "rows[%zu].%.64s: the row's name is longer than %d bytes", place, key,
                      NAME_MAX_BYTES - 1);
    return LSQ_OK;
}

static lsq_status take_name(const json_t *row, const json_t *keys, size_t place, bench_record_row *to, lsq_error *err)
{
    char name[NAME_MAX_BYTES] = "";
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const char *key = json_string_value(json_array_get(keys, i));
        const lsq_status status = add_to_name(name, key, json_object_get(row, key), place, err);
        if (status)
            return status;
    }
    to->name = strdup(name);
    return to->name ? LSQ_OK : no_memory(err);
}

static lsq_status take_samples(const json_t *row, size_t place, bench_record_row *to, lsq_error *err)
{
    const json_t *samples = json_object_get(row, "sample_seconds");
    const size_t count = json_array_size(samples);
    if (count == 0)
        return refuse(err, LSQ_E_MALFORMED, "rows[%zu].sample_seconds: expected an array of numbers", place);
    to->samples = calloc(count, sizeof *to->samples);
    if (!to->samples)
        return no_memory(err);
    for (; to->count < count; to->count++)
        if (take_seconds(json_array_get(samples, to->count), 1, &to->samples[to->count]))
            return refuse(err, LSQ_E_MALFORMED, "rows[%zu].sample_seconds[%zu]: expected a number from %g to %g", place,
                          to->count, shortest, longest);
    return LSQ_OK;
}

static lsq_status take_figure(const json_t *row, const char *key, size_t place, bench_record_row *to, lsq_error *err)
{
    const json_t *value = json_object_get(row, key);
    if (json_is_null(value))
        return LSQ_OK;
    to->figure = json_number_value(value);
    if (!json_is_number(value) || !(fabs(to->figure) <= 1e15))
        return refuse(err, LSQ_E_MALFORMED, "rows[%zu].%.64s: expected a number up to 1e15, or null", place, key);
    return LSQ_OK;
}

static lsq_status check_keys(const json_t *keys, lsq_error *err)
{
    const size_t count = json_array_size(keys);
    int good = count >= 1 && count <= KEYS_MAX;
    for (size_t i = 0; good && i < count; i++)
        good = json_is_string(json_array_get(keys, i));
    return good ? LSQ_OK : refuse(err, LSQ_E_MALFORMED, "row_keys: expected an array of 1 to %d strings", KEYS_MAX);
}

/* A document that a table of ours made. */
static lsq_status take_table(const json_t *root, bench_record *record, lsq_error *err)
{
    const json_t *keys = json_object_get(root, "row_keys"), *rows = json_object_get(root, "rows");
    const char *figure = json_string_value(json_object_get(root, "row_figure"));
    lsq_status status = check_keys(keys, err);
    if (status)
        return status;
    if (!json_is_array(rows))
        return refuse(err, LSQ_E_MALFORMED, "rows: expected an array");
    record->schema = safe_copy(json_string_value(json_object_get(root, "schema")));
    record->figure = figure ? safe_copy(figure) : NULL;
    record->rows = calloc(json_array_size(rows) + 1, sizeof *record->rows);
    if (!record->schema || !record->rows || (figure && !record->figure) || take_facts(root, record))
        return no_memory(err);
    while (!status && record->count < json_array_size(rows)) {
        const size_t place = record->count++;
        bench_record_row *to = &record->rows[place];
        const json_t *row = json_array_get(rows, place);
        *to = (bench_record_row){.figure = NAN, .place = place};
        if (!json_is_object(row))
            return refuse(err, LSQ_E_MALFORMED, "rows[%zu]: expected an object", place);
        status = take_name(row, keys, place, to, err);
        if (!status)
            status = figure ? take_figure(row, figure, place, to, err) : take_samples(row, place, to, err);
    }
    return status;
}

/* ---- Google Benchmark ---- */

static double unit_of(const json_t *run)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = {{"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}};
    const char *name = json_string_value(json_object_get(run, "time_unit"));
    for (size_t i = 0; name && i < sizeof units / sizeof *units; i++)
        if (!strcmp(name, units[i].name))
            return units[i].seconds;
    return 0;
}

/* The name without what Google Benchmark adds to it: how often it ran must not make it another case. */
static char *plain_name(const char *name)
{
    static const char *const added[] = {"iterations:", "repeats:", "manual_time", "real_time", "process_time"};
    char *copy = strdup(name);
    for (size_t i = 0; copy && i < sizeof added / sizeof *added;) {
        char *slash = strrchr(copy, '/');
        if (slash && !strncmp(slash + 1, added[i], strlen(added[i]))) {
            *slash = 0;
            i = 0; /* and what stands before it */
        } else {
            i++;
        }
    }
    return copy;
}

/* One repetition as a row of its own, or none where the run is something else: a median of others, or a failure. */
static lsq_status take_run(const json_t *run, size_t place, bench_record *record, lsq_error *err)
{
    const char *type = json_string_value(json_object_get(run, "run_type"));
    const char *name = json_string_value(json_object_get(run, "run_name"));
    const double unit = unit_of(run);
    if (!json_is_object(run))
        return refuse(err, LSQ_E_MALFORMED, "benchmarks[%zu]: expected an object", place);
    if ((type && strcmp(type, "iteration") != 0) || json_is_true(json_object_get(run, "error_occurred")))
        return LSQ_OK;
    if (!name)
        name = json_string_value(json_object_get(run, "name"));
    if (!name || strlen(name) >= NAME_MAX_BYTES)
        return refuse(err, LSQ_E_MALFORMED, "benchmarks[%zu].run_name: expected a string of less than %d bytes", place,
                      NAME_MAX_BYTES);
    if (unit == 0)
        return refuse(err, LSQ_E_MALFORMED, "benchmarks[%zu].time_unit: expected ns, us, ms or s", place);
    bench_record_row *to = &record->rows[record->count++];
    *to = (bench_record_row){
        .name = plain_name(name), .samples = malloc(sizeof *to->samples), .count = 1, .figure = NAN, .place = place};
    if (!to->name || !to->samples)
        return no_memory(err);
    if (take_seconds(json_object_get(run, "real_time"), unit, to->samples))
        return refuse(err, LSQ_E_MALFORMED, "benchmarks[%zu].real_time: expected a number from %g to %g seconds", place,
                      shortest, longest);
    return LSQ_OK;
}

static int by_name_and_place(const void *a, const void *b)
{
    const bench_record_row *x = a, *y = b;
    const int order = strcmp(x->name, y->name);
    return order ? order : (x->place > y->place) - (x->place < y->place);
}

static int by_place(const void *a, const void *b)
{
    const bench_record_row *x = a, *y = b;
    return (x->place > y->place) - (x->place < y->place);
}

/* Rows of one name, which stand together, become one with all their samples. */
static lsq_status join_repetitions(bench_record *record)
{
    size_t joined = 0;
    for (size_t i = 0, end; i < record->count; i = end) {
        for (end = i + 1; end < record->count && !strcmp(record->rows[end].name, record->rows[i].name);)
            end++;
        double *samples = malloc((end - i) * sizeof *samples);
        if (!samples)
            return LSQ_E_NOMEM; /* all that is left to free stands where it stood: see below */
        for (size_t k = i; k < end; k++) {
            samples[k - i] = record->rows[k].samples[0];
            free(record->rows[k].samples);
            record->rows[k].samples = NULL;
            if (k > i) {
                free(record->rows[k].name);
                record->rows[k].name = NULL;
            }
        }
        bench_record_row row = record->rows[i];
        record->rows[i] = (bench_record_row){0};
        row.samples = samples;
        row.count = end - i;
        record->rows[joined++] = row;
    }
    record->count = joined;
    return LSQ_OK;
}

static lsq_status take_google(const json_t *root, bench_record *record, lsq_error *err)
{
    const json_t *runs = json_object_get(root, "benchmarks");
    lsq_status status = LSQ_OK;
    if (!json_is_array(runs))
        return refuse(err, LSQ_E_MALFORMED, "benchmarks: expected an array");
    record->schema = strdup("google-benchmark");
    record->rows = calloc(json_array_size(runs) + 1, sizeof *record->rows);
    if (!record->schema || !record->rows || take_facts(json_object_get(root, "context"), record))
        return no_memory(err);
    for (size_t i = 0; !status && i < json_array_size(runs); i++)
        status = take_run(json_array_get(runs, i), i, record, err);
    if (status)
        return status;
    qsort(record->rows, record->count, sizeof *record->rows, by_name_and_place);
    if (join_repetitions(record))
        return no_memory(err);
    qsort(record->rows, record->count, sizeof *record->rows, by_place);
    return LSQ_OK;
}

/* ---- By name ---- */

static int by_name(const void *a, const void *b)
{
    const bench_record_row *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

const bench_record_row **bench_record_sorted(const bench_record *record)
{
    const bench_record_row **sorted = calloc(record->count + 1, sizeof *sorted);
    for (size_t i = 0; sorted && i < record->count; i++)
        sorted[i] = &record->rows[i];
    if (sorted)
        qsort(sorted, record->count, sizeof *sorted, by_name);
    return sorted;
}

const bench_record_row *bench_record_find(const bench_record *record, const bench_record_row *const *sorted,
                                          const char *name)
{
    const bench_record_row wanted = {.name = (char *)name}, *const key = &wanted;
    const bench_record_row *const *found = bsearch(&key, sorted, record->count, sizeof *sorted, by_name);
    return found ? *found : NULL;
}

static lsq_status check_names(const bench_record *record, lsq_error *err)
{
    const bench_record_row **sorted = bench_record_sorted(record);
    lsq_status status = sorted ? LSQ_OK : no_memory(err);
    for (size_t i = 1; !status && i < record->count; i++)
        if (!strcmp(sorted[i - 1]->name, sorted[i]->name))
            status = refuse(err, LSQ_E_MALFORMED, "rows[%zu] and rows[%zu]: both are of '%.100s'", sorted[i - 1]->place,
                            sorted[i]->place, sorted[i]->name);
    free(sorted);
    return status;
}

/* ---- Documents ---- */

static lsq_status take_root(const json_t *root, bench_record *record, lsq_error *err)
{
    lsq_status status;
    if (json_is_string(json_object_get(root, "schema")))
        status = take_table(root, record, err);
    else if (json_is_object(json_object_get(root, "context")))
        status = take_google(root, record, err);
    else
        return refuse(err, LSQ_E_MALFORMED,
                      "neither a document of lsq-bench (it has \"schema\") nor of Google Benchmark (\"context\")");
    record->warnings = json_array_size(json_object_get(root, "warnings"));
    return status ? status : check_names(record, err);
}

lsq_status bench_record_parse(const char *text, size_t size, bench_record *record, lsq_error *err)
{
    json_error_t error;
    *record = (bench_record){0};
    if (size > BENCH_RECORD_MAX)
        return refuse(err, LSQ_E_LIMIT, "longer than %zu MiB", BENCH_RECORD_MAX >> 20);
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return refuse(err, LSQ_E_MALFORMED, "line %d, column %d: expected JSON: %s", error.line, error.column,
                      error.text);
    const lsq_status status = take_root(root, record, err);
    json_decref(root);
    if (status)
        bench_record_free(record);
    return status;
}

/* All of a file, or of a pipe; one byte more than allowed is enough to know. */
static char *read_all(FILE *file, size_t *size)
{
    size_t room = 1 << 16;
    char *text = malloc(room);
    *size = 0;
    while (text) {
        const size_t got = fread(text + *size, 1, room - *size, file);
        *size += got;
        if (got == 0 || *size > BENCH_RECORD_MAX)
            return text;
        if (*size < room)
            continue;
        char *longer = realloc(text, 2 * room);
        if (!longer)
            free(text);
        text = longer;
        room *= 2;
    }
    return NULL;
}

lsq_status bench_record_read(const char *path, bench_record *record, lsq_error *err)
{
    size_t size;
    *record = (bench_record){0};
    FILE *file = fopen(path, "r");
    if (!file)
        return refuse(err, LSQ_E_IO, "%s", strerror(errno));
    errno = 0;
    char *text = read_all(file, &size);
    lsq_status status = text ? LSQ_OK : no_memory(err);
    if (!status && ferror(file))
        status = refuse(err, LSQ_E_IO, "%s", strerror(errno));
    fclose(file);
    if (!status)
        status = bench_record_parse(text, size, record, err);
    free(text);
    return status;
}

void bench_record_free(bench_record *record)
{
    for (size_t i = 0; i < record->count; i++) {
        free(record->rows[i].name);
        free(record->rows[i].samples);
    }
    for (size_t i = 0; i < record->fact_count; i++) {
        free(record->facts[i].key);
        free(record->facts[i].value);
    }
    free(record->rows);
    free(record->facts);
    free(record->schema);
    free(record->figure);
    *record = (bench_record){0};
}
