/*
 * dot.h - levels times x with pmaddubsw, which multiplies unsigned with signed bytes and must not saturate.
 *
 * Up to 16 levels have 7 bits (`seven`): taken + 64 they are the unsigned side, and dots start at -64 * sum(x). A pair sum is at most
 * 2 * 127 * 127 < 2^15.
 *
 * More levels have 8 bits: then |x| is the unsigned side, and level ^ -1 = -level - 1 stands for -level where x < 0. The 1 too little
 * for each negative x is given back before it is missed: dots start at the sum of -x over those. A pair sum is at most
 * 2 * 127 * 128 < 2^15.
 */
#ifndef LSQ_KERNELS_SSE41_DOT_H
#define LSQ_KERNELS_SSE41_DOT_H

#include "kernels/kernel.h"

#include <smmintrin.h>

/* The x of a group, four columns to each lane: a vector for every step, in memory, where the products find their operand. */
typedef struct spread {
    __m128i x[8], negative[8]; /* seven: x; otherwise |x|, and -1 where x < 0 */
} spread;

INLINE void spread_of(spread *to, const void *x, const int seven)
{
    for (unsigned t = 0; t < 8; t++) {
        __m128i xt = _mm_set1_epi32(((const int32_t *)x)[t]);
        to->x[t] = seven ? xt : _mm_abs_epi8(xt);
        if (!seven)
            to->negative[t] = _mm_cmpgt_epi8(_mm_setzero_si128(), xt);
    }
}

/* What to add to levels. */
INLINE __m128i offset_of(const int seven)
{
    return _mm_set1_epi8(seven ? 64 : 0);
}

/* What the dot of half a group starts at; `half` counts through the groups. */
INLINE int32_t start_of(const lsq_gemv_args *a, size_t half, const int seven)
{
    return seven ? a->bias[half] / 2 : a->negative[half];
}

/* Adds the products of step t. */
INLINE __m128i add_step(__m128i dot, __m128i level, const spread *x, unsigned t, const int seven)
{
    __m128i pairs;
    if (seven)
        pairs = _mm_maddubs_epi16(level, x->x[t]);
    else
        pairs = _mm_maddubs_epi16(x->x[t], _mm_xor_si128(level, x->negative[t]));
    return _mm_add_epi32(dot, _mm_madd_epi16(pairs, _mm_set1_epi16(1)));
}

#endif
