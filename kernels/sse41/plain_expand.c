/*
 * plain_expand.c - the levels of codes that index a table, as integers of 8 bits, on SSE4.1.
 *
 *     codes  --plain.h-->  levels  4 rows x 4 columns of bytes, as they lie in out
 */
#include "kernels/codec.h"
#include "kernels/sse41/plain.h"

INLINE void expand(const lsq_expand_args *a, size_t p, size_t g0, size_t g1, const unsigned bits)
{
    const uint8_t *tile = a->w.codes + (p * a->w.groups + g0) * 64 * bits;
    __m128i *out = a->out, table[4];
    tables_of(table, a->w.levels->i8, _mm_setzero_si128());
    for (size_t g = g0; g < g1; g++, tile += 64 * bits, out += STEPS * 4)
        for (unsigned quarter = 0; quarter < 4; quarter++)
#pragma GCC unroll 8
            for (unsigned t = 0; t < STEPS; t++)
                _mm_store_si128(out + 4 * t + quarter, level_of(tile + 16 * quarter, bits, t, table));
}

#define WIDTH(bits)                                                                                                    \
    void lsq_expand_p##bits##_i8_sse41_r1(const lsq_expand_args *a, size_t p, size_t g0, size_t g1)                    \
    {                                                                                                                  \
        expand(a, p, g0, g1, bits);                                                                                    \
    }

WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
