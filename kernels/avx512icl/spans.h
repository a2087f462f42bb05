/*
 * spans.h - the vector of transposed products, rounded for sixteen spans at a time, on AVX-512 with VBMI and VNNI.
 *
 * A span is what shares scales: a group, or half of one. Here a dword is a span, so that what is largest in a span is found without a
 * shuffle, and a vector is a row, or of bytes four neighbouring rows.
 *
 *     scales  --vpermt2d-->       bytes of four rows   or nibbles, with the step of each row above them
 *     bytes  --vpermb-->          the upper two bytes of floats, which is all that scales have
 *     both  --vpermt2b-->         |s|                  16 rows, 16 spans each; signs are for later
 *     |x| * |s|  --vpmaxud-->     largest              infinities and NaNs are the largest, with a sign or not
 *     |x| * |s| * inverse  --+ 1.5 * 2^23-->  |q|      in the lowest byte, half to even
 *     four rows  --vpshufb-->     bytes of |q|         --negated by the signs of x and s-->  q
 *     q  --vpdpbusd-->            -bias * sum of q     what dots with levels + bias start at
 *
 * Bounds: |q| <= 127, since amax * (L / amax) is L up to two roundings.
 */
#ifndef LSQ_KERNELS_AVX512ICL_SPANS_H
#define LSQ_KERNELS_AVX512ICL_SPANS_H

#include "kernels/avx512/rounding.h"
#include "kernels/avx512icl/bits.h"
#include "kernels/codec.h"

enum { FOURS = PANEL / 4 };

/* What is left of the vector for sixteen spans: rows in order, and zeros above what dots start at. Halves: the second ones from 8 on. */
typedef struct rounded_spans {
    _Alignas(64) int64_t q[2][SPANS]; /* of rows 0..7, of rows 8..15 */
    int64_t start[SPANS];
    float scale[SPANS];
} rounded_spans;

/* ---- Scales ---- */

/* By byte, or by nibble and step: the upper bytes of magnitudes, of nibbles with the sign; 64 or 128 of each. */
typedef struct scale_table {
    __m512i upper[2], lower[2];
} scale_table;

/* Byte `byte` of 64 dwords. */
INLINE __m512i bytes_of_dwords(const __m512 dwords[4], char byte)
{
    const __m512i n = count_from(0);
    const __m512i at =
        _mm512_or_si512(_mm512_add_epi8(_mm512_add_epi8(n, n), _mm512_add_epi8(n, n)), _mm512_set1_epi8(byte));
    __m512i half[2];
    for (unsigned i = 0; i < 2; i++)
        half[i] =
            _mm512_permutex2var_epi8(_mm512_castps_si512(dwords[2 * i]), at, _mm512_castps_si512(dwords[2 * i + 1]));
    return _mm512_inserti64x4(half[0], _mm512_castsi512_si256(half[1]), 1);
}

INLINE void put_floats(scale_table *t, const unsigned part, const __m512 floats[4])
{
    t->upper[part] = bytes_of_dwords(floats, 3);
    t->lower[part] = bytes_of_dwords(floats, 2);
}

INLINE void byte_table(scale_table *t)
{
    const __m256i first = _mm256_setr_epi16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (int part = 0; part < 2; part++) {
        __m512 floats[4];
        for (int i = 0; i < 4; i++) /* half floats, as in avx512/scales.h */
            floats[i] = _mm512_cvtph_ps(
                _mm256_slli_epi16(_mm256_add_epi16(first, _mm256_set1_epi16((int16_t)(64 * part + 16 * i))), 6));
        put_floats(t, (unsigned)part, floats);
    }
}

INLINE void nibble_table_of(scale_table *t, const unsigned mirrored)
{
    __m512 floats[4];
    for (unsigned step = 0; step < 4; step++) {
        const __m128i m = _mm_loadu_si128((const __m128i *)(const void *)lsq_multipliers[mirrored][step]);
        floats[step] = _mm512_cvtepi32_ps(mirrored ? _mm512_cvtepi8_epi32(m) : _mm512_cvtepu8_epi32(m));
    }
    put_floats(t, 0, floats);
}

/* The upper bytes of |s| of four rows, and in bit 7 the signs. */
typedef struct four_scales {
    __m512i upper, lower, sign;
} four_scales;

INLINE four_scales by_bytes(const scale_table *t, __m512i bytes)
{
    return (four_scales){_mm512_permutex2var_epi8(t->upper[0], bytes, t->upper[1]),
                         _mm512_permutex2var_epi8(t->lower[0], bytes, t->lower[1]), bytes};
}

/* What is above the nibbles does not matter. The steps of the four rows are in bits 4 and 5. */
INLINE four_scales by_nibbles(const scale_table *t, __m512i nibbles, int32_t steps)
{
    const __m512i index = _mm512_ternarylogic_epi32(nibbles, _mm512_set1_epi8(15), _mm512_set1_epi32(steps), 0xea);
    const __m512i upper = _mm512_permutexvar_epi8(index, t->upper[0]);
    return (four_scales){_mm512_and_si512(upper, _mm512_set1_epi8(127)), _mm512_permutexvar_epi8(index, t->lower[0]),
                         upper};
}

