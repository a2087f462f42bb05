/*
 * peak.c - the dot products of each level, and the floats', in registers alone.
 *
 *     int8   SSE4.1, AVX2, AVX-512   maddubs, madd with ones, add: the dot of four bytes there
 *            AVX-512 with VNNI       vpdpbusd
 *            AArch64                 smull, smlal2, sadalp: as our kernels have it, with one factor of at most 64
 *            AArch64 with SDOT       sdot
 *     f32    FMA where there is one, otherwise a multiplication and an addition
 *
 * Ten sums that do not wait for each other hide the latency of any of these, six that of an addition. Compilers would take equal
 * sums for one, and would multiply unchanging operands once: an empty asm may have changed either, as far as they know.
 */
#include "bench/peak.h"

#include <stdint.h>
#include <string.h>

static double total_i32(const void *sums, size_t bytes)
{
    double total = 0;
    int32_t lane;
    for (size_t at = 0; at < bytes; at += sizeof lane) {
        memcpy(&lane, (const char *)sums + at, sizeof lane);
        total += lane;
    }
    return total;
}

static double total_f32(const void *sums, size_t bytes)
{
    double total = 0;
    float lane;
    for (size_t at = 0; at < bytes; at += sizeof lane) {
        memcpy(&lane, (const char *)sums + at, sizeof lane);
        total += (double)lane;
    }
    return total;
}

#ifdef __x86_64__

#include <immintrin.h>

__attribute__((target("sse4.1"))) static double int8_sse41(size_t turns)
{
    const __m128i one8 = _mm_set1_epi8(1), one16 = _mm_set1_epi16(1);
    __m128i w = one8;
    __m128i a, b, c, d, e, f;
    a = b = c = d = e = f = _mm_setzero_si128();
    for (; turns; turns--) {
        a = _mm_add_epi32(a, _mm_madd_epi16(_mm_maddubs_epi16(w, one8), one16));
        __asm__("" : "+x"(w));
        b = _mm_add_epi32(b, _mm_madd_epi16(_mm_maddubs_epi16(w, one8), one16));
        __asm__("" : "+x"(w));
        c = _mm_add_epi32(c, _mm_madd_epi16(_mm_maddubs_epi16(w, one8), one16));
        __asm__("" : "+x"(w));
        d = _mm_add_epi32(d, _mm_madd_epi16(_mm_maddubs_epi16(w, one8), one16));
        __asm__("" : "+x"(w));
        e = _mm_add_epi32(e, _mm_madd_epi16(_mm_maddubs_epi16(w, one8), one16));
        __asm__("" : "+x"(w));
        f = _mm_add_epi32(f, _mm_madd_epi16(_mm_maddubs_epi16(w, one8), one16));
        __asm__("" : "+x"(w));
        __asm__("" : "+x"(a), "+x"(b), "+x"(c), "+x"(d), "+x"(e), "+x"(f));
    }
    const __m128i sums[] = {a, b, c, d, e, f};
    return total_i32(sums, sizeof sums);
}

__attribute__((target("avx2"))) static double int8_avx2(size_t turns)
{
    const __m256i one8 = _mm256_set1_epi8(1), one16 = _mm256_set1_epi16(1);
    __m256i w = one8;
    __m256i a, b, c, d, e, f;
    a = b = c = d = e = f = _mm256_setzero_si256();
    for (; turns; turns--) {
        a = _mm256_add_epi32(a, _mm256_madd_epi16(_mm256_maddubs_epi16(w, one8), one16));
        __asm__("" : "+x"(w));
        b = _mm256_add_epi32(b, _mm256_madd_epi16(_mm256_maddubs_epi16(w, one8), one16));
        __asm__("" : "+x"(w));
        c = _mm256_add_epi32(c, _mm256_madd_epi16(_mm256_maddubs_epi16(w, one8), one16));
        __asm__("" : "+x"(w));
        d = _mm256_add_epi32(d, _mm256_madd_epi16(_mm256_maddubs_epi16(w, one8), one16));
        __asm__("" : "+x"(w));
        e = _mm256_add_epi32(e, _mm256_madd_epi16(_mm256_maddubs_epi16(w, one8), one16));
        __asm__("" : "+x"(w));
        f = _mm256_add_epi32(f, _mm256_madd_epi16(_mm256_maddubs_epi16(w, one8), one16));
        __asm__("" : "+x"(w));
        __asm__("" : "+x"(a), "+x"(b), "+x"(c), "+x"(d), "+x"(e), "+x"(f));
    }
    const __m256i sums[] = {a, b, c, d, e, f};
    return total_i32(sums, sizeof sums);
}

