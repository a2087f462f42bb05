/*
 * trellis.h - codes that depend on the bits before them, on AVX2; 1 to 6 bits.
 *
 * Both slots of a byte (or four, or eight) are on paths of their own, and the history of a path is in the same bits of the vectors
 * before. So the convolution is a handful of logic operations between whole vectors, for all paths at once. One ymm holds 8 rows x 4
 * columns, so a panel is a low and a high half. Registers are few, and so the vectors before are read again where they are:
 *
 *     X = a vector of the first plane, X1, X2, ... those before it; u is the lowest bit of each slot
 *
 *     X ^ ((X1 ^ X4) & u)  ------------->  V    u replaced by z1, the other bits as they are   (16 states)
 *     X2  ------------------------------>  Z    z0 in u's place
 *     up to 3 bits: V, Z, second plane  --merge---->  indices of up to four bits  --pshufb-->  levels
 *     from 4 bits:  V ^ 15 * (Z & u)  ------------->  indices of magnitudes  --pshufb, blends-->  magnitudes
 *
 * The alphabet is symmetric: the complement of all bits of an index (z0, the code's upper ones, z1) negates the level. So the code's top
 * bit is the level's sign, and the others, all of them complemented where z0 is one, say where its magnitude is. Half of the table
 * is enough, and magnitudes of 7 bits are what maddubs takes for its unsigned side.
 */
#ifndef LSQ_KERNELS_AVX2_TRELLIS_H
#define LSQ_KERNELS_AVX2_TRELLIS_H

#include "kernels/avx2/bits.h"
#include "kernels/codec.h"

#include <string.h>

enum { MEMORY = 6 }; /* vectors of history, at most */

INLINE unsigned first_width(const unsigned bits)
{
    return bits >= 4 ? 4 : bits >= 2 ? 2 : 1;
}

/* ---- History ---- */

/* Vector v of a tile's first plane; below 0, of the tiles before it. */
INLINE __m256i first_plane(const uint8_t *tile, unsigned half, const unsigned bits, int v)
{
    const int width = (int)first_width(bits), tiles = v < 0 ? (width - 1 - v) / width : 0;
    return load(tile - 64 * (int)bits * tiles, (unsigned)(v + tiles * width), half);
}

/* What z1 and z0 are made of besides u, in u's places of vector v; the other bits are of no use. */
INLINE void convolve(const uint8_t *tile, unsigned half, const unsigned bits, const unsigned states, int v,
                     __m256i *old, __m256i *z)
{
    __m256i second = first_plane(tile, half, bits, v - 2);
    if (states == 4) {
        *old = second;
        *z = first_plane(tile, half, bits, v - 1);
        return;
    }
    *old = _mm256_xor_si256(first_plane(tile, half, bits, v - 1), first_plane(tile, half, bits,
                                                                              v - (states == 8    ? 3
                                                                                   : states == 16 ? 4
                                                                                                  : 6)));
    *z = states == 64 ? _mm256_xor_si256(second, first_plane(tile, half, bits, v - 4)) : second;
}

/* At the start of a chain zeros are the history. The tiles there are copied behind zeros. */
enum { COPY = 3 * 64 * 6 }; /* bytes for a tile and the six vectors before it, at every width */

/* Tile `tile` of the matrix, number `within` of its chain: where it can be read with what was before it. */
INLINE const uint8_t *readable(const lsq_tiles *w, size_t tile, size_t within, const unsigned bits, uint8_t copy[COPY])
{
    const size_t before = (MEMORY + first_width(bits) - 1) / first_width(bits), bytes = 64 * bits;
    const uint8_t *codes = w->codes + tile * bytes;
    if (__builtin_expect(within >= before, 1))
        return codes;
    memset(copy, 0, (before - within) * bytes);
    memcpy(copy + (before - within) * bytes, codes - within * bytes, (within + 1) * bytes);
    return copy + before * bytes;
}

/* ---- Levels ---- */

/*
 * Where the level of a step is: a table of 16 by the low bits of the index, whose bit 7 is 0. From 4 bits on bits 7 of select[], the lowest
 * first, say which table, and bit 7 of `positive` is the sign; its other bits are not all zeros, which psignb would make zeros of.
 */
typedef struct where {
    __m256i index, positive, select[2];
} where;

/* Of the two slots of vector v; bits 4 to 6. */
INLINE void magnitudes_of(const uint8_t *tile, unsigned half, const unsigned bits, const unsigned states, int v,
                          where to[])
{
    const unsigned plane = (unsigned)v;
    __m256i old, z, top = first_plane(tile, half, bits, v),
                    index = top; /* `top`: the sign in the top bit of each slot */
    convolve(tile, half, bits, states, v, &old, &z);
    __m256i fifteen = _mm256_set1_epi16(15);
    __asm__("" : "+x"(fifteen)); /* a multiplication, instead of a shift and a subtraction */
    __m256i flip = _mm256_mullo_epi16(masked(z, 0x11), fifteen); /* z0 in each bit of its slot */
    index = _mm256_xor_si256(_mm256_xor_si256(index, masked(old, 0x11)), flip);
    to[0].index = masked(index, 15);
    to[1].index = masked(down(index, 4), 15);
    if (bits == 5) {
        top = down(load(tile, 4, half), v - 3);
        to[1].select[0] = _mm256_xor_si256(top, flip);
        to[0].select[0] = down(to[1].select[0], -4);
    } else if (bits == 6) { /* the sign, and below it a bit of the index */
        top = down(load(tile, 4 + plane / 2, half), plane % 2 ? 0 : -2);
        to[1].select[1] = _mm256_xor_si256(top, flip);
        to[0].select[1] = down(to[1].select[1], -4);
        to[1].select[0] = down(to[1].select[1], -1);
        to[0].select[0] = down(to[1].select[1], -5);
    }
    top = _mm256_or_si256(top, _mm256_set1_epi8(0x11));
    to[1].positive = top;
    to[0].positive = down(top, -4);
}

