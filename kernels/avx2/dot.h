/*
 * dot.h - levels times x with maddubs, which multiplies unsigned with signed bytes and must not saturate.
 *
 * Up to 16 levels have 7 bits (`seven`): taken + 64 they are the unsigned side, and dots start at -64 * sum(x). A pair sum is at most
 * 2 * 127 * 127 < 2^15.
 *
 * More levels have 8 bits: then |x| is the unsigned side, and level ^ -1 = -level - 1 stands for -level where x < 0. (psignb would be
 * exact by itself, but runs where the multiplications do.) The 1 too little for each negative x is given back before it is
 * missed: dots start at the sum of -x over those. A pair sum is at most 2 * 127 * 128 < 2^15.
 */
#ifndef LSQ_KERNELS_AVX2_DOT_H
#define LSQ_KERNELS_AVX2_DOT_H

#include "kernels/kernel.h"

#include <immintrin.h>

/* What to add to levels. */
INLINE int offset_of(const int seven)
{
    return seven ? 64 : 0;
}

/* What the dot of half a group starts at; `half` counts through the groups. */
INLINE int32_t start_of(const lsq_gemv_args *a, size_t half, const int seven)
{
    return seven ? a->bias[half] / 2 : a->negative[half];
}

/* Adds the products of a step. */
INLINE __m256i add_step(__m256i dot, __m256i level, __m256i xt, const int seven)
{
    __m256i pairs;
    if (seven)
        pairs = _mm256_maddubs_epi16(level, xt);
    else
        pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(xt),
                                     _mm256_xor_si256(level, _mm256_cmpgt_epi8(_mm256_setzero_si256(), xt)));
    return _mm256_add_epi32(dot, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

#endif
