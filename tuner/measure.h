/*
 * measure.h - times, what they are worth, and what disturbed them.
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

/* What else the machine did meanwhile: between watch_begin() and watch_end(). */
typedef struct watch {
    double begin;  /* clock_ns() */
    double load;   /* processing units that others kept busy in the minute before; 0 if the system does not tell */
    double stolen; /* ticks a hypervisor gave to others while this processing unit had work */
    double ticks;  /* all ticks of the unit; 0 if the system does not tell */
    long switches; /* times another program took the unit */
    double stolen_share; /* after watch_end(): 0 to 1, or -1 */
    double seconds;
} watch;
void watch_begin(watch *w, int unit);
void watch_end(watch *w, int unit);

#endif
