/*
 * gemm.c - expanded levels times columns in fours, on AVX-512 without VNNI.
 *
 *     levels + 64, or |level| and x ^ (level < 0)  --maddubs-->  pair sums  --madd 1-->  dots
 *     16-bit levels  --madd-->  dots                                                     everything else: gemm.h
 *
 * A pair sum is at most 2 * 127 * 128 < 2^15. Words: |dot| <= 32 * 16383 * 4095 < 2^31; otherwise as in trellis.c.
 */
#include "kernels/avx512/assembly.h"
#include "kernels/avx512/gemm.h"

/* dot + m, now: gcc would reorder a long sum into a tree, whose parts do not fit into the registers. */
INLINE __m512i added(__m512i dot, __m512i m)
{
    return in_register(_mm512_add_epi32(dot, m));
}

INLINE __m512i add_pairs(__m512i dot, __m512i pairs)
{
    return added(dot, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
}

INLINE __m512i add_taken(__m512i dot, const step_levels *l, const int32_t *x)
{
    return add_pairs(dot, _mm512_maddubs_epi16(l->magnitude, _mm512_set1_epi32(*x)));
}

INLINE __m512i add_flipped(__m512i dot, const step_levels *l, const int32_t *x)
{
    return add_pairs(dot, _mm512_maddubs_epi16(l->magnitude, _mm512_xor_si512(l->sign, _mm512_set1_epi32(*x))));
}

INLINE __m512i add_words(__m512i dot, __m512i level, __m512i x)
{
    return added(dot, _mm512_madd_epi16(level, x));
}

void lsq_gemm_e8_i8_avx512_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    a->largest <= 63 ? panel8(a, p, g0, g1, TAKEN_64, add_taken) : panel8(a, p, g0, g1, FLIPPED, add_flipped);
}

void lsq_gemm_e16_i16_avx512_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    panel16(a, p, g0, g1, add_words);
}
