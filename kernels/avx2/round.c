/*
 * round.c - the vector of a product as integers, on AVX2: eight groups share two divisions.
 *
 *     32 floats of each group  --rounding.h-->  scales
 *     floats  --rounding.h, packs-->  q, bytes or words     zeros where amax is no number
 *     q, -q, each where above 0  --psadbw, add-->  sums of half a group
 *
 * Bounds: |q| <= 127 or 4095, since amax * (L / amax) is L up to two roundings, so that nothing saturates.
 */
#include "kernels/avx2/rounding.h"

#include <string.h>

/* The scales of up to eight groups. */
INLINE scaling group_scales(const float *x, size_t count, const float limit)
{
    __m256i largest[EIGHT];
#pragma GCC unroll 8
    for (size_t i = 0; i < EIGHT; i++)
        largest[i] = _mm256_setzero_si256();
#pragma GCC unroll 1
    for (size_t i = 0; i < count; i++) {
        for (unsigned c = 0; c < GROUP; c += 8)
            largest[i] = _mm256_max_epi32(largest[i], magnitude_bits(_mm256_loadu_ps(x + i * GROUP + c)));
    }
    return scaling_of(lanes_joined(largest, 0), limit);
}

/* Two times eight values as words, in order. */
INLINE __m256i words_of(const float *x, __m256 inverse, __m256i number)
{
    const __m256i q =
        _mm256_packs_epi32(rounded(_mm256_loadu_ps(x), inverse), rounded(_mm256_loadu_ps(x + 8), inverse));
    return _mm256_and_si256(_mm256_permute4x64_epi64(q, 0xd8), number);
}

/* Both halves' sums of 16 bytes. */
INLINE void sums_of(__m256i q, int32_t *bias, int32_t *negative, size_t lanes)
{
    const __m256i zero = _mm256_setzero_si256(), minus = _mm256_sub_epi8(zero, q);
    const __m256i above = _mm256_sad_epu8(_mm256_max_epi8(q, zero), zero),
                  below = _mm256_sad_epu8(_mm256_max_epi8(minus, zero), zero);
    __m256i sums = _mm256_or_si256(above, _mm256_slli_epi64(below, 32));
    sums = _mm256_add_epi32(sums, _mm256_unpackhi_epi64(sums, sums));
    const __m128i first = _mm256_castsi256_si128(sums), second = _mm256_extracti128_si256(sums, 1);
    negative[0] = _mm_extract_epi32(first, 1);
    negative[lanes] = _mm_extract_epi32(second, 1);
    bias[0] = 128 * (negative[0] - _mm_cvtsi128_si32(first));
    bias[lanes] = 128 * (negative[lanes] - _mm_cvtsi128_si32(second));
}

/* Steps of `bytes` bytes to their places. */
INLINE void store_steps(uint8_t *to, size_t lanes, __m256i q, const unsigned bytes)
{
    uint8_t from[32];
    if (lanes == 1) {
        _mm256_storeu_si256((__m256i *)(void *)to, q);
        return;
    }
    _mm256_storeu_si256((__m256i *)(void *)from, q);
#pragma GCC unroll 8
    for (unsigned t = 0; t < 32 / bytes; t++)
        memcpy(to + t * bytes * lanes, from + t * bytes, bytes);
}

INLINE void round_to(const lsq_round_args *a, const int wide)
{
    const unsigned bytes = wide ? 8 : 4; /* a step */
    const float *x = a->x;
    for (size_t g0 = 0; g0 < a->groups; g0 += EIGHT) {
        _Alignas(32) float inverse[EIGHT], scale[EIGHT];
        _Alignas(32) int32_t number[EIGHT];
        const size_t left = a->groups - g0, count = left < EIGHT ? left : EIGHT;
        const scaling s = group_scales(x, count, wide ? 4095 : 127);
        _mm256_store_ps(inverse, s.inverse);
        _mm256_store_ps(scale, s.scale);
        _mm256_store_si256((__m256i *)(void *)number, s.number);
        for (size_t i = 0; i < count; i++, x += GROUP) {
            const size_t g = g0 + i, lanes = a->lanes;
            const __m256 by = _mm256_set1_ps(inverse[i]);
            const __m256i n = _mm256_set1_epi32(number[i]);
            __m256i low = words_of(x, by, n), high = words_of(x + 16, by, n);
            uint8_t *to = (uint8_t *)a->q + g * 8 * lanes * bytes;
            a->sx[g * lanes] = scale[i];
            if (wide) {
                store_steps(to, lanes, low, bytes);
                store_steps(to + 4 * lanes * bytes, lanes, high, bytes);
            } else {
                low = _mm256_permute4x64_epi64(_mm256_packs_epi16(low, high), 0xd8);
                store_steps(to, lanes, low, bytes);
                sums_of(low, a->bias + 2 * g * lanes, a->negative + 2 * g * lanes, lanes);
            }
        }
    }
}

void lsq_round_x_i8_avx2_r1(const lsq_round_args *a)
{
    round_to(a, 0);
}

void lsq_round_x_i16_avx2_r1(const lsq_round_args *a)
{
    round_to(a, 1);
}
