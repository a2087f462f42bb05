/*
 * peak.h - how fast this machine multiplies and adds: the ceiling of every product whose operands are at hand.
 */
#ifndef LSQ_BENCH_PEAK_H
#define LSQ_BENCH_PEAK_H

#include "dispatch/cpu.h"

typedef enum bench_peak_kind {
    BENCH_PEAK_INT8, /* sums of products of bytes, in 32 bits */
    BENCH_PEAK_F32   /* products of floats, added; fused where the instruction set can */
} bench_peak_kind;

/* A loop that multiplies ones by ones in registers, and does nothing else. */
typedef struct bench_peak {
    bench_peak_kind kind;
    unsigned isa;                /* an lsq_isa */
    double operations;           /* in a turn of the loop; a product and an addition are two */
    double (*run)(size_t turns); /* the sum of all products, which few turns leave exact */
} bench_peak;

/* The loops that this build has and the levels of `cpu` allow, the plainest first: the i-th, or NULL. */
const bench_peak *bench_peak_loop(const lsq_cpu *cpu, size_t i);

/* That of the highest level; NULL if there is none of the kind. */
const bench_peak *bench_peak_highest(const lsq_cpu *cpu, bench_peak_kind kind);

#endif
