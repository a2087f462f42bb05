/*
 * trellis_encode.c - the Viterbi recursion, on AVX-512: 16 rows are the lanes of a register.
 *
 *     x / scale  --tree of thresholds, by permutations-->  rank  --4 tables-->  nearest levels  -->  cost[4]
 *     metric[j] + cost, metric[j + half] + cost  --vminps-->  metric'[2 j], [2 j + 1]     --vcmpps, shifted in-->  a bit a state
 *
 * Nothing crosses lanes. Metrics of a path and their costs are in memory, in L1: states and subsets are looked up there.
 */
#include "kernels/avx512/inverse.h"
#include "kernels/avx512/look_up.h"
#include "kernels/coder.h"

enum { STATES = 64, KINDS = 4 };

INLINE __m512i rank_of(const lsq_coder *coder, unsigned bits, __m512 y)
{
    const __m512i one = _mm512_set1_epi32(1);
    __m512i rank = _mm512_setzero_si512();
    for (unsigned d = 0; bits > 1 && d <= bits; d++) {
        const __m512 threshold = look_up(coder->tree + (1u << d) - 1, d, rank);
        const __m512i twice = _mm512_add_epi32(rank, rank);
        rank = _mm512_mask_or_epi32(twice, _mm512_cmp_ps_mask(y, threshold, _CMP_GE_OQ), twice, one);
    }
    return rank;
}

/* The error of the nearest level of each subset. */
INLINE __m512i costs(const lsq_encode_args *a, unsigned bits, unsigned column, __m512 scale, __m512 inverse,
                     __m512 cost[4])
{
    const __m512 x = _mm512_load_ps(a->x + column * PANEL), importance = _mm512_load_ps(a->importance + column * PANEL);
    const __m512i rank = rank_of(a->coder, bits, _mm512_mul_ps(x, inverse));
    for (unsigned z = 0; z < 4; z++) {
        const __m512i q = _mm512_srli_epi32(_mm512_add_epi32(rank, _mm512_set1_epi32(3 - (int)z)), 2);
        const __m512 level = look_up(a->coder->level + (z << (bits - 1)), bits - 1, q);
        const __m512 error = _mm512_sub_ps(x, _mm512_mul_ps(scale, level));
        cost[z] = _mm512_mul_ps(importance, _mm512_mul_ps(error, error));
    }
    return rank;
}

/* Shifts two bits in from below: 1 where `other` is less. */
INLINE __m512i shift_in(__m512i bits, const __m512 other[2], const __m512 kept[2])
{
    bits = _mm512_slli_epi32(bits, 2);
    for (unsigned u = 0; u < 2; u++)
        bits = _mm512_mask_or_epi32(bits, _mm512_cmp_ps_mask(other[u], kept[u], _CMP_LT_OQ), bits,
                                    _mm512_set1_epi32(1 << u));
    return bits;
}

/* Add, compare, select: from the last pair of states down, so that the bits of the first come last. */
INLINE void advance(const lsq_coder *coder, const float *from, const __m512 cost[4], __m512 *to, uint32_t *chose)
{
    const unsigned half = coder->states / 2;
    __m512i bits = _mm512_setzero_si512();
    for (unsigned j = half; j-- > 0;) {
        const unsigned z = coder->subset[j];
        const __m512 low = _mm512_load_ps(from + j * PANEL), high = _mm512_load_ps(from + (j + half) * PANEL);
        const __m512 kept[2] = {_mm512_add_ps(low, cost[z]), _mm512_add_ps(low, cost[z ^ 2])},
                     other[2] = {_mm512_add_ps(high, cost[z ^ 2]), _mm512_add_ps(high, cost[z])};
        for (unsigned u = 0; u < 2; u++)
            to[2 * j + u] = _mm512_min_ps(other[u], kept[u]);
        if (chose)
            bits = shift_in(bits, other, kept);
        if (chose && j % 16 == 0)
            _mm512_store_si512(chose + j / 16 * PANEL, bits);
    }
}

/* Of all states of one kind the least metric. */
INLINE void least_of_kinds(const lsq_coder *coder, const float *metric, unsigned kinds, __m512 least[KINDS])
{
    for (unsigned i = 0; i < kinds; i++)
        least[i] = _mm512_set1_ps(3e38f);
    for (unsigned s = 0; s < coder->states; s++) {
        __m512 *now = &least[coder->kind[s] & (kinds - 1)];
        *now = _mm512_min_ps(_mm512_load_ps(metric + s * PANEL), *now);
    }
}

