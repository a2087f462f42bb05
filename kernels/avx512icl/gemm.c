/*
 * gemm.c - expanded levels times columns in fours, on AVX-512 with VNNI.
 *
 * A zmm of levels is a step of 16 rows; one of the four activations of each column is a broadcast operand of its own:
 *
 *     levels + 128  --vpdpbusd, a column each-->  dots    16 rows, 32 bit; 8 or 12 columns at once, so that none waits for another
 *     dots * multipliers, or * (sx * s)  ------>  sums    16 rows, float, as in gemv
 *
 * 16-bit levels of a step are two zmm of 8 rows, two columns of W in each dword:
 *
 *     levels  --vpdpwssd-->  dots of even and odd pairs  --vpermt2d, added-->  16 rows, 32 bit  --* (sx * s)-->  sums
 *
 * The 128 too much of each level is taken back before it comes, or after half of the group: by bias. Bounds as in trellis.c and wide.c.
 */
#include "kernels/avx512/scales.h"
#include "kernels/codec.h"

#include <immintrin.h>

enum scales { NONE, BYTES, NIBBLES };

/* The scales of a group's 16 rows: floats, or integers for each half. */
typedef struct group_scales {
    __m512 s;
    __m512i m[2];
} group_scales;

/* The low nibbles of 16 bytes as multipliers; `step` is 16 times each row's choice. */
INLINE __m512i multipliers(__m128i nibbles, __m128i step)
{
    const __m128i index = _mm_or_si128(_mm_and_si128(nibbles, _mm_set1_epi8(15)), step);
    const __m512i table = _mm512_loadu_si512(lsq_multipliers);
    return _mm512_cvtepu8_epi32(_mm512_castsi512_si128(_mm512_permutexvar_epi8(_mm512_castsi128_si512(index), table)));
}

INLINE group_scales scales_of(const lsq_tiles *w, size_t p, size_t g, const enum scales kind)
{
    const size_t tile = p * w->groups + g;
    group_scales to = {.s = _mm512_set1_ps(1)};
    if (kind == BYTES)
        to.s = byte_scales(w->scales + tile * 16);
    if (kind == NIBBLES) {
        const __m128i rows = _mm_loadu_si128((const __m128i *)(const void *)(w->rows + p * PANEL));
        const __m128i step = _mm_and_si128(_mm_srli_epi16(rows, 2), _mm_set1_epi8(0x30));
        if (w->scale == LSQ_SCALE_NIBBLE16) {
            const __m128i both = _mm_loadu_si128((const __m128i *)(const void *)(w->scales + tile * 16));
            to.m[0] = multipliers(both, step);
            to.m[1] = multipliers(_mm_srli_epi16(both, 4), step);
        } else { /* rows 0..7 in the low nibbles */
            const __m128i eight = _mm_loadl_epi64((const __m128i *)(const void *)(w->scales + tile * 8));
            to.m[0] = to.m[1] = multipliers(_mm_unpacklo_epi64(eight, _mm_srli_epi16(eight, 4)), step);
        }
    }
    return to;
}

INLINE __m512 add_group(__m512 sum, __m512i dot, const group_scales *s, float sx, const enum scales kind)
{
    const __m512 factor = _mm512_set1_ps(sx), d = _mm512_cvtepi32_ps(dot);
    return _mm512_add_ps(sum, _mm512_mul_ps(d, kind == BYTES ? _mm512_mul_ps(factor, s->s) : factor));
}

/* ---- 8 bits ---- */

