/*
 * gemm.c - expanded levels times columns in fours, on SSE4.1.
 *
 * Group after group: what is needed of the levels is made once, then all columns go past it, two at a time, with 16 rows each. An
 * xmm is 4 rows, a quarter of the panel; a column's x comes as pshufd makes it of the quad. Levels L, by their largest magnitude:
 *
 *     63     x + 128  --pmaddubsw by L, of two steps-->  added, less 128 times the levels        16 bits
 *     127    x ^ -1 where L < 0  --pmaddubsw of |L|-->   pair sums; |L| is missing there: dots start with it
 *            these  --pmaddwd by multipliers, or 1-->    dots      4 rows, 32 bit
 *     16383  L of two columns of 4 rows  --pmaddwd by x-->  dots
 *     dots * (sx * s)  ------------------------------->  sums      4 rows, float, as in gemv; s is 1 where it is not a float
 *
 * Bounds. 63: a pair sum is at most 2 * 255 * 63 < 2^15; two of them may wrap, but what they are without the 128 cannot: 4 * 127
 * * 63 < 2^15. 127: 2 * 128 * 127 < 2^15. The others as in trellis.c and wide.c.
 */
#include "kernels/codec.h"
#include "kernels/sse41/scales.h"

enum { PAIR = 2 /* columns at once */ };

/* ---- Scales ---- */

/* Those of a group's rows, by quarters. */
typedef struct group_scales {
    __m128 s[4];
    __m128i multiplier[2][4]; /* of each half: 16 bits, twice */
} group_scales;

