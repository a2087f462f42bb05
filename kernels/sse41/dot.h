/*
 * dot.h - levels times x with pmaddubsw, which multiplies unsigned with signed bytes and must not saturate.
 *
 * Up to 16 levels have 7 bits (`seven`): taken + 64 they are the unsigned side, and dots start at -64 * sum(x). A pair sum is at most
 * 2 * 127 * 127 < 2^15.
 *
 * More levels have 8 bits: then |x| is the unsigned side, and the sign of x goes to the level. A pair sum is at most as large.
 */
#ifndef LSQ_KERNELS_SSE41_DOT_H
#define LSQ_KERNELS_SSE41_DOT_H

#include "kernels/kernel.h"

#include <smmintrin.h>

/* The x of a group, four columns to each lane: a vector for every step, in memory, where the products find their operand. */
typedef struct spread {
    __m128i x[8], magnitude[8];
} spread;

INLINE void spread_of(spread *to, const void *x, const int seven)
{
    for (unsigned t = 0; t < 8; t++) {
        to->x[t] = _mm_set1_epi32(((const int32_t *)x)[t]);
        if (!seven)
            to->magnitude[t] = _mm_abs_epi8(to->x[t]);
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
    return seven ? a->bias[half] / 2 : 0;
}

/* Adds the products of step t. */
INLINE __m128i add_step(__m128i dot, __m128i level, const spread *x, unsigned t, const int seven)
{
    __m128i pairs;
    if (seven)
        pairs = _mm_maddubs_epi16(level, x->x[t]);
    else
        pairs = _mm_maddubs_epi16(x->magnitude[t], _mm_sign_epi8(level, x->x[t]));
    return _mm_add_epi32(dot, _mm_madd_epi16(pairs, _mm_set1_epi16(1)));
}

#endif
