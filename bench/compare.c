/*
 * compare.c - `lsq-bench compare`: two documents of one command, row by row, and what of their differences chance would not make.
 */
#include "bench/command.h"
#include "bench/record.h"
#include "bench/significance.h"
#include "bench/table.h"
#include "bench/turn.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double enough = 0.01; /* a smaller p is no chance */

static const bench_column timed_columns[] = {
    {"row", "row", "", 40, -1},           {"a_microseconds", "A", "us", 12, 3},
    {"a_spread", "spread", "+- %", 6, 1}, {"b_microseconds", "B", "us", 12, 3},
    {"b_spread", "spread", "+- %", 6, 1}, {"times_a", "B: x speed", "of A", 10, 3},
    {"p", "chance", "p", 7, 4},           {"verdict", "B is", "", 16, -1},
    {"a_samples", "samples", "A", 0, 0},  {"b_samples", "samples", "B", 0, 0},
};
enum { TIMED_COLUMNS = sizeof timed_columns / sizeof *timed_columns };

static const bench_column figure_columns[] = {
    {"row", "row", "", 40, -1},         {"a", "A", "", 10, 3},           {"b", "B", "", 10, 3},
    {"difference", "B - A", "", 10, 3}, {"verdict", "B is", "", 16, -1},
};
enum { FIGURE_COLUMNS = sizeof figure_columns / sizeof *figure_columns };

typedef enum verdict { EQUAL, MORE, LESS, UNDECIDED, ONLY_A, ONLY_B, VERDICTS } verdict;

/* In the words of times, and of figures. */
static const char *const timed_words[VERDICTS] = {"equal",           "faster",    "slower",
                                                  "too few samples", "only in A", "only in B"},
                         *const figure_words[VERDICTS] = {"equal",          "higher",    "lower",
                                                          "without figure", "only in A", "only in B"};

typedef struct comparison {
    const bench_record *a, *b;
    const char *const *words;
    bench_table *table;
    bench_table_kind kind;
    bench_column columns[TIMED_COLUMNS]; /* the first as wide as the longest name */
    size_t verdicts[VERDICTS];
    double log_sum; /* of the ratios of all rows that both have */
    size_t ratios;
} comparison;

/* ---- Rows ---- */

typedef struct side {
    double microseconds, spread, count;
} side;

/* Median and spread; `scratch` has room for the samples. */
static side side_of(const bench_record_row *row, double *scratch)
{
    if (!row)
        return (side){NAN, NAN, NAN};
    memcpy(scratch, row->samples, row->count * sizeof *scratch);
    const double median = bench_median(scratch, row->count);
    return (side){1e6 * median, 100 * bench_spread(scratch, row->count) / median, (double)row->count};
}

static verdict judge(const bench_difference *difference)
{
    if (difference->least >= enough)
        return UNDECIDED;
    if (difference->p >= enough || difference->sign == 0)
        return EQUAL;
    return difference->sign < 0 ? MORE : LESS; /* less time is more speed */
}

/* One of the two may be NULL. */
static lsq_status add_timed(comparison *c, const bench_record_row *a, const bench_record_row *b)
{
    bench_difference difference = {NAN, 0, 0};
    const size_t room = (a ? a->count : 0) + (b ? b->count : 0);
    double *scratch = malloc(room * sizeof *scratch);
    if (!scratch)
        return LSQ_E_NOMEM;
    verdict found = a ? ONLY_A : ONLY_B;
    const side of_a = side_of(a, scratch), of_b = side_of(b, scratch);
    if (a && b) {
        memcpy(scratch, a->samples, a->count * sizeof *scratch);
        memcpy(scratch + a->count, b->samples, b->count * sizeof *scratch);
        if (!bench_differ(scratch, a->count, scratch + a->count, b->count, &difference)) {
            free(scratch);
            return LSQ_E_NOMEM;
        }
        found = judge(&difference);
        c->log_sum += log(of_a.microseconds / of_b.microseconds);
        c->ratios++;
    }
    free(scratch);
    c->verdicts[found]++;
    const bench_cell cells[TIMED_COLUMNS] = {
        {a ? a->name : b->name, NAN}, {NULL, of_a.microseconds}, {NULL, of_a.spread},
        {NULL, of_b.microseconds},    {NULL, of_b.spread},       {NULL, of_a.microseconds / of_b.microseconds},
        {NULL, difference.p},         {c->words[found], NAN},    {NULL, of_a.count},
        {NULL, of_b.count},
    };
    bench_table_row(c->table, cells);
    return LSQ_OK;
}

