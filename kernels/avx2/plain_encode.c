/*
 * plain_encode.c - weights into codes that index a table, on AVX2: 16 rows are two vectors.
 *
 *     y = x * inverse  --vcmpps with tree[2^d - 1 + rank]-->  bits of the rank, upper ones first, each a mask too
 *     tree, level  --vpermilps, vpermps-->  four or eight entries by the lowest bits of the rank; blended by the masks of those above
 *                  --vmovss, vinsertps-->   of more than 32 entries; gathers are slower
 *     importance * (x - scale * level)^2  --vaddps-->  error      column after column
 *
 * Every look-up waits for the comparison before it. Two searches go side by side, since schedulers hold few instructions that wait.
 */
#include "kernels/avx2/inverse.h"

enum { HALF = 8 /* rows in a vector */ };

/* The rank of each of 8 rows as far as it is known, and the comparisons that made it. */
typedef struct search {
    __m256i rank;
    __m256 reached[9];
} search;

/* Of 2^d entries, d = 3 to 5: by the lowest three bits of the rank, then by those above. */
INLINE __m256 permuted(const float *table, const unsigned d, const search *s)
{
    __m256 v[4];
    for (unsigned i = 0; i < 1u << (d - 3); i++)
        v[i] = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table + 8 * i), s->rank);
    for (unsigned bit = d - 3; bit-- > 0;)
        for (unsigned i = 0; i < 1u << bit; i++)
            v[i] = _mm256_blendv_ps(v[2 * i], v[2 * i + 1], s->reached[bit]);
    return v[0];
}

INLINE __m128 loaded(const float *table, __m128i index)
{
    const uint64_t low = (uint64_t)_mm_cvtsi128_si64(index), high = (uint64_t)_mm_extract_epi64(index, 1);
    return _mm_setr_ps(table[(uint32_t)low], table[low >> 32], table[(uint32_t)high], table[high >> 32]);
}

/* Of 2^d entries the one that the d bits of each rank choose. */
INLINE __m256 entries(const float *table, const unsigned d, const search *s)
{
    if (d == 0)
        return _mm256_broadcast_ss(table);
    if (d <= 2)
        return _mm256_permutevar_ps(_mm256_broadcast_ps((const __m128 *)(const void *)table), s->rank);
    if (d <= 5)
        return permuted(table, d, s);
    return _mm256_set_m128(loaded(table, _mm256_extracti128_si256(s->rank, 1)),
                           loaded(table, _mm256_castsi256_si128(s->rank)));
}

INLINE void find_ranks(const lsq_coder *coder, const unsigned bits, const __m256 y[2], search s[2])
{
    s[0].rank = s[1].rank = _mm256_setzero_si256();
#pragma GCC unroll 9
    for (unsigned d = 0; d < bits; d++)
#pragma GCC unroll 2
        for (unsigned j = 0; j < 2; j++) {
            const __m256 reached = _mm256_cmp_ps(y[j], entries(coder->tree + (1u << d) - 1, d, &s[j]), _CMP_GE_OQ);
            s[j].rank = _mm256_sub_epi32(_mm256_add_epi32(s[j].rank, s[j].rank), _mm256_castps_si256(reached));
            s[j].reached[d] = reached;
        }
}

INLINE void measure(const lsq_encode_args *a, const unsigned bits)
{
    for (size_t i = 0; i < a->tries * PANEL; i += HALF) {
        const __m256 scale = _mm256_load_ps(a->scale + i), inverse = inverse_of(scale);
        __m256 sum = _mm256_setzero_ps();
        for (size_t at = i % PANEL; at < TILE; at += 2 * PANEL) {
            const __m256 x[2] = {_mm256_load_ps(a->x + at), _mm256_load_ps(a->x + at + PANEL)},
                         y[2] = {_mm256_mul_ps(x[0], inverse), _mm256_mul_ps(x[1], inverse)};
            search s[2];
            find_ranks(a->coder, bits, y, s);
#pragma GCC unroll 2
            for (unsigned j = 0; j < 2; j++) {
                const __m256 importance = _mm256_load_ps(a->importance + at + j * PANEL),
                             error = _mm256_sub_ps(x[j], _mm256_mul_ps(scale, entries(a->coder->level, bits, &s[j])));
                sum = _mm256_add_ps(sum, _mm256_mul_ps(importance, _mm256_mul_ps(error, error)));
            }
        }
        _mm256_store_ps(a->error + i, sum);
    }
}

INLINE void encode(const lsq_encode_args *a, const unsigned bits)
{
    const __m256 inverse[2] = {inverse_of(_mm256_load_ps(a->scale)), inverse_of(_mm256_load_ps(a->scale + HALF))};
    for (size_t at = 0; at < TILE; at += PANEL) {
        const __m256 y[2] = {_mm256_mul_ps(_mm256_load_ps(a->x + at), inverse[0]),
                             _mm256_mul_ps(_mm256_load_ps(a->x + at + HALF), inverse[1])};
        search s[2];
        find_ranks(a->coder, bits, y, s);
        _mm256_store_si256((__m256i *)(void *)(a->rank + at),
                           _mm256_permute4x64_epi64(_mm256_packus_epi32(s[0].rank, s[1].rank), 0xd8));
    }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_measure_p##bits##_f32_avx2_r1(const lsq_encode_args *a)                                                   \
    {                                                                                                                  \
        measure(a, bits);                                                                                              \
    }                                                                                                                  \
    void lsq_encode_p##bits##_f32_avx2_r1(const lsq_encode_args *a)                                                    \
    {                                                                                                                  \
        encode(a, bits);                                                                                               \
    }

WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
WIDTH(7)
WIDTH(8)
WIDTH(9)
