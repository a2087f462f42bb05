/*
 * roundt.c - columns that lie side by side as integers, on AVX2: a column in each lane, eight columns after the other.
 *
 *     32 rows of a group  --vpand, vpmaxsd-->  largest  --rounding.h-->  scales
 *     4 rows  --* inverse, vcvtps2dq-->  q  --vpackssdw, vpacksswb, vpshufb-->  a step    byte 4 j + c of column j
 *             ---------------------------  --vpslld, vpblendw, vpunpckdq----->  a step    2 ymm: two columns of each quad, and two
 *     32 bytes of each of two quads  --vperm2i128-->  where they belong
 *     steps, and those below zero  --vpmaddubsw, vpaddw, vpmaddwd-->  sums of half a group
 *
 * Bounds: |q| <= 127 or 4095, since amax * (L / amax) is L up to two roundings, so that nothing saturates; a word adds up to 8 bytes.
 */
#include "kernels/avx2/rounding.h"

INLINE scaling column_scales(const float *x, size_t ld, const float limit)
{
    __m256i largest = _mm256_setzero_si256();
    for (unsigned c = 0; c < GROUP; c++)
        largest = joined(largest, magnitude_bits(_mm256_loadu_ps(x + c * ld)), 0);
    return scaling_of(largest, limit);
}

/* Four rows as integers; of columns with an infinity or a NaN, whatever that gives. */
INLINE void round_rows(__m256i q[4], const float *x, size_t ld, const scaling *s)
{
    for (unsigned c = 0; c < 4; c++)
        q[c] = rounded(_mm256_loadu_ps(x + c * ld), s->inverse);
}

INLINE __m256i step_of_bytes(const float *x, size_t ld, const scaling *s)
{
    const __m256i by_column =
        _mm256_broadcastsi128_si256(_mm_setr_epi32(0x0c080400, 0x0d090501, 0x0e0a0602, 0x0f0b0703));
    __m256i q[4];
    round_rows(q, x, ld, s);
    const __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(q[0], q[1]), _mm256_packs_epi32(q[2], q[3]));
    return _mm256_and_si256(_mm256_shuffle_epi8(bytes, by_column), s->number);
}

/* Rows 0 and 1, 2 and 3 in the words of each column's lane; then all four in columns 0 and 1, 2 and 3 of each quad. */
INLINE void step_of_words(__m256i step[2], const float *x, size_t ld, const scaling *s)
{
    __m256i q[4];
    round_rows(q, x, ld, s);
    for (unsigned i = 0; i < 4; i += 2)
        q[i] = _mm256_and_si256(_mm256_blend_epi16(q[i], _mm256_slli_epi32(q[i + 1], 16), 0xaa), s->number);
    step[0] = _mm256_unpacklo_epi32(q[0], q[2]);
    step[1] = _mm256_unpackhi_epi32(q[0], q[2]);
}

/* Either half of a vector to one of two quads. */
INLINE void store_halves(void *to, size_t apart, __m256i v)
{
    _mm_storeu_si128(to, _mm256_castsi256_si128(v));
    _mm_storeu_si128((__m128i *)(void *)((uint8_t *)to + apart), _mm256_extracti128_si256(v, 1));
}

/* Either halves of two vectors to one of two quads. */
INLINE void store_quads(void *to, size_t apart, __m256i v0, __m256i v1)
{
    _mm256_storeu_si256(to, _mm256_permute2x128_si256(v0, v1, 0x20));
    _mm256_storeu_si256((__m256i *)(void *)((uint8_t *)to + apart), _mm256_permute2x128_si256(v0, v1, 0x31));
}

/* What four steps of bytes add up to in each column, times a factor. */
INLINE __m256i sums_of(const __m256i step[4], int16_t factor)
{
    const __m256i one = _mm256_set1_epi8(1);
    const __m256i pairs =
        _mm256_add_epi16(_mm256_add_epi16(_mm256_maddubs_epi16(one, step[0]), _mm256_maddubs_epi16(one, step[1])),
                         _mm256_add_epi16(_mm256_maddubs_epi16(one, step[2]), _mm256_maddubs_epi16(one, step[3])));
    return _mm256_madd_epi16(pairs, _mm256_set1_epi16(factor));
}

/* Eight columns of a group, from the quad of this number on, among all groups of all quads. */
INLINE void round_bytes(const lsq_roundt_args *a, size_t quad, const float *x, scaling s)
{
    const size_t sums_apart = a->all * 2 * QUAD * sizeof(int32_t);
    uint8_t *to = (uint8_t *)a->q + quad * 128;
    __m256i bias[2], negative[2];
    store_halves(a->sx + quad * QUAD, a->all * QUAD * sizeof(float), _mm256_castps_si256(s.scale));
    for (size_t half = 0; half < 2; half++, to += 64) {
        __m256i step[4], below[4];
        for (unsigned t = 0; t < 4; t++, x += 4 * a->ld) {
            step[t] = step_of_bytes(x, a->ld, &s);
            below[t] = _mm256_min_epi8(step[t], _mm256_setzero_si256());
        }
        store_quads(to, a->all * 128, step[0], step[1]);
        store_quads(to + 32, a->all * 128, step[2], step[3]);
        bias[half] = sums_of(step, -128);
        negative[half] = sums_of(below, -1);
    }
    store_quads(a->bias + 2 * quad * QUAD, sums_apart, bias[0], bias[1]);
    store_quads(a->negative + 2 * quad * QUAD, sums_apart, negative[0], negative[1]);
}

INLINE void round_words(const lsq_roundt_args *a, size_t quad, const float *x, scaling s)
{
    store_halves(a->sx + quad * QUAD, a->all * QUAD * sizeof(float), _mm256_castps_si256(s.scale));
    for (unsigned t = 0; t < 8; t++, x += 4 * a->ld) {
        __m256i step[2];
        step_of_words(step, x, a->ld, &s);
        store_quads((uint8_t *)a->q + quad * 256 + t * 32, a->all * 256, step[0], step[1]);
    }
}

/* Scales of both halves come before: divisions take long. */
void lsq_roundt_x_i8_avx2_r1(const lsq_roundt_args *a)
{
    const float *x = a->x;
    for (size_t g = 0; g < a->groups; g++, x += GROUP * a->ld) {
        const scaling low = column_scales(x, a->ld, 127), high = column_scales(x + 8, a->ld, 127);
        round_bytes(a, g, x, low);
        round_bytes(a, 2 * a->all + g, x + 8, high);
    }
}

void lsq_roundt_x_i16_avx2_r1(const lsq_roundt_args *a)
{
    const float *x = a->x;
    for (size_t g = 0; g < a->groups; g++, x += GROUP * a->ld) {
        const scaling low = column_scales(x, a->ld, 4095), high = column_scales(x + 8, a->ld, 4095);
        round_words(a, g, x, low);
        round_words(a, 2 * a->all + g, x + 8, high);
    }
}
