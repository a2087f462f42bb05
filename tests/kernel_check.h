/*
 * kernel_check.h - is a kernel right, and how fast is it, roughly?
 */
#ifndef LSQ_TESTS_KERNEL_CHECK_H
#define LSQ_TESTS_KERNEL_CHECK_H

#include "dispatch/select.h"

typedef struct kernel_verdict {
    unsigned long checks, failures;
} kernel_verdict;

/* Against the reference of its kind. The first failures are printed, and end it; a seed gives a kernel the same inputs whatever else is checked. */
kernel_verdict kernel_check(const lsq_kernel *kernel, uint64_t seed);

/*
 * Weights a second, for gemm times the columns, from a matrix of a million weights; of round numbers of x. A quick look; lsq-bench
 * measures.
 */
double kernel_speed(const lsq_kernel *kernel);

#endif
