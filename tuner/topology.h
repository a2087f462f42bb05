/*
 * topology.h - where the measurement runs.
 */
#ifndef LSQ_TUNER_TOPOLOGY_H
#define LSQ_TUNER_TOPOLOGY_H

typedef struct place {
    int unit;       /* the processing unit, by the system's number; -1: unknown */
    int bound;      /* nothing else decides where this thread runs */
    int units;      /* that this process may use */
    int kinds;      /* of cores, 1 unless some are faster than others */
    char text[160]; /* the unit among its package, core and caches */
} place;

/*
 * Binds this thread to one processing unit that it may use: of the fastest kind of core, and there the last, since the first
 * ones serve most interrupts. Never fails: what could not be found out or done stands in `place`.
 */
void bind_to_one_unit(place *at);

#endif
