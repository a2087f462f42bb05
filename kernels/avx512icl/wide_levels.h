/*
 * wide_levels.h - levels of 7 to 9 bits as integers of 16 bits, on AVX-512 with VBMI.
 *
 * A level of 16 bits is looked up as two bytes, each from its own table of up to 512, 128 at a time:
 *
 *     codes  --shift, merge-->  indices   seven bits; bits 7 and 8 become masks
 *     indices  --vpermi2b-->    low and high bytes of levels   16 rows x 4 columns
 *     low, high  --vpunpck-->   levels    two vectors of 8 rows: rows 0, 1 and rows 2, 3 of each four
 *
 * Nine bits take 8 permutations for 64 weights, at one a cycle.
 */
#ifndef LSQ_KERNELS_AVX512ICL_WIDE_LEVELS_H
#define LSQ_KERNELS_AVX512ICL_WIDE_LEVELS_H

#include "kernels/avx512icl/bits.h"

/* One byte of levels: by the bits above seven, or, where there are seven, by the slot. */
typedef struct plane {
    __m512i of[4][2];
} plane;

INLINE __m512i bytes_of(const int16_t *levels, int high)
{
    const __m512i evens = _mm512_set1_epi16(0xff);
    __m512i a = _mm512_loadu_si512(levels), b = _mm512_loadu_si512(levels + 32);
    a = high ? _mm512_srli_epi16(a, 8) : _mm512_and_si512(a, evens);
    b = high ? _mm512_srli_epi16(b, 8) : _mm512_and_si512(b, evens);
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi16_epi8(a)), _mm512_cvtepi16_epi8(b), 1);
}

INLINE void plane_of(plane *p, const int16_t *levels, int high, const unsigned bits)
{
    for (unsigned i = 0; i < 8; i++)
        p->of[i / 2][i % 2] = bytes_of(levels + (64 * i & ((1u << bits) - 1)), high);
    if (bits == 7) /* in slot 0 the upper three bits are below the lower four */
        for (unsigned i = 0; i < 2; i++) {
            __m512i n = count_from(64 * i), index = _mm512_or_si512(field(n, 3, 4, 0), field(n, 0, 3, 4));
            p->of[0][i] = _mm512_permutex2var_epi8(p->of[1][0], index, p->of[1][1]);
        }
}

/* Of seven bits in step t: four at 4 s, two at 4 s + 2 (j % 2), one at 4 s + j; three are merged for both slots at once. */
INLINE __m512i index7(const uint8_t *tile, unsigned t)
{
    int j = (int)t / 2;
    __m512i four = load(tile, (unsigned)j), two = load(tile, 4 + (unsigned)j / 2), one = load(tile, 6);
    __m512i three = merge(0x44, down(one, j - 2), down(two, j % 2 * 2));
    return t % 2 ? merge(0x0f, down(four, 4), three) : merge(0x78, down(four, -3), three);
}

/* What stands above bit 6 of indices. */
typedef struct upper {
    __mmask64 bit7, not7, bit8;
} upper;

/* Levels where bit 7 says so become those of its half; an index that is left is for the next one to look up. */
INLINE __m512i choose(const plane *p, const unsigned i, __m512i index, upper u)
{
    return replace(replace(index, u.bit7, p->of[i + 1]), u.not7, p->of[i]);
}

INLINE __m512i lookup(const plane *p, const unsigned bits, unsigned t, __m512i index, upper u)
{
    if (bits == 7)
        return _mm512_permutex2var_epi8(p->of[t % 2][0], index, p->of[t % 2][1]);
    if (bits == 8)
        return choose(p, 0, index, u);
    return _mm512_mask_mov_epi8(choose(p, 0, index, u), u.bit8, choose(p, 2, index, u));
}

INLINE void planes_of(plane planes[2], const int16_t *levels, const unsigned bits)
{
    plane_of(&planes[0], levels, 0, bits);
    plane_of(&planes[1], levels, 1, bits);
}

/* The levels of a step: rows 0 and 1 of each four, and rows 2 and 3. */
INLINE void levels_of_step(const plane planes[2], const uint8_t *tile, const unsigned bits, unsigned step,
                           __m512i level[2])
{
    upper u = {0, 0, 0};
    __m512i index = bits == 7 ? index7(tile, step) : load(tile, step);
    if (bits > 7) {
        u.bit7 = _mm512_movepi8_mask(index);
        u.not7 = _knot_mask64(u.bit7);
    }
    if (bits == 9)
        u.bit8 = _mm512_test_epi8_mask(load(tile, 8), _mm512_set1_epi8((char)(1 << step)));
    __m512i low = lookup(&planes[0], bits, step, index, u), high = lookup(&planes[1], bits, step, index, u);
    level[0] = _mm512_unpacklo_epi8(low, high);
    level[1] = _mm512_unpackhi_epi8(low, high);
}

/* Dots of pairs of columns, of rows 0 and 1 of each four and of rows 2 and 3, as one a row. */
INLINE __m512i pairs_added(__m512i dot01, __m512i dot23)
{
    const __m512 first = _mm512_castsi512_ps(dot01), second = _mm512_castsi512_ps(dot23);
    const __m512i evens = _mm512_castps_si512(_mm512_shuffle_ps(first, second, 0x88));
    const __m512i odds = _mm512_castps_si512(_mm512_shuffle_ps(first, second, 0xdd));
    return _mm512_add_epi32(evens, odds);
}

#endif
