/*
 * test_cpu.c - what the dispatcher makes of x86 CPUs that are not here: CPUID and XCR0 from a table.
 */
#include "dispatch/cpu.h"
#include "tests/core_sample.h"

enum { A, B, C, D };

/* Bits as the manuals of Intel and AMD number them. */
enum {
    SSSE3 = 1 << 9,
    FMA = 1 << 12,
    SSE41 = 1 << 19,
    OSXSAVE = 1 << 27,
    AVX = 1 << 28,
    F16C = 1 << 29,
    AVX2 = 1 << 5,
    AVX512F = 1 << 16,
    AVX512DQ = 1 << 17,
    AVX512BW = 1 << 30,
    VBMI = 1 << 1,
    VBMI2 = 1 << 6,
    VNNI = 1 << 11,
    HYBRID = 1 << 15
};
static const uint32_t AVX512VL = 1u << 31;

typedef struct machine {
    lsq_cpuid_source source;
    uint32_t highest, extended, leaf1_a, leaf1_c, leaf7_b, leaf7_c, leaf7_d;
    uint64_t xcr0;
    const char *vendor, *brand;
    uint32_t cache_leaf, caches[8][4];
    unsigned xcr0_reads;
} machine;

/* Leaves that the CPU does not have read as ones, the worst there could be. */
static void leaf_of(const lsq_cpuid_source *source, uint32_t leaf, uint32_t subleaf, uint32_t r[4])
{
    const machine *m = (const machine *)(const void *)source;
    memset(r,
           leaf > 0x80000000u                         ? leaf > m->extended ? 0xff : 0
           : leaf > m->highest && leaf != 0x80000000u ? 0xff
                                                      : 0,
           16);
    if (leaf == 0) {
        r[A] = m->highest;
        memcpy(&r[B], m->vendor, 4);
        memcpy(&r[D], m->vendor + 4, 4);
        memcpy(&r[C], m->vendor + 8, 4);
    } else if (leaf == 1) {
        r[A] = m->leaf1_a;
        r[C] = m->leaf1_c;
    } else if (leaf == 7 && m->highest >= 7) {
        ck_assert_uint_eq(subleaf, 0);
        r[A] = 0, r[B] = m->leaf7_b, r[C] = m->leaf7_c, r[D] = m->leaf7_d;
    } else if (leaf == m->cache_leaf && subleaf < 8) {
        memcpy(r, m->caches[subleaf], 16);
    } else if (leaf == 0x80000000u) {
        r[A] = m->extended;
    } else if (leaf >= 0x80000002u && leaf <= 0x80000004u && leaf <= m->extended) {
        memcpy(r, m->brand + 16 * (leaf - 0x80000002u), 16);
    }
}

static uint64_t xcr0_of(const lsq_cpuid_source *source)
{
    machine *m = (machine *)(void *)(uintptr_t)source;
    m->xcr0_reads++;
    ck_assert(m->leaf1_c & OSXSAVE); /* without it XGETBV is an illegal instruction */
    return m->xcr0;
}

static const char brand[49] = "Imaginary(R) Processor 9999X @ 9.99GHz";

/* Everything that the highest level needs. */
static machine ice_lake(void)
{
    return (machine){
        .source = {leaf_of, xcr0_of},
        .highest = 0x1b,
        .extended = 0x80000008u,
        .leaf1_a = 0x000706e5,
        .leaf1_c = SSSE3 | FMA | SSE41 | OSXSAVE | AVX | F16C,
        .leaf7_b = AVX2 | AVX512F | AVX512DQ | AVX512BW | AVX512VL,
        .leaf7_c = VBMI | VBMI2 | VNNI,
        .xcr0 = 0xe7,
        .vendor = "GenuineIntel",
        .brand = brand,
        .cache_leaf = 4,
        /* 12-way 48 KiB data, 8-way 32 KiB instructions, 8-way 512 KiB, 16-way 8 MiB; lines of 64 */
        .caches = {{0x21, 11u << 22 | 63, 63, 0},
                   {0x22, 7u << 22 | 63, 63, 0},
                   {0x43, 7u << 22 | 63, 1023, 0},
                   {0x63, 15u << 22 | 63, 8191, 0}},
    };
}

static lsq_cpu detect(const machine *m)
{
    lsq_cpu cpu;
    memset(&cpu, 0xee, sizeof(cpu));
    lsq_cpu_detect_x86(&cpu, &m->source);
    return cpu;
}

