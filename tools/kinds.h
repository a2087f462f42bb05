/*
 * kinds.h - the ways in which the tensors of a model are stored, and how much there is of each.
 */
#ifndef LSQ_TOOLS_KINDS_H
#define LSQ_TOOLS_KINDS_H

#include <jansson.h>
#include <lsq/lsq_model.h>

typedef struct kind {
    char name[LSQ_FORMAT_NAME_MAX]; /* "t4", "BF16", "Q4_K": without the curve, which is chosen for each tensor */
    int quantised;
    uint64_t tensors, elements, bytes;
} kind;

typedef struct kinds {
    kind *each; /* in the order of their first tensors */
    size_t count;
    unsigned *of; /* by tensor: its kind */
} kinds;

/* LSQ_E_NOMEM. */
lsq_status kinds_count(kinds *k, const lsq_model *model);
void kinds_free(kinds *k);

/* As a JSON array. NULL: out of memory. */
json_t *kinds_json(const kinds *k);

#endif
