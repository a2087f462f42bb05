/*
 * trellis_float.c - trellis codes with floats, on SSE4.1; 1 to 6 bits.
 *
 *     levels (trellis.h), bytes  --convert-->  4 columns of each row, float  --mul, add with x-->  dots of 16 columns
 *
 * Four partial sums for each of them, so that no sum is longer than k / 4 (see LSQ_ACT_FLOAT in lsq.h).
 */
#include "kernels/prefetch.h"
#include "kernels/sse41/floats.h"
#include "kernels/sse41/trellis.h"

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const unsigned bits)
{
    const int bytes = a->w.scale == LSQ_SCALE_BYTE32;
    const float *x = a->x;
    uint8_t copy[COPY], m[2][PANEL];
    __m128i table[4], other[4];
    __m128 sum[4] = {_mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps()};
    tables_for(table, a->w.levels->i8, bits, _mm_setzero_si128());
    steps_of(other, &a->w, p);
    for (size_t g = 0; g < a->w.groups; g++, x += GROUP) {
        const size_t at = p * a->w.groups + g;
        const uint8_t *tile = with_past(&a->w, p, g, bits, copy);
        prefetch(a->w.codes + at * 64 * bits, bits, a->prefetch);
        if (!bytes)
            multipliers(m, &a->w, at, other);
        for (unsigned quarter = 0; quarter < 4; quarter++) {
            __m128i level[STEPS];
            __m128 half[2], row[4];
            levels(tile + 16 * quarter, bits, a->w.states, table, level);
#pragma GCC unroll 2
            for (unsigned h = 0; h < 2; h++) {
                __m128 dot[4] = {_mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps()};
#pragma GCC unroll 4
                for (unsigned t = 4 * h; t < 4 * h + 4; t++) {
                    floats_of(row, level[t]);
                    add_products(dot, row, _mm_loadu_ps(x + 4 * t));
                }
                half[h] = row_sums(dot);
                if (!bytes)
                    half[h] = _mm_mul_ps(half[h], _mm_cvtepi32_ps(four_multipliers(&a->w, m[h] + 4 * quarter)));
            }
            __m128 all = _mm_add_ps(half[0], half[1]);
            if (bytes)
                all = _mm_mul_ps(all, byte_scales(a->w.scales + at * PANEL + 4 * quarter));
            sum[quarter] = _mm_add_ps(sum[quarter], all);
        }
    }
    for (unsigned quarter = 0; quarter < 4; quarter++)
        _mm_storeu_ps(y + 4 * quarter, sum[quarter]);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_t##bits##_f32_sse41_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                 \
    {                                                                                                                  \
        for (size_t p = p0; p < p1; p++)                                                                               \
            gemv(a, p, a->y + (p - p0) * PANEL, bits);                                                                 \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