INLINE void scales_of(group_scales *to, const lsq_tiles *w, size_t p, size_t g)
{
    const size_t tile = p * w->groups + g;
    const int bytes = w->scales && w->scale == LSQ_SCALE_BYTE32, nibbles = w->scales && !bytes;
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
            const __m128i one = four_multipliers(m[half] + 4 * i);
            to->multiplier[half][i] = _mm_or_si128(one, _mm_slli_epi32(one, 16));
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

/* Of a group, made ready for all columns: of step, or pair of steps, and quarter. */
typedef struct ready {
    const __m128i *level;
    union {
        __m128i less[STEPS / 2][4]; /* 63: what the 128 of x + 128 bring */
        struct {
            __m128i magnitude[STEPS][4], negative[STEPS][4], missing[4];
        } eight;                      /* 127 */
        __m128i columns[STEPS][2][4]; /* 16383: columns 0 and 1, 2 and 3 */
    } of;
} ready;

INLINE void ready_for(ready *to, const void *levels, const group_scales *scales, const int largest)
{
    const __m128i *l = to->level = levels, zero = _mm_setzero_si128();
    for (unsigned i = 0; i < 4; i++) {
        if (largest == 63)
            for (unsigned t = 0; t < STEPS; t += 2) {
                const __m128i more = _mm_set1_epi8(-128);
                __m128i pairs = _mm_maddubs_epi16(more, l[4 * t + i]);
                pairs = _mm_add_epi16(pairs, _mm_maddubs_epi16(more, l[4 * t + 4 + i]));
                to->of.less[t / 2][i] = _mm_sub_epi16(zero, pairs);
            }
        if (largest == 127) {
            __m128i missing = zero;
            for (unsigned t = 0; t < STEPS; t++) {
                const __m128i magnitude = _mm_abs_epi8(l[4 * t + i]), negative = _mm_cmpgt_epi8(zero, l[4 * t + i]);
                const __m128i pairs = _mm_maddubs_epi16(_mm_and_si128(magnitude, negative), _mm_set1_epi8(1));
                to->of.eight.magnitude[t][i] = magnitude;
                to->of.eight.negative[t][i] = negative;
                missing = _mm_add_epi32(missing, _mm_madd_epi16(pairs, scales->multiplier[t / 4][i]));
            }
            to->of.eight.missing[i] = missing;
        }
        if (largest == 16383)
            for (unsigned t = 0; t < STEPS; t++) {
                const __m128 rows01 = _mm_castsi128_ps(l[8 * t + 2 * i]),
                             rows23 = _mm_castsi128_ps(l[8 * t + 2 * i + 1]);
                to->of.columns[t][0][i] = _mm_castps_si128(_mm_shuffle_ps(rows01, rows23, 0x88));
                to->of.columns[t][1][i] = _mm_castps_si128(_mm_shuffle_ps(rows01, rows23, 0xdd));
            }
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
INLINE void dots63(__m128i dot[PAIR][4], const ready *r, const group_scales *scales, const void *x, const unsigned j)
{
    const __m128i more = _mm_set1_epi8(-128);
#pragma GCC unroll 4
    for (unsigned t = 0; t < STEPS; t += 2) {
        const __m128i x0 = _mm_xor_si128(vector(x, t), more), x1 = _mm_xor_si128(vector(x, t + 1), more);
        const __m128i even[PAIR] = {spread(x0, j), spread(x0, j + 1)}, odd[PAIR] = {spread(x1, j), spread(x1, j + 1)};
#pragma GCC unroll 4
        for (unsigned i = 0; i < 4; i++)
#pragma GCC unroll 2
            for (unsigned c = 0; c < PAIR; c++) {
                __m128i pairs = _mm_maddubs_epi16(even[c], r->level[4 * t + i]);
                pairs = _mm_add_epi16(pairs, _mm_maddubs_epi16(odd[c], r->level[4 * t + 4 + i]));
                pairs = _mm_add_epi16(pairs, r->of.less[t / 2][i]);
                pairs = _mm_madd_epi16(pairs, scales->multiplier[t / 4][i]);
                dot[c][i] = t ? _mm_add_epi32(dot[c][i], pairs) : pairs;
            }
    }
}

INLINE void dots127(__m128i dot[PAIR][4], const ready *r, const group_scales *scales, const void *x, const unsigned j)
{
    for (unsigned c = 0; c < PAIR; c++)
        for (unsigned i = 0; i < 4; i++)
            dot[c][i] = r->of.eight.missing[i];
#pragma GCC unroll 8
    for (unsigned t = 0; t < STEPS; t++) {
        const __m128i xt = vector(x, t), column[PAIR] = {spread(xt, j), spread(xt, j + 1)};
#pragma GCC unroll 4
        for (unsigned i = 0; i < 4; i++)
#pragma GCC unroll 2
            for (unsigned c = 0; c < PAIR; c++) {
                const __m128i turned = _mm_xor_si128(column[c], r->of.eight.negative[t][i]);
                const __m128i pairs = _mm_maddubs_epi16(r->of.eight.magnitude[t][i], turned);
                dot[c][i] = _mm_add_epi32(dot[c][i], _mm_madd_epi16(pairs, scales->multiplier[t / 4][i]));
            }
    }
}

INLINE void dots16383(__m128i dot[PAIR][4], const ready *r, const void *x, const unsigned j)
{
    for (unsigned c = 0; c < PAIR; c++)
        for (unsigned i = 0; i < 4; i++)
            dot[c][i] = _mm_setzero_si128();
#pragma GCC unroll 8
    for (unsigned t = 0; t < STEPS; t++) {
        const __m128i xt = vector(x, 2 * t + j / PAIR);
#pragma GCC unroll 2
        for (unsigned k = 0; k < 2; k++)
#pragma GCC unroll 4
            for (unsigned i = 0; i < 4; i++)
#pragma GCC unroll 2
                for (unsigned c = 0; c < PAIR; c++)
                    dot[c][i] = _mm_add_epi32(dot[c][i], _mm_madd_epi16(r->of.columns[t][k][i], spread(xt, 2 * c + k)));
    }
}

/* ---- Products ---- */

INLINE void pair(const lsq_gemm_args *a, size_t quad, const ready *r, const group_scales *scales, const unsigned j,
                 size_t q, const int first, const int largest)
{
    const void *x = (const uint8_t *)a->x + quad * GROUP * QUAD * (largest == 16383 ? 2 : 1);
    __m128i dot[PAIR][4];
    if (largest == 63)
        dots63(dot, r, scales, x, j);
    else if (largest == 127)
        dots127(dot, r, scales, x, j);
    else
        dots16383(dot, r, x, j);
    for (unsigned c = j; c < j + PAIR; c++)
        add_group(a->sums + (q * QUAD + c) * PANEL, dot[c - j], scales, a->sx[quad * QUAD + c], first);
}

INLINE void gemm(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, const int largest)
{
    const uint8_t *levels = a->levels;
    for (size_t g = g0; g < g1; g++, levels += TILE * (largest == 16383 ? 2 : 1)) {
        group_scales scales;
        ready r;
        scales_of(&scales, &a->w, p, g);
        ready_for(&r, levels, &scales, largest);
        for (size_t q = 0; q < a->quads; q++) {
            pair(a, q * a->w.groups + g, &r, &scales, 0, q, g == 0, largest);
            pair(a, q * a->w.groups + g, &r, &scales, PAIR, q, g == 0, largest);
        }
    }
}

void lsq_gemm_e8_i8_sse41_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    a->largest == 63 ? gemm(a, p, g0, g1, 63) : gemm(a, p, g0, g1, 127);
}

void lsq_gemm_e16_i16_sse41_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    gemm(a, p, g0, g1, 16383);
}
