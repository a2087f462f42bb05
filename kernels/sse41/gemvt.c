/*
 * gemvt.c - expanded levels of 16 rows, transposed, times a vector, on SSE4.1.
 *
 * First the vector, for columns that share its scales: a group, or half of one. Without scales it is one for all groups.
 *
 *     x * s  --rounding.h-->  q, amax / L      4 rows in an xmm, 32 bit
 *
 * Then the levels of a step, 4 rows x 4 columns in an xmm. 8 bits: |q| is pmaddubsw's unsigned side, the level takes its sign.
 *
 *     level with the sign of q  --pshufb-->  column after column        4 columns x 4 rows
 *             |q|, these  --pmaddubsw-->  pair sums  --pmaddwd 1, add-->  dots of 4 columns
 *
 * 16 bits, 2 rows x 4 columns in an xmm:
 *
 *     level  --pshufb-->  column after column  --pmaddwd by q, add-->  dots of 4 columns
 *
 *     dots  --float, * (amax / L)-->  added to y
 *
 * Bounds: |pair sum| <= 2 * 127 * 127 < 2^15, |dot| <= 8 of them < 2^18. 16 bits: 16 * 16383 * 4095 < 2^31.
 */
#include "kernels/sse41/rounding.h"
#include "kernels/sse41/scales.h"

/* The vector as products take it, of a span of columns. */
typedef struct span {
    __m128 scale;
    __m128i q[8];    /* 16 bits: rows 2i and 2i + 1, for each column; 8 bits: |q| of rows 4i .. 4i + 3 */
    __m128i sign[4]; /* 8 bits: of each row, for all columns */
} span;

/* Scales of the rows of tile `tile`, for columns [0, 16) and [16, 32). */
INLINE void tile_scales(__m128 s[2][4], const lsq_tiles *w, size_t tile, const __m128i other[4])
{
    uint8_t m[2][PANEL];
    const int nibbles = w->scales && w->scale != LSQ_SCALE_BYTE32;
    if (nibbles)
        multipliers(m, w, tile, other);
    for (unsigned half = 0; half < 2; half++)
        for (unsigned i = 0; i < 4; i++)
            s[half][i] = nibbles     ? _mm_cvtepi32_ps(four_multipliers(w, m[half] + 4 * i))
                         : w->scales ? byte_scales(w->scales + tile * PANEL + 4 * i)
                                     : _mm_set1_ps(1);
}

INLINE span span_of(const float *x, const __m128 s[4], const int wide)
{
    const __m128i low = _mm_set1_epi32(wide ? 0x05040100 : 0x0c080400), high = _mm_set1_epi32(0x0d0c0908);
    __m128 v[4];
    __m128i largest = _mm_setzero_si128();
    for (unsigned i = 0; i < 4; i++) {
        v[i] = _mm_mul_ps(_mm_load_ps(x + 4 * i), s[i]);
        largest = _mm_max_epi32(largest, magnitude_bits(v[i]));
    }
    const scaling by = scaling_of(largest, wide ? 4095 : 127);
    span to = {.scale = by.scale};
    for (unsigned i = 0; i < 4; i++) {
        const __m128i q = rounded(v[i], &by);
        if (wide) {
            to.q[2 * i] = _mm_shuffle_epi8(q, low);
            to.q[2 * i + 1] = _mm_shuffle_epi8(q, high);
        } else {
            to.q[i] = _mm_shuffle_epi8(_mm_abs_epi32(q), low);
            to.sign[i] = _mm_or_si128(_mm_srai_epi32(q, 31), _mm_set1_epi8(1));
        }
    }
    return to;
}

INLINE __m128i dots8(const __m128i *level, const span *s)
{
    const __m128i by_column = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m128i dots = _mm_setzero_si128();
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; i++) {
        const __m128i l = _mm_shuffle_epi8(_mm_sign_epi8(level[i], s->sign[i]), by_column);
        dots = _mm_add_epi32(dots, _mm_madd_epi16(_mm_maddubs_epi16(s->q[i], l), _mm_set1_epi16(1)));
    }
    return dots;
}

INLINE __m128i dots16(const __m128i *level, const span *s)
{
    const __m128i by_column = _mm_setr_epi8(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15);
    __m128i dots = _mm_setzero_si128();
#pragma GCC unroll 8
    for (unsigned i = 0; i < 8; i++)
        dots = _mm_add_epi32(dots, _mm_madd_epi16(_mm_shuffle_epi8(level[i], by_column), s->q[i]));
    return dots;
}

INLINE void gemvt(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1, const int wide)
{
    const float *x = a->x + p * PANEL;
    const __m128i *level = a->levels;
    const int halves = a->w.scale == LSQ_SCALE_NIBBLE16;
    float *y = a->y + g0 * GROUP;
    __m128i other[4];
    __m128 s[2][4];
    steps_of(other, &a->w, p);
    tile_scales(s, &a->w, p * a->w.groups + g0, other);
    span of = span_of(x, s[0], wide);
    for (size_t g = g0; g < g1; g++) {
        if (a->w.scales && g > g0) {
            tile_scales(s, &a->w, p * a->w.groups + g, other);
            of = span_of(x, s[0], wide);
        }
        for (unsigned t = 0; t < STEPS; t++, level += wide ? 8 : 4, y += 4) {
            if (t == 4 && halves)
                of = span_of(x, s[1], wide);
            const __m128 dots = _mm_cvtepi32_ps(wide ? dots16(level, &of) : dots8(level, &of));
            _mm_store_ps(y, _mm_add_ps(_mm_load_ps(y), _mm_mul_ps(dots, of.scale)));
        }
    }
}

void lsq_gemvt_e8_i8_sse41_r1(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)
{
    gemvt(a, p, g0, g1, 0);
}

void lsq_gemvt_e16_i16_sse41_r1(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)
{
    gemvt(a, p, g0, g1, 1);
}
