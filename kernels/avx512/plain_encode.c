/*
 * plain_encode.c - weights into codes that index a table, on AVX-512: 16 rows are a vector.
 *
 *     y = x * inverse  --vcmpps with tree[2^d - 1 + rank]-->  bits of the rank, upper ones first, each a mask too
 *     tree, level  --vpermps, vpermi2ps-->  16 or 32 entries by the lowest bits of the rank; blended by the masks of those above
 *                  --vgatherdps-->          of more than 128
 *     importance * (x - scale * level)^2  --vaddps-->  error      column after column
 */
#include "kernels/avx512/inverse.h"

#include <immintrin.h>

/* The rank of each row as far as it is known, and the comparisons that made it. */
typedef struct search {
    __m512i rank;
    __mmask16 reached[9];
} search;

/* Of 2^d entries, d = 5 to 7: by the lowest five bits of the rank, then by those above. */
INLINE __m512 permuted(const float *table, const unsigned d, const search *s)
{
    __m512 v[4];
    for (unsigned i = 0; i < 1u << (d - 5); i++)
        v[i] = _mm512_permutex2var_ps(_mm512_loadu_ps(table + 32 * i), s->rank, _mm512_loadu_ps(table + 32 * i + 16));
    for (unsigned bit = d - 5; bit-- > 0;)
        for (unsigned i = 0; i < 1u << bit; i++)
            v[i] = _mm512_mask_blend_ps(s->reached[bit], v[2 * i], v[2 * i + 1]);
    return v[0];
}

/* Of 2^d entries the one that the d bits of each rank choose. */
INLINE __m512 entries(const float *table, const unsigned d, const search *s)
{
    if (d == 0)
        return _mm512_set1_ps(*table);
    if (d <= 4)
        return _mm512_permutexvar_ps(s->rank, _mm512_loadu_ps(table));
    if (d <= 7)
        return permuted(table, d, s);
    return _mm512_i32gather_ps(s->rank, table, 4);
}

INLINE search ranks_of(const lsq_coder *coder, const unsigned bits, __m512 y)
{
    search s = {.rank = _mm512_setzero_si512()};
#pragma GCC unroll 9
    for (unsigned d = 0; d < bits; d++) {
        s.reached[d] = _mm512_cmp_ps_mask(y, entries(coder->tree + (1u << d) - 1, d, &s), _CMP_GE_OQ);
        s.rank = _mm512_add_epi32(s.rank, s.rank);
        s.rank = _mm512_mask_add_epi32(s.rank, s.reached[d], s.rank, _mm512_set1_epi32(1));
    }
    return s;
}

INLINE void measure(const lsq_encode_args *a, const unsigned bits)
{
    for (size_t i = 0; i < a->tries * PANEL; i += PANEL) {
        const __m512 scale = _mm512_load_ps(a->scale + i), inverse = inverse_of(scale);
        __m512 sum = _mm512_setzero_ps();
        for (size_t at = 0; at < TILE; at += PANEL) {
            const __m512 x = _mm512_load_ps(a->x + at), importance = _mm512_load_ps(a->importance + at);
            const search s = ranks_of(a->coder, bits, _mm512_mul_ps(x, inverse));
            const __m512 error = _mm512_sub_ps(x, _mm512_mul_ps(scale, entries(a->coder->level, bits, &s)));
            sum = _mm512_add_ps(sum, _mm512_mul_ps(importance, _mm512_mul_ps(error, error)));
        }
        _mm512_store_ps(a->error + i, sum);
    }
}

INLINE void encode(const lsq_encode_args *a, const unsigned bits)
{
    const __m512 inverse = inverse_of(_mm512_load_ps(a->scale));
    for (size_t at = 0; at < TILE; at += PANEL) {
        const search s = ranks_of(a->coder, bits, _mm512_mul_ps(_mm512_load_ps(a->x + at), inverse));
        _mm256_store_si256((__m256i *)(void *)(a->rank + at), _mm512_cvtepi32_epi16(s.rank));
    }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_measure_p##bits##_f32_avx512_r1(const lsq_encode_args *a)                                                 \
    {                                                                                                                  \
        measure(a, bits);                                                                                              \
    }                                                                                                                  \
    void lsq_encode_p##bits##_f32_avx512_r1(const lsq_encode_args *a)                                                  \
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
