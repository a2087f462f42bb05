/*
 * sign_expand.c - signs as integers of 8 bits, on AVX-512.
 *
 *     codes  --vptestmb with bit t-->  mask  --blend-->  1 or -1    16 rows x 4 columns, as they lie in out
 */
#include "kernels/avx512/bits.h"
#include "kernels/codec.h"

void lsq_expand_b1_i8_avx512_r1(const lsq_expand_args *a, size_t p, size_t g0, size_t g1)
{
    const uint8_t *tile = a->w.codes + (p * a->w.groups + g0) * 64;
    const __m512i plus = _mm512_set1_epi8(1), minus = _mm512_set1_epi8(-1);
    int8_t *out = a->out;
    for (size_t g = g0; g < g1; g++, tile += 64, out += TILE)
#pragma GCC unroll 8
        for (unsigned t = 0; t < STEPS; t++) {
            const __mmask64 is_plus = _mm512_test_epi8_mask(load(tile, 0), _mm512_set1_epi8((char)(1 << t)));
            _mm512_store_si512(out + LANES * t, _mm512_mask_mov_epi8(minus, is_plus, plus));
        }
}
