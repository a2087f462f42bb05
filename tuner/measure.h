/*
 * measure.h - times, and what they are worth.
 */
#ifndef LSQ_TUNER_MEASURE_H
#define LSQ_TUNER_MEASURE_H

#include <stddef.h>

/* Nanoseconds since some moment; never runs backwards. */
double clock_ns(void);

/* The middle of some times and how far they lie apart: the distance between the quartiles. Sorts them. */
typedef struct summary {
    double median, spread;
} summary;
summary summarise(double *times, size_t count);

#endif
