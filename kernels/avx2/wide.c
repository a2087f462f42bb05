/*
 * wide.c - codes of 7 to 9 bits with integers of 16 bits, on AVX2.
 *
 * Tables of 128 to 512 levels are too long for pshufb, so levels are gathered, a column of 8 rows at a time:
 *
 *     codes  --shift, mask-->  indices    8 rows, 32 bit: one column
 *     indices  --gather----->  level and its neighbour, of which the lower half is kept
 *     two columns  --merge-->  levels     8 rows x 2, 16 bit
 *     levels  --madd-------->  dots       8 rows, 32 bit; two of x are one broadcast dword
 *     dots * (sx * s)  ----->  sums       8 rows, float
 *
 * A gather reads 4 bytes at level 511 of i16[512]: the two behind it belong to the array that follows (kernel.h).
 * Bound: |dot| <= 32 * 16383 * 4095 < 2^31.
 */
#include "kernels/avx2/bits.h"
#include "kernels/avx2/scales.h"
#include "kernels/kernel.h"

#include <immintrin.h>

/* Bits [from, from + count) of each dword, moved to bit `to`. */
INLINE __m256i field(__m256i v, unsigned from, unsigned count, unsigned to)
{
    return _mm256_slli_epi32(_mm256_and_si256(_mm256_srli_epi32(v, (int)from), _mm256_set1_epi32((1 << count) - 1)),
                             (int)to);
}

/* Codes of column c of step t, 8 rows. */
INLINE __m256i codes(const uint8_t *tile, unsigned half, const unsigned bits, unsigned t, unsigned c)
{
    if (bits == 7) { /* four bits, two at 4 s + 2 (j % 2), one at 4 s + j */
        unsigned j = t / 2, slot = t % 2;
        __m256i code = field(load(tile, j, half), 8 * c + 4 * slot, 4, 0);
        code = _mm256_or_si256(code, field(load(tile, 4 + j / 2, half), 8 * c + 4 * slot + j % 2 * 2, 2, 4));
        return _mm256_or_si256(code, field(load(tile, 6, half), 8 * c + 4 * slot + j, 1, 6));
    }
    __m256i code = field(load(tile, t, half), 8 * c, 8, 0);
    return bits == 8 ? code : _mm256_or_si256(code, field(load(tile, 8, half), 8 * c + t, 1, 8));
}

INLINE __m256i levels(const int16_t *table, __m256i index)
{
    return _mm256_i32gather_epi32((const int *)(const void *)table, index, 2);
}

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const unsigned bits)
{
    const uint8_t *tile = a->w.codes + p * a->w.groups * 64 * bits;
    const int32_t *x = a->x;
    __m256 sum[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    for (size_t g = 0; g < a->w.groups; g++, tile += 64 * bits, x += 16)
        for (unsigned half = 0; half < 2; half++) {
            __m256i dot = _mm256_setzero_si256();
#pragma GCC unroll 8
            for (unsigned t = 0; t < 8; t++)
                for (unsigned c = 0; c < 4; c += 2) {
                    __m256i even = levels(a->w.levels->i16, codes(tile, half, bits, t, c));
                    __m256i odd = levels(a->w.levels->i16, codes(tile, half, bits, t, c + 1));
                    __m256i pair = _mm256_blend_epi16(even, _mm256_slli_epi32(odd, 16), 0xaa);
                    dot = _mm256_add_epi32(dot, _mm256_madd_epi16(pair, _mm256_set1_epi32(x[2 * t + c / 2])));
                }
            __m256 s = _mm256_set1_ps(a->sx[g]);
            if (a->w.scales)
                s = _mm256_mul_ps(s, byte_scales(a->w.scales + (p * a->w.groups + g) * 16 + 8 * half));
            sum[half] = _mm256_add_ps(sum[half], _mm256_mul_ps(_mm256_cvtepi32_ps(dot), s));
        }
    _mm256_storeu_ps(y, sum[0]);
    _mm256_storeu_ps(y + 8, sum[1]);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_p##bits##_i16_avx2_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                  \
    {                                                                                                                  \
        for (size_t p = p0; p < p1; p++)                                                                               \
            gemv(a, p, a->y + (p - p0) * PANEL, bits);                                                                 \
    }

WIDTH(7)
WIDTH(8)
WIDTH(9)
