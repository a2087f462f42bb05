/*
 * trellis.c - trellis codes with 8-bit integers, on AVX-512 without VBMI and VNNI; 1 to 6 bits.
 *
 * Indices of trellis.h have a bit more than codes. Up to 3 bits of code levels are bytes (dot.h), beyond they are words (words.h):
 *
 *     indices  --pshufb----------->  levels    of the sign of x for 1 and 2 bits, + 64 for 3
 *     indices  --vpermw, vpermi2w->  levels of even columns, and of odd ones
 *     levels, x  ----------------->  dots of 16 columns      16 rows, 32 bit
 *     dots * multipliers, added  ->  --float, * sx-->  sums  16 rows; in integers up to here
 *
 * |dot| <= 16 * 127 * 127 and a multiplier is at most 255: two products stay under 2^27.
 */
#include "kernels/avx512/dot.h"
#include "kernels/avx512/trellis.h"
#include "kernels/avx512/words.h"
#include "kernels/prefetch.h"

/* Levels as the lookups want them: one vector of bytes, or up to four of words. */
INLINE void tables_of(const lsq_levels *levels, const unsigned bits, __m512i to[4])
{
    const alphabet t = alphabet_of(levels, bits);
    const __m128i first = _mm512_castsi512_si128(t.lower);
    to[0] = to[1] = to[2] = to[3] = bits == 3 ? biased_table(first) : signed_table(first);
    if (bits > 3)
        word_tables(t.lower, t.upper, to);
}

/* The dots of group g over columns [0, 16) and [16, 32). */
INLINE void tile_dots(const lsq_gemv_args *a, size_t g, const __m512i index[STEPS], const __m512i table[4],
                      const unsigned bits, __m512i dot[2])
{
    const int32_t *x = (const int32_t *)a->x + STEPS * g;
    dot[0] = dot[1] = _mm512_setzero_si512();
    if (bits < 3) {
        const signed_x group = signed_group(x, SIGN);
#pragma GCC unroll 4
        for (unsigned t = 0; t < STEPS; t += 2) {
            __m512i level0 = signed_levels(table[0], index[t], &group, t);
            __m512i level1 = signed_levels(table[0], index[t + 1], &group, t + 1);
            dot[t / 4] = add_signed(dot[t / 4], level0, level1, &group, t);
        }
    } else if (bits == 3) {
        for (unsigned half = 0; half < 2; half++)
            dot[half] = biased_start(a, 2 * g + half);
#pragma GCC unroll 8
        for (unsigned t = 0; t < STEPS; t++)
            dot[t / 4] = add_biased(dot[t / 4], _mm512_shuffle_epi8(table[0], masked(index[t], 15)), x[t]);
    } else {
        const words_x group = words_of_bytes(x);
#pragma GCC unroll 8
        for (unsigned t = 0; t < STEPS; t++) {
            const above even = {{mask_of(index[t], 6, 0)}}, odd = {{mask_of(index[t], 6, 1)}};
            dot[t / 4] = add_words(dot[t / 4], words_of(table, bits + 1, index[t], &even), group.even[t]);
            dot[t / 4] = add_words(dot[t / 4], words_of(table, bits + 1, down(index[t], 8), &odd), group.odd[t]);
        }
    }
}

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const unsigned bits, const unsigned states)
{
    const nibbles nibble = nibble_table(&a->w);
    __m512i table[4];
    tables_of(a->w.levels, bits, table);
    panel n;
    start(&n, &a->w, p, 0, bits, a->w.scale == LSQ_SCALE_NIBBLE32 ? 8 : 16);
    for (size_t g = 0; g < a->w.groups; g++) {
        __m512i index[STEPS], dot[2], m[2];
        prefetch(n.tile, bits, a->prefetch);
        tile_indices(n.tile, bits, states, n.history, index);
        n.tile += 64 * bits;
        tile_dots(a, g, index, table, bits, dot);
        __m512 s = _mm512_set1_ps(a->sx[g]);
        if (a->w.scale == LSQ_SCALE_BYTE32) {
            s = _mm512_mul_ps(s, next_byte_scales(&n));
        } else {
            next_multipliers(&n, &a->w, &nibble, m);
            dot[0] = _mm512_mullo_epi32(dot[0], m[0]);
            dot[1] = _mm512_mullo_epi32(dot[1], m[1]);
        }
        n.sum = _mm512_add_ps(n.sum, _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_add_epi32(dot[0], dot[1])), s));
    }
    _mm512_storeu_ps(y, n.sum);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_t##bits##_i8_avx512_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                 \
    {                                                                                                                  \
        rows(a, p0, p1, bits, gemv);                                                                                   \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
