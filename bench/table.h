/*
 * table.h - rows of results, as a table to read, as Markdown, as CSV or as one JSON document.
 */
#ifndef LSQ_BENCH_TABLE_H
#define LSQ_BENCH_TABLE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum bench_output {
    BENCH_TEXT,     /* aligned; rows appear as they come */
    BENCH_MARKDOWN, /* facts as a list, then a table as GitHub has them; likewise */
    BENCH_CSV,      /* RFC 4180: one line of keys, then rows; facts about the run are further columns of every row */
    BENCH_JSON      /* one document, at the end */
} bench_output;

/* Text if `decimals` is negative; those columns are aligned left. */
typedef struct bench_column {
    const char *key;          /* in JSON and CSV */
    const char *title, *unit; /* the two lines at the head of the table */
    int width, decimals;      /* width 0: only in JSON and CSV */
} bench_column;

typedef struct bench_cell {
    const char *text;
    double value; /* NaN: there is none, "-", null or nothing */
} bench_cell;

typedef struct bench_table bench_table;

/* Everything here must stay as long as the table. */
typedef struct bench_table_kind {
    const char *schema;
    const bench_column *columns;
    size_t count;
    size_t keys;        /* so many columns, the first ones, say which row it is */
    const char *figure; /* the key of what a row is about, where rows have no samples; otherwise NULL */
} bench_table_kind;

/*
 * Begins a table. The document is {"schema": ..., <facts>, "warnings": [...], "row_keys": [<key>, ...], "row_figure": <key>,
 * "rows": [{<key>: <cell>, ..., "sample_seconds": [...]}, ...]}; row_keys and row_figure are for `lsq-bench compare`, which needs to know
 * nothing else of a command. NULL if memory ran out.
 */
bench_table *bench_table_new(const bench_table_kind *kind, bench_output output);

/*
 * A fact about the run: a line above the table, or, after the first row, below it; not in CSV then, whose rows are gone. `key` must stay.
 */
void bench_table_context(bench_table *table, const char *key, const char *value);

/* An explanation of what is in the table; likewise, but never in CSV. */
void bench_table_note(bench_table *table, const char *key, const char *text);

/* What should be known before results are believed; only in the document: see bench_watch. */
void bench_table_warning(bench_table *table, const char *text);

/* `cells` has one for each column. The second also keeps the samples that the row's medians are of. */
void bench_table_row(bench_table *table, const bench_cell *cells);
void bench_table_timed_row(bench_table *table, const bench_cell *cells, const double *seconds, size_t count);

/* Frees the table; `print` = 0 drops a document that would be incomplete. */
void bench_table_end(bench_table *table, int print);

#ifdef __cplusplus
}
#endif

#endif
