/*
 * trellis_encode.c - the Viterbi recursion, on NEON: 16 rows are four quarters of 4 lanes.
 *
 *     x / scale  --tree of thresholds, by tbl-->  rank  --4 tables, by tbl-->  nearest levels  -->  cost[4]
 *     metric[j] + cost, metric[j + half] + cost  --fmin-->  metric'[2 j], [2 j + 1]       --fcmgt, sli-->  a bit a state
 *
 * Nothing crosses lanes. Metrics of a path and their costs are in memory, in L1: states and subsets are looked up there.
 *
 * fmin is the choice that the contract wants, since no error is a NaN and zeros that meet in it have one sign: metrics begin with +0, which
 * stays +0 whatever zeros are added, and the errors of a weight have the sign of its importance.
 */
#include "kernels/coder.h"
#include "kernels/neon/inverse.h"

#include <arm_neon.h>

enum { STATES = 64, KINDS = 4, QUARTERS = 4 };

/* 16 rows. */
typedef struct rows {
    float32x4_t q[QUARTERS];
} rows;

typedef struct rows_u {
    uint32x4_t q[QUARTERS];
} rows_u;

INLINE rows load(const float *x)
{
    rows v;
    for (unsigned i = 0; i < QUARTERS; i++)
        v.q[i] = vld1q_f32(x + 4 * i);
    return v;
}

INLINE void store(float *to, rows v)
{
    for (unsigned i = 0; i < QUARTERS; i++)
        vst1q_f32(to + 4 * i, v.q[i]);
}

INLINE void store_u(uint32_t *to, rows_u v)
{
    for (unsigned i = 0; i < QUARTERS; i++)
        vst1q_u32(to + 4 * i, v.q[i]);
}

INLINE rows all(float x)
{
    return (rows){{vdupq_n_f32(x), vdupq_n_f32(x), vdupq_n_f32(x), vdupq_n_f32(x)}};
}

INLINE rows sum(rows a, rows b)
{
    for (unsigned i = 0; i < QUARTERS; i++)
        a.q[i] = vaddq_f32(a.q[i], b.q[i]);
    return a;
}

INLINE rows least(rows a, rows b)
{
    for (unsigned i = 0; i < QUARTERS; i++)
        a.q[i] = vminq_f32(a.q[i], b.q[i]);
    return a;
}

/* table[index], of 2^bits floats, up to 64; of at least 4 in memory. As bytes, of which tbl gets 64 and tbx others. */
INLINE rows look_up(const float *table, unsigned bits, rows_u index)
{
    const uint8_t *bytes = (const uint8_t *)table;
    uint8x16_t at[QUARTERS], found[QUARTERS];
    if (bits == 0)
        return all(*table);
    for (unsigned i = 0; i < QUARTERS; i++)
        at[i] = vreinterpretq_u8_u32(vmlaq_u32(vdupq_n_u32(0x03020100), index.q[i], vdupq_n_u32(0x04040404)));
    for (unsigned i = 0; i < QUARTERS; i++)
        found[i] = bits <= 2   ? vqtbl1q_u8(vld1q_u8(bytes), at[i])
                   : bits == 3 ? vqtbl2q_u8(vld1q_u8_x2(bytes), at[i])
                               : vqtbl4q_u8(vld1q_u8_x4(bytes), at[i]);
    for (unsigned n = 1; bits > 4 && n < 1u << (bits - 4); n++) {
        const uint8x16x4_t part = vld1q_u8_x4(bytes + 64 * n);
        for (unsigned i = 0; i < QUARTERS; i++)
            found[i] = vqtbx4q_u8(found[i], part, veorq_u8(at[i], vdupq_n_u8((uint8_t)(64 * n))));
    }
    rows v;
    for (unsigned i = 0; i < QUARTERS; i++)
        v.q[i] = vreinterpretq_f32_u8(found[i]);
    return v;
}

INLINE rows_u rank_of(const lsq_coder *coder, unsigned bits, rows y)
{
    rows_u rank = {{vdupq_n_u32(0), vdupq_n_u32(0), vdupq_n_u32(0), vdupq_n_u32(0)}};
    for (unsigned d = 0; bits > 1 && d <= bits; d++) {
        const rows threshold = look_up(coder->tree + (1u << d) - 1, d, rank);
        for (unsigned i = 0; i < QUARTERS; i++)
            rank.q[i] = vsliq_n_u32(vcgeq_f32(y.q[i], threshold.q[i]), rank.q[i], 1);
    }
    return rank;
}

