/*
 * wide.h - codes of 7 to 9 bits: levels of 16 bits in two tables of bytes.
 *
 *     codes  --bits.h---------->  indices             4 rows x 4 columns of bytes, and a ninth bit
 *     indices  --lookup.h------>  low and high bytes of levels, each from its own table
 */
#ifndef LSQ_KERNELS_NEON_WIDE_H
#define LSQ_KERNELS_NEON_WIDE_H

#include "kernels/neon/bits.h"
#include "kernels/neon/lookup.h"

/* Low and high bytes. */
INLINE void wide_tables(table t[2], const int16_t *levels, const unsigned bits)
{
    for (unsigned i = 0; i < 1u << (bits - 4); i++) {
        uint8x16x2_t both = vld2q_u8((const uint8_t *)(const void *)(levels + 16 * i));
        t[0].part[i / 4].val[i % 4] = both.val[0];
        t[1].part[i / 4].val[i % 4] = both.val[1];
    }
}

/* Ones where the ninth bit of the code is, for half the steps of a tile. */
INLINE void ninth_bits(const uint8_t *tile, unsigned quarter, unsigned half, uint8x16_t ninth[4])
{
    uint8x16_t plane = load(tile, 8, quarter);
    for (unsigned i = 0; i < 4; i++)
        ninth[i] = vtstq_u8(plane, vdupq_n_u8((uint8_t)((half ? 16 : 1) << i)));
}

/* The bytes of four steps. */
INLINE void wide_lookup(const table *t, const unsigned bits, const uint8x16_t index[4], const uint8x16_t ninth[4],
                        uint8x16_t byte[4])
{
    lookup(t->part, bits == 9 ? 8 : bits, 0, 1, 4, index, byte);
    if (bits == 9) {
        uint8x16_t upper[4];
        lookup(t->part + 4, 8, 0, 1, 4, index, upper);
        for (unsigned i = 0; i < 4; i++)
            byte[i] = vbslq_u8(ninth[i], upper[i], byte[i]);
    }
}

#endif
