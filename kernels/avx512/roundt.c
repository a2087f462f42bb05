/*
 * roundt.c - columns that lie side by side as integers, on AVX-512: a column in each lane, so that nothing is joined across lanes.
 *
 *     32 rows of a group  --vpandd, vpmaxsd-->  largest  --rounding.h-->  scales      a group ahead: divisions take long
 *     4 rows  --* inverse, vcvtps2dq-->  q  --vpackssdw, vpacksswb, vpshufb-->  a step    byte 4 j + c of column j
 *             ---------------------------  --vpslld, vpblendmw, vpunpckdq---->  a step    2 zmm: two columns of each quad, and two
 *     64 bytes of each of four quads  --vshufi32x4-->  where they belong
 *     steps, and those below zero  --vpmaddubsw, vpaddw, vpmaddwd-->  sums of half a group
 *
 * Bounds: |q| <= 127 or 4095, as in rounding.h, so that nothing saturates; a word adds up to 8 bytes.
 */
#include "kernels/avx512/rounding.h"

INLINE scaling column_scales(const float *x, size_t ld, const float limit)
{
    __m512i largest = _mm512_setzero_si512();
    for (unsigned c = 0; c < GROUP; c++)
        largest = larger(largest, magnitudes(_mm512_loadu_ps(x + c * ld)));
    return lane_scaling(largest, limit);
}

/* Four rows as integers; zeros in columns with an infinity or a NaN. */
INLINE void round_rows(__m512i q[4], const float *x, size_t ld, const scaling *s)
{
    const __mmask16 finite = _mm512_movepi32_mask(s->finite);
    for (unsigned c = 0; c < 4; c++)
        q[c] = _mm512_cvtps_epi32(_mm512_maskz_mul_ps(finite, _mm512_loadu_ps(x + c * ld), s->inverse));
}

INLINE __m512i step_of_bytes(const float *x, size_t ld, const scaling *s)
{
    const __m512i by_column = _mm512_broadcast_i32x4(_mm_setr_epi32(0x0c080400, 0x0d090501, 0x0e0a0602, 0x0f0b0703));
    __m512i q[4];
    round_rows(q, x, ld, s);
    const __m512i bytes = _mm512_packs_epi16(_mm512_packs_epi32(q[0], q[1]), _mm512_packs_epi32(q[2], q[3]));
    return _mm512_shuffle_epi8(bytes, by_column);
}

/* Rows 0 and 1, 2 and 3 in the words of each column's lane; then all four in columns 0 and 1, 2 and 3 of each quad. */
INLINE void step_of_words(__m512i step[2], const float *x, size_t ld, const scaling *s)
{
    __m512i q[4];
    round_rows(q, x, ld, s);
    for (unsigned i = 0; i < 4; i += 2)
        q[i] = _mm512_mask_blend_epi16(0xaaaaaaaa, q[i], _mm512_slli_epi32(q[i + 1], 16));
    step[0] = _mm512_unpacklo_epi32(q[0], q[2]);
    step[1] = _mm512_unpackhi_epi32(q[0], q[2]);
}

/* Quarter q of a vector to quad q. */
INLINE void store_quarters(void *to, size_t apart, __m512i v)
{
    uint8_t *at = to;
    _mm_storeu_si128((__m128i *)(void *)at, _mm512_castsi512_si128(v));
    _mm_storeu_si128((__m128i *)(void *)(at + apart), _mm512_extracti32x4_epi32(v, 1));
    _mm_storeu_si128((__m128i *)(void *)(at + 2 * apart), _mm512_extracti32x4_epi32(v, 2));
    _mm_storeu_si128((__m128i *)(void *)(at + 3 * apart), _mm512_extracti32x4_epi32(v, 3));
}