__attribute__((target("avx512bw"))) static double int8_avx512(size_t turns)
{
    const __m512i one8 = _mm512_set1_epi8(1), one16 = _mm512_set1_epi16(1);
    __m512i w = one8;
    __m512i a, b, c, d, e, f;
    a = b = c = d = e = f = _mm512_setzero_si512();
    for (; turns; turns--) {
        a = _mm512_add_epi32(a, _mm512_madd_epi16(_mm512_maddubs_epi16(w, one8), one16));
        __asm__("" : "+v"(w));
        b = _mm512_add_epi32(b, _mm512_madd_epi16(_mm512_maddubs_epi16(w, one8), one16));
        __asm__("" : "+v"(w));
        c = _mm512_add_epi32(c, _mm512_madd_epi16(_mm512_maddubs_epi16(w, one8), one16));
        __asm__("" : "+v"(w));
        d = _mm512_add_epi32(d, _mm512_madd_epi16(_mm512_maddubs_epi16(w, one8), one16));
        __asm__("" : "+v"(w));
        e = _mm512_add_epi32(e, _mm512_madd_epi16(_mm512_maddubs_epi16(w, one8), one16));
        __asm__("" : "+v"(w));
        f = _mm512_add_epi32(f, _mm512_madd_epi16(_mm512_maddubs_epi16(w, one8), one16));
        __asm__("" : "+v"(w));
        __asm__("" : "+v"(a), "+v"(b), "+v"(c), "+v"(d), "+v"(e), "+v"(f));
    }
    const __m512i sums[] = {a, b, c, d, e, f};
    return total_i32(sums, sizeof sums);
}

__attribute__((target("avx512bw,avx512vnni"))) static double int8_avx512icl(size_t turns)
{
    const __m512i one = _mm512_set1_epi8(1);
    __m512i a, b, c, d, e, f, g, h, i, j;
    a = b = c = d = e = f = g = h = i = j = _mm512_setzero_si512();
    for (; turns; turns--) {
        a = _mm512_dpbusd_epi32(a, one, one);
        b = _mm512_dpbusd_epi32(b, one, one);
        c = _mm512_dpbusd_epi32(c, one, one);
        d = _mm512_dpbusd_epi32(d, one, one);
        e = _mm512_dpbusd_epi32(e, one, one);
        f = _mm512_dpbusd_epi32(f, one, one);
        g = _mm512_dpbusd_epi32(g, one, one);
        h = _mm512_dpbusd_epi32(h, one, one);
        i = _mm512_dpbusd_epi32(i, one, one);
        j = _mm512_dpbusd_epi32(j, one, one);
        __asm__("" : "+v"(a), "+v"(b), "+v"(c), "+v"(d), "+v"(e), "+v"(f), "+v"(g), "+v"(h), "+v"(i), "+v"(j));
    }
    const __m512i sums[] = {a, b, c, d, e, f, g, h, i, j};
    return total_i32(sums, sizeof sums);
}

static double f32_sse(size_t turns)
{
    const __m128 one = _mm_set1_ps(1);
    __m128 w = one;
    __m128 a, b, c, d, e, f;
    a = b = c = d = e = f = _mm_setzero_ps();
    for (; turns; turns--) {
        a = _mm_add_ps(a, _mm_mul_ps(w, one));
        __asm__("" : "+x"(w));
        b = _mm_add_ps(b, _mm_mul_ps(w, one));
        __asm__("" : "+x"(w));
        c = _mm_add_ps(c, _mm_mul_ps(w, one));
        __asm__("" : "+x"(w));
        d = _mm_add_ps(d, _mm_mul_ps(w, one));
        __asm__("" : "+x"(w));
        e = _mm_add_ps(e, _mm_mul_ps(w, one));
        __asm__("" : "+x"(w));
        f = _mm_add_ps(f, _mm_mul_ps(w, one));
        __asm__("" : "+x"(w));
        __asm__("" : "+x"(a), "+x"(b), "+x"(c), "+x"(d), "+x"(e), "+x"(f));
    }
    const __m128 sums[] = {a, b, c, d, e, f};
    return total_f32(sums, sizeof sums);
}

