/*
 * trellis_gemm.c - trellis codes times columns in fours, with 8-bit integers, on AVX-512 with VBMI and VNNI; 1 to 6 bits.
 *
 *     levels + 128 (trellis.h)  --vpdpbusd-->  dots of 16 columns of W     of a column each, 16 rows; for 2 or 4 columns
 *     dots * multipliers, added  ----------->  --float, * sx-->  sums      or, with byte scales, as in plain_gemm.c
 *
 * The history before group g0 is read from the codes. Bounds as in trellis.c.
 */
#include "kernels/avx512icl/assembly.h"
#include "kernels/avx512icl/quads.h"
#include "kernels/avx512icl/trellis.h"

/* The dots of both halves of a group times their multipliers, added; without multipliers just added. */
INLINE void tile_dots(const block *b, const table *t, const __m512i index[STEPS], const __m512i m[2],
                      const unsigned bits, const int bytes, const unsigned columns, __m512i dot[4])
{
    __m512i first[4];
    for (unsigned half = 0; half < 2; half++) {
        for (unsigned j = 0; j < columns; j++) {
            const __m512i bias = _mm512_set1_epi32(b->bias[half * QUAD + j]);
            if (half && !bytes)
                first[j] = _mm512_mullo_epi32(dot[j], m[0]);
            dot[j] = half && bytes ? _mm512_add_epi32(dot[j], bias) : bias;
        }
#pragma GCC unroll 4
        for (unsigned step = 4 * half; step < 4 * half + 4; step++) {
            const __m512i level = lookup(t, bits, index[step]);
            for (unsigned j = 0; j < columns; j++)
                dot[j] = dot4(dot[j], level, (const int32_t *)b->x + step * QUAD + j);
        }
    }
    for (unsigned j = 0; j < columns && !bytes; j++)
        dot[j] = _mm512_add_epi32(first[j], _mm512_mullo_epi32(dot[j], m[1]));
}

INLINE void multiply(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, size_t column, const table *t,
                     const unsigned bits, const unsigned states, const int bytes, const unsigned columns)
{
    const __m512i multiplier_table = _mm512_loadu_si512(lsq_multipliers[a->w.mirrored]);
    block b = block_at(a, column, g0, sizeof(int8_t));
    __m512 sum[BLOCK_MAX], s = _mm512_setzero_ps();
    panel n;
    start(&n, &a->w, p, g0, bits, a->w.scale == LSQ_SCALE_NIBBLE32 ? 8 : 16);
    sums_before(&b, g0, columns, sum);
    for (size_t g = g0; g < g1; g++, next_group(&b, sizeof(int8_t))) {
        __m512i index[STEPS], dot[4], m[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
        ask_ahead(&b, n.tile, bits, n.scales);
        tile_indices(n.tile, bits, states, n.history, index);
        n.tile += 64 * bits;
        if (bytes)
            s = next_byte_scales(&n);
        else
            next_multipliers(&n, &a->w, multiplier_table, m);
        tile_dots(&b, t, index, m, bits, bytes, columns, dot);
        for (unsigned j = 0; j < columns; j++) {
            const __m512 sx = _mm512_set1_ps(b.sx[j]), scale = bytes ? _mm512_mul_ps(sx, s) : sx;
            sum[j] = _mm512_add_ps(sum[j], _mm512_mul_ps(_mm512_cvtepi32_ps(dot[j]), scale));
        }
    }
    store_sums(&b, columns, sum);
}

/* Four at a time: for eight there are no registers. */
INLINE void blocks(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, const unsigned bits, const unsigned states,
                   const int bytes)
{
    const __m512i bias = _mm512_set1_epi8(-128);
    table t = table_of(a->w.levels, bits);
    t.lower = _mm512_xor_si512(t.lower, bias); /* + 128 */
    t.upper = _mm512_xor_si512(t.upper, bias);
    for (size_t done = 0; done < a->columns; done += QUAD)
        if (a->columns - done > 2)
            multiply(a, p, g0, g1, done, &t, bits, states, bytes, 4);
        else
            multiply(a, p, g0, g1, done, &t, bits, states, bytes, 2);
}

INLINE void scaled(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, const unsigned bits, const unsigned states)
{
    if (a->w.scale == LSQ_SCALE_BYTE32)
        blocks(a, p, g0, g1, bits, states, 1);
    else
        blocks(a, p, g0, g1, bits, states, 0);
}

INLINE void gemm(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, const unsigned bits)
{
    if (a->w.states == 4)
        scaled(a, p, g0, g1, bits, 4);
    else if (a->w.states == 8)
        scaled(a, p, g0, g1, bits, 8);
    else if (a->w.states == 16)
        scaled(a, p, g0, g1, bits, 16);
    else
        scaled(a, p, g0, g1, bits, 64);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemm_t##bits##_i8_avx512icl_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)                    \
    {                                                                                                                  \
        gemm(a, p, g0, g1, bits);                                                                                      \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
