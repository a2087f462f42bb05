/*
 * allocate.h - how many bytes each tensor gets, so that all together are as good as they can be, or as small.
 */
#ifndef LSQ_TOOLS_ALLOCATE_H
#define LSQ_TOOLS_ALLOCATE_H

#include <lsq/lsq.h>

/* A format that a tensor could have. */
typedef struct point {
    lsq_format format;
    uint64_t bytes;
    double noise;   /* what the whole is to have little of: a sum over tensors */
    double seconds; /* to encode it */
} point;

/* What a tensor costs and is worth in each format. */
typedef struct curve {
    point *points;
    size_t count; /* 0: the tensor takes no part; 1: its format is fixed */
    size_t at;    /* the point that was chosen */
} curve;

/* Sorts the points by bytes, and drops those that another one is no larger and no worse than. */
void curve_sort(curve *c);

/*
 * Both choose a point of every curve: the least noise within `most` bytes, or the fewest bytes within `most` noise. By greed on
 * the lower convex hulls, the steps that save most noise for a byte first, which is the optimum of Lagrange for the bytes (or the
 * noise) that it takes; then what is left is spent where it still fits, also off the hulls. LSQ_E_VALUE, with every curve at its
 * smallest (or its best), if even that is too much; LSQ_E_NOMEM.
 */
lsq_status allocate_within_bytes(curve *curves, size_t count, uint64_t most);
lsq_status allocate_within_noise(curve *curves, size_t count, double most);

uint64_t allocated_bytes(const curve *curves, size_t count);
double allocated_noise(const curve *curves, size_t count);

/* Moves curves up from where they are until the noise is within `most`, with few bytes. LSQ_E_VALUE, and nothing moved, if they end before that. */
lsq_status allocate_more(curve *curves, size_t count, double most);

#endif
