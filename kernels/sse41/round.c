/*
 * round.c - the vector of a product as integers, on SSE4.1, group after group.
 *
 *     32 floats  --rounding.h-->  scale; q  --packs-->  words or bytes
 *     q, -q, each where above 0  --psadbw-->  sums of half a group
 *
 * Bounds: |q| <= 127 or 4095, since amax * (L / amax) is L up to two roundings, so that nothing saturates.
 */
#include "kernels/sse41/rounding.h"

#include <string.h>

INLINE scaling group_scale(const float *x, const float limit)
{
    __m128i largest = _mm_setzero_si128();
    for (unsigned c = 0; c < GROUP; c += 4)
        largest = _mm_max_epi32(largest, magnitude_bits(_mm_loadu_ps(x + c)));
    return scaling_of(largest, limit);
}

INLINE __m128i words_of(const float *x, const scaling *s)
{
    return _mm_packs_epi32(rounded(_mm_loadu_ps(x), s), rounded(_mm_loadu_ps(x + 4), s));
}

INLINE int32_t sum_of_bytes(__m128i v)
{
    const __m128i sums = _mm_sad_epu8(v, _mm_setzero_si128());
    return _mm_cvtsi128_si32(sums) + _mm_extract_epi32(sums, 2);
}

/* Of half a group. */
INLINE void sums_of(__m128i q, int32_t *bias, int32_t *negative)
{
    const __m128i zero = _mm_setzero_si128();
    *negative = sum_of_bytes(_mm_max_epi8(_mm_sub_epi8(zero, q), zero));
    *bias = 128 * (*negative - sum_of_bytes(_mm_max_epi8(q, zero)));
}

/* Steps of `bytes` bytes to their places. */
INLINE void store_steps(uint8_t *to, size_t lanes, __m128i q, const unsigned bytes)
{
    uint8_t from[16];
    _mm_storeu_si128((__m128i *)(void *)from, q);
#pragma GCC unroll 4
    for (unsigned t = 0; t < 16 / bytes; t++)
        memcpy(to + t * bytes * lanes, from + t * bytes, bytes);
}

void lsq_round_x_i8_sse41_r1(const lsq_round_args *a)
{
    uint8_t *to = a->q;
    for (size_t g = 0; g < a->groups; g++) {
        const float *x = a->x + g * GROUP;
        const scaling s = group_scale(x, 127);
        a->sx[g * a->lanes] = _mm_cvtss_f32(s.scale);
        for (size_t half = 0; half < 2; half++, x += 16, to += 16 * a->lanes) {
            const __m128i q = _mm_packs_epi16(words_of(x, &s), words_of(x + 8, &s));
            const size_t at = (2 * g + half) * a->lanes;
            store_steps(to, a->lanes, q, 4);
            sums_of(q, a->bias + at, a->negative + at);
        }
    }
}

void lsq_round_x_i16_sse41_r1(const lsq_round_args *a)
{
    uint8_t *to = a->q;
    for (size_t g = 0; g < a->groups; g++) {
        const float *x = a->x + g * GROUP;
        const scaling s = group_scale(x, 4095);
        a->sx[g * a->lanes] = _mm_cvtss_f32(s.scale);
        for (unsigned c = 0; c < GROUP; c += 8, to += 16 * a->lanes)
            store_steps(to, a->lanes, words_of(x + c, &s), 8);
    }
}
