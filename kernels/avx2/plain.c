/*
 * plain.c - codes that index a table, on AVX2: 2 to 6 bits with 8-bit integers.
 *
 * One ymm holds 8 rows x 4 columns of bytes, so a panel is a low and a high half.
 *
 *     codes   --shift, mask, merge-->  indices   one byte each
 *     indices --pshufb, blends------>  levels    signed bytes
 *     levels, x --maddubs----------->  pair sums 8 rows x 2, 16 bit
 *             --madd 1-------------->  dots      8 rows, 32 bit
 *     dots * (sx * s)  ------------->  sums      8 rows, float
 *
 * dot.h says how signs get into maddubs, and why it does not saturate.
 */
#include "kernels/avx2/bits.h"
#include "kernels/avx2/dot.h"
#include "kernels/avx2/scales.h"
#include "kernels/kernel.h"

#include <immintrin.h>

/* The four low bits of the index of step t: all of it up to 4 bits, the first plane otherwise. */
INLINE __m256i low_index(const uint8_t *tile, unsigned half, unsigned bits, unsigned t)
{
    if (bits == 2)
        return masked(down(load(tile, t / 4, half), (int)(t % 4) * 2), 3);
    if (bits == 3) { /* merged for two slots at a time, two bits and one in each half of a byte */
        int v = (int)t / 4, slot = (int)t % 4;
        __m256i two = masked(down(load(tile, (unsigned)v, half), slot % 2 * 2), 0x33);
        __m256i one = masked(down(load(tile, 2, half), slot % 2 ? v : v - 2), 0x44);
        return masked(down(_mm256_or_si256(two, one), slot / 2 * 4), 7);
    }
    return masked(down(load(tile, t / 2, half), (int)(t % 2) * 4), 15);
}

/* Bit 4 (and 5: `which` = 1) of the index of step t, as bit 7 of each byte: what a blend asks. */
INLINE __m256i high_bit(const uint8_t *tile, unsigned half, unsigned bits, unsigned t, int which)
{
    int j = (int)t / 2, slot = (int)t % 2;
    int at = bits == 5 ? slot * 4 + j : slot * 4 + j % 2 * 2 + which;
    return down(load(tile, bits == 5 ? 4 : 4 + (unsigned)j / 2, half), at - 7);
}

INLINE __m256i blend(__m256i a, __m256i b, __m256i by)
{
    return _mm256_blendv_epi8(a, b, by);
}

/* Levels of step t; `table` has one entry for each 16 codes. */
INLINE __m256i levels8(const uint8_t *tile, unsigned half, unsigned bits, unsigned t, const __m256i *table)
{
    __m256i index = low_index(tile, half, bits, t), level = _mm256_shuffle_epi8(table[0], index);
    if (bits <= 4)
        return level;
    __m256i bit4 = high_bit(tile, half, bits, t, 0);
    level = blend(level, _mm256_shuffle_epi8(table[1], index), bit4);
    if (bits == 5)
        return level;
    __m256i above = blend(_mm256_shuffle_epi8(table[2], index), _mm256_shuffle_epi8(table[3], index), bit4);
    return blend(level, above, high_bit(tile, half, bits, t, 1));
}

/* `panels` panels at once share what is made of x. */
INLINE void gemv_int8(const lsq_gemv_args *a, size_t p, float *y, const unsigned panels, const unsigned bits,
                      const int scaled)
{
    const int seven = bits <= 4; /* bits of a level */
    const size_t groups = a->w.groups, stride = groups * 64 * bits;
    const uint8_t *tile = a->w.codes + p * stride, *scales = scaled ? a->w.scales + p * groups * 16 : NULL;
    const int8_t *x = a->x;
    __m256i table[4];
    for (unsigned i = 0; i < 4; i++) { /* shorter tables repeat, so that every one of them is there */
        __m128i part = _mm_loadu_si128((const __m128i *)(const void *)(a->w.levels->i8 + 16 * i));
        table[i] = _mm256_broadcastsi128_si256(_mm_add_epi8(part, _mm_set1_epi8((char)offset_of(seven))));
    }
    __m256 sum[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
    for (size_t g = 0; g < groups; g++, tile += 64 * bits, x += GROUP) {
        const __m256i start = _mm256_set1_epi32(start_of(a, 2 * g, seven) + start_of(a, 2 * g + 1, seven));
        __m256i dot[4] = {start, start, start, start};
#pragma GCC unroll 8
        for (unsigned t = 0; t < 8; t++) {
            __m256i xt = _mm256_set1_epi32(((const int32_t *)(const void *)x)[t]);
            for (unsigned half = 0; half < 2 * panels; half++)
                dot[half] = add_step(dot[half], levels8(tile + half / 2 * stride, half % 2, bits, t, table), xt, seven);
        }
        const __m256 sx = _mm256_set1_ps(a->sx[g]);
        for (unsigned half = 0; half < 2 * panels; half++) {
            __m256 s = sx;
            if (scaled)
                s = _mm256_mul_ps(sx, byte_scales(scales + (half / 2 * groups + g) * 16 + half % 2 * 8));
            sum[half] = _mm256_add_ps(sum[half], _mm256_mul_ps(_mm256_cvtepi32_ps(dot[half]), s));
        }
    }
    for (unsigned half = 0; half < 2 * panels; half++)
        _mm256_storeu_ps(y + 8 * half, sum[half]);
}

INLINE void rows(const lsq_gemv_args *a, size_t p0, size_t p1, const unsigned panels, const unsigned bits)
{
    const int scaled = a->w.scales != NULL;
    for (size_t p = p0; p < p1; p += panels) {
        float *y = a->y + (p - p0) * PANEL;
        if (panels == 2 && p + 1 < p1)
            scaled ? gemv_int8(a, p, y, 2, bits, 1) : gemv_int8(a, p, y, 2, bits, 0);
        else
            scaled ? gemv_int8(a, p, y, 1, bits, 1) : gemv_int8(a, p, y, 1, bits, 0);
    }
}

#define INT8(bits)                                                                                                     \
    void lsq_gemv_p##bits##_i8_avx2_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                   \
    {                                                                                                                  \
        rows(a, p0, p1, 1, bits);                                                                                      \
    }                                                                                                                  \
    void lsq_gemv_p##bits##_i8_avx2_r2(const lsq_gemv_args *a, size_t p0, size_t p1)                                   \
    {                                                                                                                  \
        rows(a, p0, p1, 2, bits);                                                                                      \
    }

INT8(2)
INT8(3)
INT8(4)
INT8(5)
INT8(6)
