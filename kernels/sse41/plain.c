/*
 * plain.c - codes that index a table, on SSE4.1; 4 bits.
 *
 * One xmm holds 4 rows x 4 columns of bytes, so a panel is four quarters:
 *
 *     codes   --shift, mask-->     indices   one byte each
 *     indices --pshufb------->     levels    unsigned bytes
 *     levels, x --pmaddubsw---->   pair sums 4 rows x 2, 16 bit
 *             --pmaddwd 1------>   dots      4 rows, 32 bit
 *     dots * (sx * s)  -------->   sums      4 rows, float
 *
 * The levels, of 7 bits, are taken + 64, unsigned, and dots start at -64 * sum(x). pmaddubsw does not saturate: a pair sum is at most
 * 2 * 127 * 127 < 2^15.
 */
#include "kernels/kernel.h"

#include <smmintrin.h>
#include <string.h>

INLINE __m128i levels(const uint8_t *tile, unsigned quarter, unsigned t, __m128i table)
{
    __m128i codes = _mm_loadu_si128((const __m128i *)(const void *)(tile + 64 * (t / 2) + 16 * quarter));
    return _mm_shuffle_epi8(table, _mm_and_si128(t % 2 ? _mm_srli_epi16(codes, 4) : codes, _mm_set1_epi8(15)));
}

/* The byte scales of 4 rows: bits of a float whose exponent is 112 too small; where that is 0, 2^-14 is added and taken back. */
INLINE __m128 byte_scales(const uint8_t *scales)
{
    int32_t four;
    memcpy(&four, scales, sizeof(four));
    __m128i b = _mm_slli_epi32(_mm_cvtepi8_epi32(_mm_cvtsi32_si128(four)), 19);
    __m128i magnitude = _mm_and_si128(b, _mm_set1_epi32(0x03f80000)), least = _mm_set1_epi32(113 << 23);
    __m128i usual = _mm_add_epi32(magnitude, _mm_set1_epi32(112 << 23)), small = _mm_add_epi32(magnitude, least);
    __m128 below = _mm_sub_ps(_mm_castsi128_ps(small), _mm_castsi128_ps(least));
    __m128i is_small = _mm_cmplt_epi32(magnitude, _mm_set1_epi32(1 << 23));
    __m128 s = _mm_blendv_ps(_mm_castsi128_ps(usual), below, _mm_castsi128_ps(is_small));
    return _mm_or_ps(s, _mm_and_ps(_mm_castsi128_ps(b), _mm_set1_ps(-0.0f)));
}

INLINE void gemv(const lsq_gemv_args *a, size_t p, const int scaled)
{
    const size_t groups = a->w.groups;
    const uint8_t *tile = a->w.codes + p * groups * 256, *scales = scaled ? a->w.scales + p * groups * 16 : NULL;
    const __m128i table =
        _mm_add_epi8(_mm_loadu_si128((const __m128i *)(const void *)a->w.levels->i8), _mm_set1_epi8(64));
    const int8_t *x = a->x;
    __m128 sum[4] = {_mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps()};
    for (size_t g = 0; g < groups; g++, tile += 256, x += GROUP) {
        const __m128i start = _mm_set1_epi32((a->bias[2 * g] + a->bias[2 * g + 1]) / 2);
        __m128i dot[4] = {start, start, start, start};
#pragma GCC unroll 8
        for (unsigned t = 0; t < 8; t++) {
            __m128i xt = _mm_set1_epi32(((const int32_t *)(const void *)x)[t]);
            for (unsigned quarter = 0; quarter < 4; quarter++) {
                __m128i pairs = _mm_maddubs_epi16(levels(tile, quarter, t, table), xt);
                dot[quarter] = _mm_add_epi32(dot[quarter], _mm_madd_epi16(pairs, _mm_set1_epi16(1)));
            }
        }
        const __m128 sx = _mm_set1_ps(a->sx[g]);
        for (unsigned quarter = 0; quarter < 4; quarter++) {
            __m128 s = scaled ? _mm_mul_ps(sx, byte_scales(scales + g * 16 + quarter * 4)) : sx;
            sum[quarter] = _mm_add_ps(sum[quarter], _mm_mul_ps(_mm_cvtepi32_ps(dot[quarter]), s));
        }
    }
    for (unsigned quarter = 0; quarter < 4; quarter++)
        _mm_storeu_ps(a->y + 4 * quarter, sum[quarter]);
}

void lsq_gemv_p4_i8_sse41_r1(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    lsq_gemv_args rest = *a;
    for (size_t p = p0; p < p1; p++, rest.y += PANEL)
        rest.w.scales ? gemv(&rest, p, 1) : gemv(&rest, p, 0);
}
