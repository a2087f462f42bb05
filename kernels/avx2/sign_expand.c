/*
 * sign_expand.c - signs as integers of 8 bits, on AVX2.
 *
 *     codes  --and with bit t, compare with 0-->  -1 where it is 0  --or 1-->  1 or -1    half a panel
 */
#include "kernels/avx2/bits.h"
#include "kernels/codec.h"

void lsq_expand_b1_i8_avx2_r1(const lsq_expand_args *a, size_t p, size_t g0, size_t g1)
{
    const uint8_t *tile = a->w.codes + (p * a->w.groups + g0) * 64;
    uint8_t *out = a->out;
    for (size_t g = g0; g < g1; g++, tile += 64, out += TILE)
        for (unsigned half = 0; half < 2; half++) {
            const __m256i codes = load(tile, 0, half);
#pragma GCC unroll 8
            for (unsigned t = 0; t < STEPS; t++) {
                const __m256i minus = _mm256_cmpeq_epi8(masked(codes, 1 << t), _mm256_setzero_si256());
                store(out, t, half, _mm256_or_si256(minus, _mm256_set1_epi8(1)));
            }
        }
}
