/*
 * round.c - the vector of a product as integers, on AVX-512: sixteen groups share two divisions.
 *
 *     16 and 16 floats of a group  --rounding.h-->  scales, q
 *     q  --vpmovdb, vpmovdw-->  bytes or words, in steps of four
 *     q, -q, where above 0  --vpsadbw-->  sums of half a group
 */
#include "kernels/avx512/rounding.h"

#include <string.h>

/* The scales of up to sixteen groups. */
INLINE void scale_groups(span_scales *to, const float *x, size_t count, const float limit)
{
    __m512i largest[SPANS];
    for (size_t i = 0; i < count; i++)
        largest[i] =
            larger(magnitudes(_mm512_loadu_ps(x + i * GROUP)), magnitudes(_mm512_loadu_ps(x + i * GROUP + 16)));
    for (size_t i = count; i < SPANS; i++)
        largest[i] = _mm512_setzero_si512();
    store_scales(to, scaling_of(largest, limit));
}

/* The sums of both halves of a group: bytes 0..15 and 16..31. */
INLINE void store_sums(__m256i q, int32_t *bias, int32_t *negative, size_t lanes)
{
    const __m256i zero = _mm256_setzero_si256(), minus = _mm256_sub_epi8(zero, q);
    const __m256i above = _mm256_sad_epu8(_mm256_max_epi8(q, zero), zero),
                  below = _mm256_sad_epu8(_mm256_max_epi8(minus, zero), zero);
    __m256i sums = _mm256_or_si256(above, _mm256_slli_epi64(below, 32)); /* of eight bytes each */
    sums = _mm256_add_epi32(sums, _mm256_unpackhi_epi64(sums, sums));
    const __m128i first = _mm256_castsi256_si128(sums), second = _mm256_extracti128_si256(sums, 1);
    negative[0] = _mm_extract_epi32(first, 1);
    negative[lanes] = _mm_extract_epi32(second, 1);
    bias[0] = 128 * (negative[0] - _mm_cvtsi128_si32(first));
    bias[lanes] = 128 * (negative[lanes] - _mm_cvtsi128_si32(second));
}

/* The eight steps of a group, `bytes` each, to their places. */
INLINE void store_steps(uint8_t *to, const uint8_t *from, size_t lanes, const unsigned bytes)
{
#pragma GCC unroll 8
    for (unsigned t = 0; t < 8; t++)
        memcpy(to + t * bytes * lanes, from + t * bytes, bytes);
}

INLINE void store_bytes(const lsq_round_args *a, size_t g, __m512i low, __m512i high)
{
    int8_t *to = (int8_t *)a->q + g * GROUP * a->lanes;
    const __m256i q = _mm256_setr_m128i(_mm512_cvtepi32_epi8(low), _mm512_cvtepi32_epi8(high));
    uint8_t bytes[GROUP];
    if (a->lanes == 1) {
        _mm256_storeu_si256((__m256i *)(void *)to, q);
    } else {
        _mm256_storeu_si256((__m256i *)(void *)bytes, q);
        store_steps((uint8_t *)to, bytes, a->lanes, 4);
    }
    store_sums(q, a->bias + 2 * g * a->lanes, a->negative + 2 * g * a->lanes, a->lanes);
}

INLINE void store_words(const lsq_round_args *a, size_t g, __m512i low, __m512i high)
{
    int16_t words[GROUP], *to = (int16_t *)a->q + g * GROUP * a->lanes;
    int16_t *in_order = a->lanes == 1 ? to : words;
    _mm256_storeu_si256((__m256i *)(void *)in_order, _mm512_cvtepi32_epi16(low));
    _mm256_storeu_si256((__m256i *)(void *)(in_order + 16), _mm512_cvtepi32_epi16(high));
    if (a->lanes != 1)
        store_steps((uint8_t *)to, (const uint8_t *)words, a->lanes, 8);
}

INLINE void round_to(const lsq_round_args *a, const int wide)
{
    const float *x = a->x;
    for (size_t g0 = 0; g0 < a->groups; g0 += SPANS) {
        const size_t left = a->groups - g0, count = left < SPANS ? left : SPANS;
        span_scales s;
        scale_groups(&s, x, count, wide ? 4095 : 127);
        for (size_t i = 0; i < count; i++, x += GROUP) {
            const __m512i low = rounded(_mm512_loadu_ps(x), &s, i), high = rounded(_mm512_loadu_ps(x + 16), &s, i);
            a->sx[(g0 + i) * a->lanes] = s.scale[i];
            wide ? store_words(a, g0 + i, low, high) : store_bytes(a, g0 + i, low, high);
        }
    }
}

void lsq_round_x_i8_avx512_r1(const lsq_round_args *a)
{
    round_to(a, 0);
}

void lsq_round_x_i16_avx512_r1(const lsq_round_args *a)
{
    round_to(a, 1);
}