__attribute__((target("avx2,fma"))) static double f32_avx2(size_t turns)
{
    const __m256 one = _mm256_set1_ps(1);
    __m256 a, b, c, d, e, f, g, h, i, j;
    a = b = c = d = e = f = g = h = i = j = _mm256_setzero_ps();
    for (; turns; turns--) {
        a = _mm256_fmadd_ps(one, one, a);
        b = _mm256_fmadd_ps(one, one, b);
        c = _mm256_fmadd_ps(one, one, c);
        d = _mm256_fmadd_ps(one, one, d);
        e = _mm256_fmadd_ps(one, one, e);
        f = _mm256_fmadd_ps(one, one, f);
        g = _mm256_fmadd_ps(one, one, g);
        h = _mm256_fmadd_ps(one, one, h);
        i = _mm256_fmadd_ps(one, one, i);
        j = _mm256_fmadd_ps(one, one, j);
        __asm__("" : "+x"(a), "+x"(b), "+x"(c), "+x"(d), "+x"(e), "+x"(f), "+x"(g), "+x"(h), "+x"(i), "+x"(j));
    }
    const __m256 sums[] = {a, b, c, d, e, f, g, h, i, j};
    return total_f32(sums, sizeof sums);
}

__attribute__((target("avx512f"))) static double f32_avx512(size_t turns)
{
    const __m512 one = _mm512_set1_ps(1);
    __m512 a, b, c, d, e, f, g, h, i, j;
    a = b = c = d = e = f = g = h = i = j = _mm512_setzero_ps();
    for (; turns; turns--) {
        a = _mm512_fmadd_ps(one, one, a);
        b = _mm512_fmadd_ps(one, one, b);
        c = _mm512_fmadd_ps(one, one, c);
        d = _mm512_fmadd_ps(one, one, d);
        e = _mm512_fmadd_ps(one, one, e);
        f = _mm512_fmadd_ps(one, one, f);
        g = _mm512_fmadd_ps(one, one, g);
        h = _mm512_fmadd_ps(one, one, h);
        i = _mm512_fmadd_ps(one, one, i);
        j = _mm512_fmadd_ps(one, one, j);
        __asm__("" : "+v"(a), "+v"(b), "+v"(c), "+v"(d), "+v"(e), "+v"(f), "+v"(g), "+v"(h), "+v"(i), "+v"(j));
    }
    const __m512 sums[] = {a, b, c, d, e, f, g, h, i, j};
    return total_f32(sums, sizeof sums);
}

#endif

#ifdef __aarch64__

#include <arm_neon.h>

static double int8_neon(size_t turns)
{
    const int8x16_t one = vdupq_n_s8(1);
    int8x16_t w = one;
    int32x4_t a, b, c, d, e, f;
    a = b = c = d = e = f = vdupq_n_s32(0);
    for (; turns; turns--) {
        a = vpadalq_s16(a, vmlal_high_s8(vmull_s8(vget_low_s8(w), vget_low_s8(one)), w, one));
        __asm__("" : "+w"(w));
        b = vpadalq_s16(b, vmlal_high_s8(vmull_s8(vget_low_s8(w), vget_low_s8(one)), w, one));
        __asm__("" : "+w"(w));
        c = vpadalq_s16(c, vmlal_high_s8(vmull_s8(vget_low_s8(w), vget_low_s8(one)), w, one));
        __asm__("" : "+w"(w));
        d = vpadalq_s16(d, vmlal_high_s8(vmull_s8(vget_low_s8(w), vget_low_s8(one)), w, one));
        __asm__("" : "+w"(w));
        e = vpadalq_s16(e, vmlal_high_s8(vmull_s8(vget_low_s8(w), vget_low_s8(one)), w, one));
        __asm__("" : "+w"(w));
        f = vpadalq_s16(f, vmlal_high_s8(vmull_s8(vget_low_s8(w), vget_low_s8(one)), w, one));
        __asm__("" : "+w"(w));
        __asm__("" : "+w"(a), "+w"(b), "+w"(c), "+w"(d), "+w"(e), "+w"(f));
    }
    const int32x4_t sums[] = {a, b, c, d, e, f};
    return total_i32(sums, sizeof sums);
}

