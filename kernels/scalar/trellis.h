/*
 * trellis.h - codes that depend on the bits before them, as defined: where their levels are.
 *
 *     code = q << 1 | u      u[-h] = the bit in u's place in the h-th vector of the first plane before this one
 *     z0 = xor of the u[-h] in Z0      z1 = u ^ xor of the u[-h] in Z1      level = table[z0 * 2^C + (q << 1 | z1)]
 *
 * A path is a bit position of a byte lane in the first plane. It runs through the vectors of that plane, tile after tile, panel after
 * panel, and starts from zeros at the first tile of a chain.
 */
#ifndef LSQ_KERNELS_SCALAR_TRELLIS_H
#define LSQ_KERNELS_SCALAR_TRELLIS_H

#include "kernels/codec.h"

/* The vector of the first plane `back` vectors before vector v of a tile, or zeros before the chain. */
static inline const uint8_t *vector_before(const lsq_tiles *w, unsigned bits, unsigned width, size_t tile, unsigned v,
                                           unsigned back)
{
    static const uint8_t zeros[LANES];
    size_t chain = tile - tile % (CHAIN * w->groups), now = (tile - chain) * width + v;
    if (now < back)
        return zeros;
    return w->codes + (chain + (now - back) / width) * 64 * bits + (now - back) % width * 64;
}

/* Where the levels of a tile's weights are in the table. */
static inline void tile_indices(const lsq_tiles *w, unsigned bits, size_t tile, uint16_t index[STEPS][LANES])
{
    lsq_code code = lsq_code_of(w->states);
    unsigned width = bits >= 4 ? 4 : bits >= 2 ? 2 : 1, slots = 8 / width; /* of the first plane */
    lsq_tile_codes(w->codes + tile * 64 * bits, bits, index);
    for (unsigned t = 0; t < STEPS; t++)
        for (unsigned back = 1; back <= code.memory; back++) {
            unsigned flip = (code.z0 >> (back - 1) & 1) << bits | (code.z1 >> (back - 1) & 1);
            const uint8_t *before = vector_before(w, bits, width, tile, t / slots, back);
            for (unsigned lane = 0; flip && lane < LANES; lane++)
                index[t][lane] ^= (uint16_t)((before[lane] >> t % slots * width & 1) * flip);
        }
}

/* The two scales of each row of a tile. */
static inline void scales_of(const lsq_tiles *w, size_t p, size_t g, float s[PANEL][2])
{
    for (unsigned r = 0; r < PANEL; r++)
        lsq_tile_scale(w, p * w->groups + g, r, w->rows[p * PANEL + r], s[r]);
}

#endif
