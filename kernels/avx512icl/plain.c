/*
 * plain.c - codes that index a table, on AVX-512 with VBMI and VNNI; 2 to 6 bits.
 *
 * One zmm holds 16 rows x 4 columns of bytes, so a panel is one vector wide, and a step one instruction deep:
 *
 *     codes  --levels.h-->      levels    + 128, unsigned
 *     levels   --vpdpbusd--->   dots      16 rows, 32 bit; x is one broadcast dword
 *     dots * (sx * s)  ------>  sums      16 rows, float
 *
 * The 128 too much of each level is taken back before it comes: dots start at -128 * sum(x). |dot| < 32 * 255 * 127 < 2^20.
 */
#include "kernels/avx512/scales.h"
#include "kernels/avx512icl/assembly.h"
#include "kernels/avx512icl/levels.h"
#include "kernels/prefetch.h"

#include <immintrin.h>

/* Even and odd steps have a dot each: four steps are as many as can wait for one another. */
INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const tables *table, const unsigned bits, const int scaled)
{
    const size_t groups = a->w.groups;
    const uint8_t *tile = a->w.codes + p * groups * 64 * bits, *scales = scaled ? a->w.scales + p * groups * 16 : NULL;
    const int32_t *x = a->x;
    __m512 sum = _mm512_setzero_ps();
    for (size_t g = 0; g < groups; g++, tile += 64 * bits, x += 8) {
        __m512i dot[2] = {_mm512_set1_epi32(a->bias[2 * g]), _mm512_set1_epi32(a->bias[2 * g + 1])};
        if (bits < 6) /* six vectors a tile are more than asking pays for: the CPU does better by itself */
            prefetch(tile, bits, a->prefetch);
        if (scaled)
            prefetch(scales + g * 16, 1, a->prefetch / 16);
#pragma GCC unroll 8
        for (unsigned t = 0; t < 8; t++)
            dot[t % 2] = dot4(dot[t % 2], levels(table, tile, bits, t), x + t);
        __m512 s = _mm512_set1_ps(a->sx[g]), d = _mm512_cvtepi32_ps(_mm512_add_epi32(dot[0], dot[1]));
        if (scaled)
            s = _mm512_mul_ps(s, byte_scales(scales + g * 16));
        sum = _mm512_add_ps(sum, _mm512_mul_ps(d, s));
    }
    _mm512_storeu_ps(y, sum);
}

INLINE void rows(const lsq_gemv_args *a, size_t p0, size_t p1, const unsigned bits)
{
    const __m512i level = _mm512_xor_si512(_mm512_loadu_si512(a->w.levels->i8), _mm512_set1_epi8(-128)); /* + 128 */
    const tables table = tables_of(level, bits);
    float *y = a->y;
    for (size_t p = p0; p < p1; p++, y += PANEL)
        if (a->w.scales)
            gemv(a, p, y, &table, bits, 1);
        else
            gemv(a, p, y, &table, bits, 0);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_p##bits##_i8_avx512icl_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                              \
    {                                                                                                                  \
        rows(a, p0, p1, bits);                                                                                         \
    }

WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