/* Of the four slots of vector v, or the eight slots of the only one; bits 1 to 3. */
INLINE void indices_of(const uint8_t *tile, unsigned half, const unsigned bits, const unsigned states, int v,
                       where to[])
{
    const int u = bits == 1 ? 0xff : 0x55, one = bits == 1;
    __m256i old, z, x = first_plane(tile, half, bits, v);
    convolve(tile, half, bits, states, v, &old, &z);
    x = _mm256_xor_si256(x, one ? old : masked(old, u));
    if (bits == 3) { /* z0 and above it the second plane's bit */
        __m256i second = down(load(tile, 2, half), v - 1);
        z = _mm256_xor_si256(second, masked(_mm256_xor_si256(second, z), 0x55));
    }
    /* Neighbours of `width` bits each: V's slot, then what Z has. With 2 bits a fourth one that tables ignore. */
    const int low = one ? 0x55 : 0x33, width = one ? 1 : 2;
    __m256i up = down(z, -width), along = down(x, width);
    __m256i evens = _mm256_xor_si256(up, masked(_mm256_xor_si256(up, x), low));
    __m256i odds = _mm256_xor_si256(z, masked(_mm256_xor_si256(z, along), low));
    if (one) { /* two steps in an index; two tables look at one each */
        to[0].index = to[2].index = masked(evens, 15);
        to[1].index = to[3].index = masked(odds, 15);
        to[4].index = to[6].index = masked(down(evens, 4), 15);
        to[5].index = to[7].index = masked(down(odds, 4), 15);
    } else {
        to[0].index = masked(evens, 15);
        to[1].index = masked(odds, 15);
        to[2].index = masked(down(evens, 4), 15);
        to[3].index = masked(down(odds, 4), 15);
    }
}

/* The 8 / width steps of vector v. */
INLINE void vector_indices(const uint8_t *tile, unsigned half, const unsigned bits, const unsigned states, unsigned v,
                           where to[])
{
    if (bits >= 4)
        magnitudes_of(tile, half, bits, states, (int)v, to);
    else
        indices_of(tile, half, bits, states, (int)v, to);
}

/*
 * Up to 3 bits: levels + offset, with 1 bit two tables, for the lower and for the upper of two steps. From 4 bits on magnitudes, `negated`
 * where psignb is to make levels of them: it turns the sign of what `positive` has a one for.
 */
INLINE void tables_of(const lsq_levels *levels, const unsigned bits, const int offset, const int negated,
                      __m256i table[4])
{
    for (unsigned i = 0; i < 4; i++) {
        __m128i part = _mm_loadu_si128((const __m128i *)(const void *)(levels->i8 + 16 * (bits > 4 ? i : 0)));
        if (bits == 1 && i % 2)
            part = _mm_shuffle_epi8(part, _mm_setr_epi8(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3));
        if (bits == 3) /* in memory z0 is above the second plane's bit */
            part = _mm_shuffle_epi32(part, 0xd8);
        if (bits <= 3)
            part = _mm_add_epi8(part, _mm_set1_epi8((char)offset));
        else
            part = negated ? _mm_sub_epi8(_mm_setzero_si128(), _mm_abs_epi8(part)) : _mm_abs_epi8(part);
        table[i] = _mm256_broadcastsi128_si256(part);
    }
}

/* What the tables have for step t. */
INLINE __m256i lookup(const __m256i table[4], const unsigned bits, unsigned t, const where *at)
{
    if (bits <= 4)
        return _mm256_shuffle_epi8(table[bits == 1 ? t / 2 % 2 : 0], at->index);
    __m256i low =
        blend(_mm256_shuffle_epi8(table[0], at->index), _mm256_shuffle_epi8(table[1], at->index), at->select[0]);
    if (bits == 5)
        return low;
    __m256i high =
        blend(_mm256_shuffle_epi8(table[2], at->index), _mm256_shuffle_epi8(table[3], at->index), at->select[0]);
    return blend(low, high, at->select[1]);
}

/* The level of step t, signed, from tables that are `negated`. */
INLINE __m256i signed_level(const __m256i table[4], const unsigned bits, unsigned t, const where *at)
{
    __m256i found = lookup(table, bits, t, at);
    return bits <= 3 ? found : _mm256_sign_epi8(found, at->positive);
}

/* ---- Panels ---- */

/* A product with one panel; inlined where it is called, with bits and states as constants. */
typedef void panel_fn(const lsq_gemv_args *a, size_t p, float *y, unsigned bits, unsigned states);

INLINE void panels(const lsq_gemv_args *a, size_t p0, size_t p1, const unsigned bits, panel_fn *gemv)
{
    float *y = a->y;
    for (size_t p = p0; p < p1; p++, y += PANEL)
        switch (a->w.states) {
        case 4:
            gemv(a, p, y, bits, 4);
            break;
        case 8:
            gemv(a, p, y, bits, 8);
            break;
        case 16:
            gemv(a, p, y, bits, 16);
            break;
        default:
            gemv(a, p, y, bits, 64);
        }
}

#endif
