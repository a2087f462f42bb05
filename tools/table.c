/*
 * table.c - a table whose columns are as wide as their widest cell.
 */
#include "tools/output.h"
#include "tools/messages.h"
#include "tools/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { COLUMNS_MAX = 16, CELL_MAX = 2048 };

struct table {
    size_t columns, count, space; /* cells so far, heads included, and room for them */
    char **cells;
    int right[COLUMNS_MAX];
    int lost; /* memory ran out */
};

static void add(table *t, const char *text)
{
    if (t->count == t->space) {
        size_t space = 2 * t->space + 64;
        char **cells = realloc(t->cells, space * sizeof *cells);
        if (!cells) {
            t->lost = 1;
            return;
        }
        t->cells = cells;
        t->space = space;
    }
    t->cells[t->count] = text_escape(text);
    t->lost |= !t->cells[t->count];
    t->count++;
}

table *table_new(size_t columns, const char *const *heads)
{
    table *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->columns = columns;
    for (size_t i = 0; i < columns; i++) {
        t->right[i] = *heads[i] == '>';
        add(t, heads[i] + t->right[i]);
    }
    return t;
}

void table_cell(table *t, const char *format, ...)
{
    char text[CELL_MAX];
    va_list list;
    if (!t)
        return;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    add(t, text);
}

static void print_cells(const table *t, const arguments *args)
{
    size_t width[COLUMNS_MAX] = {0};
    for (size_t i = 0; i < t->count; i++) {
        size_t w = text_width(t->cells[i]);
        if (w > width[i % t->columns])
            width[i % t->columns] = w;
    }
    size_t blanks = 0; /* owed to the next cell that shows something, so that no line ends in them */
    for (size_t i = 0; i < t->count; i++) {
        size_t column = i % t->columns, last = column == t->columns - 1;
        size_t pad = width[column] - text_width(t->cells[i]);
        if (args->color && i == 0)
            fputs("\033[1m", stdout);
        if (*t->cells[i]) {
            printf("%*s%s", (int)(blanks + (t->right[column] ? pad : 0)), "", t->cells[i]);
            blanks = t->right[column] ? 0 : pad;
        } else
            blanks += pad;
        blanks = last ? 0 : blanks + 2;
        if (args->color && i == t->columns - 1)
            fputs("\033[0m", stdout);
        if (last)
            putchar('\n');
    }
}

int table_print(table *t, const arguments *args)
{
    int code = EXIT_OK;
    if (!t || t->lost)
        code = out_of_memory(args);
    else
        print_cells(t, args);
    for (size_t i = 0; t && i < t->count; i++)
        free(t->cells[i]);
    free(t ? t->cells : NULL);
    free(t);
    return code;
}
