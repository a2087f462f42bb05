/*
 * trellis_float.c - trellis codes with floats, on AVX2; 1 to 6 bits.
 *
 *     levels (trellis.h), bytes  --shifts, convert-->  8 rows of one column, float  --fma with x-->  dots
 *
 * Two dots for each 16 columns, so that no sum is longer than k / 4 (see LSQ_ACT_FLOAT in lsq.h).
 */
#include "kernels/avx2/scales.h"
#include "kernels/avx2/trellis.h"
#include "kernels/prefetch.h"

/* Column c of each dword of signed bytes, as floats. */
INLINE __m256 column(__m256i level, unsigned c)
{
    return _mm256_cvtepi32_ps(_mm256_srai_epi32(c < 3 ? _mm256_slli_epi32(level, 24 - 8 * (int)c) : level, 24));
}

/* Half a tile: dots of 8 rows with columns [0, 16) and [16, 32). */
INLINE void half_tile(const uint8_t *tile, unsigned half, const unsigned bits, const unsigned states,
                      const __m256i table[4], const float *x, __m256 dot[2])
{
    const unsigned width = first_width(bits), slots = 8 / width;
    __m256 part[2][2] = {{_mm256_setzero_ps(), _mm256_setzero_ps()}, {_mm256_setzero_ps(), _mm256_setzero_ps()}};
#pragma GCC unroll 4
    for (unsigned v = 0; v < width; v++) {
        where at[STEPS];
        vector_indices(tile, half, bits, states, v, at);
#pragma GCC unroll 8
        for (unsigned i = 0; i < slots; i++) {
            unsigned t = slots * v + i;
            __m256i level = signed_level(table, bits, t, &at[i]);
#pragma GCC unroll 4
            for (unsigned c = 0; c < 4; c++)
                part[t / 4][c % 2] =
                    _mm256_fmadd_ps(column(level, c), _mm256_broadcast_ss(x + 4 * t + c), part[t / 4][c % 2]);
        }
    }
    dot[0] = _mm256_add_ps(part[0][0], part[0][1]);
    dot[1] = _mm256_add_ps(part[1][0], part[1][1]);
}

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, unsigned bits, unsigned states)
{
    const int bytes = a->w.scale == LSQ_SCALE_BYTE32;
    size_t tile = p * a->w.groups, within = p % CHAIN * a->w.groups;
    const float *x = a->x;
    uint8_t copy[COPY];
    __m256i table[4];
    __m256 sum[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    tables_of(a->w.levels, bits, 0, 1, table);
    const multiplier_maker maker = multipliers_of(&a->w, p);
    for (size_t g = 0; g < a->w.groups; g++, tile++, within++, x += GROUP) {
        const uint8_t *codes = readable(&a->w, tile, within, bits, copy);
        prefetch(a->w.codes + tile * 64 * bits, bits, a->prefetch);
        __m256i all = bytes ? _mm256_setzero_si256() : multipliers(&a->w, tile, &maker);
#pragma GCC unroll 2
        for (unsigned half = 0; half < 2; half++) {
            __m256 dot[2];
            half_tile(codes, half, bits, states, table, x, dot);
            if (bytes) {
                dot[0] = _mm256_add_ps(dot[0], dot[1]);
                sum[half] = _mm256_fmadd_ps(dot[0], byte_scales(a->w.scales + tile * 16 + 8 * half), sum[half]);
            } else {
                __m256 m0 = _mm256_cvtepi32_ps(multipliers_at(&a->w, all, half, 0, 0));
                __m256 m1 = _mm256_cvtepi32_ps(multipliers_at(&a->w, all, half, 1, 0));
                sum[half] = _mm256_add_ps(sum[half], _mm256_fmadd_ps(dot[0], m0, _mm256_mul_ps(dot[1], m1)));
            }
        }
    }
    _mm256_storeu_ps(y, sum[0]);
    _mm256_storeu_ps(y + 8, sum[1]);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_t##bits##_f32_avx2_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                  \
    {                                                                                                                  \
        panels(a, p0, p1, bits, gemv);                                                                                 \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
