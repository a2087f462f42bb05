/*
 * plain_float.c - codes that index a table with floats, on SSE4.1; 2 to 9 bits.
 *
 *     codes  --floats.h---------->  levels    of 4 rows, a vector of 4 columns each
 *     levels  --mul, add with x-->  dots      four partial sums a row
 *     added, * s  --------------->  sums      4 rows, float
 *
 * Four partial sums a group, so that no sum is longer than k / 4 (see LSQ_ACT_FLOAT in lsq.h).
 */
#include "kernels/prefetch.h"
#include "kernels/sse41/floats.h"
#include "kernels/sse41/scales.h"

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const unsigned bits, const int whole)
{
    const uint8_t *tile = a->w.codes + p * a->w.groups * 64 * bits;
    const float *x = a->x;
    __m128i table[4];
    __m128 sum[4] = {_mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps()};
    tables_of(table, a->w.levels->i8, _mm_setzero_si128());
    for (size_t g = 0; g < a->w.groups; g++, tile += 64 * bits, x += GROUP) {
        prefetch(tile, bits, a->prefetch);
        for (unsigned quarter = 0; quarter < 4; quarter++) {
            __m128 dot[4] = {_mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps()}, row[4];
#pragma GCC unroll 8
            for (unsigned t = 0; t < 8; t++) {
                plain_levels(row, tile + 16 * quarter, bits, t, whole, table, a->w.levels->f32);
                add_products(dot, row, _mm_loadu_ps(x + 4 * t));
            }
            __m128 all = row_sums(dot);
            if (a->w.scales)
                all = _mm_mul_ps(all, byte_scales(a->w.scales + (p * a->w.groups + g) * PANEL + 4 * quarter));
            sum[quarter] = _mm_add_ps(sum[quarter], all);
        }
    }
    for (unsigned quarter = 0; quarter < 4; quarter++)
        _mm_storeu_ps(y + 4 * quarter, sum[quarter]);
}

INLINE void rows(const lsq_gemv_args *a, size_t p0, size_t p1, const unsigned bits)
{
    const int whole = bits <= 6 && a->w.levels->unit == 1.0f;
    float *y = a->y;
    for (size_t p = p0; p < p1; p++, y += PANEL)
        whole ? gemv(a, p, y, bits, bits <= 6) : gemv(a, p, y, bits, 0);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_p##bits##_f32_sse41_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                 \
    {                                                                                                                  \
        rows(a, p0, p1, bits);                                                                                         \
    }

WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
WIDTH(7)
WIDTH(8)
WIDTH(9)
