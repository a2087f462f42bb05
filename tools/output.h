/*
 * output.h - standard output: tables for people, one JSON document for programs, and making sure that it arrived.
 */
#ifndef LSQ_TOOLS_OUTPUT_H
#define LSQ_TOOLS_OUTPUT_H

#include "tools/options.h"

/*
 * Prints `document` with "warnings" added, and releases it; NULL counts as memory having run out. Returns `code`, or
 * that of the failure.
 */
int output_json(arguments *args, json_t *document, int code);

/* To be called last: everything written is flushed. EXIT_OK or, with a message, EXIT_IO. */
int output_close(const arguments *args);

/* Makes sure that descriptors 0 to 2 are open, so that no file of ours can become standard output. */
void output_guard(void);

/* Columns of the terminal that standard output is; 0: it is none. */
size_t output_columns(void);

/*
 * Prints words from `column` on, where the cursor is, in lines of at most 80 columns; the later ones are indented. An empty line parts
 * paragraphs.
 */
void print_wrapped(const char *text, size_t column, size_t indent);

/* The same on a terminal, in lines as long as its own; in one line elsewhere. Text is escaped. */
void print_fitted(size_t column, size_t indent, const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * A table whose columns are as wide as their widest cell. On a terminal that is too narrow, names in the first column are
 * shortened, and others left out that may be; if it is too narrow without those as well, the table goes on below, with the names again. Text is escaped. All functions accept NULL.
 */
typedef struct table table;

/*
 * `heads` are the columns: those that begin with '?' may be left out, the last of them first, and with it the next one if that begins
 * with '&'; those that begin with '>', behind that, are aligned to the right. NULL: out of memory.
 */
table *table_new(size_t columns, const char *const *heads);

/* The next cell, row by row. */
void table_cell(table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints and frees it. Returns EXIT_OK, or with a message EXIT_MEMORY if a cell was lost. */
int table_print(table *t, const arguments *args);

#endif
