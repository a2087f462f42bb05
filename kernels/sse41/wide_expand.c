/*
 * wide_expand.c - the levels of codes of 7 to 9 bits, as integers of 16 bits, on SSE4.1.
 *
 *     codes  --indices.h-->  indices  --load, pinsrw-->  levels  2 rows x 4 columns, as they lie in out
 */
#include "kernels/codec.h"
#include "kernels/sse41/indices.h"

INLINE void expand(const lsq_expand_args *a, size_t p, size_t g0, size_t g1, const unsigned bits)
{
    const uint8_t *tile = a->w.codes + (p * a->w.groups + g0) * 64 * bits;
    const int16_t *level = a->w.levels->i16;
    __m128i *out = a->out;
    for (size_t g = g0; g < g1; g++, tile += 64 * bits, out += STEPS * 8)
        for (unsigned quarter = 0; quarter < 4; quarter++)
#pragma GCC unroll 8
            for (unsigned t = 0; t < STEPS; t++) {
                uint64_t row[4];
                indices(row, tile + 16 * quarter, bits, t);
                _mm_store_si128(out + 8 * t + 2 * quarter, two_rows(level, row[0], row[1]));
                _mm_store_si128(out + 8 * t + 2 * quarter + 1, two_rows(level, row[2], row[3]));
            }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_expand_p##bits##_i16_sse41_r1(const lsq_expand_args *a, size_t p, size_t g0, size_t g1)                   \
    {                                                                                                                  \
        expand(a, p, g0, g1, bits);                                                                                    \
    }

WIDTH(7)
WIDTH(8)
WIDTH(9)
