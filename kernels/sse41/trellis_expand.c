/*
 * trellis_expand.c - the levels of trellis codes, as integers of 8 bits, on SSE4.1.
 *
 *     codes and those before them  --trellis.h-->  levels  4 rows x 4 columns of bytes, as they lie in out
 */
#include "kernels/sse41/trellis.h"

INLINE void expand(const lsq_expand_args *a, size_t p, size_t g0, size_t g1, const unsigned bits)
{
    uint8_t copy[COPY];
    __m128i *out = a->out, table[4];
    tables_for(table, a->w.levels->i8, bits, _mm_setzero_si128());
    for (size_t g = g0; g < g1; g++, out += STEPS * 4) {
        const uint8_t *tile = with_past(&a->w, p, g, bits, copy);
        for (unsigned quarter = 0; quarter < 4; quarter++) {
            __m128i level[STEPS];
            levels(tile + 16 * quarter, bits, a->w.states, table, level);
#pragma GCC unroll 8
            for (unsigned t = 0; t < STEPS; t++)
                _mm_store_si128(out + 4 * t + quarter, level[t]);
        }
    }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_expand_t##bits##_i8_sse41_r1(const lsq_expand_args *a, size_t p, size_t g0, size_t g1)                    \
    {                                                                                                                  \
        expand(a, p, g0, g1, bits);                                                                                    \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
