/*
 * trellis.h - codes that depend on the bits before them, on SSE4.1: history, indices, levels, multipliers.
 *
 * Both slots of a byte (or four, or eight) are on paths of their own, and the history of a path is in the same bits of the vectors
 * before. So the convolution is a handful of logic operations between whole vectors, for all paths at once:
 *
 *     X = a vector of the first plane, X1, X2, ... those before it; u is the lowest bit of each slot
 *
 *     X ^ ((X1 ^ X4) & u)  ---------->  V       u replaced by z1, the other bits as they are      (16 states)
 *     X2  --------------------------->  Z       z0 in u's place
 *     V, Z, second plane  --merge---->  indices of up to four bits, and the bits above them as selectors
 *     indices  --pshufb, blends------>  levels  signed bytes
 *
 * What was before is loaded again from the tiles before: nothing is carried along.
 */
#ifndef LSQ_KERNELS_SSE41_TRELLIS_H
#define LSQ_KERNELS_SSE41_TRELLIS_H

#include "kernels/codec.h"
#include "kernels/sse41/bits.h"
#include "kernels/sse41/scales.h"

enum { MEMORY = 6 /* vectors of history, at most */, COPY = 7 * 64 * 6 /* bytes of a tile and its past */ };

INLINE unsigned width_of(const unsigned bits)
{
    return bits >= 4 ? 4 : bits >= 2 ? 2 : 1;
}

/* ---- History ---- */

/* Tile g of panel p, with its past before it: where the chain has not got enough of that, a copy behind zeros. */
INLINE const uint8_t *with_past(const lsq_tiles *w, size_t p, size_t g, const unsigned bits, uint8_t copy[COPY])
{
    const size_t have = p % CHAIN * w->groups + g, bytes = 64 * bits;
    const size_t past = (MEMORY + width_of(bits) - 1) / width_of(bits); /* tiles */
    const uint8_t *tile = w->codes + (p * w->groups + g) * bytes;
    if (have >= past)
        return tile;
    memset(copy, 0, (past - have) * bytes);
    memcpy(copy + (past - have) * bytes, tile - have * bytes, (have + 1) * bytes);
    return copy + past * bytes;
}

/* The vector of the first plane `back` vectors before vector v. */
INLINE __m128i before(const uint8_t *quarter, const unsigned bits, unsigned v, unsigned back)
{
    const unsigned width = width_of(bits), tiles = (back + width - 1 - v) / width;
    return load(quarter - 64 * bits * tiles, v + tiles * width - back);
}

/* V and Z of vector v. */
INLINE __m128i convolve(const uint8_t *quarter, const unsigned bits, unsigned v, __m128i u, const unsigned states,
                        __m128i *z)
{
    const unsigned oldest = states == 4 ? 2 : states == 8 ? 3 : states == 16 ? 4 : 6;
    *z = before(quarter, bits, v, states == 4 ? 1 : 2);
    if (states == 64)
        *z = _mm_xor_si128(*z, before(quarter, bits, v, 4));
    __m128i old = before(quarter, bits, v, oldest);
    if (states != 4)
        old = _mm_xor_si128(old, before(quarter, bits, v, 1));
    return _mm_xor_si128(load(quarter, v), _mm_and_si128(old, u));
}

/* ---- Levels ---- */

/* Where a level is: a table of 16 by index, and bits 7 of select[], the lowest first, say which table. */
typedef struct where {
    __m128i index, select[3];
} where;

