/*
 * report.h - what was found, for people and for programs.
 */
#ifndef LSQ_TUNER_REPORT_H
#define LSQ_TUNER_REPORT_H

#include "tuner/kinds.h"
#include "tuner/topology.h"

/* What a report is about, besides the findings. */
typedef struct circumstances {
    const lsq_cpu *cpu;
    place where;
    watch watch;
    int interrupted;
    const char *written; /* the file, or NULL */
} circumstances;

/* A table of the contests on stdout. */
void report_table(const findings *found, const circumstances *about);

/* What to think of the figures, on stderr: wrong kernels, stolen time, wide spreads. */
void report_notes(const findings *found, const circumstances *about);

/* All of it as one JSON document on stdout. 0 if memory ran out. */
int report_json(const findings *found, const circumstances *about);

/*
 * The file that a context of this environment uses, and what became of those looked at before it; as a table or as JSON.
 * An exit code.
 */
int show_file(const lsq_cpu *cpu, int json);

#endif
