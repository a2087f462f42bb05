/*
 * cpu.c - what this CPU can run, by its own word and the system's. No vendor is asked for its name: a level is usable if every
 * feature that its kernels use is there and the system saves the registers.
 */
#include "dispatch/cpu.h"

#include "kernels/kernel.h"

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

const char *const lsq_isa_names[ISAS] = {
#define ISA(name) #name,
#include "kernels/isa.inc"
#undef ISA
};

int lsq_isa_find(const char *name)
{
    for (int i = 0; i < ISAS; i++)
        if (!strcmp(name, lsq_isa_names[i]))
            return i;
    return -1;
}

/* Caches of a machine that does not describe them: small ones of the last ten years. */
static const lsq_cpu unknown = {.l1d = 32 << 10, .l2 = 256 << 10, .l3 = 4 << 20};

static void keep_built(lsq_cpu *cpu)
{
    static const uint8_t in_build[ISAS] = {
#define ISA(name) [ISA_##name] = 0 IF_BUILT_##name(+1),
#include "kernels/isa.inc"
#undef ISA
    };
    for (int i = 0; i < ISAS; i++)
        if (!cpu->lacks[i] && !in_build[i])
            cpu->lacks[i] = "not in this build";
}

/* ---- x86 ---- */

enum reg { EAX, EBX, ECX, EDX };

/* Each feature that kernels of a level use, and the register state it needs (XCR0 bits). */
static const struct {
    uint8_t isa;
    uint32_t leaf;
    uint8_t reg, bit;
    const char *name;
} features[] = {
    {ISA_sse41, 1, ECX, 9, "SSSE3"},
    {ISA_sse41, 1, ECX, 19, "SSE4.1"},
    {ISA_avx2, 1, ECX, 28, "AVX"},
    {ISA_avx2, 1, ECX, 12, "FMA"},
    {ISA_avx2, 1, ECX, 29, "F16C"},
    {ISA_avx2, 7, EBX, 5, "AVX2"},
    {ISA_avx512, 7, EBX, 16, "AVX512F"},
    {ISA_avx512, 7, EBX, 30, "AVX512BW"},
    {ISA_avx512, 7, EBX, 17, "AVX512DQ"},
    {ISA_avx512, 7, EBX, 31, "AVX512VL"},
    {ISA_avx512icl, 7, ECX, 1, "AVX512_VBMI"},
    {ISA_avx512icl, 7, ECX, 6, "AVX512_VBMI2"},
    {ISA_avx512icl, 7, ECX, 11, "AVX512_VNNI"},
};

enum { XCR0_YMM = 0x06, XCR0_ZMM = 0xe6 };

static void x86_levels(lsq_cpu *cpu, const uint32_t leaf1[4], const uint32_t leaf7[4], uint64_t xcr0)
{
    for (size_t i = 0; i < sizeof(features) / sizeof(*features); i++) {
        const uint32_t *r = features[i].leaf == 1 ? leaf1 : leaf7;
        const char **lacks = &cpu->lacks[features[i].isa];
        if (!*lacks && !(r[features[i].reg] >> features[i].bit & 1))
            *lacks = features[i].name;
    }
    if (!cpu->lacks[ISA_avx2] && (xcr0 & XCR0_YMM) != XCR0_YMM)
        cpu->lacks[ISA_avx2] = "YMM state, which the system has not enabled";
    if (!cpu->lacks[ISA_avx512] && (xcr0 & XCR0_ZMM) != XCR0_ZMM)
        cpu->lacks[ISA_avx512] = "ZMM state, which the system has not enabled";
    /* A level includes those below it. */
    for (int i = ISA_avx2; i <= ISA_avx512icl; i++)
        if (!cpu->lacks[i] && cpu->lacks[i - 1])
            cpu->lacks[i] = cpu->lacks[i - 1];
    cpu->lacks[ISA_neon] = cpu->lacks[ISA_neondot] = "AArch64";
}

/* Leaf 4 (Intel) and 0x8000001d (AMD) have one form; whichever answers is believed. */
static void x86_caches(lsq_cpu *cpu, const lsq_cpuid_source *source, uint32_t leaf)
{
    for (uint32_t i = 0; i < 8; i++) {
        uint32_t r[4];
        source->leaf(source, leaf, i, r);
        unsigned type = r[EAX] & 31, level = r[EAX] >> 5 & 7;
        if (type == 0)
            break;
        uint64_t size =
            ((r[EBX] >> 22) + 1ull) * ((r[EBX] >> 12 & 1023) + 1ull) * ((r[EBX] & 4095) + 1ull) * (r[ECX] + 1ull);
        if (type != 2 && size) {
            if (level == 1)
                cpu->l1d = size;
            else if (level == 2)
                cpu->l2 = size;
            else if (level == 3)
                cpu->l3 = size;
        }
    }
}