/* Quarters q of four vectors to quad q. */
INLINE void store_quads(uint8_t *to, size_t apart, const __m512i v[4])
{
    const __m512i low01 = _mm512_shuffle_i32x4(v[0], v[1], 0x44), low23 = _mm512_shuffle_i32x4(v[2], v[3], 0x44),
                  high01 = _mm512_shuffle_i32x4(v[0], v[1], 0xee), high23 = _mm512_shuffle_i32x4(v[2], v[3], 0xee);
    _mm512_storeu_si512(to, _mm512_shuffle_i32x4(low01, low23, 0x88));
    _mm512_storeu_si512(to + apart, _mm512_shuffle_i32x4(low01, low23, 0xdd));
    _mm512_storeu_si512(to + 2 * apart, _mm512_shuffle_i32x4(high01, high23, 0x88));
    _mm512_storeu_si512(to + 3 * apart, _mm512_shuffle_i32x4(high01, high23, 0xdd));
}

/* What four steps of bytes add up to in each column, times a factor. */
INLINE __m512i sums_of(const __m512i step[4], int16_t factor)
{
    const __m512i one = _mm512_set1_epi8(1);
    const __m512i pairs =
        _mm512_add_epi16(_mm512_add_epi16(_mm512_maddubs_epi16(one, step[0]), _mm512_maddubs_epi16(one, step[1])),
                         _mm512_add_epi16(_mm512_maddubs_epi16(one, step[2]), _mm512_maddubs_epi16(one, step[3])));
    return _mm512_madd_epi16(pairs, _mm512_set1_epi16(factor));
}

/* Quarters q of both halves' sums to quad q. */
INLINE void store_sums(int32_t *to, size_t apart, __m512i first, __m512i second)
{
    const __m512i low = _mm512_permutex2var_epi64(first, _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), second),
                  high = _mm512_permutex2var_epi64(first, _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15), second);
    _mm256_storeu_si256((__m256i *)(void *)to, _mm512_castsi512_si256(low));
    _mm256_storeu_si256((__m256i *)(void *)(to + apart), _mm512_extracti64x4_epi64(low, 1));
    _mm256_storeu_si256((__m256i *)(void *)(to + 2 * apart), _mm512_castsi512_si256(high));
    _mm256_storeu_si256((__m256i *)(void *)(to + 3 * apart), _mm512_extracti64x4_epi64(high, 1));
}

void lsq_roundt_x_i8_avx512_r1(const lsq_roundt_args *a)
{
    const float *x = a->x;
    scaling next = column_scales(x, a->ld, 127);
    for (size_t g = 0; g < a->groups; g++) {
        const scaling s = next;
        if (g + 1 < a->groups)
            next = column_scales(x + GROUP * a->ld, a->ld, 127);
        store_quarters(a->sx + g * QUAD, a->all * QUAD * sizeof(float), _mm512_castps_si512(s.scale));
        __m512i bias[2], negative[2];
        for (size_t half = 0; half < 2; half++) {
            __m512i step[4], below[4];
            for (unsigned t = 0; t < 4; t++, x += 4 * a->ld) {
                step[t] = step_of_bytes(x, a->ld, &s);
                below[t] = _mm512_min_epi8(step[t], _mm512_setzero_si512());
            }
            store_quads((uint8_t *)a->q + (2 * g + half) * 64, a->all * 128, step);
            bias[half] = sums_of(step, -128);
            negative[half] = sums_of(below, -1);
        }
        store_sums(a->bias + 2 * g * QUAD, a->all * 2 * QUAD, bias[0], bias[1]);
        store_sums(a->negative + 2 * g * QUAD, a->all * 2 * QUAD, negative[0], negative[1]);
    }
}

void lsq_roundt_x_i16_avx512_r1(const lsq_roundt_args *a)
{
    const float *x = a->x;
    scaling next = column_scales(x, a->ld, 4095);
    for (size_t g = 0; g < a->groups; g++) {
        const scaling s = next;
        if (g + 1 < a->groups)
            next = column_scales(x + GROUP * a->ld, a->ld, 4095);
        store_quarters(a->sx + g * QUAD, a->all * QUAD * sizeof(float), _mm512_castps_si512(s.scale));
        for (size_t part = 0; part < 4; part++, x += 8 * a->ld) {
            __m512i steps[4];
            step_of_words(steps, x, a->ld, &s);
            step_of_words(steps + 2, x + 4 * a->ld, a->ld, &s);
            store_quads((uint8_t *)a->q + (4 * g + part) * 64, a->all * 256, steps);
        }
    }
}
