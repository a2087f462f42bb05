/*
 * sign_decode.c - signs into floats, on AVX2.
 *
 *     codes of a row, a dword  --broadcast, vpsllvd-->  those of 8 columns in the highest bits
 *     row * s, where that bit is 0 with the other sign  -->  8 columns, float, four times
 */
#include "kernels/avx2/scales.h"

#include <string.h>

INLINE void store_row(float *out, float scale, const uint8_t *codes)
{
    /* Column c is in bit c / 4 of byte c % 4. */
    const __m256i first = _mm256_setr_epi32(31, 23, 15, 7, 30, 22, 14, 6), sign = _mm256_set1_epi32(INT32_MIN);
    const __m256 value = _mm256_set1_ps(scale);
    int32_t row;
    memcpy(&row, codes, sizeof(row));
#pragma GCC unroll 4
    for (int t = 0; t < 8; t += 2) {
        const __m256i up = _mm256_sub_epi32(first, _mm256_set1_epi32(t));
        const __m256i minus = _mm256_andnot_si256(_mm256_sllv_epi32(_mm256_set1_epi32(row), up), sign);
        _mm256_storeu_ps(out + 4 * t, _mm256_xor_ps(value, _mm256_castsi256_ps(minus)));
    }
}

/* A quarter of the panel after the other: 16 rows far apart would be too many for the ways of a cache. */
void lsq_decode_b1_f32_avx2_r1(const lsq_decode_args *a, size_t p, size_t g0, size_t g1)
{
    for (unsigned r0 = a->r0; r0 < a->r1; r0 += 4)
        for (size_t g = g0; g < g1; g++) {
            const size_t tile = p * a->w.groups + g;
            float *out = a->out + (r0 - a->r0) * a->ld + (g - g0) * GROUP, scale[8];
            const __m256 row = _mm256_loadu_ps(a->row + r0 / 8 * 8);
            _mm256_storeu_ps(scale, _mm256_mul_ps(row, half_scales(&a->w, tile, r0 / 8)));
            for (unsigned r = 0; r < 4; r++)
                store_row(out + r * a->ld, scale[r0 % 8 + r], a->w.codes + tile * 64 + 4 * (r0 + r));
        }
}
