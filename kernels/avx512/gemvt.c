/*
 * gemvt.c - expanded levels of 16 rows, transposed, times a vector, on AVX-512 without VNNI.
 *
 *     |q|, level ^ (q < 0)  --vpmaddubsw-->  pair sums  --vpmaddwd by 1-->  dots
 *     16-bit levels, q  --vpmaddwd, added-->  dots                           everything else: gemvt.h
 *
 * level ^ -1 = -level - 1 stands for -level where q < 0; the 1 too little is given back before it is missed: dots start at the sum
 * of -q over those. Bounds: |level ^ -1| <= 64 or 128, so that a pair sum is at most 2 * 127 * 128 < 2^15, and with levels of 7 bits two
 * of them 4 * 127 * 64 < 2^15: halves are added before they become dwords. 16 bits: |dot| <= 16 * 16383 * 4095 < 2^31.
 */
#include "kernels/avx512/gemvt.h"

INLINE __m512i sum_of_words(__m512i a, __m512i b)
{
    return _mm512_add_epi16(a, b);
}

INLINE __m512i pairs_added(__m512i pairs, const int by)
{
    return _mm512_madd_epi16(pairs, _mm512_set1_epi16((int16_t)by));
}

INLINE sides sides8(__m512i q, const int largest)
{
    const __m512i bytes = rows_as_bytes(q), below = _mm512_min_epi8(bytes, _mm512_setzero_si512());
    const __m512i missing = pairs_added(_mm512_maddubs_epi16(_mm512_set1_epi8(1), below), -1);
    return (sides){.q = {_mm512_abs_epi8(bytes)},
                   .sign = _mm512_movm_epi8(_mm512_movepi8_mask(bytes)),
                   .start = lanes_joined(missing, missing, missing, missing, sum),
                   .largest = largest};
}

INLINE __m512i step8(const int8_t *level, const sides *s)
{
    /* All dwords of a lane have the same signs, whatever the order of columns and rows in it. */
    return _mm512_maddubs_epi16(s->q[0], _mm512_xor_si512(columns_of8(_mm512_load_si512(level)), s->sign));
}

INLINE __m512i dots8(const void *levels, const sides *s)
{
    const int8_t *l = levels;
    const __m512i v0 = step8(l, s), v1 = step8(l + LANES, s), v2 = step8(l + 2 * LANES, s),
                  v3 = step8(l + 3 * LANES, s);
    __m512i dots;
    if (s->largest == 63)
        dots = quarters_joined(pairs_added(halves_joined(v0, v1, sum_of_words), 1),
                               pairs_added(halves_joined(v2, v3, sum_of_words), 1), sum);
    else
        dots = lanes_joined(pairs_added(v0, 1), pairs_added(v1, 1), pairs_added(v2, 1), pairs_added(v3, 1), sum);
    return _mm512_add_epi32(dots, s->start);
}

INLINE sides sides16(__m512i q, const int largest)
{
    sides to = {.largest = largest};
    rows_as_words(q, to.q);
    return to;
}

INLINE __m512i step16(const int16_t *level, const sides *s)
{
    const __m512i low = columns_of16(_mm512_load_si512(level)), high = columns_of16(_mm512_load_si512(level + 32));
    return sum(_mm512_madd_epi16(low, s->q[0]), _mm512_madd_epi16(high, s->q[1]));
}

INLINE __m512i dots16(const void *levels, const sides *s)
{
    const int16_t *l = levels;
    return lanes_joined(step16(l, s), step16(l + LANES, s), step16(l + 2 * LANES, s), step16(l + 3 * LANES, s), sum);
}

void lsq_gemvt_e8_i8_avx512_r1(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)
{
    a->largest <= 63 ? gemvt(a, p, g0, g1, 63, sides8, dots8) : gemvt(a, p, g0, g1, 127, sides8, dots8);
}

void lsq_gemvt_e16_i16_avx512_r1(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)
{
    gemvt(a, p, g0, g1, 16383, sides16, dots16);
}
