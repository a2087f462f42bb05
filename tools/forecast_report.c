/*
 * forecast_report.c - what a network would take, as a table, in full or as JSON.
 */
#include "tools/forecast_report.h"
#include "tools/numbers.h"
#include "tools/output.h"
#include "tools/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const fits[] = {[FITS_NOT] = "no", [FITS_STREAMED] = "streamed", [FITS_RESIDENT] = "resident"};
static const double LEAST_SNR = 10;

static const char *slower(const outlook *o, const forecast *f)
{
    return forecast_disk(f, o->disk.bytes_per_second) > forecast_memory(f, 1) ? "disk" : "memory";
}

/* Without the curve, on which neither size nor speed depends. */
static const char *part_name(const part *p, char name[LSQ_FORMAT_NAME_MAX])
{
    *name = 0;
    lsq_format_name(&p->format, name);
    char *curve = strstr(name, ".curve"); /* it is the last qualifier */
    if (curve)
        *curve = 0;
    return name;
}

/* ---- What the figures rest on: the same sentences for all forms of the report ---- */

enum { NOTES_MAX = 8, NOTE_MAX = 400 };

typedef struct notes {
    char text[NOTES_MAX][NOTE_MAX];
    size_t count;
} notes;

static void add(notes *n, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(notes *n, const char *format, ...)
{
    va_list list;
    if (n->count == NOTES_MAX)
        return;
    va_start(list, format);
    vsnprintf(n->text[n->count++], NOTE_MAX, format, list);
    va_end(list);
}

static void note_disk(notes *n, const outlook *o)
{
    char rate[NUMBER_TEXT_MAX], bytes[NUMBER_TEXT_MAX];
    bytes_text(o->disk.bytes_per_second, rate);
    if (o->disk.bytes == 0)
        add(n, "disk: %s a second, as given", rate);
    else
        add(n,
            "disk: %s a second, measured: %s of %s from beginning to end, %s; a cache of the device or of a host is "
            "not seen",
            rate, bytes_text(o->disk.bytes, bytes), o->temporary ? "a temporary file" : "the file",
            o->disk.direct ? "past the system's cache" : "which the system was asked to forget before");
}

static void note_tables(notes *n, const outlook *o)
{
    const forecast *f = &o->each[0];
    char bytes[NUMBER_TEXT_MAX];
    if (!o->path) {
        add(n, "weights alone are counted: no header, embeddings not told apart, sizes as of matrices of %d x %d",
            TYPICAL_ROWS, TYPICAL_COLUMNS);
        if (!o->largest_given)
            add(n,
                "the largest matrix is taken to be 1/%.0f of the weights, as %d x %d in Mistral 7B, more than in most "
                "larger "
                "networks: --largest says it",
                TYPICAL_NETWORK / ((double)TYPICAL_ROWS * TYPICAL_COLUMNS), TYPICAL_ROWS, TYPICAL_COLUMNS);
    }
    if (f->looked_up > 0)
        add(n, "embeddings (%s%s) are looked up, and not counted as read", bytes_text(f->looked_up, bytes),
            o->count > 1 ? " in the first format" : "");
    if (f->unclear > 0)
        add(n, "embeddings (%s%s) are counted as read: by names and shapes they may be the output layer too",
            bytes_text(f->unclear, bytes), o->count > 1 ? " in the first format" : "");
    if (f->plain > 0.01 * f->read)
        add(n, "%s of what is read is not quantised, and not in the time from memory", bytes_text(f->plain, bytes));
}

static void note_all(notes *n, const outlook *o)
{
    char used[NUMBER_TEXT_MAX], cache[NUMBER_TEXT_MAX];
    note_disk(n, o);
    bytes_text((double)o->rates.used, used);
    add(n, "memory: products with up to %s of codes, decoding included; the last cache is %s%s", used,
        bytes_text((double)o->rates.cache, cache),
        o->rates.used > o->rates.cache ? "" : ", so this may be faster than memory is");
    note_tables(n, o);
    add(n, "a token reads every weight once, a mixture of experts fewer; activations and the cache of attention come "
           "on top");
    add(n,
        "SNR: measured just now on Gaussian weights; below some %.0f dB a network that was not trained for it is not "
        "preserved",
        LEAST_SNR);
}

/* ---- JSON ---- */

static json_t *rates_json(const forecast *f)
{
    json_t *parts = json_array();
    for (size_t i = 0; parts && i < f->part_count; i++) {
        const part *p = &f->parts[i];
        char name[LSQ_FORMAT_NAME_MAX];
        json_t *one = json_pack("{s:s, s:f, s:f, s:f, s:f, s:o}", "codec", part_name(p, name), "weights", p->weights,
                                "bytes", p->bytes, "weights_per_second_one_thread", p->rates[0], "weights_per_second",
                                p->rates[1], "snr_db", number_json(-10 * log10(p->noise)));
        if (json_array_append_new(parts, one) != 0) {
            json_decref(parts);
            return NULL;
        }
    }
    return parts;
}

static json_t *forecast_json(const outlook *o, const forecast *f)
{
    json_t *bytes =
        json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:o}", "bits_per_weight", forecast_bits(f), "file_bytes",
                  f->file, "resident_bytes", f->bytes, "streamed_bytes", forecast_streamed(f), "read_bytes", f->read,
                  "looked_up_bytes", f->looked_up, "plain_bytes", f->plain, "largest_bytes", f->largest, "largest",
                  f->largest_name ? json_string(f->largest_name) : json_null());
    json_t *rest = json_pack("{s:o, s:f, s:o, s:f, s:f, s:f, s:s, s:o, s:o}", "codec",
                             *f->name ? json_string(f->name) : json_null(), "weights", f->weights, "parts",
                             rates_json(f), "seconds_from_disk", forecast_disk(f, o->disk.bytes_per_second),
                             "seconds_from_memory_one_thread", forecast_memory(f, 0), "seconds_from_memory",
                             forecast_memory(f, 1), "slower", slower(o, f), "snr_db", number_json(forecast_snr(f)),
                             "fits", o->ram > 0 ? json_string(fits[forecast_fit(f, o->ram)]) : json_null());
    if (!bytes || !rest || json_object_update(rest, bytes) != 0) {
        json_decref(rest);
        rest = NULL;
    }
    json_decref(bytes);
    return rest;
}

