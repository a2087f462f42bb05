/*
 * topology.h - the machine, and where on it one measures.
 */
#ifndef LSQ_TUNER_TOPOLOGY_H
#define LSQ_TUNER_TOPOLOGY_H

#include <hwloc.h>

typedef struct machine {
    /* What this process may use: a container or taskset narrows it. */
    int packages, nodes, cores,
        units;                 /* nodes: of memory; units: processing units, more than cores if these have several */
    int kinds;                 /* of cores, 1 unless some are faster than others */
    unsigned long quota;       /* of the cgroup, in 1/1000 CPUs; 0: none */
    int crew;                  /* cores to measure several threads on, 1 if there is nothing to measure */
    int unit;                  /* to measure one thread on, by the system's number; -1: unknown */
    char place[160];           /* that unit among its package, core and caches */
    hwloc_topology_t topology; /* NULL: it cannot be had */
    hwloc_bitmap_t unit_set, crew_set;
} machine;

/* Never fails: what cannot be found out has the value that says so. */
void machine_look(machine *m);
void machine_forget(machine *m);

/*
 * Binds the calling thread, and those that it makes afterwards, to the unit, or to the crew: a processing unit on each of that many
 * cores. Of the fastest kind of core, and there the last ones, since the first serve most interrupts. 0 if the system refuses.
 */
int machine_bind_unit(const machine *m);
int machine_bind_crew(const machine *m);

#endif
