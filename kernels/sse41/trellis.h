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
 *     up to 3 bits     V, Z, second plane  --merge-->  indices  --pshufb------------------->  levels, bytes
 *     from 4 bits on   V ^ Z in all bits of a slot, the same of the second plane  ------->  indices and selectors
 *                      indices  --pshufb, blends-->  -|level|  --psignb by highest bit-->  levels, signed bytes
 *
 * What was before is loaded again from the tiles before: nothing is carried along.
 */
#ifndef LSQ_KERNELS_SSE41_TRELLIS_H
#define LSQ_KERNELS_SSE41_TRELLIS_H

#include "kernels/codec.h"
#include "kernels/sse41/bits.h"
#include "kernels/sse41/lookup.h"
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

/* V and Z of vector v. Without branches, because the number of states is a variable where a kernel for each would be too much. */
INLINE __m128i convolve(const uint8_t *quarter, const unsigned bits, unsigned v, int u, unsigned states, __m128i *z)
{
    const unsigned oldest = states == 4 ? 2 : states == 8 ? 3 : states == 16 ? 4 : 6;
    __m128i fourth = masked(before(quarter, bits, v, 4), states == 64 ? -1 : 0);
    __m128i first = masked(before(quarter, bits, v, 1), states == 4 ? 0 : u);
    *z = _mm_xor_si128(before(quarter, bits, v, states == 4 ? 1 : 2), fourth);
    return _mm_xor_si128(load(quarter, v), _mm_xor_si128(first, masked(before(quarter, bits, v, oldest), u)));
}

/* ---- Levels ---- */

/* Of the eight steps of a quarter of a tile, up to 3 bits: one table by V's slot, then q1, then z0. */
INLINE void narrow_levels(const uint8_t *quarter, const unsigned bits, unsigned states, __m128i table,
                          __m128i level[STEPS])
{
    const unsigned width = width_of(bits);
    __m128i z;
#pragma GCC unroll 2
    for (unsigned v = 0; v < width; v++) {
        __m128i code = convolve(quarter, bits, v, width == 2 ? 0x55 : -1, states, &z), evens, odds;
        if (width == 1) {
            evens = _mm_or_si128(masked(code, 0x55), masked(down(z, -1), 0xaa));
            odds = _mm_or_si128(masked(down(code, 1), 0x55), masked(z, 0xaa));
        } else { /* two slots at a time */
            evens = masked(code, 0x33);
            odds = masked(down(code, 2), 0x33);
            if (bits == 3) {
                __m128i one = load(quarter, 2); /* at bit 2 s + v */
                evens = _mm_or_si128(evens, masked(down(one, (int)v - 2), 0x44));
                odds = _mm_or_si128(odds, masked(down(one, (int)v), 0x44));
            }
            const int z0 = bits == 3 ? 3 : 2;
            evens = _mm_or_si128(evens, masked(down(z, -z0), 0x11 << z0));
            odds = _mm_or_si128(odds, masked(down(z, 2 - z0), 0x11 << z0));
        }
        for (unsigned s = 0; s < 8 / width; s++) {
            __m128i index = masked(down(s % 2 ? odds : evens, (int)(s / 2 * 2 * width)), width == 1 ? 3 : 15);
            level[8 / width * v + s] = _mm_shuffle_epi8(table, index);
        }
    }
}

/*
 * From 4 bits on. The alphabet is symmetric: with z0 a level is minus that of the code with all bits flipped and without z0. So the
 * tables have -|level| of codes without z0, z0 flips an index, and the code's highest bit makes a level positive.
 */
INLINE void broad_levels(const uint8_t *quarter, const unsigned bits, unsigned states, const __m128i table[4],
                         __m128i level[STEPS])
{
    const int u = 0x11;
#pragma GCC unroll 4
    for (unsigned v = 0; v < 4; v++) {
        __m128i z, code = convolve(quarter, bits, v, u, states, &z), more = code, flipped = code;
        z = masked(z, u);
        const __m128i flip = _mm_sub_epi16(_mm_slli_epi16(z, 4), z); /* all bits of each slot */
        code = _mm_xor_si128(code, flip);
        if (bits > 4) {
            more = load(quarter, bits == 5 ? 4 : 4 + v / 2);
            flipped = _mm_xor_si128(more, flip);
        }
#pragma GCC unroll 2
        for (unsigned s = 0; s < 2; s++) {
            const int slot = 4 * (int)s, at = bits == 4 ? slot + 3 : bits == 5 ? slot + (int)v : slot + (int)v % 2 * 2;
            where to = {masked(down(code, slot), 15), {down(flipped, at - 7), down(flipped, at - 6)}};
            __m128i sign = _mm_or_si128(down(more, bits == 6 ? at - 6 : at - 7), _mm_set1_epi8(1));
            level[2 * v + s] = _mm_sign_epi8(lookup(table, 1u << (bits - 4), &to), sign);
        }
    }
}

/* What levels() looks at; `offset` goes to levels of up to 3 bits. */
INLINE void tables_for(__m128i table[4], const int8_t *levels, const unsigned bits, __m128i offset)
{
    tables_of(table, levels, bits <= 3 ? offset : _mm_setzero_si128());
    for (unsigned i = 0; i < 4 && bits > 3; i++)
        table[i] = _mm_sub_epi8(_mm_setzero_si128(), _mm_abs_epi8(table[i]));
}

INLINE void levels(const uint8_t *quarter, const unsigned bits, unsigned states, const __m128i table[4],
                   __m128i level[STEPS])
{
    if (bits <= 3)
        narrow_levels(quarter, bits, states, table[0], level);
    else
        broad_levels(quarter, bits, states, table, level);
}

#endif
