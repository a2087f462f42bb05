#include "bench/table.h"

#include "bench/text.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 256 };

struct bench_table {
    const bench_column *columns;
    size_t count;
    int begun;    /* the head is printed */
    json_t *root; /* NULL: a printed table */
    json_t *rows; /* in root */
};

bench_table *bench_table_new(const char *schema, const bench_column *columns, size_t count, int json)
{
    bench_table *table = calloc(1, sizeof *table);
    if (!table)
        return NULL;
    table->columns = columns;
    table->count = count;
    if (json) {
        table->rows = json_array();
        table->root = json_pack("{s:s}", "schema", schema);
        if (!table->root || !table->rows) {
            bench_table_end(table, 0);
            return NULL;
        }
    }
    return table;
}

void bench_table_context(bench_table *table, const char *key, const char *value)
{
    if (table->root)
        json_object_set_new(table->root, key, json_string(value));
    else
        printf("%s: %s\n", key, value);
}

static void print_text(const bench_table *table, size_t i, const char *text)
{
    const bench_column *column = &table->columns[i];
    const char *gap = i ? "  " : "";
    if (column->decimals >= 0)
        printf("%s%*s", gap, column->width, text);
    else if (i + 1 < table->count)
        printf("%s%-*s", gap, column->width, text);
    else
        printf("%s%s", gap, text);
}

static void print_row(bench_table *table, const bench_cell *cells)
{
    if (!table->begun) {
        for (size_t i = 0; i < table->count; i++)
            print_text(table, i, table->columns[i].title);
        putchar('\n');
        for (size_t i = 0; i < table->count; i++)
            print_text(table, i, table->columns[i].unit);
        putchar('\n');
        table->begun = 1;
    }
    for (size_t i = 0; i < table->count; i++) {
        char text[TEXT_MAX] = "-";
        if (table->columns[i].decimals < 0 && cells[i].text)
            bench_text_copy(text, sizeof text, cells[i].text);
        else if (table->columns[i].decimals >= 0 && !isnan(cells[i].value))
            snprintf(text, sizeof text, "%.*f", table->columns[i].decimals, cells[i].value);
        print_text(table, i, text);
    }
    putchar('\n');
    fflush(stdout);
}

static void append_row(bench_table *table, const bench_cell *cells)
{
    json_t *row = json_object();
    for (size_t i = 0; i < table->count; i++) {
        json_t *value = json_null();
        char text[TEXT_MAX];
        if (table->columns[i].decimals >= 0 && isfinite(cells[i].value)) {
            value = json_real(cells[i].value);
        } else if (table->columns[i].decimals < 0 && cells[i].text) {
            bench_text_copy(text, sizeof text, cells[i].text);
            value = json_string(text);
        }
        json_object_set_new(row, table->columns[i].key, value);
    }
    json_array_append_new(table->rows, row);
}

void bench_table_row(bench_table *table, const bench_cell *cells)
{
    if (table->root)
        append_row(table, cells);
    else
        print_row(table, cells);
}

void bench_table_end(bench_table *table, int print)
{
    if (!table)
        return;
    if (table->root && print) {
        json_object_set(table->root, "rows", table->rows);
        json_dumpf(table->root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(10));
        putchar('\n');
    }
    json_decref(table->rows);
    json_decref(table->root);
    free(table);
}
