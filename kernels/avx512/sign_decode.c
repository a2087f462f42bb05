/*
 * sign_decode.c - signs into floats, on AVX-512.
 *
 *     codes of a row, a dword  --broadcast, vpsllvd-->  those of 16 columns in the highest bits
 *     row * s, where that bit is 0 with the other sign  -->  16 columns, float, twice
 */
#include "kernels/avx512/scales.h"
#include "kernels/codec.h"

#include <string.h>

/* How far up to shift the dword of a row for columns 0 to 15: column c is in bit c / 4 of byte c % 4. */
INLINE __m512i shift_of_first(void)
{
    return _mm512_setr_epi32(31, 23, 15, 7, 30, 22, 14, 6, 29, 21, 13, 5, 28, 20, 12, 4);
}

INLINE void store_row(float *out, float scale, const uint8_t *codes)
{
    const __m512i first = shift_of_first(), second = _mm512_sub_epi32(first, _mm512_set1_epi32(4));
    const __m512i value = _mm512_castps_si512(_mm512_set1_ps(scale)), sign = _mm512_set1_epi32(INT32_MIN);
    int32_t row;
    memcpy(&row, codes, sizeof(row));
    const __m512i all = _mm512_set1_epi32(row);
    /* value ^ (~bits & sign) */
    _mm512_storeu_si512(out, _mm512_ternarylogic_epi32(value, _mm512_sllv_epi32(all, first), sign, 0xd2));
    _mm512_storeu_si512(out + 16, _mm512_ternarylogic_epi32(value, _mm512_sllv_epi32(all, second), sign, 0xd2));
}

/* A quarter of the panel after the other: 16 rows far apart would be too many for the ways of a cache. */
void lsq_decode_b1_f32_avx512_r1(const lsq_decode_args *a, size_t p, size_t g0, size_t g1)
{
    for (unsigned r0 = a->r0; r0 < a->r1; r0 += 4)
        for (size_t g = g0; g < g1; g++) {
            const size_t tile = p * a->w.groups + g;
            float *out = a->out + (r0 - a->r0) * a->ld + (g - g0) * GROUP, scale[PANEL];
            __m512 s = _mm512_loadu_ps(a->row);
            if (a->w.scales)
                s = _mm512_mul_ps(s, byte_scales(a->w.scales + tile * 16));
            _mm512_storeu_ps(scale, s);
            for (unsigned r = 0; r < 4; r++)
                store_row(out + r * a->ld, scale[r0 + r], a->w.codes + tile * 64 + 4 * (r0 + r));
        }
}
