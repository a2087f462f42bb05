/*
 * wide_expand.c - the levels of codes of 7 to 9 bits as integers of 16 bits, on AVX2.
 *
 *     codes  --wide.h-->  levels    7 bits: low and high bytes of half a panel; beyond: two rows at a time
 */
#include "kernels/avx2/wide.h"

void lsq_expand_p7_i16_avx2_r1(const lsq_expand_args *a, size_t p, size_t g0, size_t g1)
{
    enum { BYTES = 64 * 7 };
    bytes table[2][RUN];
    work w;
    for (unsigned i = 0; i < 2; i++)
        tables_of(table[i], a->w.levels->i16 + 64 * i);
    const uint8_t *tile = a->w.codes + (p * a->w.groups + g0) * BYTES;
    uint8_t *out = a->out;
    for (size_t g = g0; g < g1; g++, tile += BYTES, out += 2 * TILE) {
        indices(&w, tile);
        first_pass(&w, table[0]);
        for (unsigned half = 0; half < 2; half++)
#pragma GCC unroll 1
            for (unsigned t = 0; t < STEPS; t++) {
                const bytes b = second_lookup(&w, table[1], STEPS * half + t);
                const __m256i even = _mm256_unpacklo_epi8(b.low, b.high), odd = _mm256_unpackhi_epi8(b.low, b.high);
                store(out, 2 * t + half, 0, _mm256_permute2x128_si256(even, odd, 0x20)); /* rows 0 to 3 */
                store(out, 2 * t + half, 1, _mm256_permute2x128_si256(even, odd, 0x31));
            }
    }
}

INLINE void expand(const lsq_expand_args *a, size_t p, size_t g0, size_t g1, const unsigned bits)
{
    const uint8_t *tile = a->w.codes + (p * a->w.groups + g0) * 64 * bits;
    const int16_t *level = a->w.levels->i16;
    uint8_t *out = a->out;
    words w;
    for (size_t g = g0; g < g1; g++, tile += 64 * bits, out += 2 * TILE) {
        if (bits == 9)
            words_of(&w, tile);
        for (unsigned half = 0; half < 2; half++)
#pragma GCC unroll 8
            for (unsigned t = 0; t < STEPS; t++)
#pragma GCC unroll 2
                for (unsigned i = 0; i < 2; i++)
                    store(out, 2 * t + half, i,
                          _mm256_set_m128i(two_rows(tile, &w, half, t, i, 1, level, bits),
                                           two_rows(tile, &w, half, t, i, 0, level, bits)));
    }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_expand_p##bits##_i16_avx2_r1(const lsq_expand_args *a, size_t p, size_t g0, size_t g1)                    \
    {                                                                                                                  \
        expand(a, p, g0, g1, bits);                                                                                    \
    }

WIDTH(8)
WIDTH(9)