static lsq_status add_figure(comparison *c, const bench_record_row *a, const bench_record_row *b)
{
    const double of_a = a ? a->figure : NAN, of_b = b ? b->figure : NAN;
    verdict found = EQUAL;
    if (!a || !b)
        found = a ? ONLY_A : ONLY_B;
    else if (isnan(of_a) || isnan(of_b))
        found = UNDECIDED;
    else if (of_a != of_b)
        found = of_b > of_a ? MORE : LESS;
    c->verdicts[found]++;
    const bench_cell cells[FIGURE_COLUMNS] = {
        {a ? a->name : b->name, NAN}, {NULL, of_a}, {NULL, of_b}, {NULL, of_b - of_a}, {c->words[found], NAN},
    };
    bench_table_row(c->table, cells);
    return LSQ_OK;
}

/* In the order of A, then what only B has. */
static lsq_status add_rows(comparison *c)
{
    lsq_status (*const add)(comparison * c, const bench_record_row *a, const bench_record_row *b) =
        c->a->figure ? add_figure : add_timed;
    const bench_record_row **in_a = bench_record_sorted(c->a), **in_b = bench_record_sorted(c->b);
    lsq_status status = in_a && in_b ? LSQ_OK : LSQ_E_NOMEM;
    for (size_t i = 0; !status && i < c->a->count; i++)
        status = add(c, &c->a->rows[i], bench_record_find(c->b, in_b, c->a->rows[i].name));
    for (size_t i = 0; !status && i < c->b->count; i++)
        if (!bench_record_find(c->a, in_a, c->b->rows[i].name))
            status = add(c, NULL, &c->b->rows[i]);
    free(in_a);
    free(in_b);
    return status;
}

/* ---- Above and below ---- */

static const char *fact_of(const bench_record *record, const char *key)
{
    for (size_t i = 0; i < record->fact_count; i++)
        if (!strcmp(record->facts[i].key, key))
            return record->facts[i].value;
    return NULL;
}

/* What was otherwise when B was measured. */
static void tell_facts(const comparison *c)
{
    char text[1100];
    for (size_t i = 0; i < c->a->fact_count; i++) {
        const bench_record_fact *fact = &c->a->facts[i];
        const char *other = fact_of(c->b, fact->key);
        if (other && !strcmp(other, fact->value))
            continue;
        snprintf(text, sizeof text, "A: %.240s; B: %.240s", fact->value, other ? other : "not said");
        bench_table_context(c->table, fact->key, text);
    }
    for (size_t i = 0; i < c->b->fact_count; i++) {
        const bench_record_fact *fact = &c->b->facts[i];
        if (fact_of(c->a, fact->key))
            continue;
        snprintf(text, sizeof text, "A: not said; B: %.240s", fact->value);
        bench_table_context(c->table, fact->key, text);
    }
    snprintf(text, sizeof text, "A: %zu; B: %zu", c->a->warnings, c->b->warnings);
    if (c->a->warnings || c->b->warnings)
        bench_table_context(c->table, "warnings_of_runs", text);
}

static void explain(const comparison *c)
{
    char text[256];
    if (c->a->figure) {
        bench_table_context(c->table, "figure", c->a->figure);
        return;
    }
    snprintf(
        text, sizeof text,
        "how often two runs of equal speed differ as much, by Mann-Whitney U; below %g B is called faster or slower",
        enough);
    bench_table_note(c->table, "p", text);
}

