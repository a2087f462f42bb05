/*
 * record.h - results of an earlier run, read back from the document that `lsq-bench --json` printed, Google Benchmark's included.
 */
#ifndef LSQ_BENCH_RECORD_H
#define LSQ_BENCH_RECORD_H

#include <lsq/lsq.h>

#include <stddef.h>

typedef struct bench_record_row {
    char *name;      /* what the row is of: "s4 threads=1 n=4" */
    double *samples; /* seconds, malloc; NULL where the document has a figure instead */
    size_t count;
    double figure; /* NaN: there is none */
    size_t place;  /* which row of the document it is, or begins with */
} bench_record_row;

typedef struct bench_record_fact {
    char *key, *value;
} bench_record_fact;

typedef struct bench_record {
    char *schema;           /* "google-benchmark" of a document of that */
    char *figure;           /* what rows without samples are about; NULL: all rows have samples */
    bench_record_row *rows; /* in the order of the document, no two of one name */
    bench_record_fact *facts;
    size_t count, fact_count, warnings; /* warnings: how many the run had */
} bench_record;

/* No longer document is read. */
#define BENCH_RECORD_MAX ((size_t)32 << 20)

/*
 * Reads a file. LSQ_E_IO, LSQ_E_LIMIT, LSQ_E_MALFORMED (err says where and what was expected), LSQ_E_NOMEM. The second reads `size`
 * bytes of a document.
 */
lsq_status bench_record_read(const char *path, bench_record *record, lsq_error *err);
lsq_status bench_record_parse(const char *text, size_t size, bench_record *record, lsq_error *err);
void bench_record_free(bench_record *record);

/* The row of that name, or NULL. As long as bench_record_parse() takes to sort, for all of them together. */
const bench_record_row *bench_record_find(const bench_record *record, const bench_record_row *const *sorted,
                                          const char *name);

/* The rows by name, for the above; malloc, NULL if memory ran out. */
const bench_record_row **bench_record_sorted(const bench_record *record);

#endif