/* A scale for each row, and what to multiply weights with: of a scale of zero, zero. */
typedef struct scaling {
    rows scale, inverse;
} scaling;

INLINE scaling scaling_of(const float *scale)
{
    scaling s;
    s.scale = load(scale);
    for (unsigned i = 0; i < QUARTERS; i++)
        s.inverse.q[i] = inverse_of(s.scale.q[i]);
    return s;
}

/* The error of the nearest level of each subset. */
INLINE rows_u costs(const lsq_encode_args *a, unsigned bits, unsigned column, const scaling *s, rows cost[4])
{
    const rows x = load(a->x + column * PANEL), importance = load(a->importance + column * PANEL);
    rows y;
    for (unsigned i = 0; i < QUARTERS; i++)
        y.q[i] = vmulq_f32(x.q[i], s->inverse.q[i]);
    const rows_u rank = rank_of(a->coder, bits, y);
    for (unsigned z = 0; z < 4; z++) {
        rows_u at;
        for (unsigned i = 0; i < QUARTERS; i++)
            at.q[i] = vshrq_n_u32(vaddq_u32(rank.q[i], vdupq_n_u32(3 - z)), 2);
        const rows level = look_up(a->coder->level + (z << (bits - 1)), bits - 1, at);
        for (unsigned i = 0; i < QUARTERS; i++) {
            const float32x4_t error = vsubq_f32(x.q[i], vmulq_f32(s->scale.q[i], level.q[i]));
            cost[z].q[i] = vmulq_f32(importance.q[i], vmulq_f32(error, error));
        }
    }
    return rank;
}

/* Shifts a bit in from below: 1 where `other` is less. */
INLINE rows_u shift_in(rows_u bits, rows other, rows kept)
{
    for (unsigned i = 0; i < QUARTERS; i++)
        bits.q[i] = vsliq_n_u32(vcltq_f32(other.q[i], kept.q[i]), bits.q[i], 1);
    return bits;
}

/* Add, compare, select: from the last pair of states down, so that the bits of the first come last. */
INLINE void advance(const lsq_coder *coder, const float *from, const rows cost[4], float *to, uint32_t *chose)
{
    const unsigned half = coder->states / 2;
    rows_u bits = {{vdupq_n_u32(0), vdupq_n_u32(0), vdupq_n_u32(0), vdupq_n_u32(0)}};
    for (unsigned j = half; j-- > 0;) {
        const unsigned z = coder->subset[j];
        const rows low = load(from + j * PANEL), high = load(from + (j + half) * PANEL);
        const rows kept0 = sum(low, cost[z]), other0 = sum(high, cost[z ^ 2]);
        const rows kept1 = sum(low, cost[z ^ 2]), other1 = sum(high, cost[z]);
        store(to + 2 * j * PANEL, least(other0, kept0));
        store(to + (2 * j + 1) * PANEL, least(other1, kept1));
        if (chose)
            bits = shift_in(shift_in(bits, other1, kept1), other0, kept0);
        if (chose && j % 16 == 0)
            store_u(chose + j / 16 * PANEL, bits);
    }
}

/* Of all states of one kind the least metric. */
INLINE void least_of_kinds(const lsq_coder *coder, const float *metric, unsigned kinds, rows of[KINDS])
{
    for (unsigned i = 0; i < kinds; i++)
        of[i] = all(3e38f);
    for (unsigned s = 0; s < coder->states; s++) {
        rows *now = &of[coder->kind[s] & (kinds - 1)];
        *now = least(load(metric + s * PANEL), *now);
    }
}

/* The least metric behind the last `ahead` steps. */
INLINE rows least_behind(const rows kind[KINDS], rows cost[2][4], unsigned ahead)
{
    rows free[2][2], of_all = all(3e38f);
    for (unsigned v = 0; v < ahead; v++)
        for (unsigned z0 = 0; z0 < 2; z0++)
            free[v][z0] = least(cost[v][z0 + 2], cost[v][z0]);
    for (unsigned i = 0; i < 1u << ahead; i++) {
        rows metric = sum(kind[i], free[0][i & 1]);
        if (ahead == 2)
            metric = sum(metric, free[1][i >> 1]);
        of_all = least(metric, of_all);
    }
    return of_all;
}