/* The highest usable level is this one, all below are usable, and those above say what they lack. */
static void expect_level(const machine *m, enum lsq_isa highest, const char *lacking)
{
    lsq_cpu cpu = detect(m);
    for (int i = ISA_scalar; i <= ISA_avx512icl; i++) {
        if (i <= (int)highest)
            ck_assert_msg(!cpu.lacks[i], "%s lacks %s", lsq_isa_names[i], cpu.lacks[i]);
        else
            ck_assert_msg(cpu.lacks[i] && *cpu.lacks[i], "%s is usable", lsq_isa_names[i]);
    }
    ck_assert(cpu.lacks[ISA_neon] && cpu.lacks[ISA_neondot]);
    if (lacking)
        ck_assert_msg(strstr(cpu.lacks[highest + 1], lacking) != NULL, "%s lacks %s, not %s",
                      lsq_isa_names[highest + 1], cpu.lacks[highest + 1], lacking);
}

START_TEST(whole_machine)
{
    machine m = ice_lake();
    expect_level(&m, ISA_avx512icl, NULL);
    lsq_cpu cpu = detect(&m);
    ck_assert_str_eq(cpu.vendor, "GenuineIntel");
    ck_assert_str_eq(cpu.brand, brand);
    ck_assert(cpu.family == 6 && cpu.model == 0x7e && cpu.stepping == 5);
    ck_assert(cpu.l1d == 48 << 10 && cpu.l2 == 512 << 10 && cpu.l3 == 8 << 20);
}
END_TEST

/* Each feature alone missing, which level it costs, and what is said. */
START_TEST(every_feature_is_asked_for)
{
    static const struct {
        uint32_t leaf1_c, leaf7_b, leaf7_c;
        enum lsq_isa left;
        const char *name;
    } missing[] = {
        {SSSE3, 0, 0, ISA_scalar, "SSSE3"},      {SSE41, 0, 0, ISA_scalar, "SSE4.1"},
        {AVX, 0, 0, ISA_sse41, "AVX"},           {FMA, 0, 0, ISA_sse41, "FMA"},
        {F16C, 0, 0, ISA_sse41, "F16C"},         {0, AVX2, 0, ISA_sse41, "AVX2"},
        {0, AVX512F, 0, ISA_avx2, "AVX512F"},    {0, AVX512BW, 0, ISA_avx2, "AVX512BW"},
        {0, AVX512DQ, 0, ISA_avx2, "AVX512DQ"},  {0, 1u << 31, 0, ISA_avx2, "AVX512VL"},
        {0, 0, VBMI, ISA_avx512, "AVX512_VBMI"}, {0, 0, VBMI2, ISA_avx512, "AVX512_VBMI2"},
        {0, 0, VNNI, ISA_avx512, "AVX512_VNNI"},
    };
    for (size_t i = 0; i < COUNT(missing); i++) {
        machine m = ice_lake();
        m.leaf1_c &= ~missing[i].leaf1_c;
        m.leaf7_b &= ~missing[i].leaf7_b;
        m.leaf7_c &= ~missing[i].leaf7_c;
        expect_level(&m, missing[i].left, missing[i].name);
    }
}
END_TEST

START_TEST(system_must_save_the_registers)
{
    static const struct {
        uint64_t xcr0;
        enum lsq_isa left;
        const char *name;
    } states[] = {
        {0, ISA_sse41, "YMM"},   {1, ISA_sse41, "YMM"},    {3, ISA_sse41, "YMM"},       {5, ISA_sse41, "YMM"},
        {7, ISA_avx2, "ZMM"},    {0x27, ISA_avx2, "ZMM"},  {0x67, ISA_avx2, "ZMM"},     {0xa7, ISA_avx2, "ZMM"},
        {0xc7, ISA_avx2, "ZMM"}, {0xe3, ISA_sse41, "YMM"}, {0xe7, ISA_avx512icl, NULL}, {0x602e7, ISA_avx512icl, NULL},
    };
    for (size_t i = 0; i < COUNT(states); i++) {
        machine m = ice_lake();
        m.xcr0 = states[i].xcr0;
        expect_level(&m, states[i].left, states[i].name);
    }
    machine m = ice_lake(); /* features without OSXSAVE: as some hypervisors have it */
    m.leaf1_c &= ~(uint32_t)OSXSAVE;
    expect_level(&m, ISA_sse41, "YMM");
    ck_assert_uint_eq(m.xcr0_reads, 0);
}
END_TEST

