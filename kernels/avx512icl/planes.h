/*
 * planes.h - levels of 7 to 9 bits as floats, byte by byte, on AVX-512 with VBMI.
 *
 * Sixty-four bytes are looked up at once, each byte of a level in a table of its own, 128 entries at a time:
 *
 *     indices  --vpermi2b, blend-->  bytes of levels    64 lanes; bits 7 and 8 of an index are masks
 *     bytes  --vpunpck-->  words  --vpunpck-->  dwords   four vectors of 16 levels: lane i of the i-th one is bytes 4 i to 4 i + 3
 *                                                        of each 16 indices
 *
 * An integer level needs two bytes: 16384 more, and under the exponent of 2^23, it is a float from which 2^23 + 16384 is taken, exactly.
 * The true logarithms of classic codes need all four.
 */
#ifndef LSQ_KERNELS_AVX512ICL_PLANES_H
#define LSQ_KERNELS_AVX512ICL_PLANES_H

#include "kernels/avx512/codes.h"
#include "kernels/kernel.h"

#include <immintrin.h>

enum { BIAS = 16384 };

/* By plane, by the upper bits of an index, by its bit 6. */
typedef struct plane_table {
    __m512i part[4][4][2];
} plane_table;

/* Plane `plane` of 16 levels. */
INLINE __m128i plane_of(__m512i levels, unsigned plane)
{
    return _mm512_cvtepi32_epi8(_mm512_srl_epi32(levels, _mm_cvtsi32_si128((int)(8 * plane))));
}

INLINE void plane_table_of(plane_table *t, const lsq_levels *levels, const unsigned bits, const unsigned planes)
{
    for (unsigned i = 0; i < 1u << bits; i += 16) {
        __m512i level = _mm512_loadu_si512(levels->f32 + i);
        if (planes == 2)
            level = _mm512_add_epi32(_mm512_cvtps_epi32(_mm512_castsi512_ps(level)), _mm512_set1_epi32(BIAS));
        for (unsigned plane = 0; plane < planes; plane++)
            _mm_storeu_si128((__m128i *)(void *)&t->part[plane][i / 128][i / 64 % 2] + i / 16 % 4,
                             plane_of(level, plane));
    }
}

/* Sixty-four indices: the low seven bits, and masks of the others. */
typedef struct wide_index {
    __m512i low;
    __mmask64 bit7, bit8;
} wide_index;

INLINE __m512i lookup_plane(const __m512i t[4][2], const unsigned bits, const wide_index *i)
{
    __m512i level = _mm512_permutex2var_epi8(t[0][0], i->low, t[0][1]);
    if (bits >= 8)
        level = _mm512_mask_mov_epi8(level, i->bit7, _mm512_permutex2var_epi8(t[1][0], i->low, t[1][1]));
    if (bits == 9) {
        __m512i above = _mm512_permutex2var_epi8(t[2][0], i->low, t[2][1]);
        above = _mm512_mask_mov_epi8(above, i->bit7, _mm512_permutex2var_epi8(t[3][0], i->low, t[3][1]));
        level = _mm512_mask_mov_epi8(level, i->bit8, above);
    }
    return level;
}

/* The levels of 64 indices: of four neighbours in each lane, first those of bytes 0 to 3 of each lane, last of bytes 12 to 15. */
INLINE void levels_of(const plane_table *t, const unsigned bits, const unsigned planes, const wide_index *i,
                      __m512 level[4])
{
    const __m512i exponent = _mm512_set1_epi16(0x4b00);
    const __m512 bias = _mm512_set1_ps(0x1p23f + BIAS);
    __m512i a = lookup_plane(t->part[0], bits, i), b = lookup_plane(t->part[1], bits, i), c[2] = {exponent, exponent};
    if (planes == 4) {
        __m512i e = lookup_plane(t->part[2], bits, i), f = lookup_plane(t->part[3], bits, i);
        c[0] = _mm512_unpacklo_epi8(e, f);
        c[1] = _mm512_unpackhi_epi8(e, f);
    }
    __m512i lo = _mm512_unpacklo_epi8(a, b), hi = _mm512_unpackhi_epi8(a, b);
    level[0] = _mm512_castsi512_ps(_mm512_unpacklo_epi16(lo, c[0]));
    level[1] = _mm512_castsi512_ps(_mm512_unpackhi_epi16(lo, c[0]));
    level[2] = _mm512_castsi512_ps(_mm512_unpacklo_epi16(hi, c[1]));
    level[3] = _mm512_castsi512_ps(_mm512_unpackhi_epi16(hi, c[1]));
    if (planes == 2) { /* not in a loop, which compilers may leave as one, with levels in memory */
        level[0] = _mm512_sub_ps(level[0], bias);
        level[1] = _mm512_sub_ps(level[1], bias);
        level[2] = _mm512_sub_ps(level[2], bias);
        level[3] = _mm512_sub_ps(level[3], bias);
    }
}

/* Of step t of a tile. */
INLINE wide_index index_of(const uint8_t *tile, const unsigned bits, unsigned t)
{
    wide_index i = {.low = codes_of(tile, bits, t)};
    if (bits > 7)
        i.bit7 = _mm512_movepi8_mask(i.low);
    if (bits == 9)
        i.bit8 = _mm512_test_epi8_mask(load(tile, 8), _mm512_set1_epi8((char)(1 << t)));
    return i;
}

#endif
