/*
 * gemm.h - expanded levels times columns in fours, for every AVX-512 level.
 *
 * A zmm of levels is a step of 16 rows; it is loaded once for up to 12 columns, of which none waits for another. A level says how
 * a step becomes unsigned, and how it is multiplied with the four activations of a column, a broadcast dword:
 *
 *     levels  --prepared-->  unsigned  --add, a column each-->  dots    16 rows, 32 bit
 *     dots * multipliers, or * (sx * s)  -------------------->  sums    16 rows, float, as in gemv
 *
 * Scales are looked up once for all columns. Beside the 8 vpdpbusd of a group and column stand two multiplications by scales, three with
 * multipliers, on the same units of a Zen 4: no more than 80 % and 73 % of its peak can be had.
 *
 * 16-bit levels of a step are two zmm of 8 rows, two columns of W in each dword:
 *
 *     levels  --add-->  dots of even and odd pairs  --vpermt2d, added-->  16 rows, 32 bit  --* (sx * s)-->  sums
 */
#ifndef LSQ_KERNELS_AVX512_GEMM_H
#define LSQ_KERNELS_AVX512_GEMM_H

#include "kernels/avx512/nibbles.h"
#include "kernels/avx512/scales.h"
#include "kernels/prefetch.h"

/* ---- Scales ---- */

enum scales { NONE, BYTES, NIBBLES };

/* The scales of a block of groups, the same for all columns: of group g0 + i floats in of[i][0], or the integers of each half. */
typedef struct block_scales {
    _Alignas(64) int32_t of[GEMM_GROUPS][2][PANEL];
} block_scales;

INLINE void set_scales(block_scales *to, const lsq_tiles *w, size_t p, size_t g0, size_t g1, const enum scales kind)
{
    if (kind == BYTES) {
        for (size_t g = g0; g < g1; g++)
            _mm512_store_ps(to->of[g - g0][0], byte_scales(w->scales + (p * w->groups + g) * 16));
    } else if (kind == NIBBLES) {
        const nibbles nibble = nibble_table(w);
        const __m512i steps = steps_of(w->rows + p * PANEL);
        const int halves = w->scale == LSQ_SCALE_NIBBLE16;
        for (size_t g = g0; g < g1; g++) {
            __m512i m[2];
            tile_multipliers(w->scales + (p * w->groups + g) * (halves ? 16 : 8), halves, steps, &nibble, m);
            _mm512_store_si512(to->of[g - g0][0], m[0]);
            _mm512_store_si512(to->of[g - g0][1], m[1]);
        }
    }
}

INLINE __m512 add_group(__m512 sum, __m512i dot, const int32_t s[2][PANEL], float sx, const enum scales kind)
{
    const __m512 factor = _mm512_set1_ps(sx), d = _mm512_cvtepi32_ps(dot);
    return _mm512_add_ps(sum, _mm512_mul_ps(d, kind == BYTES ? _mm512_mul_ps(factor, _mm512_load_ps(s[0])) : factor));
}

/* ---- 8 bits ---- */

/*
 * How levels become unsigned. Those taken + 128 or + 64 are too much by what dots start at, the bias or half of it. Flipped ones
 * are magnitudes, and where a level is negative x ^ -1 = -x - 1 stands for -x: the sum of magnitudes that is missing there is the same for
 * all columns.
 */
enum way { TAKEN_128, TAKEN_64, FLIPPED };

typedef struct step_levels {
    __m512i magnitude, sign;
} step_levels;

INLINE step_levels prepared(const int8_t *level, const enum way way)
{
    const __m512i l = _mm512_load_si512(level);
    step_levels to = {l, l};
    if (way == FLIPPED) {
        to.magnitude = _mm512_abs_epi8(l);
        to.sign = _mm512_movm_epi8(_mm512_movepi8_mask(l));
    } else {
        to.magnitude = _mm512_add_epi8(l, _mm512_set1_epi8(way == TAKEN_128 ? -128 : 64));
    }
    return to;
}

/* The sum of the magnitudes of negative levels, of half a group. */
INLINE __m512i negatives_of(const int8_t *level)
{
    __m512i pairs = _mm512_setzero_si512();
    for (unsigned t = 0; t < STEPS / 2; t++) {
        const __m512i l = _mm512_min_epi8(_mm512_load_si512(level + LANES * t), _mm512_setzero_si512());
        pairs = _mm512_add_epi16(pairs, _mm512_maddubs_epi16(_mm512_set1_epi8(1), l));
    }
    return _mm512_madd_epi16(pairs, _mm512_set1_epi16(-1));
}

