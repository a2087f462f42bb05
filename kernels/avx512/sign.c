/*
 * sign.c - signs with 8-bit integers, on AVX-512 without VNNI (Skylake-X).
 *
 * A code is 1 for x and 0 for -x, so a dot is twice the sum of x where codes are 1, less the sum of all x. One zmm
 * holds all codes of a tile, 16 rows x 4 columns of bytes with bit t for step t; of two steps, one has 1 where the
 * other has 2:
 *
 *     codes  --shift by 0, 2, 4, 6-->  steps 2 i and 2 i + 1 in bits 0 and 1
 *            --and 1--->  0 or 1   --maddubs-->  the sum of x where codes are 1      16 rows x 2, 16 bit
 *            --and 2--->  0 or 2   --maddubs-->  twice that
 *     both   --madd 1----------->  dots          16 rows, 32 bit, once a tile; less the sum of x
 *     dots * (sx * s)  --------->  sums          16 rows, float
 *
 * A pair sum of 16 bits is at most 4 * 2 * 2 * 127 < 2^11, both added, the first twice, at most 2^12.
 */
#include "kernels/avx512/bits.h"
#include "kernels/avx512/scales.h"
#include "kernels/codec.h"
#include "kernels/prefetch.h"

INLINE __m512i tile_dot(const uint8_t *tile, const int32_t *x, int32_t start)
{
    const __m512i codes = load(tile, 0);
    __m512i once = _mm512_setzero_si512(), twice = once;
#pragma GCC unroll 4
    for (unsigned t = 0; t < STEPS; t += 2) {
        const __m512i pair = down(codes, (int)t);
        once = _mm512_add_epi16(once, _mm512_maddubs_epi16(masked(pair, 1), _mm512_set1_epi32(x[t])));
        twice = _mm512_add_epi16(twice, _mm512_maddubs_epi16(masked(pair, 2), _mm512_set1_epi32(x[t + 1])));
    }
    const __m512i pairs = _mm512_add_epi16(twice, _mm512_add_epi16(once, once));
    return _mm512_add_epi32(_mm512_set1_epi32(start), _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
}

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const int scaled)
{
    const size_t groups = a->w.groups;
    const uint8_t *tile = a->w.codes + p * groups * 64, *scales = scaled ? a->w.scales + p * groups * 16 : NULL;
    const int32_t *x = a->x;
    __m512 sum = _mm512_setzero_ps();
    for (size_t g = 0; g < groups; g++, tile += 64, x += STEPS) {
        prefetch(tile, 1, a->prefetch);
        const int32_t start = (a->bias[2 * g] + a->bias[2 * g + 1]) / 128; /* exact */
        const __m512 d = _mm512_cvtepi32_ps(tile_dot(tile, x, start));
        const __m512 sx = _mm512_set1_ps(a->sx[g]), s = scaled ? _mm512_mul_ps(sx, byte_scales(scales + g * 16)) : sx;
        sum = _mm512_add_ps(sum, _mm512_mul_ps(d, s));
    }
    _mm512_storeu_ps(y, sum);
}

void lsq_gemv_b1_i8_avx512_r1(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    float *y = a->y;
    for (size_t p = p0; p < p1; p++, y += PANEL)
        a->w.scales ? gemv(a, p, y, 1) : gemv(a, p, y, 0);
}
