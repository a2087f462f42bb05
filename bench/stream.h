/*
 * stream.h - how fast this machine reads: the ceiling of every product whose weights come from memory.
 */
#ifndef LSQ_BENCH_STREAM_H
#define LSQ_BENCH_STREAM_H

#include "dispatch/cpu.h"

/* Reads every byte once, in order, and returns the sum of its 64-bit words, little-endian, a last short one filled with zeros. */
typedef uint64_t bench_stream_fn(const void *bytes, size_t count);

typedef struct bench_stream {
    unsigned isa; /* an lsq_isa */
    unsigned vector_bytes;
    bench_stream_fn *read;
} bench_stream;

/* The loops that this build has and this CPU can run, the plainest first: the i-th, or NULL. */
const bench_stream *bench_stream_loop(const lsq_cpu *cpu, size_t i);

/* The one with the widest vectors. */
const bench_stream *bench_stream_widest(const lsq_cpu *cpu);

#endif
