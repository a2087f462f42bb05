/*
 * trellis_decode.c - trellis codes into floats, on AVX2; 1 to 6 bits.
 *
 *     levels (trellis.h) of two steps  --unpack dwords-->  8 columns of a row in 8 bytes, 8 rows; on the stack
 *     8 bytes  --vpmovsxbd, convert, * (row * s)-------->  8 columns of out
 *
 * Half a panel's levels are made at once; of them the rows that are wanted are written. A product with s is rounded, and that with the
 * level once more.
 */
#include "kernels/avx2/scales.h"
#include "kernels/avx2/trellis.h"

/* The levels of half a tile: row r's of steps 2 j and 2 j + 1 at 64 j + 8 place_of(r). */
INLINE void levels_of(const uint8_t *tile, unsigned half, const unsigned bits, const unsigned states,
                      const __m256i table[4], int8_t level[8 * GROUP])
{
    const unsigned width = first_width(bits), slots = 8 / width;
#pragma GCC unroll 4
    for (unsigned v = 0; v < width; v++) {
        where at[STEPS];
        vector_indices(tile, half, bits, states, v, at);
#pragma GCC unroll 8
        for (unsigned i = 0; i < slots; i += 2) {
            unsigned t = slots * v + i;
            __m256i even = signed_level(table, bits, t, &at[i]), odd = signed_level(table, bits, t + 1, &at[i + 1]);
            _mm256_storeu_si256((__m256i *)(void *)(level + 32 * t), _mm256_unpacklo_epi32(even, odd));
            _mm256_storeu_si256((__m256i *)(void *)(level + 32 * t + 32), _mm256_unpackhi_epi32(even, odd));
        }
    }
}

/* Unpacking leaves rows 0 1 4 5 2 3 6 7. */
INLINE unsigned place_of(unsigned r)
{
    return (r & 1) + (r & 2) * 2 + (r & 4) / 2;
}

INLINE void write_row(const int8_t *level, const float *low, const float *high, float *out)
{
#pragma GCC unroll 4
    for (unsigned j = 0; j < 4; j++) {
        __m128i eight = _mm_loadl_epi64((const __m128i *)(const void *)(level + 64 * j));
        __m256 s = _mm256_broadcast_ss(j < 2 ? low : high);
        _mm256_storeu_ps(out + 8 * j, _mm256_mul_ps(s, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(eight))));
    }
}

/* row * s of the panel's rows, for columns [0, 16) and [16, 32) */
INLINE void scales_of(const lsq_decode_args *a, size_t tile, const multiplier_maker *maker, float s[2][PANEL])
{
    const int bytes = a->w.scale == LSQ_SCALE_BYTE32;
    __m256i m = bytes ? _mm256_setzero_si256() : multipliers(&a->w, tile, maker);
    for (unsigned half = 0; half < 2; half++)
        for (unsigned c = 0; c < 2; c++) {
            __m256 scale = bytes ? byte_scales(a->w.scales + tile * 16 + 8 * half)
                                 : _mm256_cvtepi32_ps(multipliers_at(&a->w, m, half, c, 0));
            _mm256_storeu_ps(s[c] + 8 * half, _mm256_mul_ps(_mm256_loadu_ps(a->row + 8 * half), scale));
        }
}

INLINE void decode(const lsq_decode_args *a, size_t p, size_t g0, size_t g1, const unsigned bits, const unsigned states)
{
    size_t tile = p * a->w.groups + g0, within = p % CHAIN * a->w.groups + g0;
    uint8_t copy[COPY];
    int8_t level[8 * GROUP];
    float s[2][PANEL], *out = a->out;
    __m256i table[4];
    tables_of(a->w.levels, bits, 0, 1, table);
    const multiplier_maker maker = multipliers_of(&a->w, p);
    for (size_t g = g0; g < g1; g++, tile++, within++, out += GROUP) {
        const uint8_t *codes = readable(&a->w, tile, within, bits, copy);
        scales_of(a, tile, &maker, s);
        for (unsigned r = a->r0; r < a->r1; r++) {
            if (r == a->r0 || r == 8)
                levels_of(codes, r / 8, bits, states, table, level);
            write_row(level + 8 * place_of(r % 8), s[0] + r, s[1] + r, out + (r - a->r0) * a->ld);
        }
    }
}

INLINE void rows(const lsq_decode_args *a, size_t p, size_t g0, size_t g1, const unsigned bits)
{
    switch (a->w.states) {
    case 4:
        decode(a, p, g0, g1, bits, 4);
        break;
    case 8:
        decode(a, p, g0, g1, bits, 8);
        break;
    case 16:
        decode(a, p, g0, g1, bits, 16);
        break;
    default:
        decode(a, p, g0, g1, bits, 64);
    }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_decode_t##bits##_f32_avx2_r1(const lsq_decode_args *a, size_t p, size_t g0, size_t g1)                    \
    {                                                                                                                  \
        rows(a, p, g0, g1, bits);                                                                                      \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