/* The instruction as text: clang 14 has its intrinsic only where the whole file is for SDOT. */
#ifdef __clang__
__attribute__((target("dotprod")))
#else
__attribute__((target("arch=armv8.2-a+dotprod")))
#endif
static double
int8_neondot(size_t turns)
{
    const int8x16_t one = vdupq_n_s8(1);
    int32x4_t a, b, c, d, e, f, g, h, i, j;
    a = b = c = d = e = f = g = h = i = j = vdupq_n_s32(0);
    for (; turns; turns--) {
        __asm__("sdot %0.4s, %1.16b, %1.16b" : "+w"(a) : "w"(one));
        __asm__("sdot %0.4s, %1.16b, %1.16b" : "+w"(b) : "w"(one));
        __asm__("sdot %0.4s, %1.16b, %1.16b" : "+w"(c) : "w"(one));
        __asm__("sdot %0.4s, %1.16b, %1.16b" : "+w"(d) : "w"(one));
        __asm__("sdot %0.4s, %1.16b, %1.16b" : "+w"(e) : "w"(one));
        __asm__("sdot %0.4s, %1.16b, %1.16b" : "+w"(f) : "w"(one));
        __asm__("sdot %0.4s, %1.16b, %1.16b" : "+w"(g) : "w"(one));
        __asm__("sdot %0.4s, %1.16b, %1.16b" : "+w"(h) : "w"(one));
        __asm__("sdot %0.4s, %1.16b, %1.16b" : "+w"(i) : "w"(one));
        __asm__("sdot %0.4s, %1.16b, %1.16b" : "+w"(j) : "w"(one));
        __asm__("" : "+w"(a), "+w"(b), "+w"(c), "+w"(d), "+w"(e), "+w"(f), "+w"(g), "+w"(h), "+w"(i), "+w"(j));
    }
    const int32x4_t sums[] = {a, b, c, d, e, f, g, h, i, j};
    return total_i32(sums, sizeof sums);
}

static double f32_neon(size_t turns)
{
    const float32x4_t one = vdupq_n_f32(1);
    float32x4_t a, b, c, d, e, f, g, h, i, j;
    a = b = c = d = e = f = g = h = i = j = vdupq_n_f32(0);
    for (; turns; turns--) {
        a = vfmaq_f32(a, one, one);
        b = vfmaq_f32(b, one, one);
        c = vfmaq_f32(c, one, one);
        d = vfmaq_f32(d, one, one);
        e = vfmaq_f32(e, one, one);
        f = vfmaq_f32(f, one, one);
        g = vfmaq_f32(g, one, one);
        h = vfmaq_f32(h, one, one);
        i = vfmaq_f32(i, one, one);
        j = vfmaq_f32(j, one, one);
        __asm__("" : "+w"(a), "+w"(b), "+w"(c), "+w"(d), "+w"(e), "+w"(f), "+w"(g), "+w"(h), "+w"(i), "+w"(j));
    }
    const float32x4_t sums[] = {a, b, c, d, e, f, g, h, i, j};
    return total_f32(sums, sizeof sums);
}

#endif

/* The plainest first; a level without a loop of its own has that of the one before. The factors: two operations, lanes, sums. */
static const bench_peak loops[] = {
#ifdef __x86_64__
    {BENCH_PEAK_F32, ISA_scalar, 2 * 4 * 6, f32_sse},
    {BENCH_PEAK_INT8, ISA_sse41, 2 * 16 * 6, int8_sse41},
    {BENCH_PEAK_F32, ISA_avx2, 2 * 8 * 10, f32_avx2},
    {BENCH_PEAK_INT8, ISA_avx2, 2 * 32 * 6, int8_avx2},
    {BENCH_PEAK_F32, ISA_avx512, 2 * 16 * 10, f32_avx512},
    {BENCH_PEAK_INT8, ISA_avx512, 2 * 64 * 6, int8_avx512},
    {BENCH_PEAK_INT8, ISA_avx512icl, 2 * 64 * 10, int8_avx512icl},
#endif
#ifdef __aarch64__
    {BENCH_PEAK_F32, ISA_neon, 2 * 4 * 10, f32_neon},
    {BENCH_PEAK_INT8, ISA_neon, 2 * 16 * 6, int8_neon},
    {BENCH_PEAK_INT8, ISA_neondot, 2 * 16 * 10, int8_neondot},
#endif
};
enum { LOOPS = sizeof(loops) / sizeof(*loops) };

const bench_peak *bench_peak_loop(const lsq_cpu *cpu, size_t i)
{
    for (size_t l = 0; l < LOOPS; l++)
        if (!cpu->lacks[loops[l].isa] && i-- == 0)
            return &loops[l];
    return NULL;
}

const bench_peak *bench_peak_highest(const lsq_cpu *cpu, bench_peak_kind kind)
{
    const bench_peak *highest = NULL, *loop;
    for (size_t i = 0; (loop = bench_peak_loop(cpu, i)); i++)
        if (loop->kind == kind)
            highest = loop;
    return highest;
}
