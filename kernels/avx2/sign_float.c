/*
 * sign_float.c - signs with floats, on AVX2.
 *
 * The codes of half a panel are one ymm, 8 rows x 4 columns of bytes, with bit t for step t. So three bits of a byte
 * have the signs of three columns, each four apart from the next, and all that these columns can come to is a vector:
 *
 *     x of three columns  --xor signs, add-->  table     all eight sums of x and -x; of bits 6 and 7 four, twice
 *     codes  --shift----->  indices    8 rows, of which vpermps sees the lowest three bits
 *     indices  --vpermps-->  --add-->  dots      8 rows, float
 *     dots * s  ------------------->  sums      8 rows, float
 *
 * A table costs more than a look-up, so both halves of two panels share it. Twelve sums of two or three columns a tile:
 * no result is rounded more than 14 + k / 32 times (see LSQ_ACT_FLOAT in lsq.h).
 */
#include "kernels/avx2/scales.h"
#include "kernels/prefetch.h"

enum { TOGETHER = 2 };

/* x where bit `bit` of the lane's number is 1, -x where it is 0. */
INLINE __m256 either(unsigned bit, float x)
{
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i minus = _mm256_andnot_si256(_mm256_slli_epi32(lane, 31 - (int)bit), _mm256_set1_epi32(INT32_MIN));
    return _mm256_xor_ps(_mm256_castsi256_ps(minus), _mm256_set1_ps(x));
}

/* Of the columns x[0], x[4] and, if there are three, x[8]. */
INLINE __m256 sums_of(const float *x, const int three)
{
    const __m256 two = _mm256_add_ps(either(0, x[0]), either(1, x[4]));
    return three ? _mm256_add_ps(two, either(2, x[8])) : two;
}

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const unsigned panels)
{
    const size_t groups = a->w.groups;
    const float *x = a->x;
    __m256 sum[2 * TOGETHER];
    for (unsigned i = 0; i < 2 * panels; i++)
        sum[i] = _mm256_setzero_ps();
    for (size_t g = 0; g < groups; g++, x += GROUP) {
        __m256i codes[2 * TOGETHER];
        __m256 dot[2 * TOGETHER];
        for (unsigned i = 0; i < 2 * panels; i++) {
            const uint8_t *tile = a->w.codes + ((p + i / 2) * groups + g) * 64;
            if (i % 2 == 0)
                prefetch(tile, 1, a->prefetch);
            codes[i] = load(tile, 0, i % 2);
            dot[i] = _mm256_setzero_ps();
        }
#pragma GCC unroll 12
        for (unsigned part = 0; part < 12; part++) { /* of a byte: column part / 3 from step 3 (part % 3) on */
            const __m256 table = sums_of(x + part % 3 * 12 + part / 3, part % 3 < 2);
            for (unsigned i = 0; i < 2 * panels; i++) {
                const __m256i index = _mm256_srli_epi32(codes[i], (int)(part / 3 * 8 + part % 3 * 3));
                dot[i] = _mm256_add_ps(dot[i], _mm256_permutevar8x32_ps(table, index));
            }
        }
        for (unsigned i = 0; i < 2 * panels; i++)
            sum[i] = _mm256_fmadd_ps(dot[i], half_scales(&a->w, (p + i / 2) * groups + g, i % 2), sum[i]);
    }
    for (unsigned i = 0; i < 2 * panels; i++)
        _mm256_storeu_ps(y + i * 8, sum[i]);
}

void lsq_gemv_b1_f32_avx2_r1(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    float *y = a->y;
    size_t p = p0;
    for (; p + TOGETHER <= p1; p += TOGETHER, y += TOGETHER * PANEL)
        gemv(a, p, y, TOGETHER);
    if (p < p1)
        gemv(a, p, y, 1);
}
