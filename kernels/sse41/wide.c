/*
 * wide.c - codes of 7 to 9 bits with integers of 16 bits, on SSE4.1.
 *
 * Tables of 128 to 512 levels are too long for pshufb, so levels are loaded one by one, 4 rows x 4 columns at a time:
 *
 *     codes  --shift, mask, or-->  indices   16 bits each
 *     indices  --load, pinsrw--->  levels    two vectors of 2 rows x 4 columns
 *     levels  --pmaddwd--------->  dots      two dwords a row; x is one qword of four, twice
 *     pairs added, * (sx * s) -->  sums      4 rows, float
 *
 * Bound: |dot| <= 32 * 16383 * 4095 < 2^31.
 */
#include "kernels/prefetch.h"
#include "kernels/sse41/bits.h"
#include "kernels/sse41/indices.h"
#include "kernels/sse41/scales.h"

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const unsigned bits)
{
    const uint8_t *tile = a->w.codes + p * a->w.groups * 64 * bits;
    const int16_t *level = a->w.levels->i16;
    const int64_t *x = a->x;
    __m128 sum[4] = {_mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps()};
    for (size_t g = 0; g < a->w.groups; g++, tile += 64 * bits, x += 8) {
        prefetch(tile, bits, a->prefetch);
        for (unsigned quarter = 0; quarter < 4; quarter++) {
            __m128i dot01 = _mm_setzero_si128(), dot23 = dot01;
#pragma GCC unroll 8
            for (unsigned t = 0; t < 8; t++) {
                uint64_t row[4];
                indices(row, tile + 16 * quarter, bits, t);
                __m128i xt = _mm_set1_epi64x(x[t]);
                dot01 = _mm_add_epi32(dot01, _mm_madd_epi16(two_rows(level, row[0], row[1]), xt));
                dot23 = _mm_add_epi32(dot23, _mm_madd_epi16(two_rows(level, row[2], row[3]), xt));
            }
            __m128 s = _mm_set1_ps(a->sx[g]);
            if (a->w.scales)
                s = _mm_mul_ps(s, byte_scales(a->w.scales + (p * a->w.groups + g) * PANEL + 4 * quarter));
            sum[quarter] = _mm_add_ps(sum[quarter], _mm_mul_ps(_mm_cvtepi32_ps(_mm_hadd_epi32(dot01, dot23)), s));
        }
    }
    for (unsigned quarter = 0; quarter < 4; quarter++)
        _mm_storeu_ps(y + 4 * quarter, sum[quarter]);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_p##bits##_i16_sse41_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                 \
    {                                                                                                                  \
        for (size_t p = p0; p < p1; p++)                                                                               \
            gemv(a, p, a->y + (p - p0) * PANEL, bits);                                                                 \
    }

WIDTH(7)
WIDTH(8)
WIDTH(9)
