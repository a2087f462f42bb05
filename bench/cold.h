/*
 * cold.h - files that are not in the cache of the system, and how much memory there is for them.
 */
#ifndef LSQ_BENCH_COLD_H
#define LSQ_BENCH_COLD_H

#include <stdint.h>

/* Asks the system to forget a file, and says how much of it, from 0 to 1, is cached all the same; NaN: it does not tell. */
double bench_cold_file(const char *path);

/* Bytes of a file; 0 if it cannot be had. */
uint64_t bench_file_bytes(const char *path);

/* Bytes of memory that the machine has left; 0: the system does not tell. */
uint64_t bench_memory_available(void);

#endif
