/*
 * plain_decode.c - codes that index a table into floats, on AVX2; 2 to 9 bits.
 *
 * 4 rows of two steps at once: 8 neighbouring columns of a row, to be stored together.
 *
 *     codes   --float_levels.h-->  halves of levels    2 rows x 8 columns a vector, 16 bits each
 *     halves  --vpunpck--------->  levels              8 columns of one row
 *     codes   --wide_levels.h--->  levels              the same, from 7 bits on
 *     levels * (row * s)  ------>  out
 */
#include "kernels/avx2/float_levels.h"
#include "kernels/avx2/scales.h"
#include "kernels/avx2/wide_levels.h"

/* Levels of steps t and t + 1 of the four rows of a quarter. */
INLINE void rows_of(__m256i level[4], const byte_tables *table, view from, unsigned t, const unsigned bits,
                    const int is_short)
{
    const halves of = levels_of(table, from, bits, t, is_short);
    const words upper = of.upper, lower = of.lower;
    level[0] = _mm256_unpacklo_epi16(lower.low, upper.low);
    level[1] = _mm256_unpackhi_epi16(lower.low, upper.low);
    level[2] = _mm256_unpacklo_epi16(lower.high, upper.high);
    level[3] = _mm256_unpackhi_epi16(lower.high, upper.high);
}

INLINE void store_row(float *out, float s, __m256 level)
{
    _mm256_storeu_ps(out, _mm256_mul_ps(_mm256_set1_ps(s), level));
}

/* The 4 rows of a quarter of a tile. */
INLINE void narrow_rows(float *out, size_t ld, const float *s, const byte_tables *table, view from, const unsigned bits,
                        const int is_short)
{
#pragma GCC unroll 4
    for (unsigned t = 0; t < 8; t += 2) {
        __m256i level[4];
        rows_of(level, table, from, t, bits, is_short);
        for (unsigned r = 0; r < 4; r++)
            store_row(out + r * ld + 4 * t, s[r], _mm256_castsi256_ps(level[r]));
    }
}

INLINE void wide_rows(float *out, size_t ld, const float *s, const float *levels, view from, const unsigned bits)
{
    indices room;
    const uint8_t *index = indices_of(&room, from, bits);
    for (unsigned r = 0; r < 4; r++)
#pragma GCC unroll 4
        for (unsigned t = 0; t < 8; t += 2)
            store_row(out + r * ld + 4 * t, s[r], wide_levels(levels, index, bits, 1, t / 2, r));
}

/* A quarter of the panel after the other: 16 rows far apart would be too many for the ways of a cache. */
INLINE void decode(const lsq_decode_args *a, size_t p, size_t g0, size_t g1, const byte_tables *table,
                   const unsigned bits, const int is_short)
{
    const float *levels = a->w.levels->f32;
    const size_t ld = a->ld, first = p * a->w.groups;
    for (unsigned r0 = a->r0; r0 < a->r1; r0 += 4)
        for (size_t g = g0; g < g1; g++) {
            const view from = {a->w.codes + (first + g) * 64 * bits, r0 / 4 * 16, 1};
            float *out = a->out + (r0 - a->r0) * ld + (g - g0) * GROUP, s[8];
            const __m256 row = _mm256_loadu_ps(a->row + r0 / 8 * 8);
            _mm256_storeu_ps(s, _mm256_mul_ps(row, half_scales(&a->w, first + g, r0 / 8)));
            if (bits <= 6)
                narrow_rows(out, ld, s + r0 % 8, table, from, bits, is_short);
            else
                wide_rows(out, ld, s + r0 % 8, levels, from, bits);
        }
}

INLINE void panel(const lsq_decode_args *a, size_t p, size_t g0, size_t g1, const unsigned bits)
{
    if (bits > 6) {
        decode(a, p, g0, g1, NULL, bits, 0);
        return;
    }
    const byte_tables table = byte_tables_of(a->w.levels->f32, bits);
    if (levels_short(&table, bits))
        decode(a, p, g0, g1, &table, bits, 1);
    else
        decode(a, p, g0, g1, &table, bits, 0);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_decode_p##bits##_f32_avx2_r1(const lsq_decode_args *a, size_t p, size_t g0, size_t g1)                    \
    {                                                                                                                  \
        panel(a, p, g0, g1, bits);                                                                                     \
    }

WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
WIDTH(7)
WIDTH(8)
WIDTH(9)
