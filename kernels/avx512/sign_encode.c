/*
 * sign_encode.c - weights into signs, on AVX-512: 16 rows are a vector.
 *
 *     x * inverse  --vcmpps with 0-->  mask  --vmovdqa32-->  1 where it is 0 or more  --narrowed-->  16 bit
 */
#include "kernels/avx512/inverse.h"

#include <immintrin.h>

void lsq_encode_b1_f32_avx512_r1(const lsq_encode_args *a)
{
    const __m512 inverse = inverse_of(_mm512_load_ps(a->scale));
    for (size_t at = 0; at < TILE; at += PANEL) {
        const __m512 y = _mm512_mul_ps(_mm512_load_ps(a->x + at), inverse);
        const __mmask16 plus = _mm512_cmp_ps_mask(y, _mm512_setzero_ps(), _CMP_GE_OQ);
        const __m512i rank = _mm512_maskz_mov_epi32(plus, _mm512_set1_epi32(1));
        _mm256_store_si256((__m256i *)(void *)(a->rank + at), _mm512_cvtepi32_epi16(rank));
    }
}
