/*
 * report.h - what was found, for people and for programs.
 */
#ifndef LSQ_TUNER_REPORT_H
#define LSQ_TUNER_REPORT_H

#include "tuner/findings.h"
#include "tuner/pages.h"

/* What a report is about, besides the findings. */
typedef struct circumstances {
    const workshop *workshop;
    bench_watch watch;
    pages pages;
    int interrupted;
    const char *written; /* the file, or NULL */
} circumstances;

/* A table of what is not the default on stdout, and how much the rest is. */
void report_table(const findings *found, const circumstances *about);

/* What to think of the figures, on stderr: wrong kernels, stolen time, wide spreads. */
void report_notes(const findings *found, const circumstances *about);

/* All of it as one JSON document on stdout. 0 if memory ran out. */
int report_json(const findings *found, const circumstances *about);

/* An answer as words: "gemv p4 i8, l3, 2 threads", and "prefetch 8192, columns 512" of what is not the default, or "". */
void answer_name(const answer *a, const workshop *w, char *text, size_t room);
void answer_numbers(const lsq_tunables *tunables, char *text, size_t room);

/* A part of a place as tune files have it: its name, or "any". */
const char *place_word(int value, const char *const *names);

/* How much more a second the chosen way does than the default: 0.12 is 12 %. */
double answer_gain(const answer *a);

#endif
