/*
 * table.h - rows of results, as an aligned table or as one JSON document.
 */
#ifndef LSQ_BENCH_TABLE_H
#define LSQ_BENCH_TABLE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Text if `decimals` is negative; those columns are aligned left. */
typedef struct bench_column {
    const char *key;          /* in JSON */
    const char *title, *unit; /* the two lines at the head of the table */
    int width, decimals;
} bench_column;

typedef struct bench_cell {
    const char *text;
    double value; /* NaN: there is none, "-" or null */
} bench_cell;

typedef struct bench_table bench_table;

/*
 * Begins a table of the given columns, which must stay. `json` = 0: rows appear on stdout as they come. Otherwise one document
 * does at the end: {"schema": ..., <context>, "rows": [{<key>: <cell>, ...}, ...]}. NULL if memory ran out.
 */
bench_table *bench_table_new(const char *schema, const bench_column *columns, size_t count, int json);

/* A fact about the run: a line above the table, a member of the document. */
void bench_table_context(bench_table *table, const char *key, const char *value);

/* `cells` has one for each column. */
void bench_table_row(bench_table *table, const bench_cell *cells);

/* Frees the table; `print` = 0 drops a document that would be incomplete. */
void bench_table_end(bench_table *table, int print);

#ifdef __cplusplus
}
#endif

#endif
