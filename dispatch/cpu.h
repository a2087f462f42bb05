/*
 * cpu.h - what this CPU can run, and what it is.
 */
#ifndef LSQ_DISPATCH_CPU_H
#define LSQ_DISPATCH_CPU_H

#include <stddef.h>
#include <stdint.h>

enum lsq_isa {
#define ISA(name) ISA_##name,
#include "kernels/isa.inc"
#undef ISA
    ISAS
};

extern const char *const lsq_isa_names[ISAS];

typedef struct lsq_cpu {
    char vendor[16], brand[64];
    unsigned family, model, stepping;
    const char *lacks[ISAS]; /* NULL: usable; otherwise what is missing, "AVX512_VBMI" or "not in this build" */
    uint64_t l1d, l2, l3;    /* bytes of cache that one core can use; a usual figure where the CPU does not tell */
} lsq_cpu;

/* Where the facts come from: the CPU itself, or a test. */
typedef struct lsq_cpuid_source {
    void (*leaf)(const struct lsq_cpuid_source *source, uint32_t leaf, uint32_t subleaf, uint32_t r[4]);
    uint64_t (*xcr0)(const struct lsq_cpuid_source *source); /* only called if OSXSAVE is set */
} lsq_cpuid_source;

/* The CPU this runs on. */
void lsq_cpu_detect(lsq_cpu *cpu);

/* An x86 CPU as `source` describes it, whatever this one is. */
void lsq_cpu_detect_x86(lsq_cpu *cpu, const lsq_cpuid_source *source);

/* Index of a level by name, or -1. */
int lsq_isa_find(const char *name);

#endif
