/*
 * wrong_kernel.c - a kernel that is wrong in the last bit of its last row, linked in place of the right one: what lsq-tune
 * does about it can only be tested on a library that has one. The build names both functions.
 */
#include "kernels/kernel.h"

#include <math.h>

lsq_gemv_fn RIGHT_KERNEL, WRONG_KERNEL;

void WRONG_KERNEL(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    RIGHT_KERNEL(a, p0, p1);
    float *last = &a->y[(p1 - p0) * PANEL - 1];
    *last = nextafterf(*last, INFINITY);
}