/* Qwords [8 i, 8 i + 8) of so many; those behind are not read. */
INLINE __m512i load_qwords(const uint8_t *from, size_t count, unsigned i)
{
    const __mmask8 there = (__mmask8)(count >= 8 * i + 8 ? 255 : count <= 8 * i ? 0 : (1u << (count - 8 * i)) - 1);
    return _mm512_maskz_loadu_epi64(there, from + 64 * i);
}

/* Those of rows 4 i to 4 i + 3 of up to 16 tiles. */
INLINE void scales_of_bytes(const uint8_t *scales, size_t tiles, const scale_table *t, four_scales to[FOURS])
{
    __m512i four[4]; /* tiles */
    for (unsigned i = 0; i < 4; i++)
        four[i] = load_qwords(scales, 2 * tiles, i);
    const __m512i pairs = _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 1, 5, 9, 13, 17, 21, 25, 29),
                  above = _mm512_add_epi32(pairs, _mm512_set1_epi32(2));
    const __m512i a = _mm512_permutex2var_epi32(four[0], pairs, four[1]),
                  b = _mm512_permutex2var_epi32(four[2], pairs, four[3]),
                  c = _mm512_permutex2var_epi32(four[0], above, four[1]),
                  d = _mm512_permutex2var_epi32(four[2], above, four[3]);
    to[0] = by_bytes(t, _mm512_shuffle_i32x4(a, b, 0x44));
    to[1] = by_bytes(t, _mm512_shuffle_i32x4(a, b, 0xee));
    to[2] = by_bytes(t, _mm512_shuffle_i32x4(c, d, 0x44));
    to[3] = by_bytes(t, _mm512_shuffle_i32x4(c, d, 0xee));
}

/* The same of nibbles: 8 bytes a tile, up to 16 tiles; or 16 bytes, up to 8 tiles of two halves. */
INLINE void scales_of_nibbles(const uint8_t *scales, size_t tiles, const int halves, const int32_t steps[FOURS],
                              const scale_table *t, four_scales to[FOURS])
{
    const size_t qwords = tiles * (halves ? 2 : 1);
    const __m512i a = load_qwords(scales, qwords, 0), b = load_qwords(scales, qwords, 1);
    if (halves) {
        const __m512i eight = _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28),
                      second = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 4, 4, 4, 4, 4, 4, 4, 4);
        for (int i = 0; i < FOURS; i++) {
            const __m512i at = _mm512_add_epi32(eight, _mm512_set1_epi32(i));
            to[i] = by_nibbles(t, _mm512_srlv_epi32(_mm512_permutex2var_epi32(a, at, b), second), steps[i]);
        }
    } else {
        const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        for (int i = 0; i < 2; i++) {
            const __m512i rows = _mm512_permutex2var_epi32(a, _mm512_add_epi32(even, _mm512_set1_epi32(i)), b);
            to[i] = by_nibbles(t, rows, steps[i]);
            to[i + 2] = by_nibbles(t, _mm512_srli_epi16(rows, 4), steps[i + 2]);
        }
    }
}

/* ---- The vector ---- */

/* The vector of a panel, and how its scales are found. */
typedef struct panel_vector {
    scale_table table;
    _Alignas(64) float magnitude[PANEL];
    int32_t sign[FOURS], step[FOURS]; /* of four rows each, bytes */
    const uint8_t *scales;            /* of the first tile; NULL if there are none */
    unsigned scale;                   /* an lsq_scale */
} panel_vector;

/* This and what follows is for many tiles at once, and kernels of all formats share it: they call it. */
static __attribute__((noinline)) void begin_panel(panel_vector *v, const lsq_gemvt_args *a, size_t p)
{
    const __m512 x = _mm512_load_ps(a->x + p * PANEL);
    const __m128i rows = _mm_loadu_si128((const __m128i *)(const void *)(a->w.rows + p * PANEL));
    _mm512_store_si512(v->magnitude, magnitudes(x));
    _mm_storeu_si128((__m128i *)(void *)v->sign, _mm_movm_epi8(_mm512_movepi32_mask(_mm512_castps_si512(x))));
    _mm_storeu_si128((__m128i *)(void *)v->step, _mm_and_si128(_mm_srli_epi16(rows, 2), _mm_set1_epi8(0x30)));
    v->scales = a->w.scales;
    v->scale = a->w.scale;
    if (!v->scales)
        return;
    if (v->scale == LSQ_SCALE_BYTE32)
        byte_table(&v->table);
    else
        nibble_table_of(&v->table, a->w.mirrored);
}

