/*
 * watch.h - what about the machine makes times doubtful: looked at before and after measuring, and said in a line each.
 */
#ifndef LSQ_BENCH_WATCH_H
#define LSQ_BENCH_WATCH_H

#include "bench/table.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { BENCH_WATCHED_CPUS = 1024, BENCH_WARNINGS_MAX = 16 };

/* What the system's files say at one moment. What a file does not tell is 0. */
typedef struct bench_state {
    double load, seconds, ghz;
    uint64_t stolen, ticks;                                             /* of all CPUs */
    uint64_t busy_of[BENCH_WATCHED_CPUS], ticks_of[BENCH_WATCHED_CPUS]; /* of each */
    uint64_t switched; /* how often a thread of this process had to give way */
} bench_state;

typedef struct bench_watch {
    const char *root; /* where /proc and /sys are: "", except in tests */
    bench_state before, after;
    char warnings[BENCH_WARNINGS_MAX][256];
    size_t count;
} bench_watch;

/*
 * Before and after measuring. The clock becomes a fact of the table, warnings go to stderr and into the table's document;
 * `table` may be NULL. Nothing fails: a file that is not there says nothing.
 */
void bench_watch_begin(bench_watch *watch, bench_table *table);
void bench_watch_end(bench_watch *watch, bench_table *table);

/* Prints a document of Google Benchmark's with the warnings as one more member, and the clock among its facts. */
void bench_watch_print(const bench_watch *watch, const char *document);

/* The parts of it. Reads what the files under `root` say. */
void bench_state_read(bench_state *state, const char *root);

/* Fills in the warnings; `used` says on which CPUs threads were bound. */
void bench_watch_judge(bench_watch *watch, int (*used)(unsigned cpu));

#ifdef __cplusplus
}
#endif

#endif
