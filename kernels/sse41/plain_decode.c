/*
 * plain_decode.c - codes that index a table into floats, on SSE4.1; 2 to 9 bits.
 *
 *     codes  --floats.h-->  levels   a vector of 4 columns for each of 4 rows  --* (row * s)-->  out
 */
#include "kernels/sse41/floats.h"
#include "kernels/sse41/scales.h"

INLINE void decode(const lsq_decode_args *a, size_t p, size_t g0, size_t g1, const unsigned bits, const int whole)
{
    __m128i table[4];
    tables_of(table, a->w.levels->i8, _mm_setzero_si128());
    for (size_t g = g0; g < g1; g++)
        for (unsigned r = a->r0; r < a->r1; r += 4) {
            const size_t tile = p * a->w.groups + g;
            const uint8_t *quarter = a->w.codes + tile * 64 * bits + 4 * r;
            float *out = a->out + (r - a->r0) * a->ld + (g - g0) * GROUP;
            __m128 factor = _mm_loadu_ps(a->row + r), row[4];
            if (a->w.scales)
                factor = _mm_mul_ps(factor, byte_scales(a->w.scales + tile * PANEL + r));
#pragma GCC unroll 8
            for (unsigned t = 0; t < 8; t++) {
                plain_levels(row, quarter, bits, t, whole, table, a->w.levels->f32);
                store_rows(out + 4 * t, a->ld, row, factor);
            }
        }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_decode_p##bits##_f32_sse41_r1(const lsq_decode_args *a, size_t p, size_t g0, size_t g1)                   \
    {                                                                                                                  \
        const int whole = bits <= 6 && a->w.levels->unit == 1.0f;                                                      \
        whole ? decode(a, p, g0, g1, bits, bits <= 6) : decode(a, p, g0, g1, bits, 0);                                 \
    }

WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
WIDTH(7)
WIDTH(8)
WIDTH(9)
