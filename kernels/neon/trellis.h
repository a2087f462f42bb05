/*
 * trellis.h - codes that depend on the bits before them, for every NEON level; 1 to 6 bits.
 *
 * Both slots of a byte (or four, or eight) are on paths of their own, and the history of a path is in the same bits of the vectors
 * before. So the convolution is a handful of logic operations between whole vectors, for all paths at once. One q register holds
 * 4 rows x 4 columns, a quarter of a panel:
 *
 *     X = a vector of the first plane, X1, X2, ... those before it; u is the lowest bit of each slot
 *
 *     X ^ ((X1 ^ X4) & u)  ------------->  V        u replaced by z1, the other bits as they are         (16 states)
 *     X2  ------------------------------>  Z        z0 in u's place
 *     V, Z, second plane  --merge------->  indices  see table_order() for the order of their bits
 *     indices  --tbl (lookup.h)--------->  levels
 *
 * Four quarters of up to six vectors are more than the registers hold, so the history is read again from the codes.
 */
#ifndef LSQ_KERNELS_NEON_TRELLIS_H
#define LSQ_KERNELS_NEON_TRELLIS_H

#include "kernels/neon/bits.h"
#include "kernels/neon/floats.h"
#include "kernels/neon/lookup.h"
#include "kernels/neon/scales.h"

#include <string.h>

enum { MEMORY = 6 }; /* vectors of history, at most */

/* Bits of a slot of the first plane. */
INLINE unsigned slot_width(const unsigned bits)
{
    return bits >= 4 ? 4 : bits >= 2 ? 2 : 1;
}

/* ---- History ---- */

/* Tiles with the history of a tile. */
INLINE unsigned tiles_back(const unsigned bits)
{
    return (MEMORY + slot_width(bits) - 1) / slot_width(bits);
}

/* A panel on its way. */
typedef struct panel {
    const uint8_t *codes;
    size_t copied; /* this many tiles are near the start of a chain, and read from a copy behind zeros */
    uint8_t copy[2 * 2 * 64 * 6];
} panel;

INLINE void start(panel *n, const lsq_tiles *w, size_t p, const unsigned bits)
{
    const size_t back = tiles_back(bits), bytes = 64 * bits, have = p % CHAIN * w->groups;
    n->codes = w->codes + p * w->groups * bytes;
    n->copied = have < back ? back - have : 0;
    if (n->copied) {
        size_t tiles = w->groups < back ? w->groups : back;
        memset(n->copy, 0, (back - have) * bytes);
        memcpy(n->copy + (back - have) * bytes, n->codes - have * bytes, (have + tiles) * bytes);
    }
}

/* The first of the tiles with the history of tile g, which is behind them. */
INLINE const uint8_t *from_tile(const panel *n, size_t g, const unsigned bits)
{
    const ptrdiff_t bytes = 64 * bits, back = (ptrdiff_t)tiles_back(bits);
    return g < n->copied ? n->copy + (ptrdiff_t)g * bytes : n->codes + ((ptrdiff_t)g - back) * bytes;
}

/* The vector of the first plane `back` before vector v of the tile. */
INLINE uint8x16_t before(const uint8_t *from, unsigned quarter, const unsigned bits, unsigned v, unsigned back)
{
    unsigned width = slot_width(bits), n = tiles_back(bits) * width + v - back;
    return load(from + n / width * 64 * bits, n % width, quarter);
}

/* V and Z of vector v. */
INLINE uint8x16_t convolve(const uint8_t *from, unsigned quarter, const unsigned bits, const unsigned states,
                           unsigned v, uint8x16_t *z)
{
    uint8x16_t old = before(from, quarter, bits, v, states == 4 ? 2 : 1);
    *z = before(from, quarter, bits, v, states == 4 ? 1 : 2);
    if (states > 4)
        old = veorq_u8(old, before(from, quarter, bits, v, states == 8 ? 3 : states == 16 ? 4 : 6));
    if (states == 64)
        *z = veorq_u8(*z, before(from, quarter, bits, v, 4));
    if (bits > 1)
        old = masked(old, bits > 3 ? 0x11 : 0x55);
    return veorq_u8(before(from, quarter, bits, v, 0), old);
}

/* ---- Indices ---- */

/*
 * Of the eight steps of a quarter of a tile. One bit: steps 4 i and 4 i + 2 share a nibble, and so do the odd ones; the table of the
 * second one looks at its upper half.
 */
enum { TRELLIS_SECOND = 0xcc };

INLINE void trellis_indices(const uint8_t *from, unsigned quarter, const unsigned bits, const unsigned states,
                            uint8x16_t index[STEPS])
{
    const uint8_t *tile = from + tiles_back(bits) * 64 * bits;
    for (unsigned v = 0; v < slot_width(bits); v++) {
        uint8x16_t z, code = convolve(from, quarter, bits, states, v, &z);
        if (bits == 1) {
            uint8x16_t even = merge(0x55, code, down(z, -1)), odd = merge(0x55, down(code, 1), z);
            index[0] = index[2] = masked(even, 15);
            index[1] = index[3] = masked(odd, 15);
            index[4] = index[6] = down(even, 4);
            index[5] = index[7] = down(odd, 4);
        } else if (bits <= 3) {
            if (bits == 3) /* a bit at 2 slot + v, to above z0 */
                z = merge(0x55, z, down(load(tile, 2, quarter), (int)v - 1));
            four_slots(merge(0x33, code, down(z, -2)), merge(0x33, down(code, 2), z), index + 4 * v);
        } else {
            if (bits == 5) /* a bit at 4 slot + v, to above z0 */
                z = merge(0x11, z, down(load(tile, 4, quarter), (int)v - 1));
            if (bits == 6) /* two bits at 4 slot + 2 (v % 2), below z0 */
                z = merge(0x33, down(load(tile, 4 + v / 2, quarter), (int)v % 2 * 2), down(z, -2));
            nibbles(code, masked(z, bits == 4 ? 0x11 : bits == 5 ? 0x33 : 0x77), index + 2 * v);
        }
    }
}

/*
 * In memory z0 is the highest bit of an index. Here the bit of the second plane is above it if it is the only one: 3 bits q1 z0 | q0 z1,
 * 5 bits q3 z0 | q2 q1 q0 z1. So the middle quarters change places.
 */
INLINE void table_order(table *t, const unsigned bits)
{
    uint8x16_t *part = t->part[0].val;
    if (bits == 3) {
        uint32x4_t all = vreinterpretq_u32_u8(part[0]);
        part[0] = vreinterpretq_u8_u32(vzip1q_u32(all, vextq_u32(all, all, 2)));
    } else if (bits == 5) {
        uint8x16_t middle = part[1];
        part[1] = part[2];
        part[2] = middle;
    }
}

/* As bytes of floats; two of four are zero. */
INLINE void trellis_tables(table t[4], const lsq_levels *levels, const unsigned bits)
{
    float_tables(t, levels->f32, bits + 1);
    table_order(&t[2], bits);
    table_order(&t[3], bits);
}

#endif
