/*
 * inverse.h - what a weight is multiplied with to be in units of the levels.
 */
#ifndef LSQ_KERNELS_AVX512_INVERSE_H
#define LSQ_KERNELS_AVX512_INVERSE_H

#include "kernels/avx512/assembly.h"

/* 1 / scale, 0 for 0: compilers would divide by zero in lanes whose quotient is not wanted. */
INLINE __m512 inverse_of(__m512 scale)
{
    const __m512 one = _mm512_set1_ps(1);
    const __mmask16 some = _mm512_cmp_ps_mask(scale, _mm512_setzero_ps(), _CMP_NEQ_UQ);
    const __m512i divisor = in_register(_mm512_castps_si512(_mm512_mask_blend_ps(some, one, scale)));
    return _mm512_maskz_mov_ps(some, _mm512_div_ps(one, _mm512_castsi512_ps(divisor)));
}

#endif
