/*
 * wide.h - levels of 16 bits of codes of 7 to 9 bits; wide.c says how, and why so.
 */
#ifndef LSQ_KERNELS_AVX2_WIDE_H
#define LSQ_KERNELS_AVX2_WIDE_H

#include "kernels/avx2/bits.h"
#include "kernels/codec.h"

#include <string.h>

/* ---- 7 bits ---- */

enum { RUN = 4 /* tables of a pass */ };

typedef struct bytes {
    __m256i low, high;
} bytes;

/* A tile on its way: of half h and step t at [8 h + t]. */
typedef struct work {
    __m256i index[2 * STEPS], select[2 * STEPS];
    bytes level[2 * STEPS];
} work;

/* Bytes of 16 levels. */
INLINE __m256i bytes_of(const int16_t *levels, const int high)
{
    __m128i a = _mm_loadu_si128((const __m128i *)(const void *)levels);
    __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(levels + 8));
    const __m128i low = _mm_set1_epi16(255);
    return _mm256_broadcastsi128_si256(high ? _mm_packus_epi16(_mm_srli_epi16(a, 8), _mm_srli_epi16(b, 8))
                                            : _mm_packus_epi16(_mm_and_si128(a, low), _mm_and_si128(b, low)));
}

INLINE void tables_of(bytes table[RUN], const int16_t *levels)
{
    table[0] = (bytes){bytes_of(levels, 0), bytes_of(levels, 1)};
    for (unsigned i = 1; i < RUN; i++) {
        const int16_t *here = levels + 16 * i, *before = here - 16;
        table[i].low = _mm256_xor_si256(bytes_of(here, 0), bytes_of(before, 0));
        table[i].high = _mm256_xor_si256(bytes_of(here, 1), bytes_of(before, 1));
    }
}

/* Four bits, two at 4 s + 2 (j % 2), one at 4 s + j, which blends want as bit 7. */
INLINE void indices(work *w, const uint8_t *tile)
{
    for (unsigned half = 0; half < 2; half++)
#pragma GCC unroll 8
        for (unsigned t = 0; t < STEPS; t++) {
            const int j = (int)t / 2, slot = 4 * (int)(t % 2);
            __m256i four = masked(down(load(tile, t / 2, half), slot), 0x0f);
            __m256i two = masked(down(load(tile, 4 + t / 4, half), j % 2 * 2 + slot - 4), 0x30);
            w->index[STEPS * half + t] = _mm256_or_si256(four, two);
            w->select[STEPS * half + t] = down(load(tile, 6, half), j + slot - 7);
        }
}

INLINE bytes lookup(const bytes table[RUN], __m256i index)
{
    bytes b = {_mm256_shuffle_epi8(table[0].low, index), _mm256_shuffle_epi8(table[0].high, index)};
#pragma GCC unroll 4
    for (unsigned i = 1; i < RUN; i++) {
        index = _mm256_sub_epi8(index, _mm256_set1_epi8(16));
        b.low = _mm256_xor_si256(b.low, _mm256_shuffle_epi8(table[i].low, index));
        b.high = _mm256_xor_si256(b.high, _mm256_shuffle_epi8(table[i].high, index));
    }
    return b;
}

INLINE void first_pass(work *w, const bytes table[RUN])
{
    const bytes here[RUN] = {table[0], table[1], table[2], table[3]};
#pragma GCC unroll 1
    for (unsigned i = 0; i < 2 * STEPS; i++)
        w->level[i] = lookup(here, w->index[i]);
}

/* The levels of entry i: of the second four tables where the seventh bit says so. */
INLINE bytes second_lookup(const work *w, const bytes table[RUN], unsigned i)
{
    const bytes b = lookup(table, w->index[i]);
    return (bytes){_mm256_blendv_epi8(w->level[i].low, b.low, w->select[i]),
                   _mm256_blendv_epi8(w->level[i].high, b.high, w->select[i])};
}

/* ---- 8 and 9 bits ---- */

/* Codes of nine bits as words, of half h and step t at [h][t]: rows 0, 1, 4, 5 of the half, then rows 2, 3, 6, 7. */
typedef struct words {
    __m256i code[2][STEPS][2];
} words;

/* Of a whole tile, long before they are read: eight bytes cannot be read from 32 that are still on their way to memory. */
INLINE void words_of(words *w, const uint8_t *tile)
{
    for (unsigned half = 0; half < 2; half++)
#pragma GCC unroll 8
        for (unsigned t = 0; t < STEPS; t++) {
            __m256i byte = load(tile, t, half), bit = masked(down(load(tile, 8, half), (int)t), 1);
            w->code[half][t][0] = _mm256_unpacklo_epi8(byte, bit);
            w->code[half][t][1] = _mm256_unpackhi_epi8(byte, bit);
        }
}

/* Code n of eight bytes, or of eight words. */
INLINE unsigned code_of(const uint64_t code[2], const unsigned bits, const unsigned n)
{
    return bits == 8 ? (uint8_t)(code[0] >> 8 * n) : (uint16_t)(code[n / 4] >> 16 * (n % 4));
}

INLINE __m128i levels(const int16_t *level, const uint64_t code[2], const unsigned bits)
{
    __m128i v = _mm_cvtsi32_si128((uint16_t)level[code_of(code, bits, 0)]);
    v = _mm_insert_epi16(v, level[code_of(code, bits, 1)], 1);
    v = _mm_insert_epi16(v, level[code_of(code, bits, 2)], 2);
    v = _mm_insert_epi16(v, level[code_of(code, bits, 3)], 3);
    v = _mm_insert_epi16(v, level[code_of(code, bits, 4)], 4);
    v = _mm_insert_epi16(v, level[code_of(code, bits, 5)], 5);
    v = _mm_insert_epi16(v, level[code_of(code, bits, 6)], 6);
    return _mm_insert_epi16(v, level[code_of(code, bits, 7)], 7);
}

/* Step t of rows 4 i + 2 two and the next one of half a panel; `w` if there are nine bits. */
INLINE __m128i two_rows(const uint8_t *tile, const words *w, unsigned half, unsigned t, unsigned i, unsigned two,
                        const int16_t *level, const unsigned bits)
{
    uint64_t code[2];
    if (bits == 8)
        memcpy(code, tile + 64 * t + 32 * half + 16 * i + 8 * two, 8);
    else
        memcpy(code, (const uint8_t *)&w->code[half][t][two] + 16 * i, 16);
    return levels(level, code, bits);
}

#endif
