/*
 * machine.h - the place of a measurement: where threads run, and what memory they read.
 */
#ifndef LSQ_BENCH_MACHINE_H
#define LSQ_BENCH_MACHINE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Binds the calling thread to one processing unit of the i-th core, counted from the last, which serves fewer interrupts
 * than the first. Returns 0 if the system refuses.
 */
int bench_pin(unsigned i);

/*
 * Confines the calling thread, and those that it or a library for it makes from now on, to one processing unit each of as many cores,
 * counted from the last. Returns 0 if the system refuses.
 */
int bench_confine(unsigned cores);

/* Waits until threads that linger after their work, as those of libraries do for some milliseconds, have gone to sleep. */
void bench_settle(void);

/* How many cores this process may use. */
unsigned bench_cores(void);

/* Memory at a multiple of 2 MiB, in huge pages if asked for and the system gives them; NULL if there is none. Free with free(). */
void *bench_alloc(size_t bytes, int huge_pages);

/* Random bytes, the same for the same seed. */
void bench_fill_random(void *bytes, size_t count, uint64_t seed);

/* Was a thread ever bound to that CPU, as the system counts them? */
int bench_was_bound(unsigned cpu);

#endif
