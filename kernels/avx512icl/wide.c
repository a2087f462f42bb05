/*
 * wide.c - codes of 7 to 9 bits with integers of 16 bits, on AVX-512 with VBMI and VNNI.
 *
 * A level of 16 bits is looked up as two bytes, each from its own table of up to 512, 128 at a time:
 *
 *     codes  --shift, merge-->  indices   seven bits; bits 7 and 8 become masks
 *     indices  --vpermi2b, blend-->  low and high bytes of levels   16 rows x 4 columns
 *     low, high  --vpunpck-->   levels    two vectors of 8 rows: rows 0, 1 and rows 2, 3 of each four
 *     levels  --vpdpwssd--->    dots      two dwords a row; x is one broadcast qword of four
 *     pairs added, * (sx * s) -> sums     16 rows, float
 *
 * Bound: |dot| <= 32 * 16383 * 4095 < 2^31.
 */
#include "kernels/avx512/scales.h"
#include "kernels/avx512icl/bits.h"
#include "kernels/prefetch.h"

#include <immintrin.h>

/* Bytes of levels, by the low seven bits of a code. */
typedef struct table {
    __m512i low[4][2], high[4][2]; /* of levels 0..127, 128..255, ... */
} table;

INLINE __m512i bytes_of(const int16_t *levels, int high)
{
    const __m512i evens = _mm512_set1_epi16(0xff);
    __m512i a = _mm512_loadu_si512(levels), b = _mm512_loadu_si512(levels + 32);
    a = high ? _mm512_srli_epi16(a, 8) : _mm512_and_si512(a, evens);
    b = high ? _mm512_srli_epi16(b, 8) : _mm512_and_si512(b, evens);
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi16_epi8(a)), _mm512_cvtepi16_epi8(b), 1);
}

INLINE void table_of(table *t, const int16_t *levels, const unsigned bits)
{
    for (unsigned i = 0; i < 1u << (bits - 7); i++)
        for (unsigned half = 0; half < 2; half++) {
            t->low[i][half] = bytes_of(levels + 128 * i + 64 * half, 0);
            t->high[i][half] = bytes_of(levels + 128 * i + 64 * half, 1);
        }
}

/* Of step t: an index whose low seven bits count, and, beyond seven bits, masks of the others. */
INLINE __m512i index_of(const uint8_t *tile, const unsigned bits, unsigned t, __mmask64 *bit7, __mmask64 *bit8)
{
    if (bits > 7) {
        __m512i byte = load(tile, t);
        *bit7 = _mm512_movepi8_mask(byte);
        *bit8 = bits == 9 ? _mm512_test_epi8_mask(load(tile, 8), _mm512_set1_epi8((char)(1 << t))) : 0;
        return byte;
    }
    int j = (int)t / 2, slot = (int)t % 2; /* four bits, two at 4 s + 2 (j % 2), one at 4 s + j */
    __m512i four = down(load(tile, (unsigned)j), slot * 4), two = load(tile, 4 + (unsigned)j / 2), one = load(tile, 6);
    *bit7 = *bit8 = 0;
    return merge(0x0f, four, merge(0x3f, down(two, j % 2 * 2 + slot * 4 - 4), down(one, j + slot * 4 - 6)));
}

INLINE __m512i lookup(const __m512i t[4][2], const unsigned bits, __m512i index, __mmask64 bit7, __mmask64 bit8)
{
    __m512i level = _mm512_permutex2var_epi8(t[0][0], index, t[0][1]);
    if (bits >= 8)
        level = _mm512_mask_mov_epi8(level, bit7, _mm512_permutex2var_epi8(t[1][0], index, t[1][1]));
    if (bits == 9) {
        __m512i above = _mm512_permutex2var_epi8(t[2][0], index, t[2][1]);
        above = _mm512_mask_mov_epi8(above, bit7, _mm512_permutex2var_epi8(t[3][0], index, t[3][1]));
        level = _mm512_mask_mov_epi8(level, bit8, above);
    }
    return level;
}

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const table *t, const unsigned bits)
{
    const uint8_t *tile = a->w.codes + p * a->w.groups * 64 * bits;
    const int64_t *x = a->x;
    __m512 sum = _mm512_setzero_ps();
    for (size_t g = 0; g < a->w.groups; g++, tile += 64 * bits, x += 8) {
        prefetch(tile, bits, a->prefetch);
        __m512i dot01 = _mm512_setzero_si512(), dot23 = dot01;
#pragma GCC unroll 8
        for (unsigned step = 0; step < 8; step++) {
            __mmask64 bit7, bit8;
            __m512i index = index_of(tile, bits, step, &bit7, &bit8), xt = _mm512_set1_epi64(x[step]);
            __m512i low = lookup(t->low, bits, index, bit7, bit8), high = lookup(t->high, bits, index, bit7, bit8);
            dot01 = _mm512_dpwssd_epi32(dot01, _mm512_unpacklo_epi8(low, high), xt);
            dot23 = _mm512_dpwssd_epi32(dot23, _mm512_unpackhi_epi8(low, high), xt);
        }
        __m512 first = _mm512_castsi512_ps(dot01), second = _mm512_castsi512_ps(dot23);
        __m512i evens = _mm512_castps_si512(_mm512_shuffle_ps(first, second, 0x88));
        __m512i odds = _mm512_castps_si512(_mm512_shuffle_ps(first, second, 0xdd));
        __m512 s = _mm512_set1_ps(a->sx[g]), d = _mm512_cvtepi32_ps(_mm512_add_epi32(evens, odds));
        if (a->w.scales)
            s = _mm512_mul_ps(s, byte_scales(a->w.scales + (p * a->w.groups + g) * 16));
        sum = _mm512_add_ps(sum, _mm512_mul_ps(d, s));
    }
    _mm512_storeu_ps(y, sum);
}

INLINE void rows(const lsq_gemv_args *a, size_t p0, size_t p1, const unsigned bits)
{
    table t;
    table_of(&t, a->w.levels->i16, bits);
    for (size_t p = p0; p < p1; p++)
        gemv(a, p, a->y + (p - p0) * PANEL, &t, bits);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_p##bits##_i16_avx512icl_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                             \
    {                                                                                                                  \
        rows(a, p0, p1, bits);                                                                                         \
    }

WIDTH(7)
WIDTH(8)
WIDTH(9)