static json_t *list_json(const outlook *o, const notes *n, json_t **sentences)
{
    json_t *each = json_array();
    *sentences = json_array();
    int lost = !each || !*sentences;
    for (size_t i = 0; !lost && i < o->count; i++)
        lost = json_array_append_new(each, forecast_json(o, &o->each[i])) != 0;
    for (size_t i = 0; !lost && i < n->count; i++)
        lost = json_array_append_new(*sentences, json_string(n->text[i])) != 0;
    if (lost) {
        json_decref(each);
        json_decref(*sentences);
        *sentences = NULL;
    }
    return lost ? NULL : each;
}

static json_t *outlook_json(const outlook *o, const notes *n)
{
    json_t *sentences, *each = list_json(o, n, &sentences);
    const char *how = o->disk.bytes == 0 ? "given" : o->disk.direct ? "direct" : "forgotten";
    json_t *disk = json_pack("{s:f, s:f, s:s, s:o}", "bytes_per_second", o->disk.bytes_per_second, "read_bytes",
                             o->disk.bytes, "how", how, "source",
                             o->disk.bytes == 0 ? json_null() : json_string(o->temporary ? "temporary" : "model"));
    json_t *memory = json_pack("{s:i, s:f, s:f}", "threads", (int)o->rates.threads, "read_bytes", (double)o->rates.used,
                               "last_cache_bytes", (double)o->rates.cache);
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "schema", "lsq.plan/1", "model",
                     o->path ? text_json(o->path) : json_null(), "format",
                     o->format ? json_string(o->format) : json_null(), "ram_bytes",
                     o->ram > 0 ? json_real(o->ram) : json_null(), "disk", disk, "memory", memory, "forecasts", each,
                     "notes", sentences);
}

/* ---- Words ---- */

static void snr_cell(table *t, const forecast *f)
{
    if (isfinite(forecast_snr(f)))
        table_cell(t, "%.2f", forecast_snr(f));
    else
        table_cell(t, "-");
}

