/*
 * plain.c - codes that index a table, on AVX2: 2 to 6 bits with 8-bit integers.
 *
 * One ymm holds 8 rows x 4 columns of bytes, so a panel is a low and a high half. Two steps are decoded together:
 *
 *     codes   --shift, mask, merge-->  indices   one byte each
 *     indices --pshufb, blends------>  levels    signed bytes
 *     levels, x --maddubs----------->  pair sums 8 rows x 2, 16 bit
 *             --madd 1-------------->  dots      8 rows, 32 bit
 *     dots * (sx * s)  ------------->  sums      8 rows, float
 *
 * dot.h says how signs get into maddubs, and why it does not saturate.
 */
#include "kernels/avx2/dot.h"
#include "kernels/avx2/plain.h"
#include "kernels/avx2/scales.h"
#include "kernels/kernel.h"
#include "kernels/prefetch.h"

#include <immintrin.h>

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const unsigned bits, const int scaled)
{
    const int seven = bits <= 4; /* bits of a level */
    const size_t groups = a->w.groups;
    const uint8_t *tile = a->w.codes + p * groups * 64 * bits, *scales = scaled ? a->w.scales + p * groups * 16 : NULL;
    const int32_t *x = a->x;
    __m256i table[4];
    tables_of(a->w.levels, bits, offset_of(seven), table);
    __m256 sum[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    for (size_t g = 0; g < groups; g++, tile += 64 * bits, x += GROUP / 4) {
        const __m256i start = _mm256_set1_epi32(start_of(a, 2 * g, seven) + start_of(a, 2 * g + 1, seven));
        __m256i dot[2] = {start, start};
        prefetch(tile, bits, a->prefetch);
#pragma GCC unroll 4
        for (unsigned pair = 0; pair < 4; pair++) {
            const __m256i x0 = _mm256_set1_epi32(x[step_of(pair, bits, 0)]);
            const __m256i x1 = _mm256_set1_epi32(x[step_of(pair, bits, 1)]);
            for (unsigned half = 0; half < 2; half++) {
                __m256i level[2];
                two_levels(tile, half, bits, pair, table, level);
                dot[half] = add_step(dot[half], level[0], x0, seven);
                dot[half] = add_step(dot[half], level[1], x1, seven);
            }
        }
        const __m256 sx = _mm256_set1_ps(a->sx[g]);
        for (unsigned half = 0; half < 2; half++) {
            __m256 s = scaled ? _mm256_mul_ps(sx, byte_scales(scales + g * 16 + half * 8)) : sx;
            sum[half] = _mm256_add_ps(sum[half], _mm256_mul_ps(_mm256_cvtepi32_ps(dot[half]), s));
        }
    }
    _mm256_storeu_ps(y, sum[0]);
    _mm256_storeu_ps(y + 8, sum[1]);
}

INLINE void rows(const lsq_gemv_args *a, size_t p0, size_t p1, const unsigned bits)
{
    float *y = a->y;
    for (size_t p = p0; p < p1; p++, y += PANEL)
        a->w.scales ? gemv(a, p, y, bits, 1) : gemv(a, p, y, bits, 0);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_p##bits##_i8_avx2_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                   \
    {                                                                                                                  \
        rows(a, p0, p1, bits);                                                                                         \
    }

WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
