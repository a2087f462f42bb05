/*
 * roundt.c - columns that lie side by side as integers, on SSE4.1: a column in each lane, a quad after the other.
 *
 *     32 rows of a group  --pand, pmaxsd-->  largest  --rounding.h-->  scales
 *     4 rows  --rounding.h-->  q  --packssdw, packsswb, pshufb-->  a step    byte 4 j + c of column j
 *             -----------------  --pslld, pblendw, punpckdq----->  a step    2 xmm: two columns, and two
 *     steps, and those below zero  --pmaddubsw, paddw, pmaddwd-->  sums of half a group
 *
 * Bounds: |q| <= 127 or 4095, since amax * (L / amax) is L up to two roundings, so that nothing saturates; a word adds up to 8 bytes.
 */
#include "kernels/sse41/rounding.h"

INLINE scaling column_scales(const float *x, size_t ld, const float limit)
{
    __m128i largest = _mm_setzero_si128();
    for (unsigned c = 0; c < GROUP; c++)
        largest = _mm_max_epi32(largest, magnitude_bits(_mm_loadu_ps(x + c * ld)));
    return lane_scaling(largest, limit);
}

INLINE void round_rows(__m128i q[4], const float *x, size_t ld, const scaling *s)
{
    for (unsigned c = 0; c < 4; c++)
        q[c] = rounded(_mm_loadu_ps(x + c * ld), s);
}

INLINE __m128i step_of_bytes(const float *x, size_t ld, const scaling *s)
{
    const __m128i by_column = _mm_setr_epi32(0x0c080400, 0x0d090501, 0x0e0a0602, 0x0f0b0703);
    __m128i q[4];
    round_rows(q, x, ld, s);
    return _mm_shuffle_epi8(_mm_packs_epi16(_mm_packs_epi32(q[0], q[1]), _mm_packs_epi32(q[2], q[3])), by_column);
}

INLINE void store(void *to, __m128i v)
{
    _mm_storeu_si128(to, v);
}

/* What four steps of bytes add up to in each column, times a factor. */
INLINE __m128i sums_of(const __m128i step[4], int16_t factor)
{
    const __m128i one = _mm_set1_epi8(1);
    const __m128i pairs =
        _mm_add_epi16(_mm_add_epi16(_mm_maddubs_epi16(one, step[0]), _mm_maddubs_epi16(one, step[1])),
                      _mm_add_epi16(_mm_maddubs_epi16(one, step[2]), _mm_maddubs_epi16(one, step[3])));
    return _mm_madd_epi16(pairs, _mm_set1_epi16(factor));
}

/* A quad of a group: of this number, among all groups of all quads. */
INLINE void round_bytes(const lsq_roundt_args *a, size_t quad, const float *x)
{
    const scaling s = column_scales(x, a->ld, 127);
    _mm_storeu_ps(a->sx + quad * QUAD, s.scale);
    for (size_t half = 0; half < 2; half++) {
        const size_t at = (2 * quad + half) * QUAD;
        __m128i step[4], below[4];
        for (unsigned t = 0; t < 4; t++, x += 4 * a->ld) {
            step[t] = step_of_bytes(x, a->ld, &s);
            below[t] = _mm_min_epi8(step[t], _mm_setzero_si128());
            store((uint8_t *)a->q + at * 16 + t * 16, step[t]);
        }
        store(a->bias + at, sums_of(step, -128));
        store(a->negative + at, sums_of(below, -1));
    }
}

/* Rows 0 and 1, 2 and 3 in the words of each column's lane; then all four, column after column. */
INLINE void round_words(const lsq_roundt_args *a, size_t quad, const float *x)
{
    const scaling s = column_scales(x, a->ld, 4095);
    _mm_storeu_ps(a->sx + quad * QUAD, s.scale);
    for (unsigned t = 0; t < 8; t++, x += 4 * a->ld) {
        uint8_t *to = (uint8_t *)a->q + quad * 256 + t * 32;
        __m128i q[4];
        round_rows(q, x, a->ld, &s);
        for (unsigned i = 0; i < 4; i += 2)
            q[i] = _mm_blend_epi16(q[i], _mm_slli_epi32(q[i + 1], 16), 0xaa);
        store(to, _mm_unpacklo_epi32(q[0], q[2]));
        store(to + 16, _mm_unpackhi_epi32(q[0], q[2]));
    }
}

void lsq_roundt_x_i8_sse41_r1(const lsq_roundt_args *a)
{
    for (size_t g = 0; g < a->groups; g++)
        for (size_t q = 0; q < STRIP / QUAD; q++)
            round_bytes(a, q * a->all + g, a->x + g * GROUP * a->ld + q * QUAD);
}

void lsq_roundt_x_i16_sse41_r1(const lsq_roundt_args *a)
{
    for (size_t g = 0; g < a->groups; g++)
        for (size_t q = 0; q < STRIP / QUAD; q++)
            round_words(a, q * a->all + g, a->x + g * GROUP * a->ld + q * QUAD);
}