START_TEST(leaves_that_are_not_there)
{
    machine m = ice_lake();
    m.highest = 6; /* leaf 7 would read as ones */
    expect_level(&m, ISA_sse41, "AVX2");
    m = ice_lake();
    m.highest = 1;
    m.extended = 0;
    lsq_cpu cpu = detect(&m);
    expect_level(&m, ISA_sse41, "AVX2");
    ck_assert_str_eq(cpu.brand, "");
    ck_assert(cpu.l1d == 32 << 10 && cpu.l2 == 256 << 10 && cpu.l3 == 4 << 20); /* the usual */
}
END_TEST

START_TEST(caches)
{
    machine m = ice_lake();
    memset(m.caches, 0, sizeof(m.caches)); /* says nothing: the usual figures */
    lsq_cpu cpu = detect(&m);
    ck_assert(cpu.l1d == 32 << 10 && cpu.l2 == 256 << 10 && cpu.l3 == 4 << 20);

    m = ice_lake(); /* AMD has the same form at another leaf */
    m.vendor = "AuthenticAMD";
    m.cache_leaf = 0x8000001du;
    m.extended = 0x80000020u;
    cpu = detect(&m);
    ck_assert(cpu.l1d == 48 << 10 && cpu.l2 == 512 << 10 && cpu.l3 == 8 << 20);

    m = ice_lake(); /* one that never ends its list of caches */
    for (size_t i = 0; i < 8; i++)
        memcpy(m.caches[i], m.caches[0], sizeof(m.caches[0]));
    cpu = detect(&m);
    ck_assert(cpu.l1d == 48 << 10 && cpu.l2 == 256 << 10);

    m = ice_lake(); /* 1 TiB: does not fit 32 bits */
    m.caches[3][B] = 1023u << 22 | 1023u << 12 | 4095;
    m.caches[3][C] = 255;
    cpu = detect(&m);
    ck_assert_uint_eq(cpu.l3, (uint64_t)1 << 40);
}
END_TEST

START_TEST(names_do_not_matter)
{
    static const char *const vendors[] = {"AuthenticAMD", "CentaurHauls", "HygonGenuine", "            ",
                                          "\1\2\3\4\5\6\7\n\t\x7f\xff!"};
    for (size_t i = 0; i < COUNT(vendors); i++) {
        machine m = ice_lake();
        m.vendor = vendors[i];
        m.leaf1_a = 0xffffffff; /* and no model is known by number */
        expect_level(&m, ISA_avx512icl, NULL);
        lsq_cpu cpu = detect(&m);
        ck_assert_mem_eq(cpu.vendor, vendors[i], 12);
        ck_assert(cpu.family == 15 + 255 && cpu.model == 255 && cpu.stepping == 15);
    }
    machine m = ice_lake(); /* cores of two kinds, one without AVX-512, say so by not having it */
    m.leaf7_d = HYBRID;
    m.leaf7_b = AVX2;
    m.leaf7_c = 0;
    expect_level(&m, ISA_avx2, "AVX512F");
}
END_TEST

START_TEST(this_machine)
{
    lsq_cpu cpu;
    lsq_cpu_detect(&cpu);
    ck_assert_ptr_null(cpu.lacks[ISA_scalar]);
    ck_assert(cpu.l1d > 0 && cpu.l2 > 0 && cpu.l3 > 0 && cpu.vendor[0]);
    for (int i = 0; i < ISAS; i++)
        ck_assert_int_eq(lsq_isa_find(lsq_isa_names[i]), i);
    ck_assert_int_eq(lsq_isa_find("AVX2"), -1);
    ck_assert_int_eq(lsq_isa_find(""), -1);
    ck_assert_int_eq(lsq_isa_find("avx"), -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu");
    TCase *machines = new_case(suite, "machines");
    tcase_add_test(machines, whole_machine);
    tcase_add_test(machines, every_feature_is_asked_for);
    tcase_add_test(machines, system_must_save_the_registers);
    tcase_add_test(machines, leaves_that_are_not_there);
    tcase_add_test(machines, caches);
    tcase_add_test(machines, names_do_not_matter);
    tcase_add_test(machines, this_machine);
    return run_suite(suite);
}
