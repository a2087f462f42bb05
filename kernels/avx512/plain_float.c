/*
 * plain_float.c - codes that index a table with floats, on AVX-512; 2 to 9 bits.
 *
 *     codes  --shift, merge-->  words     16 rows x 2 columns (codes.h)
 *     words  --permute------->  levels    16 rows of each column, float (pairs.h)
 *     levels  --fma with x--->  dots      16 rows, float; x is one broadcast float
 *     dots * s  ------------->  sums      16 rows, float
 *
 * Four dots a tile, one for each column of a step, so that no sum is longer than k / 4 (see LSQ_ACT_FLOAT in lsq.h).
 */
#include "kernels/avx512/codes.h"
#include "kernels/avx512/pairs.h"
#include "kernels/avx512/scales.h"
#include "kernels/prefetch.h"

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const pair_table *table, const unsigned bits,
                 const int how)
{
    const uint8_t *tile = a->w.codes + p * a->w.groups * 64 * bits;
    const float *x = a->x;
    __m512 sum = _mm512_setzero_ps();
    for (size_t g = 0; g < a->w.groups; g++, tile += 64 * bits, x += GROUP) {
        __m512 dot[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps()};
        prefetch(tile, bits, a->prefetch);
#pragma GCC unroll 8
        for (unsigned step = 0; step < 8; step++)
#pragma GCC unroll 2
            for (unsigned c = 0; c < 2; c++) {
                __m512 level[2];
                __m512i words = codes_of_columns(tile, bits, step, c);
                above over = above_of(words, bits);
                if (bits == 9)
                    over.bit[2] = mask_of(load(tile, 8), (int)step, (int)c);
                pair_of(table, bits, how, words, &over, level);
                dot[c] = _mm512_fmadd_ps(level[0], _mm512_set1_ps(x[4 * step + c]), dot[c]);
                dot[c + 2] = _mm512_fmadd_ps(level[1], _mm512_set1_ps(x[4 * step + c + 2]), dot[c + 2]);
            }
        __m512 all = _mm512_add_ps(_mm512_add_ps(dot[0], dot[1]), _mm512_add_ps(dot[2], dot[3]));
        if (a->w.scales)
            sum = _mm512_fmadd_ps(all, byte_scales(a->w.scales + (p * a->w.groups + g) * 16), sum);
        else
            sum = _mm512_add_ps(sum, all);
    }
    _mm512_storeu_ps(y, sum);
}

INLINE void rows(const lsq_gemv_args *a, size_t p0, size_t p1, const unsigned bits)
{
    pair_table table;
    const int how = pair_table_of(&table, a->w.levels->f32, bits, bits > 6 && a->w.levels->unit == 1);
    float *y = a->y;
    for (size_t p = p0; p < p1; p++, y += PANEL)
        if (how == WHOLES)
            gemv(a, p, y, &table, bits, WHOLES);
        else
            gemv(a, p, y, &table, bits, bits > 6 ? INTEGERS : HALVES);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_p##bits##_f32_avx512_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                \
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
