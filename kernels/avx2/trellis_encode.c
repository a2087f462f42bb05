/*
 * trellis_encode.c - the Viterbi recursion, on AVX2: 16 rows are two halves of 8 lanes.
 *
 *     x / scale  --tree of thresholds, by permutations-->  rank  --4 tables-->  nearest levels  -->  cost[4]
 *     metric[j] + cost, metric[j + half] + cost  --minps-->  metric'[2 j], [2 j + 1]      --cmpps, shifted in-->  a bit a state
 *
 * Nothing crosses lanes. States of a path are 64 bytes apart in memory and in L1; costs are looked up there by subset.
 */
#include "kernels/avx2/inverse.h"
#include "kernels/avx2/look_up.h"
#include "kernels/coder.h"

enum { STATES = 64, KINDS = 4 };

/* Half of the rows of column c. */
INLINE __m256 half_of(const float *x, unsigned c, unsigned half)
{
    return _mm256_load_ps(x + c * PANEL + 8 * half);
}

INLINE __m256i rank_of(const lsq_coder *coder, unsigned bits, __m256 y)
{
    __m256i rank = _mm256_setzero_si256();
    for (unsigned d = 0; bits > 1 && d <= bits; d++) {
        const __m256 threshold = look_up(coder->tree + (1u << d) - 1, d, rank);
        const __m256i reached = _mm256_castps_si256(_mm256_cmp_ps(y, threshold, _CMP_GE_OQ));
        rank = _mm256_sub_epi32(_mm256_add_epi32(rank, rank), reached);
    }
    return rank;
}

/* The error of the nearest level of each subset. */
INLINE __m256i costs(const lsq_encode_args *a, unsigned bits, unsigned column, unsigned half, __m256 scale,
                     __m256 inverse, __m256 cost[4])
{
    const __m256 x = half_of(a->x, column, half), importance = half_of(a->importance, column, half);
    const __m256i rank = rank_of(a->coder, bits, _mm256_mul_ps(x, inverse));
    for (unsigned z = 0; z < 4; z++) {
        const __m256i q = _mm256_srli_epi32(_mm256_add_epi32(rank, _mm256_set1_epi32(3 - (int)z)), 2);
        const __m256 level = look_up(a->coder->level + (z << (bits - 1)), bits - 1, q);
        const __m256 error = _mm256_sub_ps(x, _mm256_mul_ps(scale, level));
        cost[z] = _mm256_mul_ps(importance, _mm256_mul_ps(error, error));
    }
    return rank;
}

/* Shifts a bit in from below: 1 where `other` is less. */
INLINE __m256i shift_in(__m256i bits, __m256 other, __m256 kept)
{
    const __m256i less = _mm256_castps_si256(_mm256_cmp_ps(other, kept, _CMP_LT_OQ));
    return _mm256_sub_epi32(_mm256_add_epi32(bits, bits), less);
}

/* Add, compare, select: from the last pair of states down, so that the bits of the first come last. */
INLINE void advance(const lsq_coder *coder, const float *from, unsigned stride, const __m256 cost[4], __m256 *to,
                    uint32_t *chose)
{
    const unsigned half = coder->states / 2;
    __m256i bits = _mm256_setzero_si256();
    for (unsigned j = half; j-- > 0;) {
        const unsigned z = coder->subset[j];
        const __m256 low = _mm256_load_ps(from + j * stride), high = _mm256_load_ps(from + (j + half) * stride);
        const __m256 kept0 = _mm256_add_ps(low, cost[z]), other0 = _mm256_add_ps(high, cost[z ^ 2]);
        const __m256 kept1 = _mm256_add_ps(low, cost[z ^ 2]), other1 = _mm256_add_ps(high, cost[z]);
        to[2 * j] = _mm256_min_ps(other0, kept0);
        to[2 * j + 1] = _mm256_min_ps(other1, kept1);
        if (chose)
            bits = shift_in(shift_in(bits, other1, kept1), other0, kept0);
        if (chose && j % 16 == 0)
            _mm256_store_si256((__m256i *)(void *)(chose + j / 16 * PANEL), bits);
    }
}

/* Of all states of one kind the least metric. */
INLINE void least_of_kinds(const lsq_coder *coder, const float *metric, unsigned stride, unsigned kinds,
                           __m256 least[KINDS])
{
    for (unsigned i = 0; i < kinds; i++)
        least[i] = _mm256_set1_ps(3e38f);
    for (unsigned s = 0; s < coder->states; s++) {
        __m256 *now = &least[coder->kind[s] & (kinds - 1)];
        *now = _mm256_min_ps(_mm256_load_ps(metric + s * stride), *now);
    }
}

