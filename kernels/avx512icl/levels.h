/*
 * levels.h - levels of codes that index a table, on AVX-512 with VBMI; 1 to 6 bits.
 *
 *     codes  --shift, merge-->  indices   of a byte, six bits (vpermi2b: seven); a table for each place that the code has in them
 *     indices  --vpermb-->      levels    16 rows x 4 columns
 */
#ifndef LSQ_KERNELS_AVX512ICL_LEVELS_H
#define LSQ_KERNELS_AVX512ICL_LEVELS_H

#include "kernels/avx512icl/bits.h"

/* Levels by index, for each place where the bits of a code can be: what the others are does not matter. */
typedef struct tables {
    __m512i at[6];
} tables;

/* `level` are the first 64, as they come or moved. */
INLINE tables tables_of(__m512i level, const unsigned bits)
{
    const __m512i i = count_from(0), above = count_from(64);
    tables t;
    t.at[0] = t.at[1] = t.at[2] = t.at[3] = t.at[4] = t.at[5] = level;
    if (bits == 1) { /* bit 0, or 1, ... or 5 */
#pragma GCC unroll 6
        for (unsigned bit = 1; bit < 6; bit++)
            t.at[bit] = _mm512_permutexvar_epi8(field(i, bit, 1, 0), level);
    } else if (bits == 2) { /* bits 0 1, 2 3, 4 5 */
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
 * Indices of step t. The first plane's bits are `slot` * p up; bits of the second plane are placed to match (codec.h), so that
 * one shift brings them above those of the first.
 */
INLINE __m512i index_of(const uint8_t *tile, const unsigned bits, unsigned t)
{
    if (bits == 1)
        return down(load(tile, 0), t < 6 ? 0 : 2);
    if (bits == 2)
        return down(load(tile, t / 4), t % 4 == 3 ? 2 : 0);
    if (bits == 3) { /* one index for two slots, two bits and two bits, then one and one */
        int v = (int)t / 4, high = t % 4 / 2;
        __m512i two = down(load(tile, (unsigned)v), 4 * high), one = down(load(tile, 2), high ? v : v - 4);
        return high ? merge(0x0f, two, one) : merge(0xf0, one, two);
    }
    int j = (int)t / 2, slot = (int)t % 2;
    __m512i four = down(load(tile, (unsigned)j), slot * 4);
    if (bits == 4)
        return four;
    __m512i above; /* one bit, at 4 or at 5, so that a shift serves two vectors; or two */
    if (bits == 5)
        above = down(load(tile, 4), j / 2 * 2 - (slot ? 0 : 4));
    else
        above = down(load(tile, 4 + (unsigned)j / 2), j % 2 * 2 - (slot ? 0 : 4));
    return slot ? merge(0x0f, four, above) : merge(0xf0, above, four);
}

/* Levels by the indices of step t. */
INLINE __m512i look_up(const tables *table, const unsigned bits, unsigned t, __m512i index)
{
    if (bits == 1)
        return _mm512_permutexvar_epi8(index, table->at[t < 6 ? t : t - 2]);
    if (bits == 2)
        return _mm512_permutexvar_epi8(index, table->at[t % 4 == 3 ? 2 : t % 4]);
    if (bits == 3 && t % 2)
        return _mm512_permutex2var_epi8(table->at[1], index, table->at[2]);
    return _mm512_permutexvar_epi8(index, table->at[bits == 5 ? t / 2 % 2 : 0]);
}

INLINE __m512i levels(const tables *table, const uint8_t *tile, const unsigned bits, unsigned t)
{
    return look_up(table, bits, t, index_of(tile, bits, t));
}

#endif
