/*
 * sign_decode.c - signs into floats, on SSE4.1.
 *
 *     codes of a row, a dword  --broadcast, and with bit t of each byte, compare with 0-->  minus of 4 columns
 *     row * s, where it is minus with the other sign  -->  4 columns, float, eight times
 */
#include "kernels/sse41/scales.h"

INLINE void store_row(float *out, __m128 value, __m128i codes)
{
    const __m128i first = _mm_setr_epi32(1, 1 << 8, 1 << 16, 1 << 24);
#pragma GCC unroll 8
    for (int t = 0; t < 8; t++) {
        const __m128i bits = _mm_and_si128(codes, _mm_slli_epi32(first, t));
        const __m128 minus = _mm_castsi128_ps(_mm_cmpeq_epi32(bits, _mm_setzero_si128()));
        _mm_storeu_ps(out + 4 * t, _mm_xor_ps(value, _mm_and_ps(minus, _mm_set1_ps(-0.0f))));
    }
}

void lsq_decode_b1_f32_sse41_r1(const lsq_decode_args *a, size_t p, size_t g0, size_t g1)
{
    for (size_t g = g0; g < g1; g++)
        for (unsigned r = a->r0; r < a->r1; r += 4) {
            const size_t tile = p * a->w.groups + g, ld = a->ld;
            const __m128i codes = load(a->w.codes + tile * 64 + 4 * r, 0);
            float *out = a->out + (r - a->r0) * ld + (g - g0) * GROUP;
            __m128 s = _mm_loadu_ps(a->row + r);
            if (a->w.scales)
                s = _mm_mul_ps(s, byte_scales(a->w.scales + tile * PANEL + r));
            store_row(out, _mm_shuffle_ps(s, s, 0x00), _mm_shuffle_epi32(codes, 0x00));
            store_row(out + ld, _mm_shuffle_ps(s, s, 0x55), _mm_shuffle_epi32(codes, 0x55));
            store_row(out + 2 * ld, _mm_shuffle_ps(s, s, 0xaa), _mm_shuffle_epi32(codes, 0xaa));
            store_row(out + 3 * ld, _mm_shuffle_ps(s, s, 0xff), _mm_shuffle_epi32(codes, 0xff));
        }
}
