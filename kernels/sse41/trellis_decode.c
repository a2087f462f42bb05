/*
 * trellis_decode.c - trellis codes into floats, on SSE4.1; 1 to 6 bits.
 *
 *     levels (trellis.h), bytes  --convert-->  4 columns of each row, float  --* (row * s)-->  out
 */
#include "kernels/sse41/floats.h"
#include "kernels/sse41/trellis.h"

INLINE void decode(const lsq_decode_args *a, size_t p, size_t g0, size_t g1, const unsigned bits)
{
    const int bytes = a->w.scale == LSQ_SCALE_BYTE32;
    uint8_t copy[COPY], m[2][PANEL];
    __m128i table[4], other[4];
    tables_for(table, a->w.levels->i8, bits, _mm_setzero_si128());
    steps_of(other, &a->w, p);
    for (size_t g = g0; g < g1; g++) {
        const size_t at = p * a->w.groups + g;
        const uint8_t *tile = with_past(&a->w, p, g, bits, copy);
        if (!bytes)
            multipliers(m, &a->w, at, other);
        for (unsigned r = a->r0; r < a->r1; r += 4) {
            __m128i level[STEPS];
            float *out = a->out + (r - a->r0) * a->ld + (g - g0) * GROUP;
            __m128 factor[2], row[4];
            for (unsigned h = 0; h < 2; h++) {
                __m128 s = bytes ? byte_scales(a->w.scales + at * PANEL + r)
                                 : _mm_cvtepi32_ps(four_multipliers(&a->w, m[h] + r));
                factor[h] = _mm_mul_ps(_mm_loadu_ps(a->row + r), s);
            }
            levels(tile + 4 * r, bits, a->w.states, table, level);
#pragma GCC unroll 8
            for (unsigned t = 0; t < STEPS; t++) {
                floats_of(row, level[t]);
                store_rows(out + 4 * t, a->ld, row, factor[t / 4]);
            }
        }
    }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_decode_t##bits##_f32_sse41_r1(const lsq_decode_args *a, size_t p, size_t g0, size_t g1)                   \
    {                                                                                                                  \
        decode(a, p, g0, g1, bits);                                                                                    \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
