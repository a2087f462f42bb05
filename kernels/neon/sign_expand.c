/*
 * sign_expand.c - signs as integers of 8 bits, on NEON.
 *
 *     codes  --cmtst with bit t-->  -1 where it is 1  --orn-->  1 or -1    4 rows x 4 columns
 */
#include "kernels/neon/bits.h"

void lsq_expand_b1_i8_neon_r1(const lsq_expand_args *a, size_t p, size_t g0, size_t g1)
{
    const uint8_t *tile = a->w.codes + (p * a->w.groups + g0) * 64;
    uint8_t *out = a->out;
    for (size_t g = g0; g < g1; g++, tile += 64, out += TILE)
        for (unsigned quarter = 0; quarter < 4; quarter++) {
            const uint8x16_t codes = load(tile, 0, quarter);
            uint8x16_t level[STEPS];
            for (unsigned t = 0; t < STEPS; t++)
                level[t] = vornq_u8(vdupq_n_u8(1), vtstq_u8(codes, vdupq_n_u8((uint8_t)(1u << t))));
            store_levels(out, quarter, level);
        }
}
