/*
 * sign.c - signs with 8-bit integers, on AVX2.
 *
 * A code is 1 for x and 0 for -x, so a dot is twice the sum of x where codes are 1, less the sum of all x. Two ymm hold
 * all codes of a tile, 8 rows x 4 columns of bytes each with bit t for step t; of two steps, one has 1 where the other
 * has 2:
 *
 *     codes  --shift by 0, 2, 4, 6-->  steps 2 i and 2 i + 1 in bits 0 and 1
 *            --and 1--->  0 or 1   --maddubs-->  the sum of x where codes are 1      8 rows x 2, 16 bit
 *            --and 2--->  0 or 2   --maddubs-->  twice that
 *     both   --madd 1----------->  dots          8 rows, 32 bit, once a tile; less the sum of x
 *     dots * (sx * s)  --------->  sums          8 rows, float
 *
 * A pair sum of 16 bits is at most 4 * 2 * 2 * 127 < 2^11, both added, the first twice, at most 2^12.
 */
#include "kernels/avx2/bits.h"
#include "kernels/avx2/scales.h"
#include "kernels/codec.h"
#include "kernels/prefetch.h"

INLINE __m256i half_dot(__m256i codes, const int32_t *x, int32_t start)
{
    __m256i once = _mm256_setzero_si256(), twice = once;
#pragma GCC unroll 4
    for (unsigned t = 0; t < STEPS; t += 2) {
        const __m256i pair = down(codes, (int)t);
        once = _mm256_add_epi16(once, _mm256_maddubs_epi16(masked(pair, 1), _mm256_set1_epi32(x[t])));
        twice = _mm256_add_epi16(twice, _mm256_maddubs_epi16(masked(pair, 2), _mm256_set1_epi32(x[t + 1])));
    }
    const __m256i pairs = _mm256_add_epi16(twice, _mm256_add_epi16(once, once));
    return _mm256_add_epi32(_mm256_set1_epi32(start), _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const int scaled)
{
    const size_t groups = a->w.groups;
    const uint8_t *tile = a->w.codes + p * groups * 64, *scales = scaled ? a->w.scales + p * groups * 16 : NULL;
    const int32_t *x = a->x;
    __m256 sum[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    for (size_t g = 0; g < groups; g++, tile += 64, x += STEPS) {
        prefetch(tile, 1, a->prefetch);
        const int32_t start = (a->bias[2 * g] + a->bias[2 * g + 1]) / 128; /* exact */
        const __m256 sx = _mm256_set1_ps(a->sx[g]);
        for (unsigned half = 0; half < 2; half++) {
            const __m256 d = _mm256_cvtepi32_ps(half_dot(load(tile, 0, half), x, start));
            const __m256 s = scaled ? _mm256_mul_ps(sx, byte_scales(scales + g * 16 + half * 8)) : sx;
            sum[half] = _mm256_add_ps(sum[half], _mm256_mul_ps(d, s));
        }
    }
    _mm256_storeu_ps(y, sum[0]);
    _mm256_storeu_ps(y + 8, sum[1]);
}

void lsq_gemv_b1_i8_avx2_r1(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    float *y = a->y;
    for (size_t p = p0; p < p1; p++, y += PANEL)
        a->w.scales ? gemv(a, p, y, 1) : gemv(a, p, y, 0);
}