INLINE void scales_of(const panel_vector *v, size_t tile, size_t tiles, four_scales to[FOURS])
{
    if (!v->scales) {
        for (unsigned i = 0; i < FOURS; i++) /* 1 */
            to[i] = (four_scales){_mm512_set1_epi8(0x3f), _mm512_set1_epi8((char)0x80), _mm512_setzero_si512()};
    } else if (v->scale == LSQ_SCALE_BYTE32) {
        scales_of_bytes(v->scales + tile * 16, tiles, &v->table, to);
    } else if (v->scale == LSQ_SCALE_NIBBLE16) {
        scales_of_nibbles(v->scales + tile * 16, tiles, 1, v->step, &v->table, to);
    } else {
        scales_of_nibbles(v->scales + tile * 8, tiles, 0, v->step, &v->table, to);
    }
}

/* |x s| of row 4 i + j. */
INLINE __m512 product_of(const panel_vector *v, const four_scales *s, unsigned i, int j)
{
    const __m512i dwords = count_from(0);
    const __m512i byte = _mm512_or_si512(_mm512_and_si512(dwords, _mm512_set1_epi8(0x3c)), _mm512_set1_epi8((char)j)),
                  at = _mm512_or_si512(byte, _mm512_set1_epi32(0x00400000)); /* from `upper` in byte 3, `lower` in 2 */
    const __m512i magnitude = _mm512_maskz_permutex2var_epi8(0xcccccccccccccccc, s[i].upper, at, s[i].lower);
    return _mm512_mul_ps(_mm512_set1_ps(v->magnitude[4 * i + (unsigned)j]), _mm512_castsi512_ps(magnitude));
}

/* The lowest bytes of four rows together. */
INLINE __m512i lowest_bytes(const __m512i row[4])
{
    const __m512i lowest = _mm512_and_si512(count_from(0), _mm512_set1_epi8(0x0c));
    __m512i bytes = _mm512_mask_shuffle_epi8(row[0], 0x2222222222222222, row[1], lowest);
    bytes = _mm512_mask_shuffle_epi8(bytes, 0x4444444444444444, row[2], lowest);
    return _mm512_mask_shuffle_epi8(bytes, 0x8888888888888888, row[3], lowest);
}

/* Pairs of dwords as qwords, in order. */
INLINE void store_pairs(int64_t *to, __m512i low, __m512i high)
{
    const __m512i first = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    _mm512_store_si512(to, _mm512_permutex2var_epi32(low, first, high));
    _mm512_store_si512(to + 8, _mm512_permutex2var_epi32(low, _mm512_add_epi32(first, _mm512_set1_epi32(8)), high));
}

/* Sixteen spans on their way: nothing has to wait for a division if something else is done before they are rounded. */
typedef struct measured_spans {
    __m512 x[PANEL];
    __m512i sign[FOURS];
    scaling by;
} measured_spans;

/* Those of `tiles` tiles from `tile` on. */
static __attribute__((noinline)) void measure_spans(measured_spans *to, const panel_vector *v, size_t tile,
                                                    size_t tiles)
{
    four_scales s[FOURS];
    __m512i largest[4];
    scales_of(v, tile, tiles, s);
#pragma GCC unroll 4
    for (unsigned i = 0; i < FOURS; i++) {
        largest[i] = _mm512_setzero_si512();
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) {
            const __m512 x = product_of(v, s, i, j);
            to->x[4 * i + (unsigned)j] = x;
            largest[i] = _mm512_max_epu32(largest[i], _mm512_castps_si512(x));
        }
        to->sign[i] = _mm512_xor_si512(s[i].sign, _mm512_set1_epi32(v->sign[i]));
    }
    const __m512i all =
        _mm512_max_epu32(_mm512_max_epu32(largest[0], largest[1]), _mm512_max_epu32(largest[2], largest[3]));
    to->by = lane_scaling(magnitudes(_mm512_castsi512_ps(all)), 127);
}

static __attribute__((noinline)) void round_spans(rounded_spans *to, const measured_spans *from, const int bias)
{
    const __mmask16 finite = _mm512_movepi32_mask(from->by.finite);
    __m512i q[FOURS], sum = _mm512_setzero_si512();
#pragma GCC unroll 4
    for (unsigned i = 0; i < FOURS; i++) {
        __m512i row[4];
#pragma GCC unroll 4
        for (unsigned j = 0; j < 4; j++)
            row[j] = _mm512_castps_si512(_mm512_maskz_add_ps(
                finite, _mm512_mul_ps(from->x[4 * i + j], from->by.inverse), _mm512_set1_ps(0x1.8p23f)));
        const __m512i bytes = lowest_bytes(row);
        q[i] = _mm512_mask_sub_epi8(bytes, _mm512_movepi8_mask(from->sign[i]), _mm512_setzero_si512(), bytes);
        sum = _mm512_dpbusd_epi32(sum, _mm512_set1_epi8((char)bias), q[i]); /* as 128 */
    }
    store_pairs(to->q[0], q[0], q[1]);
    store_pairs(to->q[1], q[2], q[3]);
    store_pairs(to->start, _mm512_sub_epi32(_mm512_setzero_si512(), sum), _mm512_setzero_si512());
    _mm512_store_ps(to->scale, from->by.scale);
}

#endif
