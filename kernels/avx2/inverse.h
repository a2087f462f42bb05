/*
 * inverse.h - what a weight is multiplied with to be in units of the levels.
 */
#ifndef LSQ_KERNELS_AVX2_INVERSE_H
#define LSQ_KERNELS_AVX2_INVERSE_H

#include "kernels/kernel.h"

#include <immintrin.h>

/* 1 / scale, 0 for 0. */
INLINE __m256 inverse_of(__m256 scale)
{
    const __m256 none = _mm256_cmp_ps(scale, _mm256_setzero_ps(), _CMP_EQ_OQ), one = _mm256_set1_ps(1);
    __m256 divisor = _mm256_blendv_ps(scale, one, none);
    __asm__("" : "+x"(divisor)); /* clang would divide by zero in lanes whose quotient is not wanted */
    return _mm256_andnot_ps(none, _mm256_div_ps(one, divisor));
}

#endif
