/*
 * sign_expand.c - signs as integers of 8 bits, on SSE4.1.
 *
 *     codes  --and with bit t, compare with 0-->  -1 where it is 0  --or 1-->  1 or -1    4 rows x 4 columns
 */
#include "kernels/codec.h"
#include "kernels/sse41/bits.h"

void lsq_expand_b1_i8_sse41_r1(const lsq_expand_args *a, size_t p, size_t g0, size_t g1)
{
    const uint8_t *tile = a->w.codes + (p * a->w.groups + g0) * 64;
    __m128i *out = a->out;
    for (size_t g = g0; g < g1; g++, tile += 64, out += STEPS * 4)
        for (unsigned quarter = 0; quarter < 4; quarter++) {
            const __m128i codes = load(tile + 16 * quarter, 0);
#pragma GCC unroll 8
            for (unsigned t = 0; t < STEPS; t++) {
                const __m128i minus = _mm_cmpeq_epi8(masked(codes, 1 << t), _mm_setzero_si128());
                _mm_store_si128(out + 4 * t + quarter, _mm_or_si128(minus, _mm_set1_epi8(1)));
            }
        }
}
