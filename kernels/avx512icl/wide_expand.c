/*
 * wide_expand.c - the levels of codes of 7 to 9 bits, as integers of 16 bits, on AVX-512 with VBMI.
 *
 *     codes  --wide_levels.h-->  levels    rows 0, 1 of each four, and rows 2, 3
 *     those  --rows.h--------->  levels    rows 0 to 7, and rows 8 to 15
 */
#include "kernels/avx512/rows.h"
#include "kernels/avx512icl/wide_levels.h"
#include "kernels/codec.h"

INLINE void expand(const lsq_expand_args *a, size_t p, size_t g0, size_t g1, const unsigned bits)
{
    const uint8_t *tile = a->w.codes + (p * a->w.groups + g0) * 64 * bits;
    int16_t *out = a->out;
    plane planes[2];
    planes_of(planes, a->w.levels->i16, bits);
    for (size_t g = g0; g < g1; g++, tile += 64 * bits, out += TILE)
#pragma GCC unroll 8
        for (unsigned step = 0; step < STEPS; step++) {
            __m512i level[2];
            levels_of_step(planes, tile, bits, step, level);
            store_rows(out + LANES * step, level[0], level[1]);
        }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_expand_p##bits##_i16_avx512icl_r1(const lsq_expand_args *a, size_t p, size_t g0, size_t g1)               \
    {                                                                                                                  \
        expand(a, p, g0, g1, bits);                                                                                    \
    }

WIDTH(7)
WIDTH(8)
WIDTH(9)
