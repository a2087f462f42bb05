/*
 * stream.c - a loop that does nothing but read, at three widths of vector.
 *
 * Whatever takes weights from memory has to read them, so no product is faster than this. Eight vectors a turn keep enough
 * loads in flight to saturate any cache; the sums only make the loads needed. The three loops are the same text: compilers lower
 * a generic vector before they inline, so a shared body would be compiled for the baseline.
 */
#include "bench/stream.h"

#include <string.h>

typedef uint64_t v16 __attribute__((vector_size(16), aligned(1), may_alias));

#define TURN 8 /* vectors */

static uint64_t read_words(const uint8_t *p, size_t count)
{
    uint64_t sum = 0, word;
    for (; count >= sizeof word; p += sizeof word, count -= sizeof word) {
        memcpy(&word, p, sizeof word);
        sum += word;
    }
    word = 0;
    memcpy(&word, p, count);
    return sum + word;
}

static uint64_t read_16(const void *bytes, size_t count)
{
    const v16 *v = bytes;
    v16 a = {0}, b = {0}, c = {0}, d = {0};
    for (size_t turns = count / (TURN * sizeof *v); turns; turns--, v += TURN) {
        a += v[0] + v[4];
        b += v[1] + v[5];
        c += v[2] + v[6];
        d += v[3] + v[7];
    }
    a += b + c + d;
    return a[0] + a[1] + read_words((const uint8_t *)v, count % (TURN * sizeof *v));
}

#ifdef __x86_64__

typedef uint64_t v32 __attribute__((vector_size(32), aligned(1), may_alias));
typedef uint64_t v64 __attribute__((vector_size(64), aligned(1), may_alias));

__attribute__((target("avx2"))) static uint64_t read_32(const void *bytes, size_t count)
{
    const v32 *v = bytes;
    v32 a = {0}, b = {0}, c = {0}, d = {0};
    for (size_t turns = count / (TURN * sizeof *v); turns; turns--, v += TURN) {
        a += v[0] + v[4];
        b += v[1] + v[5];
        c += v[2] + v[6];
        d += v[3] + v[7];
    }
    a += b + c + d;
    return a[0] + a[1] + a[2] + a[3] + read_words((const uint8_t *)v, count % (TURN * sizeof *v));
}

__attribute__((target("avx512f"))) static uint64_t read_64(const void *bytes, size_t count)
{
    const v64 *v = bytes;
    v64 a = {0}, b = {0}, c = {0}, d = {0};
    for (size_t turns = count / (TURN * sizeof *v); turns; turns--, v += TURN) {
        a += v[0] + v[4];
        b += v[1] + v[5];
        c += v[2] + v[6];
        d += v[3] + v[7];
    }
    a += b + c + d;
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof a / sizeof sum; i++)
        sum += a[i];
    return sum + read_words((const uint8_t *)v, count % (TURN * sizeof *v));
}

#endif

static const bench_stream loops[] = {
    {ISA_scalar, sizeof(v16), read_16},
#ifdef __x86_64__
    {ISA_avx2, sizeof(v32), read_32},
    {ISA_avx512, sizeof(v64), read_64},
#endif
};

const bench_stream *bench_stream_loop(const lsq_cpu *cpu, size_t i)
{
    for (size_t l = 0; l < sizeof loops / sizeof *loops; l++)
        if (!cpu->lacks[loops[l].isa] && i-- == 0)
            return &loops[l];
    return NULL;
}

const bench_stream *bench_stream_widest(const lsq_cpu *cpu)
{
    const bench_stream *widest = &loops[0];
    for (size_t i = 0; bench_stream_loop(cpu, i); i++)
        widest = bench_stream_loop(cpu, i);
    return widest;
}
