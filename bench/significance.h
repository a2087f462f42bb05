/*
 * significance.h - whether two sets of samples differ by more than chance would make them.
 */
#ifndef LSQ_BENCH_SIGNIFICANCE_H
#define LSQ_BENCH_SIGNIFICANCE_H

#include <stddef.h>

typedef struct bench_difference {
    double p;     /* how often chance alone gives a difference at least as large; two-sided */
    double least; /* the smallest p that so few samples could give */
    int sign;     /* 1: those of b are larger, -1: smaller, 0: neither */
} bench_difference;

/*
 * The Mann-Whitney U test (Mann and Whitney, Annals of Mathematical Statistics 18, 1947): it counts pairs in which one of b exceeds one of
 * a, and so asks nothing of how samples are distributed. Exact for up to 20 samples each without equal ones; otherwise by the normal
 * approximation, corrected for continuity and for equal samples. Sorts both; counts > 0, values finite. 0 if memory ran out.
 */
int bench_differ(double *a, size_t a_count, double *b, size_t b_count, bench_difference *difference);

#endif
