/*
 * gemm.c - expanded levels times columns in fours, on SSE4.1.
 *
 * Group after group: what is needed of the levels is made once, then all columns go past it, two at a time, with 16 rows each. An
 * xmm is 4 rows, a quarter of the panel; a column's x comes as pshufd makes it of the quad. Levels L, by their largest magnitude:
 *
 *     63     x + 128  --pmaddubsw by L----------->  pair sums  16 bits; dots start at -128 times the sum of levels
 *     127    x ^ -1 where L < 0  --pmaddubsw of |L|-->  pair sums; |L| is missing there: dots start with it
 *            these  --pmaddwd by multipliers, or 1-->  dots      4 rows, 32 bit
 *     16383  L of two columns of 4 rows  --pmaddwd by x-->  dots
 *     dots * (sx * s)  ----------------------------->  sums      4 rows, float, as in gemv; s is 1 where it is not a float
 *
 * Bounds. A pair sum is at most 2 * 255 * 63 or 2 * 127 * 128, both < 2^15; times 255, 16 of them with their start stay under 2^28.
 * 16 bits: as in wide.c.
 */
#include "kernels/codec.h"
#include "kernels/prefetch.h"
#include "kernels/sse41/scales.h"

enum { PAIR = 2 /* columns at once */ };

/* ---- Scales ---- */

/* Those of a group's rows, by quarters. */
typedef struct group_scales {
    __m128 s[4];
    __m128i multiplier[2][4]; /* of each half: 16 bits, twice */
} group_scales;

INLINE void scales_of(group_scales *to, const lsq_tiles *w, size_t p, size_t g, const int nibbles)
{
    const size_t tile = p * w->groups + g;
    const int bytes = w->scales && !nibbles;
    uint8_t m[2][PANEL];
    memset(m, 1, sizeof(m));
    if (nibbles) {
        __m128i other[4];
        steps_of(other, w, p);
        multipliers(m, w, tile, other);
    }
    for (unsigned i = 0; i < 4; i++) {
        to->s[i] = bytes ? byte_scales(w->scales + tile * PANEL + 4 * i) : _mm_set1_ps(1);
        for (unsigned half = 0; half < 2; half++) {
            const __m128i one = four_multipliers(w, m[half] + 4 * i);
            to->multiplier[half][i] = _mm_blend_epi16(one, _mm_slli_epi32(one, 16), 0xaa);
        }
    }
}

/* The sums of one column after one more group; `first` says that there was none before. */
INLINE void add_group(float *sums, const __m128i dot[4], const group_scales *scales, float sx, const int first)
{
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; i++) {
        const __m128 sum = first ? _mm_setzero_ps() : _mm_load_ps(sums + 4 * i);
        const __m128 s = _mm_mul_ps(_mm_set1_ps(sx), scales->s[i]);
        _mm_store_ps(sums + 4 * i, _mm_add_ps(sum, _mm_mul_ps(_mm_cvtepi32_ps(dot[i]), s)));
    }
}

/* ---- Levels ---- */

/* Of a group, made ready for all columns: of steps and quarters. */
typedef struct ready {
    const __m128i *level;
    __m128i magnitude[STEPS][4], negative[STEPS][4]; /* 127 */
    __m128i start[4];                                /* of dots */
    __m128i columns[STEPS][2][4];                    /* 16383: columns 0 and 1, 2 and 3 */
} ready;

INLINE void ready8(ready *to, const void *levels, const group_scales *scales, const int largest)
{
    const __m128i *l = to->level = levels, zero = _mm_setzero_si128();
    for (unsigned i = 0; i < 4; i++) {
        __m128i start = zero;
        for (unsigned t = 0; t < STEPS; t++) {
            const __m128i level = l[4 * t + i], magnitude = _mm_abs_epi8(level), negative = _mm_cmpgt_epi8(zero, level);
            __m128i pairs;
            if (largest == 63) {
                pairs = _mm_maddubs_epi16(_mm_set1_epi8(-128), level);
                pairs = _mm_sub_epi16(zero, pairs);
            } else {
                to->magnitude[t][i] = magnitude;
                to->negative[t][i] = negative;
                pairs = _mm_maddubs_epi16(_mm_and_si128(magnitude, negative), _mm_set1_epi8(1));
            }
            start = _mm_add_epi32(start, _mm_madd_epi16(pairs, scales->multiplier[t / 4][i]));
        }
        to->start[i] = start;
    }
}

INLINE void ready16(ready *to, const __m128i *l)
{
    for (unsigned t = 0; t < STEPS; t++)
        for (unsigned i = 0; i < 4; i++, l += 2) {
            const __m128 rows01 = _mm_castsi128_ps(l[0]), rows23 = _mm_castsi128_ps(l[1]);
            to->columns[t][0][i] = _mm_castps_si128(_mm_shuffle_ps(rows01, rows23, 0x88));
            to->columns[t][1][i] = _mm_castps_si128(_mm_shuffle_ps(rows01, rows23, 0xdd));
        }
}

