/*
 * trellis.c - codes that depend on the bits before them, with 8-bit integers, on SSE4.1; 1 to 6 bits.
 *
 *     levels (trellis.h), x  --pmaddubsw, pmaddwd 1-->  dots of 16 columns     4 rows, 32 bit
 *     dots * multipliers, added  -------------------->  --float, * sx-->  sums 4 rows; in integers up to here
 *
 * How signs get into pmaddubsw, and why it does not saturate: see dot.h; levels have 7 bits up to codes of 3, 8 beyond. |dot| <= 16 *
 * 127 * 127 and a multiplier is at most 255: two products stay under 2^27.
 */
#include "kernels/prefetch.h"
#include "kernels/sse41/dot.h"
#include "kernels/sse41/trellis.h"

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const unsigned bits, const unsigned states)
{
    const int seven = bits <= 3, bytes = a->w.scale == LSQ_SCALE_BYTE32;
    const int8_t *x = a->x;
    uint8_t copy[COPY], m[2][PANEL];
    __m128i table[4], other[4];
    __m128 sum[4] = {_mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps()};
    tables_for(table, a->w.levels->i8, bits, offset_of(seven));
    steps_of(other, &a->w, p);
    for (size_t g = 0; g < a->w.groups; g++, x += GROUP) {
        const size_t at = p * a->w.groups + g;
        const uint8_t *tile = with_past(&a->w, p, g, bits, copy);
        spread xs;
        prefetch(a->w.codes + at * 64 * bits, bits, a->prefetch);
        spread_of(&xs, x, seven);
        if (!bytes)
            multipliers(m, &a->w, at, other);
        for (unsigned quarter = 0; quarter < 4; quarter++) {
            __m128i level[STEPS];
            __m128i dot[2] = {_mm_set1_epi32(start_of(a, 2 * g, seven)), _mm_set1_epi32(start_of(a, 2 * g + 1, seven))};
            levels(tile + 16 * quarter, bits, states, table, level);
#pragma GCC unroll 8
            for (unsigned t = 0; t < STEPS; t++)
                dot[t / 4] = add_step(dot[t / 4], level[t], &xs, t, seven);
            __m128 s = _mm_set1_ps(a->sx[g]);
            if (bytes) {
                s = _mm_mul_ps(s, byte_scales(a->w.scales + at * PANEL + 4 * quarter));
            } else {
                dot[0] = _mm_mullo_epi32(dot[0], four_multipliers(&a->w, m[0] + 4 * quarter));
                dot[1] = _mm_mullo_epi32(dot[1], four_multipliers(&a->w, m[1] + 4 * quarter));
            }
            __m128 d = _mm_cvtepi32_ps(_mm_add_epi32(dot[0], dot[1]));
            sum[quarter] = _mm_add_ps(sum[quarter], _mm_mul_ps(d, s));
        }
    }
    for (unsigned quarter = 0; quarter < 4; quarter++)
        _mm_storeu_ps(y + 4 * quarter, sum[quarter]);
}

INLINE void rows(const lsq_gemv_args *a, size_t p0, size_t p1, const unsigned bits)
{
    float *y = a->y;
    for (size_t p = p0; p < p1; p++, y += PANEL)
        switch (a->w.states) {
        case 4:
            gemv(a, p, y, bits, 4);
            break;
        case 8:
            gemv(a, p, y, bits, 8);
            break;
        case 16:
            gemv(a, p, y, bits, 16);
            break;
        default:
            gemv(a, p, y, bits, 64);
        }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_t##bits##_i8_sse41_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                  \
    {                                                                                                                  \
        rows(a, p0, p1, bits);                                                                                         \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
