/*
 * plain_float.c - codes that index a table with floats, on AVX-512; 2 to 9 bits.
 *
 * A dword of a zmm is 4 columns of one row, so a shift brings any column of all 16 rows down to where a permutation looks.
 *
 *     codes  --shift, merge-->  indices    the low bits of each dword; what is above does not matter
 *     indices  --vpermps----->  levels     16 rows, float; vpermi2ps for 5 and 6 bits, a gather for 7 to 9
 *     levels  --fma with x--->  dots       16 rows, float; x is one broadcast float
 *     dots * s  ------------->  sums       16 rows, float
 *
 * Four dots a tile, one for each column of a step, so that no sum is longer than k / 4 (see LSQ_ACT_FLOAT in lsq.h).
 */
#include "kernels/avx512/scales.h"
#include "kernels/kernel.h"

#include <immintrin.h>

INLINE __m512i load(const uint8_t *tile, unsigned vector)
{
    return _mm512_loadu_si512(tile + 64 * vector);
}

/* Bits of a where the mask has ones, of b elsewhere. */
INLINE __m512i merge(uint32_t mask, __m512i a, __m512i b)
{
    return _mm512_ternarylogic_epi32(_mm512_set1_epi32((int)mask), a, b, 0xca);
}

INLINE __m512i down(__m512i v, int bits)
{
    return bits < 0 ? _mm512_slli_epi32(v, (unsigned)-bits) : bits ? _mm512_srli_epi32(v, (unsigned)bits) : v;
}

/* Indices of column c of step t, from bit 0; see codec.h for where the bits are. */
INLINE __m512i indices(const uint8_t *tile, const unsigned bits, unsigned t, unsigned c)
{
    int column = 8 * (int)c, j = (int)t / 2, slot = (int)t % 2;
    if (bits == 2)
        return down(load(tile, t / 4), column + (int)t % 4 * 2);
    if (bits == 3)
        return merge(3, down(load(tile, t / 4), column + (int)t % 4 * 2),
                     down(load(tile, 2), column + (int)t % 4 * 2 + (int)t / 4 - 2));
    if (bits >= 8) {
        __m512i low = _mm512_and_si512(down(load(tile, t), column), _mm512_set1_epi32(255));
        return bits == 8 ? low
                         : merge(255, low,
                                 _mm512_and_si512(down(load(tile, 8), column + (int)t - 8), _mm512_set1_epi32(256)));
    }
    __m512i four = down(load(tile, (unsigned)j), column + 4 * slot);
    if (bits == 4)
        return four;
    if (bits == 5)
        return merge(15, four, down(load(tile, 4), column + 4 * slot + j - 4));
    __m512i six = merge(15, four, down(load(tile, 4 + (unsigned)j / 2), column + 4 * slot + j % 2 * 2 - 4));
    if (bits == 6)
        return six;
    __m512i seven = merge(63, six, down(load(tile, 6), column + 4 * slot + j - 6));
    return _mm512_and_si512(seven, _mm512_set1_epi32(127));
}

/* The first levels of a table, as far as permutations use them. */
typedef struct table {
    __m512 part[4];
    const float *all;
} table;

INLINE __m512 levels_float(const table *t, const unsigned bits, __m512i index)
{
    if (bits <= 4)
        return _mm512_permutexvar_ps(index, t->part[0]);
    if (bits >= 7)
        return _mm512_i32gather_ps(index, t->all, 4);
    __m512 low = _mm512_permutex2var_ps(t->part[0], index, t->part[1]);
    if (bits == 5)
        return low;
    __mmask16 upper = _mm512_test_epi32_mask(index, _mm512_set1_epi32(32));
    return _mm512_mask_mov_ps(low, upper, _mm512_permutex2var_ps(t->part[2], index, t->part[3]));
}

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const unsigned bits)
{
    const uint8_t *tile = a->w.codes + p * a->w.groups * 64 * bits;
    const float *x = a->x;
    __m512 sum = _mm512_setzero_ps();
    table t = {.all = a->w.levels->f32};
    for (unsigned i = 0; i < 4; i++)
        t.part[i] = _mm512_loadu_ps(t.all + 16 * i);
    for (size_t g = 0; g < a->w.groups; g++, tile += 64 * bits, x += GROUP) {
        __m512 dot[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps()};
#pragma GCC unroll 8
        for (unsigned step = 0; step < 8; step++)
#pragma GCC unroll 4
            for (unsigned c = 0; c < 4; c++)
                dot[c] = _mm512_fmadd_ps(levels_float(&t, bits, indices(tile, bits, step, c)),
                                         _mm512_set1_ps(x[4 * step + c]), dot[c]);
        __m512 all = _mm512_add_ps(_mm512_add_ps(dot[0], dot[1]), _mm512_add_ps(dot[2], dot[3]));
        if (a->w.scales)
            all = _mm512_mul_ps(all, byte_scales(a->w.scales + (p * a->w.groups + g) * 16));
        sum = _mm512_add_ps(sum, all);
    }
    _mm512_storeu_ps(y, sum);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_p##bits##_f32_avx512_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                \
    {                                                                                                                  \
        for (size_t p = p0; p < p1; p++)                                                                               \
            gemv(a, p, a->y + (p - p0) * PANEL, bits);                                                                 \
    }

WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
WIDTH(7)
WIDTH(8)
WIDTH(9)
