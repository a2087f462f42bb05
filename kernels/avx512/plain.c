/*
 * plain.c - codes that index a table, on AVX-512 without VBMI and VNNI (Skylake-X); 2 to 6 bits with 8-bit integers.
 *
 * As on AVX2, with 16 rows x 4 columns in a zmm. Up to 5 bits levels are bytes (dot.h):
 *
 *     codes  --shift, mask-->  indices    2 bits: those of two steps, each with a table that does not look at the other's
 *     indices  --pshufb----->  levels     3 bits: of the sign of x; 5 bits: the second 16 where the fifth bit is a mask
 *     levels, x  ----------->  dots       16 rows, 32 bit
 *     dots * (sx * s)  ----->  sums       16 rows, float
 *
 * For 6 bits they are words (words.h): a table of 64 needs no blends there, and products no pairing of signs.
 *
 *     codes  --shift, merge-->  indices   --vpermi2w-->  levels of even columns, and of odd ones
 *     levels, x  --madd------>  dots      |dot| <= 32 * 127 * 127 < 2^20
 */
#include "kernels/avx512/dot.h"
#include "kernels/avx512/scales.h"
#include "kernels/avx512/words.h"
#include "kernels/codec.h"
#include "kernels/prefetch.h"

/* Indices of step t, from bit 0, but for bit 4 of 5; what is above does not matter yet. See codec.h for where the bits are. */
INLINE __m512i indices(const uint8_t *tile, const unsigned bits, unsigned t)
{
    if (bits == 2)
        return down(load(tile, t / 4), (int)(t % 4 / 2) * 4);
    if (bits == 3) { /* merged for two slots at a time, two bits and one in each half of a byte */
        int v = (int)t / 4, slot = (int)t % 4;
        __m512i two = down(load(tile, (unsigned)v), slot % 2 * 2);
        return down(merge(0x33, two, down(load(tile, 2), slot % 2 ? v : v - 2)), slot / 2 * 4);
    }
    int j = (int)t / 2, slot = (int)t % 2;
    __m512i four = down(load(tile, (unsigned)j), slot * 4);
    if (bits <= 5)
        return four;
    return merge(0x0f, four, down(load(tile, 4 + (unsigned)j / 2), j % 2 * 2 - (slot ? 0 : 4)));
}

/* Of up to 64 levels: for even steps and odd ones, or words. */
typedef struct tables {
    __m512i of[2];
} tables;

INLINE tables tables_of(const int8_t *levels, const unsigned bits)
{
    tables t;
    const __m128i first = _mm_loadu_si128((const __m128i *)(const void *)levels);
    if (bits == 3) {
        t.of[0] = t.of[1] = signed_table(first);
    } else if (bits <= 4) {
        t.of[0] = t.of[1] = biased_table(first);
        if (bits == 2) { /* the second code of an index is in bits 2 and 3 */
            const __m128i second = _mm_setr_epi8(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
            t.of[1] = _mm512_shuffle_epi8(t.of[0], _mm512_broadcast_i32x4(second));
        }
    } else if (bits == 5) {
        t.of[0] = _mm512_broadcast_i32x4(first); /* 16 each */
        t.of[1] = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)(levels + 16)));
    } else {
        for (unsigned i = 0; i < 2; i++)
            t.of[i] = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)(levels + 32 * i)));
    }
    return t;
}

/* The dots of group g. */
INLINE __m512i tile_dot(const lsq_gemv_args *a, size_t g, const uint8_t *tile, const tables *t, const unsigned bits)
{
    const int32_t *x = (const int32_t *)a->x + STEPS * g;
    __m512i dot[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
    if (bits == 3) {
        const signed_x group = signed_group(x, SIGN);
#pragma GCC unroll 4
        for (unsigned step = 0; step < STEPS; step += 2) {
            __m512i level0 = signed_levels(t->of[0], indices(tile, bits, step), &group, step);
            __m512i level1 = signed_levels(t->of[1], indices(tile, bits, step + 1), &group, step + 1);
            dot[step / 2 % 2] = add_signed(dot[step / 2 % 2], level0, level1, &group, step);
        }
    } else if (bits <= 4) {
        dot[0] = biased_start(a, 2 * g);
        dot[1] = biased_start(a, 2 * g + 1);
#pragma GCC unroll 8
        for (unsigned step = 0; step < STEPS; step++) {
            __m512i level = _mm512_shuffle_epi8(t->of[step % 2], masked(indices(tile, bits, step), 15));
            dot[step % 2] = add_biased(dot[step % 2], level, x[step]);
        }
    } else if (bits == 5) {
        const signed_x group = signed_group(x, -1);
        dot[0] = flipped_start(a, 2 * g);
        dot[1] = flipped_start(a, 2 * g + 1);
#pragma GCC unroll 8
        for (unsigned step = 0; step < STEPS; step++) { /* bit 4 of a code is at 4 s + j of the second plane */
            int at = 4 * ((int)step % 2) + (int)step / 2;
            __m512i level = levels_of_32(t->of, indices(tile, bits, step), load(tile, 4), at);
            dot[step % 2] = add_flipped(dot[step % 2], level, &group, step);
        }
    } else {
        const words_x group = words_of_bytes(x);
#pragma GCC unroll 8
        for (unsigned step = 0; step < STEPS; step++) {
            __m512i index = indices(tile, bits, step);
            dot[0] = add_words(dot[0], words_of(t->of, bits, index, NULL), group.even[step]);
            dot[1] = add_words(dot[1], words_of(t->of, bits, down(index, 8), NULL), group.odd[step]);
        }
    }
    return _mm512_add_epi32(dot[0], dot[1]);
}

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const unsigned bits, const int scaled)
{
    const size_t groups = a->w.groups;
    const uint8_t *tile = a->w.codes + p * groups * 64 * bits, *scales = scaled ? a->w.scales + p * groups * 16 : NULL;
    const tables t = tables_of(a->w.levels->i8, bits);
    __m512 sum = _mm512_setzero_ps();
    for (size_t g = 0; g < groups; g++, tile += 64 * bits) {
        prefetch(tile, bits, a->prefetch);
        __m512 d = _mm512_cvtepi32_ps(tile_dot(a, g, tile, &t, bits));
        __m512 sx = _mm512_set1_ps(a->sx[g]), s = scaled ? _mm512_mul_ps(sx, byte_scales(scales + g * 16)) : sx;
        sum = _mm512_add_ps(sum, _mm512_mul_ps(d, s));
    }
    _mm512_storeu_ps(y, sum);
}

INLINE void rows(const lsq_gemv_args *a, size_t p0, size_t p1, const unsigned bits)
{
    float *y = a->y;
    for (size_t p = p0; p < p1; p++, y += PANEL)
        a->w.scales ? gemv(a, p, y, bits, 1) : gemv(a, p, y, bits, 0);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_p##bits##_i8_avx512_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                 \
    {                                                                                                                  \
        rows(a, p0, p1, bits);                                                                                         \
    }

WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
