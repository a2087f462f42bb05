/*
 * plan.h - which questions there are, the most telling first: whenever time runs out, what is done was worth most.
 */
#ifndef LSQ_TUNER_PLAN_H
#define LSQ_TUNER_PLAN_H

#include "tuner/kinds.h"

/* The places that a kind is divided into: products of one place have one way. Returns their number. */
enum { PLACES_MAX = CLASSES * CREWS };
size_t kind_places(const kind *k, int with_crew, lsq_place places[PLACES_MAX]);

/*
 * The place that this one takes its kernel from: itself, unless its products are so small that one thread does them whatever the crew, or
 * have many columns and yet go straight from the codes.
 */
lsq_place kernel_place(const kind *k, const lsq_place *where);

/* Is there anything to choose at such a place itself: among kernels, or of a number that goes with a kernel? */
int place_has_choice(const kind *k, const lsq_place *where);

/* The number that goes with the kernel of this place; 0: none matters there. */
int place_number(enum lsq_op op, const lsq_place *where, enum lsq_tunable *number);

/* The threshold (expand_from, thread_bytes) that matters to products of this place; 0: none does. */
int place_threshold(enum lsq_op op, const lsq_place *where, enum lsq_tunable *number);

int same_place(const lsq_place *a, const lsq_place *b);

/* One question: about kernels, or about a threshold. */
typedef struct question {
    kind *kind;
    lsq_place where; /* a threshold is the same for all places that it matters to: one of them */
    int threshold;
    enum lsq_tunable number;
    unsigned rank; /* of its importance, the lowest first */
} question;

/* Must it be answered before it is known how products of that place, one of its kind's, are to run? */
int question_matters(const question *q, const lsq_place *where);

/* Sorted, malloc, `count` of them; NULL if memory ran out. */
question *plan_questions(kind *kinds, size_t kind_count, int with_crew, size_t *count);

#endif
