/*
 * wide.c - codes of 7 to 9 bits with integers of 16 bits, on AVX-512 without VBMI and VNNI.
 *
 *     codes  --shift, merge-->  indices   six bits; those above become masks
 *     indices  --vpermi2w, blends-->  levels   16 rows x 2 columns (words.h): even ones, then odd ones
 *     levels, x  --madd------>  dots      16 rows, 32 bit; two of x are one broadcast dword
 *     dots * (sx * s)  ------>  sums      16 rows, float
 *
 * Bound: |dot| <= 32 * 16383 * 4095 < 2^31.
 */
#include "kernels/avx512/scales.h"
#include "kernels/avx512/wide_index.h"
#include "kernels/prefetch.h"

/* Columns 0 2 1 3 of each step. */
typedef struct group_x {
    int32_t of[16];
} group_x;

INLINE group_x group_of(const int16_t *from)
{
    group_x to;
    __m512i x = _mm512_shufflehi_epi16(_mm512_shufflelo_epi16(_mm512_loadu_si512(from), 0xd8), 0xd8);
    _mm512_storeu_si512(to.of, x);
    __asm__("" : "+m"(to)); /* as in words.h */
    return to;
}

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const unsigned bits)
{
    const uint8_t *tile = a->w.codes + p * a->w.groups * 64 * bits;
    const int16_t *x = a->x;
    __m512i table[16];
    for (unsigned i = 0; i < 1u << (bits - 5); i++)
        table[i] = _mm512_loadu_si512(a->w.levels->i16 + 32 * i);
    __m512 sum = _mm512_setzero_ps();
    for (size_t g = 0; g < a->w.groups; g++, tile += 64 * bits, x += GROUP) {
        const group_x group = group_of(x);
        __m512i dot[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
        prefetch(tile, bits, a->prefetch);
#pragma GCC unroll 8
        for (unsigned step = 0; step < 8; step++) {
            above at[2];
            __m512i index = index_of(tile, bits, step, at);
            dot[0] = add_words(dot[0], words_of(table, bits, index, &at[0]), group.of[2 * step]);
            dot[1] = add_words(dot[1], words_of(table, bits, down(index, 8), &at[1]), group.of[2 * step + 1]);
        }
        __m512 s = _mm512_set1_ps(a->sx[g]), d = _mm512_cvtepi32_ps(_mm512_add_epi32(dot[0], dot[1]));
        if (a->w.scales)
            s = _mm512_mul_ps(s, byte_scales(a->w.scales + (p * a->w.groups + g) * 16));
        sum = _mm512_add_ps(sum, _mm512_mul_ps(d, s));
    }
    _mm512_storeu_ps(y, sum);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_p##bits##_i16_avx512_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                \
    {                                                                                                                  \
        for (size_t p = p0; p < p1; p++)                                                                               \
            gemv(a, p, a->y + (p - p0) * PANEL, bits);                                                                 \
    }

WIDTH(7)
WIDTH(8)
WIDTH(9)