/* ---- Columns ---- */

/* Dword j everywhere. */
INLINE __m128i spread(__m128i v, const unsigned j)
{
    return j == 0   ? _mm_shuffle_epi32(v, 0x00)
           : j == 1 ? _mm_shuffle_epi32(v, 0x55)
           : j == 2 ? _mm_shuffle_epi32(v, 0xaa)
                    : _mm_shuffle_epi32(v, 0xff);
}

INLINE __m128i vector(const void *x, size_t at)
{
    return _mm_loadu_si128((const __m128i *)x + at);
}

/* Columns j and j + 1 of a quad, whose x of the group is at `x`. */
INLINE void dots8(__m128i dot[PAIR][4], const ready *r, const group_scales *scales, const void *x, const unsigned j,
                  const int largest, const int nibbles)
{
    const __m128i more = _mm_set1_epi8(largest == 63 ? -128 : 0), one = _mm_set1_epi16(1);
    for (unsigned c = 0; c < PAIR; c++)
        for (unsigned i = 0; i < 4; i++)
            dot[c][i] = r->start[i];
#pragma GCC unroll 1
    for (unsigned t = 0; t < STEPS; t++) {
        const __m128i xt = _mm_xor_si128(vector(x, t), more), column[PAIR] = {spread(xt, j), spread(xt, j + 1)};
#pragma GCC unroll 4
        for (unsigned i = 0; i < 4; i++)
#pragma GCC unroll 2
            for (unsigned c = 0; c < PAIR; c++) {
                __m128i pairs;
                if (largest == 63)
                    pairs = _mm_maddubs_epi16(column[c], r->level[4 * t + i]);
                else
                    pairs = _mm_maddubs_epi16(r->magnitude[t][i], _mm_xor_si128(column[c], r->negative[t][i]));
                pairs = _mm_madd_epi16(pairs, nibbles ? scales->multiplier[t / 4][i] : one);
                dot[c][i] = _mm_add_epi32(dot[c][i], pairs);
            }
    }
}

INLINE void dots16(__m128i dot[PAIR][4], const ready *r, const void *x, const unsigned j)
{
    for (unsigned c = 0; c < PAIR; c++)
        for (unsigned i = 0; i < 4; i++)
            dot[c][i] = _mm_setzero_si128();
#pragma GCC unroll 1
    for (unsigned t = 0; t < STEPS; t++) {
        const __m128i xt = vector(x, 2 * t + j / PAIR);
#pragma GCC unroll 2
        for (unsigned k = 0; k < 2; k++)
#pragma GCC unroll 4
            for (unsigned i = 0; i < 4; i++)
#pragma GCC unroll 2
                for (unsigned c = 0; c < PAIR; c++)
                    dot[c][i] = _mm_add_epi32(dot[c][i], _mm_madd_epi16(r->columns[t][k][i], spread(xt, 2 * c + k)));
    }
}

/* ---- Products ---- */

INLINE void gemm(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, const int largest, const int nibbles)
{
    const size_t bytes = largest == 16383 ? 2 : 1;
    const uint8_t *levels = a->levels;
    for (size_t g = g0; g < g1; g++, levels += TILE * bytes) {
        group_scales scales;
        ready r;
        prefetch_block(a, p, g0, g1, g);
        scales_of(&scales, &a->w, p, g, nibbles);
        if (largest == 16383)
            ready16(&r, (const void *)levels);
        else
            ready8(&r, levels, &scales, largest);
        for (size_t q = 0; q < a->quads; q++) {
            const size_t at = q * a->w.groups + g;
            const void *x = (const uint8_t *)a->x + at * GROUP * QUAD * bytes;
#pragma GCC unroll 2
            for (unsigned j = 0; j < QUAD; j += PAIR) {
                __m128i dot[PAIR][4];
                if (largest == 16383)
                    dots16(dot, &r, x, j);
                else
                    dots8(dot, &r, &scales, x, j, largest, nibbles);
                for (unsigned c = 0; c < PAIR; c++)
                    add_group(a->sums + (q * QUAD + j + c) * PANEL, dot[c], &scales, a->sx[at * QUAD + j + c], g == 0);
            }
        }
    }
}

void lsq_gemm_e8_i8_sse41_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    const int nibbles = a->w.scales && a->w.scale != LSQ_SCALE_BYTE32;
    if (a->largest <= 63)
        nibbles ? gemm(a, p, g0, g1, 63, 1) : gemm(a, p, g0, g1, 63, 0);
    else
        nibbles ? gemm(a, p, g0, g1, 127, 1) : gemm(a, p, g0, g1, 127, 0);
}

void lsq_gemm_e16_i16_sse41_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    gemm(a, p, g0, g1, 16383, 0);
}
