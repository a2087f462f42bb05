/*
 * plan.h - which formats `lsq-bench snr` tries.
 */
#ifndef LSQ_BENCH_PLAN_H
#define LSQ_BENCH_PLAN_H

#include <lsq/lsq.h>

enum { BENCH_BITS_MAX = 9 };

typedef enum bench_way {
    BENCH_PACKED,        /* the library's format, packed */
    BENCH_CODE_ALONE,    /* the published code on the numbers as they are, without padding to panels and groups */
    BENCH_CODE_ABSMAX_32 /* the published code under the largest magnitude of each 32 columns */
} bench_way;

typedef struct bench_plan_row {
    char name[LSQ_FORMAT_NAME_MAX];
    lsq_format format;
    int rounding; /* an lsq_rounding; only classic formats have a choice */
    int curve;    /* an lsq_curve: that of the format if its name says which, otherwise the best */
    bench_way way;
} bench_plan_row;

typedef struct bench_plan {
    bench_plan_row *rows; /* malloc */
    size_t count;
    unsigned char widths[BENCH_BITS_MAX + 1]; /* by C: is there a row of that width? */
    double outliers;                          /* the largest share of weights kept apart */
} bench_plan;

/* The usual formats, or every one. LSQ_E_NOMEM. */
lsq_status bench_plan_usual(bench_plan *plan);
lsq_status bench_plan_all(bench_plan *plan);

/* Adds one format by name, in every rounding it has. LSQ_E_ARGUMENT, LSQ_E_NOMEM. */
lsq_status bench_plan_add(bench_plan *plan, const char *name, lsq_error *err);

/* Adds the published code alone, in both roundings, for each width that has classic rows in `of`. */
lsq_status bench_plan_published(bench_plan *plan, const bench_plan *of);

void bench_plan_free(bench_plan *plan);

#endif
