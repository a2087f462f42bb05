#include "bench/table.h"

#include "bench/text.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 256, FACT_MAX = 512, FACTS_MAX = 32 };

struct bench_table {
    const bench_table_kind *kind;
    bench_output output;
    int begun; /* the head is printed */
    int below; /* there is a fact below the table */
    struct fact {
        const char *key;
        char *value;
    } facts[FACTS_MAX]; /* of CSV, for every row */
    size_t fact_count;
    json_t *root, *rows, *warnings; /* of the document; NULL otherwise */
};

bench_table *bench_table_new(const bench_table_kind *kind, bench_output output)
{
    bench_table *table = calloc(1, sizeof *table);
    if (!table)
        return NULL;
    table->kind = kind;
    table->output = output;
    if (output != BENCH_JSON)
        return table;
    table->rows = json_array();
    table->warnings = json_array();
    table->root = json_pack("{s:s}", "schema", kind->schema);
    if (!table->root || !table->rows || !table->warnings) {
        bench_table_end(table, 0);
        return NULL;
    }
    return table;
}

/* ---- Cells ---- */

static int is_number(const bench_table *table, size_t i)
{
    return table->kind->columns[i].decimals >= 0;
}

/* As it is shown to people. */
static void show_cell(const bench_table *table, size_t i, const bench_cell *cell, char text[TEXT_MAX])
{
    snprintf(text, TEXT_MAX, "-");
    if (is_number(table, i) && !isnan(cell->value))
        snprintf(text, TEXT_MAX, "%.*f", table->kind->columns[i].decimals, cell->value);
    else if (!is_number(table, i) && cell->text)
        bench_text_copy(text, TEXT_MAX, cell->text);
}

/* The shortest digits that are this number and no other. */
static void show_exactly(double value, char text[TEXT_MAX])
{
    int digits = 15;
    do
        snprintf(text, TEXT_MAX, "%.*g", digits, value);
    while (strtod(text, NULL) != value && digits++ < 17);
}

/* ---- Text ---- */

static void print_text(const bench_table *table, size_t i, const char *text)
{
    const bench_column *column = &table->kind->columns[i];
    size_t last = table->kind->count - 1;
    while (last > 0 && table->kind->columns[last].width == 0)
        last--;
    if (column->width == 0)
        return;
    if (is_number(table, i))
        printf("%s%*s", i ? "  " : "", column->width, text);
    else
        printf("%s%-*s", i && (i < last || *text) ? "  " : "", i < last ? column->width : 0, text);
}

static void print_head(const bench_table *table)
{
    putchar('\n');
    for (size_t i = 0; i < table->kind->count; i++)
        print_text(table, i, table->kind->columns[i].title);
    putchar('\n');
    for (size_t i = 0; i < table->kind->count; i++)
        print_text(table, i, table->kind->columns[i].unit);
    putchar('\n');
}

static void print_row(const bench_table *table, const bench_cell *cells)
{
    char text[TEXT_MAX];
    for (size_t i = 0; i < table->kind->count; i++) {
        show_cell(table, i, &cells[i], text);
        print_text(table, i, text);
    }
    putchar('\n');
}

/* ---- Markdown ---- */

/* So that it is text, whatever is in it. */
static void print_escaped(const char *text)
{
    for (; *text; text++) {
        if (strchr("\\|*<`[", *text))
            putchar('\\');
        putchar(*text);
    }
}

static void print_markdown_head(const bench_table *table)
{
    putchar('\n');
    for (size_t i = 0; i < table->kind->count; i++)
        if (table->kind->columns[i].width) {
            fputs("| ", stdout);
            print_escaped(table->kind->columns[i].title);
            if (*table->kind->columns[i].unit)
                putchar(' ');
            print_escaped(table->kind->columns[i].unit);
            putchar(' ');
        }
    fputs("|\n", stdout);
    for (size_t i = 0; i < table->kind->count; i++)
        if (table->kind->columns[i].width)
            fputs(is_number(table, i) ? "| ---: " : "| --- ", stdout);
    fputs("|\n", stdout);
}

static void print_markdown_row(const bench_table *table, const bench_cell *cells)
{
    char text[TEXT_MAX];
    for (size_t i = 0; i < table->kind->count; i++)
        if (table->kind->columns[i].width) {
            show_cell(table, i, &cells[i], text);
            fputs("| ", stdout);
            print_escaped(text);
            putchar(' ');
        }
    fputs("|\n", stdout);
}

/* ---- CSV ---- */

static void print_field(const char *text, int is_first)
{
    if (!is_first)
        putchar(',');
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, stdout);
        return;
    }
    putchar('"');
    for (; *text; text++) {
        if (*text == '"')
            putchar('"');
        putchar(*text);
    }
    putchar('"');
}

