/*
 * subject.h - a product of one kind at one place, run as programs run it.
 *
 * A kernel is timed within the public call that uses it, by a context whose choice for the kind is the candidate's: what is measured
 * is what a program will get.
 */
#ifndef LSQ_TUNER_SUBJECT_H
#define LSQ_TUNER_SUBJECT_H

#include "tuner/contest.h"
#include "tuner/workshop.h"

#include <lsq/lsq.h>

/* Which products of which kind. Of `where`, crews are one or many; what does not matter to the kind is LSQ_ANY. */
typedef struct target {
    enum lsq_op op;
    enum lsq_family codec;
    enum lsq_act act;
    lsq_place where;
} target;

typedef struct subject {
    target of;
    lsq_format format;
    size_t rows, columns, n; /* of W, and columns of B */
    size_t bytes;            /* of W, packed */
    lsq_context *ctx;
    lsq_weights *weights;
    float *x, *y;
    uint32_t
        expand_from; /* kernels that expand, not thresholds: from how many columns on, so that they do; otherwise 0 */
    size_t window, next; /* rows of a step, and where the next one begins: large matrices are walked round */
    int failed;          /* a call did not succeed: memory ran out */
} subject;

/* The format that kernels of such a codec are measured with: the default one, b1, s2..s9 or t1..t6. */
lsq_format subject_format(enum lsq_family codec);

/* Sides of a matrix whose packed bytes are in the middle of a size class; 0 if this CPU has no such class. */
int subject_size(const lsq_cpu *cpu, const lsq_format *format, enum lsq_size_class size_class, size_t *rows,
                 size_t *columns);

/* The largest matrix there will be: for workshop_open(). */
size_t subject_bytes_max(const lsq_cpu *cpu);

/*
 * From how many columns on products must expand for gemm kernels of this codec to be on the way: from the first or, where they take codes,
 * from more than any product here has.
 */
uint32_t subject_expand_from(enum lsq_family codec);

/* The usual product of its place. 0: there is none (no such class, too large for the workshop), or memory ran out: `failed`. */
int subject_make(subject *s, workshop *w, const target *of);

/* One of other sides, for what depends on them. */
int subject_make_sized(subject *s, workshop *w, const target *of, size_t rows, size_t columns, size_t n);

void subject_free(subject *s);

/* Makes the candidate the context's choice and takes that many steps; nanoseconds. For contests, with `arg` a subject. */
double subject_time(void *arg, const candidate *c, size_t steps);

/* Weights that a step multiplies by, decodes or encodes, each counted once for all columns. */
double subject_weights(const subject *s);

#endif
