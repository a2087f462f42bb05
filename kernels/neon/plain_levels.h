/*
 * plain_levels.h - codes that index a table: their levels as floats, on NEON; 2 to 9 bits.
 *
 *     up to 6 bits  integers: two tables of bytes      true logarithms: four
 *     from 7 bits   integers: of 16 bits (wide.h), converted
 *                   true logarithms: four tables of magnitudes, because the published code is sign and magnitude; the sign is its
 *                   highest bit
 */
#ifndef LSQ_KERNELS_NEON_PLAIN_LEVELS_H
#define LSQ_KERNELS_NEON_PLAIN_LEVELS_H

#include "kernels/neon/floats.h"
#include "kernels/neon/wide.h"

INLINE void plain_tables(table t[4], const lsq_levels *levels, const unsigned bits, const int integers)
{
    if (bits > 6 && integers)
        wide_tables(t, levels->i16, bits);
    else
        float_tables(t, levels->f32, bits > 6 ? bits - 1 : bits);
}

/* Levels of half the steps of a quarter: step by step, row by row. */
INLINE void plain_half(const table t[4], const uint8_t *tile, unsigned quarter, unsigned half, const unsigned bits,
                       const int integers, const uint8x16_t index[4], float32x4_t level[4][4])
{
    uint8x16_t byte[4][4], ninth[4], magnitude[4];
    if (bits <= 6 && integers) {
        half_of_halves(t, bits, PLAIN_SECOND, index, level);
        return;
    }
    if (bits == 9)
        ninth_bits(tile, quarter, half, ninth);
    if (bits > 6 && integers) {
        wide_lookup(&t[0], bits, index, ninth, byte[0]);
        wide_lookup(&t[1], bits, index, ninth, byte[1]);
#pragma GCC unroll 4
        for (unsigned i = 0; i < 4; i++)
            floats_of_integers(byte[0][i], byte[1][i], level[i]);
        return;
    }
    for (unsigned i = 0; i < 4; i++)
        magnitude[i] = bits == 7 || bits == 8 ? masked(index[i], bits == 7 ? 63 : 127) : index[i];
#pragma GCC unroll 4
    for (unsigned b = 0; b < 4; b++)
        lookup(t[b].part, bits > 6 ? bits - 1 : bits, PLAIN_SECOND, 1, 4, magnitude, byte[b]);
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; i++) {
        if (bits > 6)
            byte[3][i] = merge(0x80, bits == 9 ? ninth[i] : down(index[i], (int)bits - 8), byte[3][i]);
        floats_of(byte[0][i], byte[1][i], byte[2][i], byte[3][i], 0, level[i]);
    }
}

#endif
