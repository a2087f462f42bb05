/*
 * plain.c - codes that index a table, on AVX-512 without VBMI and VNNI (Skylake-X); 4 bits
 * with 8-bit integers.
 *
 * As on AVX2, with 16 rows x 4 columns in a zmm.
 *
 *     codes  --shift, mask-->  indices  --pshufb-->  levels    unsigned bytes
 *     levels, x  --maddubs-->  pair sums  --madd 1-->  dots    16 rows, 32 bit
 *     dots * (sx * s)  ------->  sums                          16 rows, float
 *
 * The levels, of 7 bits, are taken + 64, unsigned, and dots start at -64 * sum(x). maddubs does not saturate: a pair sum is at most
 * 2 * 127 * 127 < 2^15.
 */
#include "kernels/avx512/scales.h"
#include "kernels/kernel.h"

#include <immintrin.h>

INLINE __m512i levels8(const uint8_t *tile, unsigned t, __m512i table)
{
    __m512i codes = _mm512_loadu_si512(tile + 64 * (t / 2));
    return _mm512_shuffle_epi8(table,
                               _mm512_and_si512(t % 2 ? _mm512_srli_epi16(codes, 4) : codes, _mm512_set1_epi8(15)));
}

INLINE void gemv(const lsq_gemv_args *a, size_t p, const int scaled)
{
    const size_t groups = a->w.groups;
    const uint8_t *tile = a->w.codes + p * groups * 256, *scales = scaled ? a->w.scales + p * groups * 16 : NULL;
    const __m512i table = _mm512_add_epi8(
        _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)a->w.levels->i8)), _mm512_set1_epi8(64));
    const int8_t *x = a->x;
    __m512 sum = _mm512_setzero_ps();
    for (size_t g = 0; g < groups; g++, tile += 256, x += GROUP) {
        __m512i dot[2] = {_mm512_set1_epi32(a->bias[2 * g] / 2), _mm512_set1_epi32(a->bias[2 * g + 1] / 2)};
#pragma GCC unroll 8
        for (unsigned t = 0; t < 8; t++) {
            __m512i xt = _mm512_set1_epi32(((const int32_t *)(const void *)x)[t]);
            __m512i pairs = _mm512_maddubs_epi16(levels8(tile, t, table), xt);
            dot[t % 2] = _mm512_add_epi32(dot[t % 2], _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
        }
        __m512 sx = _mm512_set1_ps(a->sx[g]), s = scaled ? _mm512_mul_ps(sx, byte_scales(scales + g * 16)) : sx;
        __m512 d = _mm512_cvtepi32_ps(_mm512_add_epi32(dot[0], dot[1]));
        sum = _mm512_add_ps(sum, _mm512_mul_ps(d, s));
    }
    _mm512_storeu_ps(a->y, sum);
}

void lsq_gemv_p4_i8_avx512_r1(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    lsq_gemv_args rest = *a;
    for (size_t p = p0; p < p1; p++, rest.y += PANEL)
        rest.w.scales ? gemv(&rest, p, 1) : gemv(&rest, p, 0);
}
