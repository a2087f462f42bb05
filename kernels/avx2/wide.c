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
#include "kernels/avx2/scales.h"
#include "kernels/avx2/wide.h"
#include "kernels/prefetch.h"

/* The products of a group with their scales. */
INLINE __m256 add_group(__m256 sum, __m256i dot, const lsq_gemv_args *a, size_t p, size_t g, unsigned half)
{
    __m256 s = _mm256_set1_ps(a->sx[g]);
    if (a->w.scales)
        s = _mm256_mul_ps(s, byte_scales(a->w.scales + (p * a->w.groups + g) * 16 + 8 * half));
    return _mm256_add_ps(sum, _mm256_mul_ps(_mm256_cvtepi32_ps(dot), s));
}

/* ---- 7 bits ---- */

/* The dots of half a panel, of its first four columns in pairs. */
INLINE __m256i second_pass(const work *w, const bytes table[RUN], unsigned half, const int64_t *x)
{
    const bytes here[RUN] = {table[0], table[1], table[2], table[3]};
    __m256i dot[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
#pragma GCC unroll 1
    for (unsigned t = 0; t < STEPS; t++) {
        const bytes b = second_lookup(w, here, STEPS * half + t);
        __m256i xt = _mm256_set1_epi64x(x[t]);
        dot[0] = _mm256_add_epi32(dot[0], _mm256_madd_epi16(_mm256_unpacklo_epi8(b.low, b.high), xt));
        dot[1] = _mm256_add_epi32(dot[1], _mm256_madd_epi16(_mm256_unpackhi_epi8(b.low, b.high), xt));
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

/* The dots of rows 4 i to 4 i + 3 of half a panel; `w` if there are nine bits. */
INLINE __m128i dots(const uint8_t *tile, const words *w, unsigned half, unsigned i, const int16_t *level,
                    const int64_t *x, const unsigned bits)
{
    __m128i dot[2] = {_mm_setzero_si128(), _mm_setzero_si128()};
#pragma GCC unroll 8
    for (unsigned t = 0; t < STEPS; t++)
        for (unsigned two = 0; two < 2; two++) {
            __m128i found = two_rows(tile, w, half, t, i, two, level, bits);
            dot[two] = _mm_add_epi32(dot[two], _mm_madd_epi16(found, _mm_set1_epi64x(x[t])));
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
