/*
 * gemvt.c - expanded levels of 16 rows, transposed, times a vector, on AVX-512 with VNNI.
 *
 *     steps  --gemvt.h: vpermt2b-->  of two steps, columns in qwords  --xor 128-->  levels + 128           everything else: gemvt.h
 *     16-bit levels, q  --vpdpwssd-->  dots                                                 everything else: avx512/gemvt.h
 *
 * Bounds: of 16 bits |dot| <= 16 * 16383 * 4095 < 2^31.
 */
#include "kernels/avx512icl/gemvt.h"
#include "kernels/avx512/gemvt.h"

INLINE void pairs(void *nothing, const uint8_t *tile, step_pairs *to)
{
    (void)nothing;
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; i++) {
        __m512i two[2];
        pair(_mm512_load_si512(tile + 128 * i), _mm512_load_si512(tile + 128 * i + 64), two);
        for (unsigned rows = 0; rows < 2; rows++)
            to->of[i][rows] = _mm512_xor_si512(two[rows], _mm512_set1_epi8(-128));
    }
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
    add_panel(a, p, g0, g1, (tile_run){a->levels, TILE, 1, 128, 1}, pairs, NULL);
}

void lsq_gemvt_e16_i16_avx512icl_r1(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)
{
    gemvt(a, p, g0, g1, 16383, sides16, dots16);
}
