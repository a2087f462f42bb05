/*
 * gemm.c - expanded levels times columns in fours, on AVX-512 with VNNI.
 *
 *     levels + 128  --vpdpbusd-->  dots        16-bit levels  --vpdpwssd-->  dots        everything else: avx512/gemm.h
 *
 * The 128 too much of each level is taken back before it comes, or after half of the group: by bias. Bounds as in trellis.c and wide.c.
 */
#include "kernels/avx512/gemm.h"

INLINE __m512i add_taken(__m512i dot, const step_levels *l, const int32_t *x)
{
    return _mm512_dpbusd_epi32(dot, l->magnitude, _mm512_set1_epi32(*x));
}

INLINE __m512i add_words(__m512i dot, __m512i level, __m512i x)
{
    return _mm512_dpwssd_epi32(dot, level, x);
}

void lsq_gemm_e8_i8_avx512icl_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    panel8(a, p, g0, g1, TAKEN_128, add_taken);
}

void lsq_gemm_e16_i16_avx512icl_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    panel16(a, p, g0, g1, add_words);
}