static void print_csv_head(const bench_table *table)
{
    for (size_t i = 0; i < table->kind->count; i++)
        print_field(table->kind->columns[i].key, i == 0);
    for (size_t i = 0; i < table->fact_count; i++)
        print_field(table->facts[i].key, 0);
    fputs("\r\n", stdout);
}

static void print_csv_row(const bench_table *table, const bench_cell *cells)
{
    char text[TEXT_MAX];
    for (size_t i = 0; i < table->kind->count; i++) {
        *text = 0;
        if (is_number(table, i) && isfinite(cells[i].value))
            show_exactly(cells[i].value, text);
        else if (!is_number(table, i) && cells[i].text)
            bench_text_copy(text, TEXT_MAX, cells[i].text);
        print_field(text, i == 0);
    }
    for (size_t i = 0; i < table->fact_count; i++)
        print_field(table->facts[i].value, 0);
    fputs("\r\n", stdout);
}

static void keep_fact(bench_table *table, const char *key, const char *value)
{
    if (table->begun || table->fact_count == FACTS_MAX)
        return;
    char *copy = strdup(value);
    if (copy)
        table->facts[table->fact_count++] = (struct fact){key, copy};
}

/* ---- The document ---- */

static json_t *json_cell(const bench_table *table, size_t i, const bench_cell *cell)
{
    char text[TEXT_MAX];
    if (is_number(table, i) && isfinite(cell->value))
        return json_real(cell->value);
    if (is_number(table, i) || !cell->text)
        return json_null();
    bench_text_copy(text, sizeof text, cell->text);
    return json_string(text);
}

static void append_row(bench_table *table, const bench_cell *cells, const double *seconds, size_t count)
{
    json_t *row = json_object();
    for (size_t i = 0; i < table->kind->count; i++)
        json_object_set_new(row, table->kind->columns[i].key, json_cell(table, i, &cells[i]));
    if (seconds) {
        json_t *samples = json_array();
        for (size_t i = 0; i < count; i++)
            json_array_append_new(samples, json_real(seconds[i]));
        json_object_set_new(row, "sample_seconds", samples);
    }
    json_array_append_new(table->rows, row);
}

static void print_document(const bench_table *table)
{
    json_t *keys = json_array();
    for (size_t i = 0; i < table->kind->keys; i++)
        json_array_append_new(keys, json_string(table->kind->columns[i].key));
    json_object_set(table->root, "warnings", table->warnings);
    json_object_set_new(table->root, "row_keys", keys);
    if (table->kind->figure)
        json_object_set_new(table->root, "row_figure", json_string(table->kind->figure));
    json_object_set(table->root, "rows", table->rows);
    json_dumpf(table->root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(10));
    putchar('\n');
}

/* ---- All of them ---- */

void bench_table_context(bench_table *table, const char *key, const char *value)
{
    char safe[FACT_MAX];
    bench_text_copy(safe, sizeof safe, value);
    if (table->output == BENCH_JSON) {
        json_object_set_new(table->root, key, json_string(safe));
        return;
    }
    if (table->output == BENCH_CSV) {
        keep_fact(table, key, safe);
        return;
    }
    if (table->begun && !table->below)
        putchar('\n');
    table->below = table->begun;
    if (table->output == BENCH_TEXT) {
        printf("%s: %s\n", key, safe);
        return;
    }
    fputs("- ", stdout);
    print_escaped(key);
    fputs(": ", stdout);
    print_escaped(safe);
    putchar('\n');
}

void bench_table_note(bench_table *table, const char *key, const char *text)
{
    if (table->output != BENCH_CSV)
        bench_table_context(table, key, text);
}

void bench_table_warning(bench_table *table, const char *text)
{
    if (table->output == BENCH_JSON)
        json_array_append_new(table->warnings, json_string(text));
}

void bench_table_timed_row(bench_table *table, const bench_cell *cells, const double *seconds, size_t count)
{
    static void (*const heads[])(const bench_table *table) = {print_head, print_markdown_head, print_csv_head};
    static void (*const rows[])(const bench_table *table, const bench_cell *cells) = {print_row, print_markdown_row,
                                                                                      print_csv_row};
    if (table->output == BENCH_JSON) {
        append_row(table, cells, seconds, count);
        return;
    }
    if (!table->begun)
        heads[table->output](table);
    table->begun = 1;
    rows[table->output](table, cells);
    fflush(stdout);
}

void bench_table_row(bench_table *table, const bench_cell *cells)
{
    bench_table_timed_row(table, cells, NULL, 0);
}

void bench_table_end(bench_table *table, int print)
{
    if (!table)
        return;
    if (table->root && print)
        print_document(table);
    for (size_t i = 0; i < table->fact_count; i++)
        free(table->facts[i].value);
    json_decref(table->warnings);
    json_decref(table->rows);
    json_decref(table->root);
    free(table);
}