INLINE void measure_path(const lsq_encode_args *a, unsigned bits, unsigned path, unsigned ahead)
{
    const lsq_coder *coder = a->coder;
    const float *metric = a->metric + path * coder->states * PANEL;
    const unsigned steps = a->step1 - a->step0 - ahead;
    float to[2][STATES * PANEL];
    rows kind[KINDS], cost[2][4];
    if (steps == 0)
        least_of_kinds(coder, metric, 1u << ahead, kind);
    for (size_t i = 0; i < a->tries; i++) {
        const scaling scale = scaling_of(a->scale + i * PANEL);
        float *error = a->error + i * PANEL;
        for (unsigned v = 0; v < steps; v++) {
            costs(a, bits, lsq_path_column(bits, path, a->step0 + v), &scale, cost[0]);
            advance(coder, v ? to[(v + 1) % 2] : metric, cost[0], to[v % 2], NULL);
        }
        if (steps)
            least_of_kinds(coder, to[(steps - 1) % 2], 1u << ahead, kind);
        for (unsigned v = 0; v < ahead; v++)
            costs(a, bits, lsq_path_column(bits, path, a->step1 - ahead + v), &scale, cost[v]);
        store(error, sum(load(error), least_behind(kind, cost, ahead)));
    }
}

INLINE void measure(const lsq_encode_args *a, unsigned bits)
{
    for (size_t i = 0; i < a->tries; i++)
        store(a->error + i * PANEL, all(0));
    for (unsigned path = a->path0; path < a->path1; path++)
        if (a->step1 - a->step0 < 2 || a->coder->ahead < 2)
            measure_path(a, bits, path, 1);
        else
            measure_path(a, bits, path, 2);
}

INLINE void put_rank(uint16_t *to, rows_u rank)
{
    for (unsigned i = 0; i < QUARTERS; i++)
        vst1_u16(to + 4 * i, vmovn_u32(rank.q[i]));
}

INLINE void encode_path(const lsq_encode_args *a, unsigned bits, unsigned path)
{
    const lsq_coder *coder = a->coder;
    const unsigned states = coder->states, steps = a->step1 - a->step0;
    const scaling scale = scaling_of(a->scale);
    float *metric = a->metric + path * states * PANEL, to[2][STATES * PANEL];
    rows cost[4];
    for (unsigned v = 0; v < steps; v++) {
        const unsigned column = lsq_path_column(bits, path, a->step0 + v);
        uint32_t *chose = a->chose + column * 2 * PANEL;
        put_rank(a->rank + column * PANEL, costs(a, bits, column, &scale, cost));
        for (unsigned i = 0; i < QUARTERS; i++)
            vst1q_u32(chose + PANEL + 4 * i, vdupq_n_u32(0));
        advance(coder, v ? to[(v + 1) % 2] : metric, cost, to[v % 2], chose);
    }
    const float *last = to[(steps - 1) % 2];
    rows of_all = load(last);
    for (unsigned s = 1; s < states; s++)
        of_all = least(load(last + s * PANEL), of_all);
    for (unsigned s = 0; s < states; s++)
        for (unsigned i = 0; i < QUARTERS; i++)
            vst1q_f32(metric + s * PANEL + 4 * i, vsubq_f32(vld1q_f32(last + s * PANEL + 4 * i), of_all.q[i]));
}

INLINE void encode(const lsq_encode_args *a, unsigned bits)
{
    for (unsigned path = a->path0; path < a->path1; path++)
        encode_path(a, bits, path);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_measure_t##bits##_f32_neon_r1(const lsq_encode_args *a)                                                   \
    {                                                                                                                  \
        measure(a, bits);                                                                                              \
    }                                                                                                                  \
    void lsq_encode_t##bits##_f32_neon_r1(const lsq_encode_args *a)                                                    \
    {                                                                                                                  \
        encode(a, bits);                                                                                               \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