/* The least metric behind the last `ahead` steps. */
INLINE __m256 least_behind(const __m256 kind[KINDS], __m256 cost[2][4], unsigned ahead)
{
    __m256 free[2][2], least = _mm256_set1_ps(3e38f);
    for (unsigned v = 0; v < ahead; v++)
        for (unsigned z0 = 0; z0 < 2; z0++)
            free[v][z0] = _mm256_min_ps(cost[v][z0 + 2], cost[v][z0]);
    for (unsigned i = 0; i < 1u << ahead; i++) {
        __m256 sum = _mm256_add_ps(kind[i], free[0][i & 1]);
        if (ahead == 2)
            sum = _mm256_add_ps(sum, free[1][i >> 1]);
        least = _mm256_min_ps(sum, least);
    }
    return least;
}

INLINE void measure_path(const lsq_encode_args *a, unsigned bits, unsigned path, unsigned half, unsigned ahead)
{
    const lsq_coder *coder = a->coder;
    const float *metric = a->metric + path * coder->states * PANEL + 8 * half;
    const unsigned steps = a->step1 - a->step0 - ahead;
    __m256 to[2][STATES], kind[KINDS], cost[2][4];
    if (steps == 0)
        least_of_kinds(coder, metric, PANEL, 1u << ahead, kind);
    for (size_t i = 0; i < a->tries; i++) {
        const __m256 scale = _mm256_load_ps(a->scale + i * PANEL + 8 * half), inverse = inverse_of(scale);
        float *error = a->error + i * PANEL + 8 * half;
        for (unsigned v = 0; v < steps; v++) {
            costs(a, bits, lsq_path_column(bits, path, a->step0 + v), half, scale, inverse, cost[0]);
            advance(coder, v ? (const float *)to[(v + 1) % 2] : metric, v ? 8 : PANEL, cost[0], to[v % 2], NULL);
        }
        if (steps)
            least_of_kinds(coder, (const float *)to[(steps - 1) % 2], 8, 1u << ahead, kind);
        for (unsigned v = 0; v < ahead; v++)
            costs(a, bits, lsq_path_column(bits, path, a->step1 - ahead + v), half, scale, inverse, cost[v]);
        _mm256_store_ps(error, _mm256_add_ps(_mm256_load_ps(error), least_behind(kind, cost, ahead)));
    }
}

INLINE void measure(const lsq_encode_args *a, unsigned bits)
{
    const unsigned steps = a->step1 - a->step0;
    for (size_t i = 0; i < a->tries * 2; i++)
        _mm256_store_ps(a->error + 8 * i, _mm256_setzero_ps());
    for (unsigned path = a->path0; path < a->path1; path++)
        for (unsigned half = 0; half < 2; half++)
            if (steps < 2 || a->coder->ahead < 2)
                measure_path(a, bits, path, half, 1);
            else
                measure_path(a, bits, path, half, 2);
}

INLINE void put_rank(uint16_t *to, __m256i rank)
{
    const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(rank), _mm256_extracti128_si256(rank, 1));
    _mm_store_si128((__m128i *)(void *)to, words);
}

INLINE void encode_path(const lsq_encode_args *a, unsigned bits, unsigned path, unsigned half)
{
    const lsq_coder *coder = a->coder;
    const unsigned states = coder->states, steps = a->step1 - a->step0;
    const __m256 scale = _mm256_load_ps(a->scale + 8 * half), inverse = inverse_of(scale);
    float *metric = a->metric + path * states * PANEL + 8 * half;
    __m256 to[2][STATES], cost[4];
    for (unsigned v = 0; v < steps; v++) {
        const unsigned column = lsq_path_column(bits, path, a->step0 + v);
        uint32_t *chose = a->chose + column * 2 * PANEL + 8 * half;
        put_rank(a->rank + column * PANEL + 8 * half, costs(a, bits, column, half, scale, inverse, cost));
        _mm256_store_si256((__m256i *)(void *)(chose + PANEL), _mm256_setzero_si256());
        advance(coder, v ? (const float *)to[(v + 1) % 2] : metric, v ? 8 : PANEL, cost, to[v % 2], chose);
    }
    const __m256 *last = to[(steps - 1) % 2];
    __m256 least = last[0];
    for (unsigned s = 1; s < states; s++)
        least = _mm256_min_ps(last[s], least);
    for (unsigned s = 0; s < states; s++)
        _mm256_store_ps(metric + s * PANEL, _mm256_sub_ps(last[s], least));
}

INLINE void encode(const lsq_encode_args *a, unsigned bits)
{
    for (unsigned path = a->path0; path < a->path1; path++)
        for (unsigned half = 0; half < 2; half++)
            encode_path(a, bits, path, half);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_measure_t##bits##_f32_avx2_r1(const lsq_encode_args *a)                                                   \
    {                                                                                                                  \
        measure(a, bits);                                                                                              \
    }                                                                                                                  \
    void lsq_encode_t##bits##_f32_avx2_r1(const lsq_encode_args *a)                                                    \
    {                                                                                                                  \
        encode(a, bits);                                                                                               \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
