/*
 * sign_encode.c - weights into signs, on AVX2: 16 rows are two vectors.
 *
 *     x * inverse  --vcmpps with 0-->  -1 where it is 0 or more  --packed, shifted-->  1, 16 bit
 */
#include "kernels/avx2/inverse.h"

enum { HALF = 8 /* rows in a vector */ };

INLINE __m256i reached(const float *x, __m256 inverse)
{
    const __m256 y = _mm256_mul_ps(_mm256_load_ps(x), inverse);
    return _mm256_castps_si256(_mm256_cmp_ps(y, _mm256_setzero_ps(), _CMP_GE_OQ));
}

void lsq_encode_b1_f32_avx2_r1(const lsq_encode_args *a)
{
    const __m256 low = inverse_of(_mm256_load_ps(a->scale)), high = inverse_of(_mm256_load_ps(a->scale + HALF));
    for (size_t at = 0; at < TILE; at += PANEL) {
        const __m256i both = _mm256_packs_epi32(reached(a->x + at, low), reached(a->x + at + HALF, high));
        _mm256_store_si256((__m256i *)(void *)(a->rank + at),
                           _mm256_srli_epi16(_mm256_permute4x64_epi64(both, 0xd8), 15));
    }
}