void lsq_cpu_detect_x86(lsq_cpu *cpu, const lsq_cpuid_source *source)
{
    uint32_t r[4], leaf1[4], leaf7[4] = {0}, extended;
    *cpu = unknown;
    source->leaf(source, 0, 0, r);
    uint32_t highest = r[EAX];
    memcpy(cpu->vendor, &r[EBX], 4);
    memcpy(cpu->vendor + 4, &r[EDX], 4);
    memcpy(cpu->vendor + 8, &r[ECX], 4);
    source->leaf(source, 1, 0, leaf1);
    if (highest >= 7)
        source->leaf(source, 7, 0, leaf7);
    cpu->family = (leaf1[EAX] >> 8 & 15) + ((leaf1[EAX] >> 8 & 15) == 15 ? leaf1[EAX] >> 20 & 255 : 0);
    cpu->model = (leaf1[EAX] >> 4 & 15) | (leaf1[EAX] >> 12 & 0xf0);
    cpu->stepping = leaf1[EAX] & 15;
    source->leaf(source, 0x80000000u, 0, r);
    extended = r[EAX];
    if (extended >= 0x80000004u)
        for (uint32_t i = 0; i < 3; i++) {
            source->leaf(source, 0x80000002u + i, 0, r);
            memcpy(cpu->brand + 16 * i, r, 16);
        }
    int osxsave = leaf1[ECX] >> 27 & 1;
    x86_levels(cpu, leaf1, leaf7, osxsave ? source->xcr0(source) : 0);
    if (highest >= 4)
        x86_caches(cpu, source, 4);
    if (extended >= 0x8000001du)
        x86_caches(cpu, source, 0x8000001du);
}

#if defined(__x86_64__)

static void own_leaf(const lsq_cpuid_source *source, uint32_t leaf, uint32_t subleaf, uint32_t r[4])
{
    (void)source;
    __cpuid_count(leaf, subleaf, r[EAX], r[EBX], r[ECX], r[EDX]);
}

static uint64_t own_xcr0(const lsq_cpuid_source *source)
{
    uint32_t low, high;
    (void)source;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low | (uint64_t)high << 32;
}

#elif defined(__aarch64__)

static void arm_detect(lsq_cpu *cpu)
{
    *cpu = unknown;
    memcpy(cpu->vendor, "AArch64", 8);
    for (int i = ISA_sse41; i <= ISA_avx512icl; i++)
        cpu->lacks[i] = "x86";
#if defined(__linux__)
    enum { ASIMDDP = 1 << 20, CPUID_READABLE = 1 << 11 };
    unsigned long hwcap = getauxval(AT_HWCAP);
    if (!(hwcap & ASIMDDP))
        cpu->lacks[ISA_neondot] = "SDOT (ASIMDDP)";
    if (hwcap & CPUID_READABLE) {
        uint64_t midr;
        __asm__("mrs %0, midr_el1" : "=r"(midr));
        cpu->family = (unsigned)(midr >> 24 & 255);
        cpu->model = (unsigned)(midr >> 4 & 4095);
        cpu->stepping = (unsigned)((midr >> 16 & 0xf0) | (midr & 15));
    }
#else
    cpu->lacks[ISA_neondot] = "a way to ask this system";
#endif
}

#endif

void lsq_cpu_detect(lsq_cpu *cpu)
{
#if defined(__x86_64__)
    static const lsq_cpuid_source own = {own_leaf, own_xcr0};
    lsq_cpu_detect_x86(cpu, &own);
    if (LSQ_SIMULATED_AVX512) /* in terms of AVX2: tests/simulated/ */
        cpu->lacks[ISA_avx512] = cpu->lacks[ISA_avx512icl] = cpu->lacks[ISA_avx2];
#elif defined(__aarch64__)
    arm_detect(cpu);
#else
    *cpu = unknown;
    for (int i = ISA_scalar + 1; i < ISAS; i++)
        cpu->lacks[i] = "another architecture";
#endif
    keep_built(cpu);
}
