/*
 * tree.h - the tensors of a model by the parts of their names, with layers that are alike folded into one.
 *
 * Parts are what dots and slashes part, up to the sixteenth, which is the rest. Siblings whose part is a number are alike if
 * below them stand the same names with the same shapes; the first one then stands for all, with the sums of all.
 */
#ifndef LSQ_TOOLS_TREE_H
#define LSQ_TOOLS_TREE_H

#include "tools/kinds.h"

#include <lsq/lsq_model.h>

#define TREE_NONE UINT32_MAX

/* Others are meant by their place in `nodes`. */
typedef struct tree_node {
    const char *part; /* of a name; the separator, if there is one, stands before it */
    uint64_t elements, bytes;
    uint64_t kinds; /* bits: how the tensors are stored */
    uint64_t hash;  /* of what is below, or of the shape */
    uint32_t length, tensors;
    uint32_t tensor;          /* TREE_NONE: not a tensor but what stands below */
    uint32_t child, next;     /* the first one below; the next one of the same parent, by name */
    uint32_t same, last_same; /* the next one that is alike, and the last one: of the first */
    uint32_t first;           /* of its tensors, in the order of the file */
} tree_node;

typedef struct tree {
    const lsq_model *model;
    const kinds *kinds;
    uint32_t *sorted; /* tensors by name */
    tree_node *nodes;
    uint32_t count, space, top;
    int folded, lost; /* any; memory ran out */
} tree;

/* In time n log n. LSQ_E_NOMEM. */
lsq_status tree_make(tree *t, const lsq_model *model, const kinds *k);
void tree_free(tree *t);

/* The nodes from `list` on, as the file has their first tensors: a new array (malloc; NULL: out of memory). */
uint32_t *tree_in_file_order(const tree *t, uint32_t list, size_t *count);

enum { TREE_LABEL_MAX = 512 };

/*
 * "model.layers.0..31", cut where it is too long: the parts from a node on down to the first that is not alone, which *node becomes.
 */
const char *tree_label(const tree *t, uint32_t *node, char label[TREE_LABEL_MAX]);

#endif