/* Of the eight steps of a quarter of a tile. */
INLINE void tile_indices(const uint8_t *quarter, const unsigned bits, const unsigned states, where to[STEPS])
{
    const unsigned width = width_of(bits), slots = 8 / width;
    const __m128i u = _mm_set1_epi8(width == 4 ? 0x11 : width == 2 ? 0x55 : -1);
#pragma GCC unroll 4
    for (unsigned v = 0; v < width; v++) {
        __m128i z, code = convolve(quarter, bits, v, u, states, &z);
        where *step = to + slots * v;
        if (width == 4) {
            for (unsigned s = 0; s < 2; s++) {
                unsigned n = 0;
                int slot = 4 * (int)s;
                step[s].index = masked(down(code, slot), 15);
                if (bits == 5)
                    step[s].select[n++] = down(load(quarter, 4), slot + (int)v - 7);
                if (bits == 6) {
                    step[s].select[n++] = down(load(quarter, 4 + v / 2), slot + (int)v % 2 * 2 - 7);
                    step[s].select[n++] = down(load(quarter, 4 + v / 2), slot + (int)v % 2 * 2 - 6);
                }
                step[s].select[n] = down(z, slot - 7);
            }
        } else if (width == 2) { /* two slots at a time: code, then q1 (3 bits), then z0 */
            __m128i evens = masked(code, 0x33), odds = masked(down(code, 2), 0x33);
            if (bits == 3) {
                __m128i one = load(quarter, 2); /* at bit 2 s + v */
                evens = _mm_or_si128(evens, masked(down(one, (int)v - 2), 0x44));
                odds = _mm_or_si128(odds, masked(down(one, (int)v), 0x44));
            }
            const int z0 = bits == 3 ? 3 : 2;
            evens = _mm_or_si128(evens, masked(down(z, -z0), 0x11 << z0));
            odds = _mm_or_si128(odds, masked(down(z, 2 - z0), 0x11 << z0));
            step[0].index = masked(evens, 15);
            step[1].index = masked(odds, 15);
            step[2].index = masked(down(evens, 4), 15);
            step[3].index = masked(down(odds, 4), 15);
        } else {
            __m128i evens = _mm_or_si128(masked(code, 0x55), masked(down(z, -1), 0xaa));
            __m128i odds = _mm_or_si128(masked(down(code, 1), 0x55), masked(z, 0xaa));
            for (unsigned t = 0; t < STEPS; t++)
                step[t].index = masked(down(t % 2 ? odds : evens, (int)t / 2 * 2), 3);
        }
    }
}

/* Tables in the order of memory: bits above the index are q3 q4 z0, as far as the width has them. */
INLINE void tables_of(__m128i table[8], const int8_t *levels, __m128i offset)
{
    for (unsigned i = 0; i < 8; i++) /* shorter tables repeat, so that every one of them is there */
        table[i] = _mm_add_epi8(_mm_loadu_si128((const __m128i *)(const void *)(levels + 16 * i)), offset);
}

INLINE __m128i level_of(const __m128i table[8], const unsigned bits, const where *at)
{
    const unsigned tables = bits <= 3 ? 1 : 1u << (bits - 3);
    __m128i level[8];
    for (unsigned i = 0; i < tables; i++)
        level[i] = _mm_shuffle_epi8(table[i], at->index);
    for (unsigned n = 0; 1u << n < tables; n++)
        for (unsigned i = 0; i < tables >> (n + 1); i++)
            level[i] = _mm_blendv_epi8(level[2 * i], level[2 * i + 1], at->select[n]);
    return level[0];
}

/* ---- Scales ---- */

/* Of the panel's rows: bit 7 where step i is not the row's choice, so that pshufb gives 0. */
INLINE void steps_of(__m128i other[4], const lsq_tiles *w, size_t p)
{
    __m128i rows = _mm_loadu_si128((const __m128i *)(const void *)(w->rows + p * PANEL));
    for (unsigned i = 0; i < 4; i++) {
        __m128i same = _mm_cmpeq_epi8(masked(rows, 0xc0), _mm_set1_epi8((char)(64 * i)));
        other[i] = _mm_andnot_si128(same, _mm_set1_epi8(-128));
    }
}

INLINE __m128i multipliers_of(__m128i nibbles, const __m128i other[4])
{
    __m128i m = _mm_setzero_si128();
    for (unsigned i = 0; i < 4; i++) {
        __m128i table = _mm_loadu_si128((const __m128i *)(const void *)lsq_multipliers[i]);
        m = _mm_or_si128(m, _mm_shuffle_epi8(table, _mm_or_si128(nibbles, other[i])));
    }
    return m;
}

/* Multipliers of 16 rows, for columns [0, 16) and [16, 32). */
INLINE void multipliers(uint8_t to[2][PANEL], const lsq_tiles *w, size_t tile, const __m128i other[4])
{
    __m128i m[2];
    if (w->scale == LSQ_SCALE_NIBBLE16) {
        __m128i nibbles = _mm_loadu_si128((const __m128i *)(const void *)(w->scales + tile * PANEL));
        m[0] = multipliers_of(masked(nibbles, 15), other);
        m[1] = multipliers_of(masked(down(nibbles, 4), 15), other);
    } else { /* rows 0..7 in the low nibbles */
        __m128i eight = _mm_loadl_epi64((const __m128i *)(const void *)(w->scales + tile * 8));
        m[0] = m[1] = multipliers_of(masked(_mm_unpacklo_epi64(eight, down(eight, 4)), 15), other);
    }
    _mm_storeu_si128((__m128i *)(void *)to[0], m[0]);
    _mm_storeu_si128((__m128i *)(void *)to[1], m[1]);
}

/* Those of 4 rows. */
INLINE __m128i four_multipliers(const uint8_t *m)
{
    return _mm_cvtepu8_epi32(four(m));
}

#endif
