/*
 * gemvt.c - expanded levels of 16 rows, transposed, times a vector, on AVX-512 with VNNI.
 *
 *     levels + 128, q  --vpdpbusd-->  dots        16-bit levels, q  --vpdpwssd-->  dots        everything else: avx512/gemvt.h
 *
 * The 128 too much of each level is taken back before it comes: dots start at -128 * the sum of q of the same four rows.
 * Bounds: |dot| <= 16 * 255 * 127 < 2^19 on the way. 16 bits: 16 * 16383 * 4095 < 2^31.
 */
#include "kernels/avx512/gemvt.h"

INLINE sides sides8(__m512i q, const int largest)
{
    sides to = {.q = {rows_as_bytes(q)}, .largest = largest};
    const __m512i above = _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(-128), to.q[0]); /* as 128 */
    to.start = _mm512_sub_epi32(_mm512_setzero_si512(), above);
    return to;
}

INLINE __m512i step8(const int8_t *level, const sides *s)
{
    const __m512i taken = _mm512_xor_si512(_mm512_load_si512(level), _mm512_set1_epi8(-128));
    return _mm512_dpbusd_epi32(s->start, columns_of8(taken), s->q[0]);
}

INLINE __m512i dots8(const void *levels, const sides *s)
{
    const int8_t *l = levels;
    return lanes_joined(step8(l, s), step8(l + LANES, s), step8(l + 2 * LANES, s), step8(l + 3 * LANES, s), sum);
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
    return _mm512_dpwssd_epi32(_mm512_dpwssd_epi32(_mm512_setzero_si512(), low, s->q[0]), high, s->q[1]);
}

INLINE __m512i dots16(const void *levels, const sides *s)
{
    const int16_t *l = levels;
    return lanes_joined(step16(l, s), step16(l + LANES, s), step16(l + 2 * LANES, s), step16(l + 3 * LANES, s), sum);
}

void lsq_gemvt_e8_i8_avx512icl_r1(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)
{
    gemvt(a, p, g0, g1, 127, sides8, dots8);
}

void lsq_gemvt_e16_i16_avx512icl_r1(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)
{
    gemvt(a, p, g0, g1, 16383, sides16, dots16);
}
