/*
 * kinds.h - the kinds of product among whose kernels there is something to choose, and the choosing.
 */
#ifndef LSQ_TUNER_KINDS_H
#define LSQ_TUNER_KINDS_H

#include "dispatch/tunefile.h"
#include "tuner/search.h"

/* Kernels of one op, codec and activation that this CPU can run, in the order of the table: the last is the default. */
typedef struct kind {
    const lsq_kernel *rows[CANDIDATES_MAX];
    size_t count;
    char name[32]; /* "gemv_p4_i8" */
} kind;

/* A kernel that is wrong on this machine. */
typedef struct failure {
    const lsq_kernel *kernel;
    char why[160];
} failure;

/* A finished contest: one line of the table, one entry of the file. */
typedef struct result {
    size_t panels, groups, bytes; /* of the product that was timed */
    enum lsq_size_class size_class;
    contest contest; /* of kernels with their default tunables */
    contest ahead;   /* of distances to prefetch, with the kernel that won; no candidates: it was not held */
} result;

/* Who won in the end. */
const candidate *result_winner(const result *r);

/* Everything that was found out. Arrays by malloc. */
typedef struct findings {
    result *results;
    failure *failures;
    size_t results_count, failures_count;
} findings;

/* The kinds of more than one row, in the order of the table: malloc, `count` of them; NULL if memory ran out. */
kind *kinds_list(const lsq_cpu *cpu, size_t *count);

/* Takes the rows that are wrong out of a kind and adds them to the findings. 0 if memory ran out. */
int kind_verify(kind *k, findings *found, const volatile sig_atomic_t *stop);

/* Panels and groups of a product of that size class; 0 if this CPU has no such class. */
int class_product(const lsq_cpu *cpu, const lsq_format *format, enum lsq_size_class size_class, size_t *panels,
                  size_t *groups);

/*
 * Finds the fastest row of a verified kind for one size class, on `bytes` random bytes, and adds a result. None, and still
 * DECIDED, if the CPU has no such class or its product needs more bytes.
 */
contest_end kind_tune(const kind *k, const lsq_cpu *cpu, enum lsq_size_class size_class, uint8_t *packed, size_t bytes,
                      double budget, const volatile sig_atomic_t *stop, findings *found);

/* The entry that a result becomes. */
lsq_tune_entry result_entry(const result *r);

void findings_free(findings *found);

#endif
