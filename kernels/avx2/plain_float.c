/*
 * plain_float.c - codes that index a table with floats, on AVX2; 2 to 9 bits.
 *
 * A dword is 4 columns of one row, so a shift brings any column of 8 rows down to where a permutation looks.
 *
 *     codes  --shift, mask-->  indices   8 rows, 32 bit
 *     indices  --vpermps---->  levels    8 rows, float; two and a blend for 4 bits, a gather from 5 bits on
 *     levels  --fma with x-->  dots      8 rows, float; x is one broadcast float
 *     dots * s  ------------>  sums      8 rows, float
 *
 * Four dots a tile, one for each column of a step, so that no sum is longer than k / 4 (see LSQ_ACT_FLOAT in lsq.h).
 */
#include "kernels/avx2/scales.h"
#include "kernels/kernel.h"

#include <immintrin.h>

INLINE __m256i load(const uint8_t *tile, unsigned vector, unsigned half)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)(tile + 64 * vector + 32 * half));
}

/* Bits [from, from + count) of each dword, moved to bit `to`. */
INLINE __m256i field(__m256i v, unsigned from, unsigned count, unsigned to)
{
    v = _mm256_and_si256(_mm256_srli_epi32(v, (int)from), _mm256_set1_epi32((1 << count) - 1));
    return _mm256_slli_epi32(v, (int)to);
}

/* Codes of column c of step t, 8 rows: each plane's bits are `width of the first plane` * slot + ... up (codec.h). */
INLINE __m256i codes(const uint8_t *tile, unsigned half, const unsigned bits, unsigned t, unsigned c)
{
    const unsigned width = bits >= 8 ? 8 : bits >= 4 ? 4 : 2, v = t * width / 8, at = 8 * c + t % (8 / width) * width;
    __m256i code = field(load(tile, v, half), at, width, 0);
    unsigned shift = width, vector = width; /* of the plane that comes next */
    for (unsigned plane = width / 2; plane; plane /= 2)
        if (bits & plane) {
            unsigned within = v % (width / plane) * plane;
            code =
                _mm256_or_si256(code, field(load(tile, vector + v * plane / width, half), at + within, plane, shift));
            shift += plane;
            vector += plane;
        }
    return code;
}

INLINE __m256 levels_float(const float *table, const unsigned bits, __m256i code)
{
    if (bits > 4)
        return _mm256_i32gather_ps(table, code, 4);
    __m256 level = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table), code); /* looks at three bits */
    if (bits < 4)
        return level;
    __m256 above = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table + 8), code);
    return _mm256_blendv_ps(level, above, _mm256_castsi256_ps(_mm256_slli_epi32(code, 28)));
}

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const unsigned bits)
{
    const uint8_t *tile = a->w.codes + p * a->w.groups * 64 * bits;
    const float *x = a->x;
    __m256 sum[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    for (size_t g = 0; g < a->w.groups; g++, tile += 64 * bits, x += GROUP)
        for (unsigned half = 0; half < 2; half++) {
            __m256 dot[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
#pragma GCC unroll 8
            for (unsigned t = 0; t < 8; t++)
#pragma GCC unroll 4
                for (unsigned c = 0; c < 4; c++)
                    dot[c] = _mm256_fmadd_ps(levels_float(a->w.levels->f32, bits, codes(tile, half, bits, t, c)),
                                             _mm256_set1_ps(x[4 * t + c]), dot[c]);
            __m256 all = _mm256_add_ps(_mm256_add_ps(dot[0], dot[1]), _mm256_add_ps(dot[2], dot[3]));
            if (a->w.scales)
                all = _mm256_mul_ps(all, byte_scales(a->w.scales + (p * a->w.groups + g) * 16 + 8 * half));
            sum[half] = _mm256_add_ps(sum[half], all);
        }
    _mm256_storeu_ps(y, sum[0]);
    _mm256_storeu_ps(y + 8, sum[1]);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_p##bits##_f32_avx2_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                  \
    {                                                                                                                  \
        for (size_t p = p0; p < p1; p++)                                                                               \
            gemv(a, p, a->y + (p - p0) * PANEL, bits);                                                                 \
    }

WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
WIDTH(7)
WIDTH(8)
WIDTH(9)
