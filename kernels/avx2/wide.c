/*
 * wide.c - codes of 7 to 9 bits with integers of 16 bits, on AVX2.
 *
 * 7 bits: a level is looked up as two bytes, each in 8 tables of 16, four tables at a time, so that they stay in registers. An index
 * that is 16 less for each table has bit 7 set, which makes pshufb give 0, until its table is reached: with the differences (xor)
 * from table to table, what is reached adds up to the level.
 *
 *     codes  --shift, merge-->    indices   six bits; the seventh selects
 *     indices  --pshufb, xor-->   low and high bytes of levels of codes 0..63     the first pass over a tile
 *     indices  --pshufb, xor-->   those of codes 64..127, blended with the others   the second pass
 *     low, high  --punpck----->   levels    two vectors of 8 rows x 2 columns
 *     levels  --pmaddwd------->   dots      two dwords a row; x is one broadcast qword of four
 *
 * 8 and 9 bits: 16 and 32 tables cost more than a load for each level, and gathers more than loads.
 *
 *     codes  --shifts in general registers, 8 times pinsrw-->  levels    2 rows x 4 columns
 *     levels  --pmaddwd------->   dots      two dwords a row
 *
 * Then pairs added, * (sx * s) --> sums, float. Bound: |dot| <= 32 * 16383 * 4095 < 2^31.
 */
#include "kernels/avx2/bits.h"
#include "kernels/avx2/scales.h"
#include "kernels/kernel.h"
#include "kernels/prefetch.h"

#include <immintrin.h>
#include <string.h>

enum { STEPS = 8, RUN = 4 /* tables of a pass */ };

/* The products of a group with their scales. */
INLINE __m256 add_group(__m256 sum, __m256i dot, const lsq_gemv_args *a, size_t p, size_t g, unsigned half)
{
    __m256 s = _mm256_set1_ps(a->sx[g]);
    if (a->w.scales)
        s = _mm256_mul_ps(s, byte_scales(a->w.scales + (p * a->w.groups + g) * 16 + 8 * half));
    return _mm256_add_ps(sum, _mm256_mul_ps(_mm256_cvtepi32_ps(dot), s));
}

/* ---- 7 bits ---- */

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

/* The dots of half a panel, of its first four columns in pairs. */
INLINE __m256i second_pass(const work *w, const bytes table[RUN], unsigned half, const int64_t *x)
{
    const bytes here[RUN] = {table[0], table[1], table[2], table[3]};
    __m256i dot[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
#pragma GCC unroll 1
    for (unsigned t = 0; t < STEPS; t++) {
        const unsigned i = STEPS * half + t;
        const bytes b = lookup(here, w->index[i]);
        __m256i low = _mm256_blendv_epi8(w->level[i].low, b.low, w->select[i]);
        __m256i high = _mm256_blendv_epi8(w->level[i].high, b.high, w->select[i]);
        __m256i xt = _mm256_set1_epi64x(x[t]);
        dot[0] = _mm256_add_epi32(dot[0], _mm256_madd_epi16(_mm256_unpacklo_epi8(low, high), xt));
        dot[1] = _mm256_add_epi32(dot[1], _mm256_madd_epi16(_mm256_unpackhi_epi8(low, high), xt));
    }
    return _mm256_hadd_epi32(dot[0], dot[1]);
}

void lsq_gemv_p7_i16_avx2_r1(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    enum { BYTES = 64 * 7 };
    bytes table[2][RUN];
    work w;
    for (unsigned i = 0; i < 2; i++)
        tables_of(table[i], a->w.levels->i16 + 64 * i);
    const uint8_t *tile = a->w.codes + p0 * a->w.groups * BYTES;
    float *y = a->y;
    for (size_t p = p0; p < p1; p++, y += PANEL) {
        const int64_t *x = a->x;
        __m256 sum[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
        for (size_t g = 0; g < a->w.groups; g++, tile += BYTES, x += STEPS) {
            prefetch(tile, 7, a->prefetch);
            indices(&w, tile);
            first_pass(&w, table[0]);
            for (unsigned half = 0; half < 2; half++)
                sum[half] = add_group(sum[half], second_pass(&w, table[1], half, x), a, p, g, half);
        }
        _mm256_storeu_ps(y, sum[0]);
        _mm256_storeu_ps(y + 8, sum[1]);
    }
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

/* The dots of rows 4 i to 4 i + 3 of half a panel; `w` if there are nine bits. */
INLINE __m128i dots(const uint8_t *tile, const words *w, unsigned half, unsigned i, const int16_t *level,
                    const int64_t *x, const unsigned bits)
{
    __m128i dot[2] = {_mm_setzero_si128(), _mm_setzero_si128()};
#pragma GCC unroll 8
    for (unsigned t = 0; t < STEPS; t++)
        for (unsigned two = 0; two < 2; two++) {
            uint64_t code[2];
            if (bits == 8)
                memcpy(code, tile + 64 * t + 32 * half + 16 * i + 8 * two, 8);
            else
                memcpy(code, (const uint8_t *)&w->code[half][t][two] + 16 * i, 16);
            dot[two] = _mm_add_epi32(dot[two], _mm_madd_epi16(levels(level, code, bits), _mm_set1_epi64x(x[t])));
        }
    return _mm_hadd_epi32(dot[0], dot[1]);
}

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const unsigned bits)
{
    const uint8_t *tile = a->w.codes + p * a->w.groups * 64 * bits;
    const int64_t *x = a->x;
    __m256 sum[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    words w;
    for (size_t g = 0; g < a->w.groups; g++, tile += 64 * bits, x += STEPS) {
        prefetch(tile, bits, a->prefetch);
        if (bits == 9)
            words_of(&w, tile);
        for (unsigned half = 0; half < 2; half++) {
            __m128i dot[2];
#pragma GCC unroll 1
            for (unsigned i = 0; i < 2; i++)
                dot[i] = dots(tile, &w, half, i, a->w.levels->i16, x, bits);
            sum[half] = add_group(sum[half], _mm256_set_m128i(dot[1], dot[0]), a, p, g, half);
        }
    }
    _mm256_storeu_ps(y, sum[0]);
    _mm256_storeu_ps(y + 8, sum[1]);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_p##bits##_i16_avx2_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                  \
    {                                                                                                                  \
        for (size_t p = p0; p < p1; p++)                                                                               \
            gemv(a, p, a->y + (p - p0) * PANEL, bits);                                                                 \
    }

WIDTH(8)
WIDTH(9)
