/*
 * plain.c - codes that index a table, on AVX-512 with VBMI and VNNI; 2 to 6 bits.
 *
 * One zmm holds 16 rows x 4 columns of bytes, so a panel is one vector wide, and a step one instruction deep:
 *
 *     codes  --shift, merge-->  indices   of a byte, six bits (vpermi2b: seven); a table for each place that the code has in them
 *     indices  --vpermb-->      levels    + 128, unsigned
 *     levels   --vpdpbusd--->   dots      16 rows, 32 bit; x is one broadcast dword
 *     dots * (sx * s)  ------>  sums      16 rows, float
 *
 * The 128 too much of each level is taken back before it comes: dots start at -128 * sum(x). |dot| < 32 * 255 * 127 < 2^20.
 */
#include "kernels/avx512/scales.h"
#include "kernels/avx512icl/bits.h"
#include "kernels/avx512icl/dot.h"
#include "kernels/prefetch.h"

#include <immintrin.h>

/* Levels by index, for each place where the bits of a code can be: what the others are does not matter. */
typedef struct tables {
    __m512i at[4];
} tables;

INLINE tables tables_of(const int8_t *i8, const unsigned bits)
{
    const __m512i i = count_from(0), above = count_from(64);
    const __m512i level = _mm512_xor_si512(_mm512_loadu_si512(i8), _mm512_set1_epi8(-128));
    tables t;
    t.at[0] = t.at[1] = t.at[2] = t.at[3] = level;
    if (bits == 2) { /* bits 0 1, 2 3, 4 5 */
        t.at[1] = _mm512_permutexvar_epi8(down(i, 2), level);
        t.at[2] = _mm512_permutexvar_epi8(down(i, 4), level);
    } else if (bits == 3) { /* bits 0 1 4, and, of 128, bits 2 3 6 */
        t.at[0] = _mm512_permutexvar_epi8(_mm512_or_si512(field(i, 0, 2, 0), field(i, 4, 1, 2)), level);
        t.at[1] = _mm512_permutexvar_epi8(field(i, 2, 2, 0), level);
        t.at[2] = _mm512_permutexvar_epi8(_mm512_or_si512(field(above, 2, 2, 0), _mm512_set1_epi8(4)), level);
    } else if (bits == 5) { /* bits 0 1 2 3 4, and 0 1 2 3 5 */
        t.at[1] = _mm512_permutexvar_epi8(_mm512_or_si512(field(i, 0, 4, 0), field(i, 5, 1, 4)), level);
    }
    return t;
}

/*
 * Levels of step t. The first plane's bits are `slot` * p up; bits of the second plane are placed to match (codec.h), so that
 * one shift brings them above those of the first.
 */
INLINE __m512i levels(const tables *table, const uint8_t *tile, unsigned bits, unsigned t)
{
    if (bits == 2) {
        __m512i index = down(load(tile, t / 4), t % 4 == 3 ? 2 : 0);
        return _mm512_permutexvar_epi8(index, table->at[t % 4 == 3 ? 2 : t % 4]);
    }
    if (bits == 3) { /* one index for two slots, two bits and two bits, then one and one */
        int v = (int)t / 4, high = t % 4 / 2;
        __m512i two = down(load(tile, (unsigned)v), 4 * high), one = down(load(tile, 2), high ? v : v - 4);
        __m512i index = high ? merge(0x0f, two, one) : merge(0xf0, one, two);
        return t % 2 ? _mm512_permutex2var_epi8(table->at[1], index, table->at[2])
                     : _mm512_permutexvar_epi8(index, table->at[0]);
    }
    int j = (int)t / 2, slot = (int)t % 2;
    __m512i four = down(load(tile, (unsigned)j), slot * 4);
    if (bits == 4)
        return _mm512_permutexvar_epi8(four, table->at[0]);
    __m512i above; /* one bit, at 4 or at 5, so that a shift serves two vectors; or two */
    if (bits == 5)
        above = down(load(tile, 4), j / 2 * 2 - (slot ? 0 : 4));
    else
        above = down(load(tile, 4 + (unsigned)j / 2), j % 2 * 2 - (slot ? 0 : 4));
    four = slot ? merge(0x0f, four, above) : merge(0xf0, above, four);
    return _mm512_permutexvar_epi8(four, table->at[bits == 5 ? j % 2 : 0]);
}

/* Even and odd steps have a dot each: four steps are as many as can wait for one another. */
INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const tables *table, const unsigned bits, const int scaled)
{
    const size_t groups = a->w.groups;
    const uint8_t *tile = a->w.codes + p * groups * 64 * bits, *scales = scaled ? a->w.scales + p * groups * 16 : NULL;
    const int32_t *x = a->x;
    __m512 sum = _mm512_setzero_ps();
    for (size_t g = 0; g < groups; g++, tile += 64 * bits, x += 8) {
        __m512i dot[2] = {_mm512_set1_epi32(a->bias[2 * g]), _mm512_set1_epi32(a->bias[2 * g + 1])};
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
    const tables table = tables_of(a->w.levels->i8, bits);
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
