/*
 * measure.h - times, what they are worth, and what disturbed them.
 */
#ifndef LSQ_TUNER_MEASURE_H
#define LSQ_TUNER_MEASURE_H

#include "tuner/product.h"

/* Nanoseconds since some moment; never runs backwards. */
double clock_ns(void);

/* The middle of some times and how far they lie apart: the distance between the quartiles. Sorts them. */
typedef struct summary {
    double median, spread;
} summary;
summary summarise(double *times, size_t count);

/*
 * Runs `panels` panels and returns the nanoseconds that took. Successive calls walk round the matrix from where the last one
 * stopped, so that each finds in the caches what a product of that size would find there.
 */
typedef struct walk {
    const product *p;
    size_t next;
} walk;
double walk_time(walk *w, const lsq_kernel *kernel, size_t panels);

/* What else the machine did meanwhile: between watch_begin() and watch_end(). */
typedef struct watch {
    double begin;        /* clock_ns() */
    double stolen;       /* ticks a hypervisor gave to others while this processing unit had work */
    double ticks;        /* all ticks of the unit; 0 if the system does not tell */
    long switches;       /* times another program took the unit */
    double stolen_share; /* after watch_end(): 0 to 1, or -1 */
    double seconds;
} watch;
void watch_begin(watch *w, int unit);
void watch_end(watch *w, int unit);

#endif
