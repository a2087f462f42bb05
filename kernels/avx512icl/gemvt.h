/*
 * gemvt.h - 16 rows, transposed, times a vector, 8-bit integers, on AVX-512 with VBMI and VNNI.
 *
 *     x, scales  --spans.h-->        q               of 8 rows a qword, in every qword of a vector
 *     two steps  --vpermt2b-->       pairs           of 8 columns: rows 0..7, rows 8..15; a qword is a column
 *     pairs + bias, q  --vpdpbusd-->  dots           of 8 columns: rows 0..3 and 8..11, rows 4..7 and 12..15
 *     two of these  --vpermt2d, added-->  dots       16 columns in order
 *     dots  --float, * (amax / L)-->  added to y
 *
 * What is paired may be codes, wherever one vector of them has several steps: then one permutation serves all of these. So the second
 * step of a pair is 1, 2 or 4 behind the first.
 *
 * Bounds: levels + bias are bytes, |dot| <= 16 * 255 * 127 < 2^19 on the way.
 */
#ifndef LSQ_KERNELS_AVX512ICL_GEMVT_H
#define LSQ_KERNELS_AVX512ICL_GEMVT_H

#include "kernels/avx512icl/spans.h"
#include "kernels/prefetch.h"

INLINE size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The four pairs of steps of a tile, in the order of their first steps; of each rows 0..7, and rows 8..15. */
typedef struct step_pairs {
    __m512i of[4][2];
} step_pairs;

/* Bytes of two steps, columns in qwords. */
INLINE void pair(__m512i first, __m512i second, __m512i to[2])
{
    const __m512i n = count_from(0);
    const __m512i at = _mm512_or_si512(_mm512_or_si512(field(n, 0, 2, 2), field(n, 2, 1, 4)),
                                       _mm512_or_si512(field(n, 3, 2, 0), field(n, 5, 1, 6)));
    to[0] = _mm512_permutex2var_epi8(first, at, second);
    to[1] = _mm512_permutex2var_epi8(first, _mm512_or_si512(at, _mm512_set1_epi8(32)), second);
}

/* The qword of a span everywhere; where halves meet, of a second one in the upper half. */
INLINE __m512i spread(const int64_t *of, size_t first, size_t second, const int both)
{
    const __m512i all = _mm512_set1_epi64(of[first]);
    return both ? _mm512_mask_set1_epi64(all, 0xf0, of[second]) : all;
}

/* Rows added up: of pairs whose steps are neighbours first one, then the other; else first steps, then second ones. */
INLINE __m512i joined(__m512i a, __m512i b, const unsigned apart)
{
    const __m512i even = apart == 1 ? _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)
                                    : _mm512_setr_epi32(0, 2, 4, 6, 16, 18, 20, 22, 8, 10, 12, 14, 24, 26, 28, 30);
    return _mm512_add_epi32(_mm512_permutex2var_epi32(a, even, b),
                            _mm512_permutex2var_epi32(a, _mm512_add_epi32(even, _mm512_set1_epi32(1)), b));
}

INLINE void add_to(float *y, __m512i dots, float scale)
{
    const __m512 products = _mm512_mul_ps(_mm512_cvtepi32_ps(dots), _mm512_set1_ps(scale));
    _mm512_store_ps(y, _mm512_add_ps(_mm512_load_ps(y), products));
}

/* Spans `first` and `second` are those of the halves, the same one if it has both. */
INLINE void add_tile(float *y, const step_pairs *levels, const rounded_spans *s, size_t first, size_t second,
                     const unsigned apart, const int halves)
{
    const int both = halves && apart == 4;
    __m512i dots[4];
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; i++) {
        const size_t span = apart == 4 || i < 2 ? first : second;
        dots[i] = _mm512_dpbusd_epi32(spread(s->start, span, second, both), levels->of[i][0],
                                      spread(s->q[0], span, second, both));
        dots[i] = _mm512_dpbusd_epi32(dots[i], levels->of[i][1], spread(s->q[1], span, second, both));
    }
    __m512i half[2] = {joined(dots[0], dots[1], apart), joined(dots[2], dots[3], apart)};
    if (apart == 4) {
        const __m512i low = _mm512_shuffle_i32x4(half[0], half[1], 0x44);
        half[1] = _mm512_shuffle_i32x4(half[0], half[1], 0xee);
        half[0] = low;
    }
    add_to(y, half[0], s->scale[first]);
    add_to(y + GROUP / 2, half[1], s->scale[second]);
}

/* What is multiplied with: codes, or levels that are expanded. */
typedef struct tile_run {
    const uint8_t *first; /* the tile that begins it */
    size_t bytes;         /* of each */
    unsigned apart;       /* the steps of a pair */
    int bias;             /* what levels are taken more */
    int halves;           /* may those of a group have scales of their own? */
} tile_run;

INLINE const uint8_t *tile_codes(const lsq_gemvt_args *a, size_t p, size_t g, const unsigned bits)
{
    return a->w.codes + (p * a->w.groups + g) * 64 * bits;
}

/* The pairs of a tile, levels + bias. It is called for one tile after the other. */
typedef void make_pairs(void *decoder, const uint8_t *tile, step_pairs *to);

/* While one block of spans is multiplied with, the next one has been rounded, and the one behind that is being measured. */
INLINE void add_panel(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1, const tile_run run, make_pairs *pairs,
                      void *decoder)
{
    const size_t second = run.halves && a->w.scales && a->w.scale == LSQ_SCALE_NIBBLE16 ? SPANS / 2 : 0;
    const size_t most = second ? SPANS / 2 : SPANS, block = a->w.scales ? most : g1 - g0; /* of all tiles alike */
    const size_t blocks = (g1 - g0 + block - 1) / block;
    const uint8_t *tile = run.first;
    float *y = a->y + g0 * GROUP;
    panel_vector v;
    measured_spans measured;
    rounded_spans s[2];
    begin_panel(&v, a, p);
    for (size_t i = 0; i < blocks + 2; i++) {
        if (i > 0 && i <= blocks)
            round_spans(&s[(i - 1) % 2], &measured, run.bias);
        if (i < blocks)
            measure_spans(&measured, &v, p * a->w.groups + g0 + i * block, least(g1 - g0 - i * block, most));
        if (i < 2)
            continue;
        const size_t tiles = least(g1 - g0 - (i - 2) * block, block);
        for (size_t j = 0; j < tiles; j++, y += GROUP, tile += run.bytes) {
            const size_t span = a->w.scales ? j : 0;
            step_pairs levels;
            if (a->prefetch)
                prefetch(tile, (unsigned)run.bytes / 64, a->prefetch);
            pairs(decoder, tile, &levels);
            add_tile(y, &levels, &s[i % 2], span, span + second, run.apart, run.halves);
        }
    }
}

#endif
