/*
 * clock.h - how fast the processor's clock really is, whatever its name and the system say.
 */
#ifndef LSQ_BENCH_CLOCK_H
#define LSQ_BENCH_CLOCK_H

/*
 * GHz of the core on which bench_pin(0) runs, by a chain of additions each of which waits for the one before it: one cycle each on every
 * processor we know. Takes some 20 ms. 0 if no thread can be started.
 */
double bench_clock_ghz(void);

#endif