/* The least metric behind the last `ahead` steps. */
INLINE __m512 least_behind(const __m512 kind[KINDS], __m512 cost[2][4], unsigned ahead)
{
    __m512 free[2][2], least = _mm512_set1_ps(3e38f);
    for (unsigned v = 0; v < ahead; v++)
        for (unsigned z0 = 0; z0 < 2; z0++)
            free[v][z0] = _mm512_min_ps(cost[v][z0 + 2], cost[v][z0]);
    for (unsigned i = 0; i < 1u << ahead; i++) {
        __m512 sum = _mm512_add_ps(kind[i], free[0][i & 1]);
        if (ahead == 2)
            sum = _mm512_add_ps(sum, free[1][i >> 1]);
        least = _mm512_min_ps(sum, least);
    }
    return least;
}

INLINE void measure_path(const lsq_encode_args *a, unsigned bits, unsigned path, unsigned ahead)
{
    const lsq_coder *coder = a->coder;
    const float *metric = a->metric + path * coder->states * PANEL;
    const unsigned steps = a->step1 - a->step0 - ahead;
    __m512 to[2][STATES], kind[KINDS], cost[2][4];
    if (steps == 0)
        least_of_kinds(coder, metric, 1u << ahead, kind);
    for (size_t i = 0; i < a->tries; i++) {
        const __m512 scale = _mm512_load_ps(a->scale + i * PANEL), inverse = inverse_of(scale);
        float *error = a->error + i * PANEL;
        for (unsigned v = 0; v < steps; v++) {
            costs(a, bits, lsq_path_column(bits, path, a->step0 + v), scale, inverse, cost[0]);
            advance(coder, v ? (const float *)to[(v + 1) % 2] : metric, cost[0], to[v % 2], NULL);
        }
        if (steps)
            least_of_kinds(coder, (const float *)to[(steps - 1) % 2], 1u << ahead, kind);
        for (unsigned v = 0; v < ahead; v++)
            costs(a, bits, lsq_path_column(bits, path, a->step1 - ahead + v), scale, inverse, cost[v]);
        _mm512_store_ps(error, _mm512_add_ps(_mm512_load_ps(error), least_behind(kind, cost, ahead)));
    }
}

INLINE void measure(const lsq_encode_args *a, unsigned bits)
{
    for (size_t i = 0; i < a->tries; i++)
        _mm512_store_ps(a->error + i * PANEL, _mm512_setzero_ps());
    for (unsigned path = a->path0; path < a->path1; path++)
        if (a->step1 - a->step0 < 2 || a->coder->ahead < 2)
            measure_path(a, bits, path, 1);
        else
            measure_path(a, bits, path, 2);
}

INLINE void encode_path(const lsq_encode_args *a, unsigned bits, unsigned path)
{
    const lsq_coder *coder = a->coder;
    const unsigned states = coder->states, steps = a->step1 - a->step0;
    const __m512 scale = _mm512_load_ps(a->scale), inverse = inverse_of(scale);
    float *metric = a->metric + path * states * PANEL;
    __m512 to[2][STATES], cost[4];
    for (unsigned v = 0; v < steps; v++) {
        const unsigned column = lsq_path_column(bits, path, a->step0 + v);
        uint32_t *chose = a->chose + column * 2 * PANEL;
        const __m512i rank = costs(a, bits, column, scale, inverse, cost);
        _mm256_store_si256((__m256i *)(void *)(a->rank + column * PANEL), _mm512_cvtepi32_epi16(rank));
        _mm512_store_si512(chose + PANEL, _mm512_setzero_si512());
        advance(coder, v ? (const float *)to[(v + 1) % 2] : metric, cost, to[v % 2], chose);
    }
    const __m512 *last = to[(steps - 1) % 2];
    __m512 least = last[0];
    for (unsigned s = 1; s < states; s++)
        least = _mm512_min_ps(last[s], least);
    for (unsigned s = 0; s < states; s++)
        _mm512_store_ps(metric + s * PANEL, _mm512_sub_ps(last[s], least));
}

INLINE void encode(const lsq_encode_args *a, unsigned bits)
{
    for (unsigned path = a->path0; path < a->path1; path++)
        encode_path(a, bits, path);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_measure_t##bits##_f32_avx512_r1(const lsq_encode_args *a)                                                 \
    {                                                                                                                  \
        measure(a, bits);                                                                                              \
    }                                                                                                                  \
    void lsq_encode_t##bits##_f32_avx512_r1(const lsq_encode_args *a)                                                  \
    {                                                                                                                  \
        encode(a, bits);                                                                                               \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
