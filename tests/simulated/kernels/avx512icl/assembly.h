/*
 * assembly.h - kernels/avx512icl/assembly.h, simulated: the intrinsics of the same instructions.
 */
#ifndef LSQ_KERNELS_AVX512ICL_ASSEMBLY_H
#define LSQ_KERNELS_AVX512ICL_ASSEMBLY_H

#include "kernels/avx512/assembly.h"

INLINE __m512i dot4(__m512i dot, __m512i level, const int32_t *x)
{
    return _mm512_dpbusd_epi32(dot, level, _mm512_set1_epi32(*x));
}

INLINE __m512i dot2(__m512i dot, __m512i level, __m512i x)
{
    return _mm512_dpwssd_epi32(dot, level, x);
}

INLINE __m512i replace(__m512i index, __mmask64 mask, const __m512i bytes[2])
{
    return _mm512_mask2_permutex2var_epi8(bytes[0], index, mask, bytes[1]);
}

#endif
