/*
 * registry.h - the matrices that are registered, and who is multiplying with them.
 */
#ifndef LSQ_BINDINGS_REGISTRY_H
#define LSQ_BINDINGS_REGISTRY_H

#include <lsq/lsq_blas.h>

typedef _Atomic(struct lsq_entry *) lsq_link;

typedef struct lsq_entry {
    const float *a;
    size_t rows, columns, ld; /* of the array, row by row */
    const lsq_weights *w;
    size_t users; /* products under way */
    lsq_link next;
} lsq_entry;

/* The entry of exactly this array; its weights stay until lsq_registry_release(). NULL: not registered. */
lsq_entry *lsq_registry_acquire(const float *a, int rows, int columns, int ld);

void lsq_registry_release(lsq_entry *entry);

#endif
