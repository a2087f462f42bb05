/*
 * plain_expand.c - codes that index a table into integers of 8 bits, on NEON; 2 to 6 bits.
 *
 *     codes  --bits.h-->  indices  --lookup.h-->  levels    4 rows x 4 columns
 */
#include "kernels/neon/bits.h"
#include "kernels/neon/lookup.h"

INLINE void expand(const lsq_expand_args *a, size_t p, size_t g0, size_t g1, const unsigned bits)
{
    const uint8_t *tile = a->w.codes + (p * a->w.groups + g0) * 64 * bits;
    const table t = table_of(a->w.levels->i8, bits);
    uint8_t *out = a->out;
    for (size_t g = g0; g < g1; g++, tile += 64 * bits, out += TILE) {
#pragma GCC unroll 1
        for (unsigned quarter = 0; quarter < 4; quarter++) {
            uint8x16_t index[STEPS], level[STEPS];
            plain_indices(tile, quarter, bits, index);
            lookup(t.part, bits, PLAIN_SECOND, 0, STEPS, index, level);
            store_levels(out, quarter, level);
        }
    }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_expand_p##bits##_i8_neon_r1(const lsq_expand_args *a, size_t p, size_t g0, size_t g1)                     \
    {                                                                                                                  \
        expand(a, p, g0, g1, bits);                                                                                    \
    }

WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
