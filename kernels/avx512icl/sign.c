/*
 * sign.c - signs with 8-bit integers, on AVX-512 with VNNI.
 *
 * A code is 1 for x and 0 for -x, so a dot is twice the sum of x where codes are 1, less the sum of all x. One zmm
 * holds all codes of a tile, 16 rows x 4 columns of bytes with bit t for step t; of two steps, one has 1 where the
 * other has 2:
 *
 *     codes  --shift by 0, 2, 4, 6-->  steps 2 i and 2 i + 1 in bits 0 and 1
 *            --and 1--->  0 or 1   --vpdpbusd-->  the sum of x where codes are 1       x is one broadcast dword
 *            --and 2--->  0 or 2   --vpdpbusd-->  twice that, from -sum(x) on
 *     dots * (sx * s)  ----------------------->  sums      16 rows, float
 *
 * |dot| <= 32 * 127 < 2^12.
 */
#include "kernels/avx512/scales.h"
#include "kernels/avx512icl/bits.h"
#include "kernels/codec.h"
#include "kernels/prefetch.h"

INLINE __m512i masked(__m512i v, int mask)
{
    return _mm512_and_si512(v, _mm512_set1_epi8((char)mask));
}

INLINE __m512i tile_dot(const uint8_t *tile, const int32_t *x, int32_t start)
{
    const __m512i codes = load(tile, 0);
    __m512i once = _mm512_setzero_si512(), twice = _mm512_set1_epi32(start);
#pragma GCC unroll 4
    for (unsigned t = 0; t < STEPS; t += 2) {
        const __m512i pair = down(codes, (int)t);
        once = dot4(once, masked(pair, 1), x + t);
        twice = dot4(twice, masked(pair, 2), x + t + 1);
    }
    return _mm512_add_epi32(twice, _mm512_add_epi32(once, once));
}

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const int scaled)
{
    const size_t groups = a->w.groups;
    const uint8_t *tile = a->w.codes + p * groups * 64, *scales = scaled ? a->w.scales + p * groups * 16 : NULL;
    const int32_t *x = a->x;
    __m512 sum = _mm512_setzero_ps();
    for (size_t g = 0; g < groups; g++, tile += 64, x += STEPS) {
        prefetch(tile, 1, a->prefetch);
        if (scaled)
            prefetch(scales + g * 16, 1, a->prefetch / 4);
        const int32_t start = (a->bias[2 * g] + a->bias[2 * g + 1]) / 128; /* exact */
        const __m512 d = _mm512_cvtepi32_ps(tile_dot(tile, x, start));
        __m512 s = _mm512_set1_ps(a->sx[g]);
        if (scaled)
            s = _mm512_mul_ps(s, byte_scales(scales + g * 16));
        sum = _mm512_add_ps(sum, _mm512_mul_ps(d, s));
    }
    _mm512_storeu_ps(y, sum);
}

void lsq_gemv_b1_i8_avx512icl_r1(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    float *y = a->y;
    for (size_t p = p0; p < p1; p++, y += PANEL)
        a->w.scales ? gemv(a, p, y, 1) : gemv(a, p, y, 0);
}
