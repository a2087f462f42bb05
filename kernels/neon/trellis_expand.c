/*
 * trellis_expand.c - trellis codes into integers of 8 bits, on NEON; 1 to 6 bits.
 *
 *     codes  --trellis.h-->  indices  --lookup.h-->  levels    4 rows x 4 columns
 */
#include "kernels/neon/trellis.h"

INLINE void expand(const lsq_expand_args *a, size_t p, size_t g0, size_t g1, const unsigned bits, const unsigned states)
{
    uint8_t *out = a->out;
    panel n;
    table t = table_of(a->w.levels->i8, bits + 1);
    table_order(&t, bits);
    start(&n, &a->w, p, bits);
    for (size_t g = g0; g < g1; g++, out += TILE) {
        const uint8_t *from = from_tile(&n, g, bits);
#pragma GCC unroll 1
        for (unsigned quarter = 0; quarter < 4; quarter++) {
            uint8x16_t index[STEPS], level[STEPS];
            trellis_indices(from, quarter, bits, states, index);
            lookup(t.part, bits + 1, TRELLIS_SECOND, 1, STEPS, index, level);
            store_levels(out, quarter, level);
        }
    }
}

INLINE void tiles(const lsq_expand_args *a, size_t p, size_t g0, size_t g1, const unsigned bits)
{
    switch (a->w.states) {
    case 4:
        expand(a, p, g0, g1, bits, 4);
        break;
    case 8:
        expand(a, p, g0, g1, bits, 8);
        break;
    case 16:
        expand(a, p, g0, g1, bits, 16);
        break;
    default:
        expand(a, p, g0, g1, bits, 64);
    }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_expand_t##bits##_i8_neon_r1(const lsq_expand_args *a, size_t p, size_t g0, size_t g1)                     \
    {                                                                                                                  \
        tiles(a, p, g0, g1, bits);                                                                                     \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