/* All formats: a row each, no wider than a terminal. */
static int print_table(const arguments *args, const outlook *o)
{
    char all[24], text[NUMBER_TEXT_MAX];
    const char *heads[9] = {"codec", ">bits", ">file", ">streamed", ">disk s", ">1 thread"};
    size_t columns = 6;
    int several = o->rates.threads > 1;
    snprintf(all, sizeof all, ">%u threads", o->rates.threads);
    if (several)
        heads[columns++] = all;
    heads[columns++] = ">dB";
    if (o->ram > 0)
        heads[columns++] = "fits";
    table *t = table_new(columns, heads);
    for (size_t i = 0; i < o->count; i++) {
        const forecast *f = &o->each[i];
        table_cell(t, "%s", f->name);
        table_cell(t, "%.3f", forecast_bits(f));
        table_cell(t, "%s", bytes_text(f->file, text));
        table_cell(t, "%s", bytes_text(forecast_streamed(f), text));
        table_cell(t, "%s", seconds_text(forecast_disk(f, o->disk.bytes_per_second), text));
        for (int all_of_them = 0; all_of_them <= several; all_of_them++)
            table_cell(t, "%s", seconds_text(forecast_memory(f, all_of_them), text));
        snr_cell(t, f);
        if (o->ram > 0)
            table_cell(t, "%s", fits[forecast_fit(f, o->ram)]);
    }
    int code = table_print(t, args);
    print_wrapped(
        "bits: a weight; file: also the memory that all of it takes; streamed: the memory of two buffers; then the "
        "seconds a token takes, from disk, and from memory on so many threads: what is streamed takes the larger of "
        "them",
        0, 2);
    return code;
}

static void line(const char *head, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void line(const char *head, const char *format, ...)
{
    char text[NOTE_MAX];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    printf("%-14s  ", head);
    print_fitted(16, 16, "%s", text);
}

static void print_speed(const outlook *o, const forecast *f)
{
    char text[NUMBER_TEXT_MAX];
    line("read a token", "%s", bytes_text(f->read, text));
    if (f->looked_up > 0)
        line("looked up", "%s", bytes_text(f->looked_up, text));
    line("from disk", "%s s a token", seconds_text(forecast_disk(f, o->disk.bytes_per_second), text));
    line("from memory", "%s s a token on 1 thread", seconds_text(forecast_memory(f, 0), text));
    if (o->rates.threads > 1)
        line("", "%s s on %u", seconds_text(forecast_memory(f, 1), text), o->rates.threads);
    line("slower", "%s: what a token takes when streamed", slower(o, f));
    for (size_t i = 0; i < f->part_count; i++) {
        const part *p = &f->parts[i];
        char name[LSQ_FORMAT_NAME_MAX];
        for (int all = 0; all <= (o->rates.threads > 1); all++)
            line(i + (size_t)all ? "" : "products", "%s: %.3g weights/s (%s/s) on %u thread%s", part_name(p, name),
                 p->rates[all], bytes_text(p->rates[all] * p->bytes / p->weights, text), all ? o->rates.threads : 1,
                 all ? "s" : "");
    }
}

static int print_one(const outlook *o, const forecast *f)
{
    char text[NUMBER_TEXT_MAX];
    line("weights", "%.0f", f->weights);
    if (*f->name)
        line("format", "%s", f->name);
    line("bits a weight", "%.3f, everything counted", forecast_bits(f));
    line("file", "%s (%.0f bytes)", bytes_text(f->file, text), f->file);
    line("in memory", "%s resident", bytes_text(f->bytes, text));
    line("", "%s streamed, in two buffers", bytes_text(forecast_streamed(f), text));
    line("largest tensor", "%s%s%s", bytes_text(f->largest, text), f->largest_name ? ", " : "",
         f->largest_name ? f->largest_name : "");
    print_speed(o, f);
    if (isfinite(forecast_snr(f)))
        line("SNR", "%.2f dB of Gaussian weights", forecast_snr(f));
    if (forecast_snr(f) < LEAST_SNR)
        line("", "too little for a network that was not trained for it");
    if (o->ram > 0)
        line("fits", "%s, into %s", fits[forecast_fit(f, o->ram)], bytes_text(o->ram, text));
    return EXIT_OK;
}

int outlook_report(arguments *args, const outlook *o)
{
    notes n = {.count = 0};
    int result = o->ram > 0 ? EXIT_CHECK : EXIT_OK;
    for (size_t i = 0; i < o->count; i++)
        result = o->ram > 0 && forecast_fit(&o->each[i], o->ram) != FITS_NOT ? EXIT_OK : result;
    note_all(&n, o);
    if (args->json)
        return output_json(args, outlook_json(o, &n), result);
    if (!args->quiet) {
        int code = o->count > 1 ? print_table(args, o) : print_one(o, &o->each[0]);
        if (code != EXIT_OK)
            return code;
        putchar('\n');
        for (size_t i = 0; i < n.count; i++)
            print_wrapped(n.text[i], 0, 2);
    }
    if (result == EXIT_CHECK)
        fputs("lsq plan: it fits neither resident nor streamed\n", stderr);
    return result;
}