/* `columns` columns from quad q on. */
INLINE void block8(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, size_t q, const unsigned columns,
                   const enum scales kind)
{
    const size_t groups = a->w.groups;
    const int32_t *x = (const int32_t *)a->x + (q * groups + g0) * STEPS * QUAD,
                  *bias = a->bias + (q * groups + g0) * 2 * QUAD;
    const float *sx = a->sx + (q * groups + g0) * QUAD;
    const uint8_t *level = a->levels;
    float *sums = a->sums + q * QUAD * PANEL;
    __m512 sum[12];
    for (unsigned j = 0; j < columns; j++)
        sum[j] = g0 ? _mm512_loadu_ps(sums + j * PANEL) : _mm512_setzero_ps();
    for (size_t g = g0; g < g1; g++, level += TILE, x += STEPS * QUAD, bias += 2 * QUAD, sx += QUAD) {
        __m512i dot[12], first[12];
        const group_scales s = scales_of(&a->w, p, g, kind);
#pragma GCC unroll 12
        for (unsigned j = 0; j < columns; j++)
            dot[j] = _mm512_set1_epi32(bias[j / QUAD * groups * 2 * QUAD + j % QUAD]);
#pragma GCC unroll 8
        for (unsigned t = 0; t < STEPS; t++) {
            const __m512i l = _mm512_xor_si512(_mm512_load_si512(level + LANES * t), _mm512_set1_epi8(-128));
#pragma GCC unroll 12
            for (unsigned j = 0; j < columns; j++) {
                if (t == STEPS / 2 && kind == NIBBLES) {
                    first[j] = _mm512_mullo_epi32(dot[j], s.m[0]);
                    dot[j] = _mm512_set1_epi32(bias[(j / QUAD * groups * 2 + 1) * QUAD + j % QUAD]);
                } else if (t == STEPS / 2) {
                    dot[j] = _mm512_add_epi32(dot[j],
                                              _mm512_set1_epi32(bias[(j / QUAD * groups * 2 + 1) * QUAD + j % QUAD]));
                }
                dot[j] = _mm512_dpbusd_epi32(dot[j], l,
                                             _mm512_set1_epi32(x[(j / QUAD * groups * STEPS + t) * QUAD + j % QUAD]));
            }
        }
#pragma GCC unroll 12
        for (unsigned j = 0; j < columns; j++) {
            if (kind == NIBBLES)
                dot[j] = _mm512_add_epi32(first[j], _mm512_mullo_epi32(dot[j], s.m[1]));
            sum[j] = add_group(sum[j], dot[j], &s, sx[j / QUAD * groups * QUAD + j % QUAD], kind);
        }
    }
    for (unsigned j = 0; j < columns; j++)
        _mm512_storeu_ps(sums + j * PANEL, sum[j]);
}

INLINE void quads8(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, const enum scales kind)
{
    const size_t most = kind == NIBBLES ? 2 : 3;
    for (size_t q = 0; q < a->quads;) {
        const size_t left = a->quads - q;
        if (left >= most && left != most + 1) { /* 4 are 2 and 2 */
            block8(a, p, g0, g1, q, kind == NIBBLES ? 8 : 12, kind);
            q += most;
        } else if (left >= 2) {
            block8(a, p, g0, g1, q, 8, kind);
            q += 2;
        } else {
            block8(a, p, g0, g1, q, 4, kind);
            q++;
        }
    }
}

void lsq_gemm_e8_i8_avx512icl_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    if (!a->w.scales)
        quads8(a, p, g0, g1, NONE);
    else if (a->w.scale == LSQ_SCALE_BYTE32)
        quads8(a, p, g0, g1, BYTES);
    else
        quads8(a, p, g0, g1, NIBBLES);
}

/* ---- 16 bits ---- */

INLINE void block16(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, size_t q, const unsigned columns,
                    const enum scales kind)
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
        const group_scales s = scales_of(&a->w, p, g, kind);
        for (unsigned j = 0; j < columns; j++)
            low[j] = high[j] = _mm512_setzero_si512();
#pragma GCC unroll 8
        for (unsigned t = 0; t < STEPS; t++) {
            const __m512i l = _mm512_load_si512(level + LANES * t), h = _mm512_load_si512(level + LANES * t + 32);
#pragma GCC unroll 8
            for (unsigned j = 0; j < columns; j++) {
                const __m512i xt = _mm512_set1_epi64(x[(j / QUAD * groups * STEPS + t) * QUAD + j % QUAD]);
                low[j] = _mm512_dpwssd_epi32(low[j], l, xt);
                high[j] = _mm512_dpwssd_epi32(high[j], h, xt);
            }
        }
#pragma GCC unroll 8
        for (unsigned j = 0; j < columns; j++) {
            const __m512i dot = _mm512_add_epi32(_mm512_permutex2var_epi32(low[j], even, high[j]),
                                                 _mm512_permutex2var_epi32(low[j], odd, high[j]));
            sum[j] = add_group(sum[j], dot, &s, sx[j / QUAD * groups * QUAD + j % QUAD], kind);
        }
    }
    for (unsigned j = 0; j < columns; j++)
        _mm512_storeu_ps(sums + j * PANEL, sum[j]);
}

INLINE void quads16(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, const enum scales kind)
{
    size_t q = 0;
    for (; q + 2 <= a->quads; q += 2)
        block16(a, p, g0, g1, q, 8, kind);
    if (q < a->quads)
        block16(a, p, g0, g1, q, 4, kind);
}

void lsq_gemm_e16_i16_avx512icl_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    a->w.scales ? quads16(a, p, g0, g1, BYTES) : quads16(a, p, g0, g1, NONE);
}
