/*
 * gemm.c - expanded levels times columns in fours, on AVX-512 with VNNI.
 *
 *     levels + 128  --vpdpbusd-->  dots        16-bit levels  --vpdpwssd-->  dots        everything else: avx512/gemm.h
 *
 * The 128 too much of each level is taken back before it comes, or after half of the group: by bias. Bounds as in trellis.c and wide.c.
 */
#include "kernels/avx512/gemm.h"
#include "kernels/avx512icl/assembly.h"

INLINE __m512i add_taken(__m512i dot, const step_levels *l, const int32_t *x)
{
    return dot4(dot, l->magnitude, x);
}

INLINE __m512i add_words(__m512i dot, __m512i level, __m512i x)
{
    return dot2(dot, level, x);
}

void lsq_gemm_e8_i8_avx512icl_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    panel8(a, p, g0, g1, TAKEN_128, add_taken);
}

void lsq_gemm_e16_i16_avx512icl_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    panel16(a, p, g0, g1, add_words);
}