/* Adds the products of a step. */
typedef __m512i add_step(__m512i dot, const step_levels *l, const int32_t *x);

/* Where the activations of a quad are, of the group at work. */
typedef struct quad {
    const int32_t *x, *bias;
    const float *sx;
} quad;

/* Compilers would keep an address for each column. */
INLINE void next_group(quad *at)
{
    at->x += STEPS * QUAD;
    at->bias += 2 * QUAD;
    at->sx += QUAD;
    __asm__("" : "+r"(at->x), "+r"(at->bias), "+r"(at->sx));
}

/* One more group of columns [j0, j1). The magnitudes that flipped levels miss are those of each half. */
INLINE void group8(__m512 *sum, const quad *at, const int8_t *level, const int32_t s[2][PANEL],
                   const __m512i missing[2], const unsigned j0, const unsigned j1, const enum scales kind,
                   const enum way way, add_step *add)
{
    __m512i dot[12], first[12];
#pragma GCC unroll 2
    for (unsigned half = 0; half < 2; half++) {
#pragma GCC unroll 12
        for (unsigned j = j0; j < j1; j++) {
            const int32_t *b = &at[j / QUAD].bias[half * QUAD + j % QUAD];
            const __m512i from = way == FLIPPED ? missing[half] : _mm512_set1_epi32(way == TAKEN_64 ? *b / 2 : *b);
            if (half && kind == NIBBLES)
                first[j] = _mm512_mullo_epi32(dot[j], _mm512_load_si512(s[0]));
            dot[j] = half && kind != NIBBLES ? _mm512_add_epi32(dot[j], from) : from;
        }
#pragma GCC unroll 4
        for (unsigned t = half * 4; t < half * 4 + 4; t++) {
            const step_levels l = prepared(level + LANES * t, way);
#pragma GCC unroll 12
            for (unsigned j = j0; j < j1; j++)
                dot[j] = add(dot[j], &l, at[j / QUAD].x + t * QUAD + j % QUAD);
        }
    }
#pragma GCC unroll 12
    for (unsigned j = j0; j < j1; j++) {
        if (kind == NIBBLES)
            dot[j] = _mm512_add_epi32(first[j], _mm512_mullo_epi32(dot[j], _mm512_load_si512(s[1])));
        sum[j] = add_group(sum[j], dot[j], s, at[j / QUAD].sx[j % QUAD], kind);
    }
}

/*
 * `columns` columns from quad q on. With multipliers half of twelve come after the other: what is done with their dots takes long, and
 * more of it would leave an out-of-order core no room to begin with the next ones.
 */
INLINE void block8(const lsq_gemm_args *a, const block_scales *scales, size_t p, size_t g0, size_t g1, size_t q,
                   const unsigned columns, const enum scales kind, const enum way way, add_step *add)
{
    const unsigned some = kind == NIBBLES && columns == 12 ? 6 : columns;
    const size_t groups = a->w.groups;
    const int8_t *level = a->levels;
    float *sums = a->sums + q * QUAD * PANEL;
    quad at[3];
    for (unsigned i = 0; i < columns / QUAD; i++) {
        const size_t group = (q + i) * groups + g0;
        at[i] = (quad){(const int32_t *)a->x + group * STEPS * QUAD, a->bias + group * 2 * QUAD, a->sx + group * QUAD};
    }
    __m512 sum[12];
#pragma GCC unroll 12
    for (unsigned j = 0; j < columns; j++)
        sum[j] = g0 ? _mm512_load_ps(sums + j * PANEL) : _mm512_setzero_ps();
    for (size_t g = g0; g < g1; g++, level += TILE) {
        __m512i missing[2];
        if (q == 0)
            prefetch_block(a, p, g0, g1, g);
        for (unsigned half = 0; half < 2; half++)
            missing[half] = way == FLIPPED ? negatives_of(level + half * TILE / 2) : _mm512_setzero_si512();
#pragma GCC unroll 2
        for (unsigned j = 0; j < columns; j += some)
            group8(sum, at, level, scales->of[g - g0], missing, j, j + some, kind, way, add);
#pragma GCC unroll 3
        for (unsigned i = 0; i < columns / QUAD; i++)
            next_group(&at[i]);
    }
    for (unsigned j = 0; j < columns; j++)
        _mm512_store_ps(sums + j * PANEL, sum[j]);
}

