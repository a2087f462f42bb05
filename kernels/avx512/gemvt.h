/*
 * gemvt.h - expanded levels of 16 rows, transposed, times a vector, for every AVX-512 level.
 *
 * First the vector, for up to sixteen spans at once: columns that share its scales, a group or half of one. Without scales all spans
 * are alike.
 *
 *     x * s  --rounding.h-->  q, amax / L      16 rows, 32 bit
 *
 * Then the levels, 16 columns at a time. Of 8 bits a zmm is a step, 4 rows x 4 columns in each lane of 128 bits; of 16 bits half of one,
 * 2 rows x 4 columns. A lane of q has those rows in every dword:
 *
 *     levels  --vpshufb-->  column after column   4 or 2 rows in each dword
 *     these, q  --a level's own products-->       dots of a lane's rows, one column a dword
 *     four steps, lanes added  -->  dots          16 columns in order
 *     dots  --float, * (amax / L)-->              added to y
 */
#ifndef LSQ_KERNELS_AVX512_GEMVT_H
#define LSQ_KERNELS_AVX512_GEMVT_H

#include "kernels/avx512/nibbles.h"
#include "kernels/avx512/rounding.h"
#include "kernels/avx512/scales.h"

INLINE __m512i sum(__m512i a, __m512i b)
{
    return _mm512_add_epi32(a, b);
}

/* ---- The vector ---- */

typedef struct spans {
    __m512 v[SPANS]; /* x * s of the 16 rows */
    span_scales scales;
} spans;

/* Of `count` tiles from `tile` on, `each` a tile: x times scales. Spans that are not there have zeros. */
INLINE void multiply(spans *to, const lsq_gemvt_args *a, size_t p, size_t tile, size_t count, const unsigned each)
{
    const lsq_tiles *w = &a->w;
    const __m512 x = _mm512_load_ps(a->x + p * PANEL);
    const uint8_t *scales = w->scales;
    for (unsigned i = 0; i < SPANS; i++)
        to->v[i] = _mm512_setzero_ps();
    if (!scales) {
        to->v[0] = x;
    } else if (w->scale == LSQ_SCALE_BYTE32) {
        for (size_t i = 0; i < count; i++)
            to->v[i] = _mm512_mul_ps(x, byte_scales(scales + (tile + i) * 16));
    } else {
        const nibbles nibble = nibble_table(w);
        const __m512i step = steps_of(w->rows + p * PANEL);
        for (size_t i = 0; i < count; i++) {
            __m512i m[2];
            tile_multipliers(scales + (tile + i) * 8 * each, each == 2, step, &nibble, m);
            for (unsigned half = 0; half < each; half++)
                to->v[i * each + half] = _mm512_mul_ps(x, _mm512_cvtepi32_ps(m[half]));
        }
    }
}

INLINE void scale_spans(spans *s, const float limit)
{
    __m512i largest[SPANS];
    for (unsigned i = 0; i < SPANS; i++)
        largest[i] = magnitudes(s->v[i]);
    store_scales(&s->scales, scaling_of(largest, limit));
}

/* ---- Products ---- */

/* q of one span, as a level's products take it. */
typedef struct sides {
    __m512i q[2], sign, start; /* 16 bits: of rows 0..7, of rows 8..15; sign and start are a level's own */
    int largest;
} sides;

/* In each dword of a lane the bytes of its four rows. */
INLINE __m512i rows_as_bytes(__m512i q)
{
    return _mm512_shuffle_epi8(q, _mm512_set1_epi32(0x0c080400));
}

/* In each dword of a lane the words of its two rows: of rows 0..7, of rows 8..15. */
INLINE void rows_as_words(__m512i q, __m512i to[2])
{
    const __m512i first = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    const __m512i words = _mm512_castsi256_si512(_mm512_cvtepi32_epi16(q));
    to[0] = _mm512_permutexvar_epi32(first, words);
    to[1] = _mm512_permutexvar_epi32(_mm512_add_epi32(first, _mm512_set1_epi32(4)), words);
}

/* Step t, column after column. */
INLINE __m512i columns_of8(__m512i step)
{
    const __m128i order = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return _mm512_shuffle_epi8(step, _mm512_broadcast_i32x4(order));
}

INLINE __m512i columns_of16(__m512i half_step)
{
    const __m128i order = _mm_setr_epi8(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15);
    return _mm512_shuffle_epi8(half_step, _mm512_broadcast_i32x4(order));
}

/* What a level brings: the sides of a span, and the dots of 16 columns. */
typedef sides sides_of(__m512i q, const int largest);
typedef __m512i dots_of(const void *levels, const sides *s);

/* Span i, of so many columns. */
INLINE void span(float *y, const void *levels, const spans *s, size_t i, const unsigned columns, const int largest,
                 sides_of *prepare, dots_of *dots)
{
    const sides q = prepare(rounded(s->v[i], &s->scales, i), largest);
    const __m512 scale = _mm512_set1_ps(s->scales.scale[i]);
#pragma GCC unroll 2
    for (unsigned c = 0; c < columns; c += 16) {
        const uint8_t *level = (const uint8_t *)levels + c * PANEL * (largest == 16383 ? 2 : 1);
        const __m512 products = _mm512_mul_ps(_mm512_cvtepi32_ps(dots(level, &q)), scale);
        _mm512_store_ps(y + c, _mm512_add_ps(_mm512_load_ps(y + c), products));
    }
}

INLINE void spans_of(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1, const unsigned each, const int largest,
                     sides_of *prepare, dots_of *dots)
{
    const unsigned columns = GROUP / each;
    const size_t bytes = columns * PANEL * (largest == 16383 ? 2 : 1);
    const int alike = !a->w.scales;
    const uint8_t *level = a->levels;
    float *y = a->y + g0 * GROUP;
    spans s;
    for (size_t g = g0; g < g1; g += SPANS / each) {
        const size_t left = g1 - g, count = left < SPANS / each ? left : SPANS / each;
        if (!alike || g == g0) {
            multiply(&s, a, p, p * a->w.groups + g, count, each);
            scale_spans(&s, largest == 16383 ? 4095 : 127);
        }
        for (size_t i = 0; i < count * each; i++, level += bytes, y += columns)
            span(y, level, &s, alike ? 0 : i, columns, largest, prepare, dots);
    }
}

INLINE void gemvt(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1, const int largest, sides_of *prepare,
                  dots_of *dots)
{
    if (largest != 16383 && a->w.scales && a->w.scale == LSQ_SCALE_NIBBLE16)
        spans_of(a, p, g0, g1, 2, largest, prepare, dots);
    else
        spans_of(a, p, g0, g1, 1, largest, prepare, dots);
}

#endif
