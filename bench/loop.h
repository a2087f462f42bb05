/*
 * loop.h - the four ways to make a matrix smaller that "Loop Singular Bit" compares, as its program has them, and its own way with the
 * scale and the outliers that cost least. None of them has anything to do with liblsq's codes.
 */
#ifndef LSQ_BENCH_LOOP_H
#define LSQ_BENCH_LOOP_H

#include <stddef.h>

/*
 * Stores n numbers and gives back what is read again. Returns the bytes that the stored form takes, everything counted; NaN if memory
 * ran out.
 */
typedef double bench_loop_fn(size_t n, const float *w, float *decoded);

typedef struct bench_loop_way {
    const char *name, *meaning;
    bench_loop_fn *store;
} bench_loop_way;

/*
 *   loop      the 2 % of largest |w| in half precision, found by a bit map; of the others a bit, w >= their mean, read as the mean plus
 *             or minus their standard deviation
 *   loop-ls   the same with their mean |w - mean| instead, which is the least-squares choice; outliers as a gap of 8 bits and 8 bits of
 *             sign and logarithmic magnitude
 *   int8      affine, 256 steps between the least and the largest number
 *   one-bit   a bit for every number, read as the mean plus or minus the standard deviation
 *   prune     the half of largest |w| as they are, found by a bit map
 */
extern const bench_loop_way bench_loop_ways[];
extern const size_t bench_loop_ways_count;

/* The magnitude above which a number is one of the outliers of the first two; NaN if memory ran out. */
double bench_loop_bound(size_t n, const float *w);

/* Half precision, to nearest, ties to even. */
float bench_half(float x);

#endif
