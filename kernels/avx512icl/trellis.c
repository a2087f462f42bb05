/*
 * trellis.c - trellis codes with 8-bit integers, on AVX-512 with VBMI and VNNI; 1 to 6 bits.
 *
 *     levels + 128 (trellis.h)  --vpdpbusd-->  dots of 16 columns   16 rows, 32 bit; they start at -128 * sum(x)
 *     dots * multipliers, added  ----------->  --float, * sx-->  sums   16 rows; in integers up to here
 *
 * |dot| <= 16 * 127 * 127 and a multiplier is at most 255: two products stay under 2^27.
 */
#include "kernels/avx512icl/assembly.h"
#include "kernels/avx512icl/trellis.h"
#include "kernels/prefetch.h"

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const unsigned bits, const unsigned states)
{
    const __m512i multiplier_table = _mm512_loadu_si512(lsq_multipliers[a->w.mirrored]), bias = _mm512_set1_epi8(-128);
    table t = table_of(a->w.levels, bits);
    t.lower = _mm512_xor_si512(t.lower, bias); /* + 128 */
    t.upper = _mm512_xor_si512(t.upper, bias);
    panel n;
    start(&n, &a->w, p, 0, bits, a->w.scale == LSQ_SCALE_NIBBLE32 ? 8 : 16);
    const int32_t *x = a->x;
    for (size_t g = 0; g < a->w.groups; g++, x += STEPS) {
        __m512i index[STEPS], dot[2], m[2];
        prefetch_far(n.tile, bits, a->prefetch);
        prefetch(n.scales, 1, a->prefetch / 16);
        tile_indices(n.tile, bits, states, n.history, index);
        n.tile += 64 * bits;
        dot[0] = _mm512_set1_epi32(a->bias[2 * g]);
        dot[1] = _mm512_set1_epi32(a->bias[2 * g + 1]);
#pragma GCC unroll 8
        for (unsigned step = 0; step < STEPS; step++)
            dot[step / 4] = dot4(dot[step / 4], lookup(&t, bits, index[step]), x + step);
        __m512 s = _mm512_set1_ps(a->sx[g]);
        if (a->w.scale == LSQ_SCALE_BYTE32) {
            s = _mm512_mul_ps(s, next_byte_scales(&n));
        } else {
            next_multipliers(&n, &a->w, multiplier_table, m);
            dot[0] = _mm512_mullo_epi32(dot[0], m[0]);
            dot[1] = _mm512_mullo_epi32(dot[1], m[1]);
        }
        n.sum = _mm512_add_ps(n.sum, _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_add_epi32(dot[0], dot[1])), s));
    }
    _mm512_storeu_ps(y, n.sum);
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
    void lsq_gemv_t##bits##_i8_avx512icl_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                              \
    {                                                                                                                  \
        rows(a, p0, p1, bits);                                                                                         \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
