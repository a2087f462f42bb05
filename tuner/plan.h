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
 * The place that this one takes its kernel from: itself, unless its products are so small that one thread does them whatever the crew.
 */
lsq_place kernel_place(const kind *k, const lsq_place *where);

/* The threshold (expand_from, thread_bytes) that matters to products of this place; 0: none does. */
int place_threshold(const kind *k, const lsq_place *where, enum lsq_tunable *number);

/* One question: about kernels, or about a threshold. */
typedef struct question {
    kind *kind;
    lsq_place where; /* a threshold is the same for all places that it matters to: one of them */
    int threshold;
    enum lsq_tunable number;
    unsigned rank; /* of its importance, the lowest first */
} question;

/* Sorted, malloc, `count` of them; NULL if memory ran out. */
question *plan_questions(kind *kinds, size_t kind_count, int with_crew, size_t *count);

#endif
