/*
 * kinds.h - the kinds of product among whose kernels there may be something to choose.
 */
#ifndef LSQ_TUNER_KINDS_H
#define LSQ_TUNER_KINDS_H

#include "tuner/contest.h"
#include "tuner/workshop.h"

/* A kernel that is wrong on this machine. */
typedef struct failure {
    const lsq_kernel *kernel;
    char why[160];
} failure;

typedef struct failures {
    failure *list; /* malloc */
    size_t count;
} failures;

/* Kernels of one op, codec and activation that this CPU can run, in the order of the table. */
typedef struct kind {
    enum lsq_op op;
    enum lsq_family codec;
    enum lsq_act act;
    const lsq_kernel *rows[CANDIDATES_MAX];
    size_t count;
    const lsq_kernel *usual; /* the last one that is not known to be wrong: if all are right, the default */
    int has_choice;          /* there were several at first */
    int checked, default_wrong;
    char name[32]; /* "gemv_p4_i8" */
} kind;

/* All kinds that this CPU has kernels for, in the order of the table: malloc, `count` of them; NULL if memory ran out. */
kind *kinds_list(const lsq_cpu *cpu, size_t *count);

/*
 * Takes the rows that are wrong out of a kind, once, and adds them to the failures; if it is stopped, the kind is as it was. 0 if memory
 * ran out.
 */
int kind_check(kind *k, workshop *w, failures *found, const volatile sig_atomic_t *stop);

/* Takes out those that a contest has shown to be slower than the best by `times`, but for the usual one: they need not run again. */
void kind_drop_slow(kind *k, const contest *c, double times);

#endif
