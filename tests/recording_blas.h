/*
 * recording_blas.h - what recording_blas.c has been called with last.
 */
#ifndef LSQ_TESTS_RECORDING_BLAS_H
#define LSQ_TESTS_RECORDING_BLAS_H

#include <stddef.h>

typedef struct recording {
    const char *function; /* NULL: nothing */
    int numbers[9];       /* orders, transposes, letters and sizes, as they come */
    float factors[2];
    const float *arrays[3];
    size_t lengths[2];
} recording;

extern recording recorded;

#endif