/* All quads, three at a time. */
INLINE void quads8(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, const enum scales kind, const enum way way,
                   add_step *add)
{
    block_scales scales;
    set_scales(&scales, &a->w, p, g0, g1, kind);
    for (size_t q = 0; q < a->quads;) {
        const size_t left = a->quads - q;
        if (left >= 3 && left != 4) { /* 4 are 2 and 2 */
            block8(a, &scales, p, g0, g1, q, 12, kind, way, add);
            q += 3;
        } else if (left >= 2) {
            block8(a, &scales, p, g0, g1, q, 8, kind, way, add);
            q += 2;
        } else {
            block8(a, &scales, p, g0, g1, q, 4, kind, way, add);
            q++;
        }
    }
}

INLINE void panel8(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, const enum way way, add_step *add)
{
    if (!a->w.scales)
        quads8(a, p, g0, g1, NONE, way, add);
    else if (a->w.scale == LSQ_SCALE_BYTE32)
        quads8(a, p, g0, g1, BYTES, way, add);
    else
        quads8(a, p, g0, g1, NIBBLES, way, add);
}

/* ---- 16 bits ---- */

/* Adds the products of two neighbours of eight rows with two x. */
typedef __m512i add_words_of_row(__m512i dot, __m512i level, __m512i x);

INLINE void block16(const lsq_gemm_args *a, const block_scales *scales, size_t p, size_t g0, size_t g1, size_t q,
                    const unsigned columns, const enum scales kind, add_words_of_row *add)
{
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
    const size_t groups = a->w.groups;
    const int64_t *x = (const int64_t *)a->x + (q * groups + g0) * STEPS * QUAD;
    const float *sx = a->sx + (q * groups + g0) * QUAD;
    const int16_t *level = a->levels;
    float *sums = a->sums + q * QUAD * PANEL;
    __m512 sum[8];
    for (unsigned j = 0; j < columns; j++)
        sum[j] = g0 ? _mm512_loadu_ps(sums + j * PANEL) : _mm512_setzero_ps();
    for (size_t g = g0; g < g1; g++, level += TILE, x += STEPS * QUAD, sx += QUAD) {
        __m512i low[8], high[8];
        if (q == 0)
            prefetch_block(a, p, g0, g1, g);
        for (unsigned j = 0; j < columns; j++)
            low[j] = high[j] = _mm512_setzero_si512();
#pragma GCC unroll 8
        for (unsigned t = 0; t < STEPS; t++) {
            const __m512i l = _mm512_load_si512(level + LANES * t), h = _mm512_load_si512(level + LANES * t + 32);
#pragma GCC unroll 8
            for (unsigned j = 0; j < columns; j++) {
                const __m512i xt = _mm512_set1_epi64(x[(j / QUAD * groups * STEPS + t) * QUAD + j % QUAD]);
                low[j] = add(low[j], l, xt);
                high[j] = add(high[j], h, xt);
            }
        }
#pragma GCC unroll 8
        for (unsigned j = 0; j < columns; j++) {
            const __m512i dot = _mm512_add_epi32(_mm512_permutex2var_epi32(low[j], even, high[j]),
                                                 _mm512_permutex2var_epi32(low[j], odd, high[j]));
            sum[j] = add_group(sum[j], dot, scales->of[g - g0], sx[j / QUAD * groups * QUAD + j % QUAD], kind);
        }
    }
    for (unsigned j = 0; j < columns; j++)
        _mm512_storeu_ps(sums + j * PANEL, sum[j]);
}

INLINE void quads16(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, const enum scales kind,
                    add_words_of_row *add)
{
    block_scales scales;
    set_scales(&scales, &a->w, p, g0, g1, kind);
    size_t q = 0;
    for (; q + 2 <= a->quads; q += 2)
        block16(a, &scales, p, g0, g1, q, 8, kind, add);
    if (q < a->quads)
        block16(a, &scales, p, g0, g1, q, 4, kind, add);
}

INLINE void panel16(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, add_words_of_row *add)
{
    a->w.scales ? quads16(a, p, g0, g1, BYTES, add) : quads16(a, p, g0, g1, NONE, add);
}

#endif