static void sum_up(const comparison *c)
{
    char text[400];
    int length = 0;
    for (int i = 0; i < VERDICTS; i++) {
        static const verdict order[VERDICTS] = {MORE, LESS, EQUAL, UNDECIDED, ONLY_A, ONLY_B};
        if (c->verdicts[order[i]] || order[i] <= LESS)
            length += snprintf(text + length, sizeof text - (size_t)length, "%s%zu %s", length ? ", " : "",
                               c->verdicts[order[i]], c->words[order[i]]);
    }
    if (c->ratios)
        snprintf(text + length, sizeof text - (size_t)length, "; geometric mean of all rows: %.3f x the speed of A",
                 exp(c->log_sum / (double)c->ratios));
    bench_table_context(c->table, "summary", text);
}

/* ---- The command ---- */

static int longest_name(const bench_record *record, int at_least)
{
    enum { WIDEST = 60 };
    for (size_t i = 0; i < record->count; i++) {
        const size_t length = strlen(record->rows[i].name);
        at_least = length > (size_t)at_least && length <= WIDEST ? (int)length : at_least;
    }
    return at_least;
}

static int compare(const bench_record *a, const bench_record *b, const bench_options *options)
{
    comparison c = {.a = a, .b = b, .words = a->figure ? figure_words : timed_words};
    c.kind = (bench_table_kind){"lsq.bench.compare/1", c.columns, TIMED_COLUMNS, 1, NULL};
    memcpy(c.columns, timed_columns, sizeof timed_columns);
    if (a->figure) {
        c.kind = (bench_table_kind){"lsq.bench.compare.figures/1", c.columns, FIGURE_COLUMNS, 1, NULL};
        memcpy(c.columns, figure_columns, sizeof figure_columns);
    }
    c.columns[0].width = longest_name(b, longest_name(a, 12));
    c.table = bench_table_new(&c.kind, options->output);
    if (!c.table)
        return bench_failed(NULL, LSQ_E_NOMEM, NULL);
    bench_table_context(c.table, "A", options->files[0]);
    bench_table_context(c.table, "B", options->files[1]);
    bench_table_context(c.table, "of", a->schema);
    tell_facts(&c);
    explain(&c);
    const lsq_status status = add_rows(&c);
    if (!status)
        sum_up(&c);
    bench_table_end(c.table, !status);
    return status ? bench_failed(NULL, status, NULL) : bench_flush();
}

static int same(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : !a && !b;
}

static int run_command(const bench_options *options)
{
    bench_record a, b;
    lsq_error err = {0};
    if (options->file_count != 2)
        return bench_usage("compare: expected two documents, not %zu", options->file_count);
    lsq_status status = bench_record_read(options->files[0], &a, &err);
    if (status)
        return bench_failed(options->files[0], status, &err);
    status = bench_record_read(options->files[1], &b, &err);
    if (status) {
        bench_record_free(&a);
        return bench_failed(options->files[1], status, &err);
    }
    int exit_status;
    if (same(a.schema, b.schema) && same(a.figure, b.figure))
        exit_status = compare(&a, &b, options);
    else
        exit_status = bench_usage("compare: '%s' is of %s, '%s' of %s: nothing to compare", options->files[0], a.schema,
                                  options->files[1], b.schema);
    bench_record_free(&a);
    bench_record_free(&b);
    return exit_status;
}

static const bench_choice choices[] = {
    {BENCH_OPTION_END, 0, NULL},
};

const bench_command bench_compare_command = {
    .name = "compare",
    .about = "compare  compares two documents that one of the commands above printed with --json: each row's times, "
             "how many times as\n"
             "         fast B is, and whether chance would explain the difference",
    .choices = choices,
    .operands = "A.json B.json",
    .run = run_command,
};
