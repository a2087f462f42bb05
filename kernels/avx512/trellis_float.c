/*
 * trellis_float.c - trellis codes with floats, on AVX-512 without VBMI; 1 to 6 bits.
 *
 * A level of 8 bits is a float whose lower half is zero, so that a word is enough of it:
 *
 *     indices (trellis.h)  --vpermw, vpermi2w-->  upper halves of levels    16 rows x 2 columns (words.h)
 *     upper halves  --shift for columns 0 and 1, mask for 2 and 3-->  levels  16 rows of one column, float
 *     levels  --fma with x-->  dots  --* scales-->  sums                      16 rows, float
 */
#include "kernels/avx512/trellis.h"
#include "kernels/avx512/words.h"
#include "kernels/prefetch.h"

/* Upper halves of the levels as floats, 32 a vector. */
INLINE void tables_of(const lsq_levels *levels, const unsigned bits, __m512i to[4])
{
    const alphabet t = alphabet_of(levels, bits);
    for (unsigned i = 0; i < 4; i++) {
        __m256i half[2];
        for (unsigned j = 0; j < 2; j++) {
            __m512i whole = _mm512_castps_si512(_mm512_cvtepi32_ps(eighth_of(&t, 2 * i + j)));
            half[j] = _mm512_cvtepi32_epi16(_mm512_srli_epi32(whole, 16));
        }
        to[i] = _mm512_inserti64x4(_mm512_castsi256_si512(half[0]), half[1], 1);
    }
}

/* Adds the products of the columns in the lower words and in the upper ones. */
INLINE void add_halves(__m512 dot[2], __m512i halves, float x_lower, float x_upper)
{
    __m512 lower = _mm512_castsi512_ps(_mm512_slli_epi32(halves, 16));
    __m512 upper = _mm512_castsi512_ps(_mm512_and_si512(halves, _mm512_set1_epi32((int)0xffff0000)));
    dot[0] = _mm512_fmadd_ps(lower, _mm512_set1_ps(x_lower), dot[0]);
    dot[1] = _mm512_fmadd_ps(upper, _mm512_set1_ps(x_upper), dot[1]);
}

/* Exact: two dots for each 16 columns, so that no sum is longer than k / 4 (see LSQ_ACT_FLOAT in lsq.h). */
INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const unsigned bits, const unsigned states)
{
    const nibbles nibble = nibble_table(&a->w);
    const unsigned index_bits = bits < 4 ? 5 : bits + 1;
    __m512i table[4];
    tables_of(a->w.levels, bits, table);
    panel n;
    start(&n, &a->w, p, 0, bits, a->w.scale == LSQ_SCALE_NIBBLE32 ? 8 : 16);
    const float *x = a->x;
    for (size_t g = 0; g < a->w.groups; g++, x += GROUP) {
        __m512i index[STEPS], m[2];
        __m512 dot[2][2] = {{_mm512_setzero_ps(), _mm512_setzero_ps()}, {_mm512_setzero_ps(), _mm512_setzero_ps()}};
        prefetch(n.tile, bits, a->prefetch);
        tile_indices(n.tile, bits, states, n.history, index);
        n.tile += 64 * bits;
#pragma GCC unroll 8
        for (unsigned t = 0; t < STEPS; t++) {
            const above even = {{mask_of(index[t], 6, 0)}}, odd = {{mask_of(index[t], 6, 1)}};
            __m512i level02 = words_of(table, index_bits, index[t], &even);
            __m512i level13 = words_of(table, index_bits, down(index[t], 8), &odd);
            add_halves(dot[t / 4], level02, x[4 * t], x[4 * t + 2]);
            add_halves(dot[t / 4], level13, x[4 * t + 1], x[4 * t + 3]);
        }
        __m512 low = _mm512_add_ps(dot[0][0], dot[0][1]), high = _mm512_add_ps(dot[1][0], dot[1][1]);
        if (a->w.scale == LSQ_SCALE_BYTE32) {
            low = _mm512_mul_ps(_mm512_add_ps(low, high), next_byte_scales(&n));
        } else {
            next_multipliers(&n, &a->w, &nibble, m);
            low = _mm512_mul_ps(low, _mm512_cvtepi32_ps(m[0]));
            low = _mm512_fmadd_ps(high, _mm512_cvtepi32_ps(m[1]), low);
        }
        n.sum = _mm512_add_ps(n.sum, low);
    }
    _mm512_storeu_ps(y, n.sum);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_t##bits##_f32_avx512_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                \
    {                                                                                                                  \
        rows(a, p0, p1, bits, gemv);                                                                                   \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
