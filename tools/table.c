/*
 * table.c - a table whose columns are as wide as their widest cell, or as the terminal lets them be.
 */
#include "tools/output.h"
#include "tools/messages.h"
#include "tools/names.h"
#include "tools/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 16, CELL_MAX = 2048 };

struct table {
    size_t columns, count, space; /* cells so far, heads included, and room for them */
    char **cells;
    int right[COLUMNS_MAX], minor[COLUMNS_MAX], joined[COLUMNS_MAX];
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
        const char *head = heads[i];
        t->minor[i] = *head == '?' || *head == '&';
        t->joined[i] = *head == '&';
        head += t->minor[i];
        t->right[i] = *head == '>';
        add(t, head + t->right[i]);
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

/* ---- Fitting a terminal ------------------------------------------------------------------------------------------ */

/* Of the columns that names in the first column have they keep so many, at least; and so many before others are left out. */
enum { NAME_LEAST = 24, NAME_USUAL = 30 };

/* What is printed: of a table that is wider than the terminal in several parts, one below the other, each with the names. */
typedef struct part {
    size_t first, end; /* columns beside that of names */
    size_t width[COLUMNS_MAX];
    int left_out[COLUMNS_MAX];
} part;

static size_t width_of(const part *p, size_t column)
{
    return p->left_out[column] ? 0 : 2 + p->width[column];
}

static size_t widest(const table *t, size_t column)
{
    size_t width = 0;
    for (size_t i = column; i < t->count; i += t->columns) {
        const size_t own = text_width(t->cells[i]);
        width = own > width ? own : width;
    }
    return width;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Leaves columns out that may be, from the right on until names and the others fit; none if these do not fit without all of them. */
static void leave_out(const table *t, size_t names, size_t limit, part *p)
{
    const size_t usual = smaller(names, NAME_USUAL), spared = usual - smaller(names, NAME_LEAST);
    size_t sum = usual;
    for (size_t i = 1; i < t->columns; i++)
        sum += width_of(p, i);
    for (size_t i = t->columns; i-- > 1 && (sum > limit || (i + 1 < t->columns && t->joined[i + 1]));)
        if (t->minor[i]) {
            sum -= width_of(p, i);
            p->left_out[i] = 1;
        }
    if (sum - spared > limit)
        memset(p->left_out, 0, sizeof p->left_out);
}

/* As many columns from p->first on as fit, at least one; names take what is left. */
static void take_columns(const table *t, size_t names, size_t limit, part *p)
{
    const size_t least = smaller(names, NAME_LEAST);
    size_t sum = least;
    p->end = p->first;
    while (p->end < t->columns && (sum == least || sum + width_of(p, p->end) <= limit))
        sum += width_of(p, p->end++);
    p->width[0] = smaller(names, least + (sum < limit ? limit - sum : 0));
}

/* ---- Printing ---------------------------------------------------------------------------------------------------- */

static void print_part(const table *t, const arguments *args, const part *p)
{
    for (size_t row = 0; row < t->count; row += t->columns) {
        size_t blanks = 0; /* owed to the next cell that shows something, so that no line ends in them */
        if (args->color && row == 0)
            fputs("\033[1m", stdout);
        for (size_t i = 0; i < p->end; i = i ? i + 1 : p->first) {
            const char *cell = t->cells[row + i];
            const size_t width = text_width(cell), pad = width < p->width[i] ? p->width[i] - width : 0;
            if (p->left_out[i])
                continue;
            if (*cell) {
                printf("%*s", (int)(blanks + (t->right[i] ? pad : 0)), "");
                if (i == 0)
                    name_print(cell, p->width[0]);
                else
                    fputs(cell, stdout);
                blanks = t->right[i] ? 0 : pad;
            } else
                blanks += pad;
            blanks += 2;
        }
        if (args->color && row == 0)
            fputs("\033[0m", stdout);
        putchar('\n');
    }
}

static void print_cells(const table *t, const arguments *args)
{
    const size_t columns = output_columns(), limit = columns ? columns : SIZE_MAX, names = widest(t, 0);
    part p = {.first = 1};
    for (size_t i = 1; i < t->columns; i++)
        p.width[i] = widest(t, i);
    leave_out(t, names, limit, &p);
    for (int parts = 0; p.first < t->columns || !parts; p.first = p.end, parts++) {
        take_columns(t, names, limit, &p);
        if (parts)
            putchar('\n');
        print_part(t, args, &p);
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
