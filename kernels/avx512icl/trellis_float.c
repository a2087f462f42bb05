/*
 * trellis_float.c - trellis codes with floats, on AVX-512 with VBMI; 2 and 3 bits. For others kernels/avx512 is as fast.
 *
 *     indices (trellis.h)  --shift-->  words        16 rows x 2 columns
 *     words  --vpermps, vpermw------>  levels       16 rows of each column, float (avx512/pairs.h)
 *     levels  --fma with x---------->  dots         16 rows, float; x is one broadcast float
 */
#include "kernels/avx512/pairs.h"
#include "kernels/avx512icl/trellis.h"
#include "kernels/prefetch.h"

/* The levels in the order of indices, 16 at most. */
INLINE void float_table_of(pair_table *t, const lsq_levels *levels, const unsigned bits)
{
    const table order = table_of(levels, bits);
    float level[64];
    for (unsigned i = 0; i < 4; i++) /* the first 16, repeated */
        _mm512_storeu_ps(level + 16 * i, _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm512_castsi512_si128(order.lower))));
    (void)pair_table_of(t, level, bits + 1, 0);
}

/*
 * Adds the four steps of vector v of a tile. Two dots for each 16 columns, so that no sum is longer than k / 4 (see LSQ_ACT_FLOAT in
 * lsq.h).
 */
INLINE void add_vector(__m512 dot[2], const pair_table *t, panel *n, const unsigned bits, const unsigned states,
                       const unsigned v, const float *x)
{
    const above none = {{0}};
    __m512i index[STEPS]; /* of two slots, with the other two in the upper halves of the bytes */
    vector_indices(n->tile, v, bits, states, n->history, index);
#pragma GCC unroll 4
    for (unsigned slot = 0; slot < 4; slot++)
#pragma GCC unroll 2
        for (unsigned c = 0; c < 2; c++) {
            __m512 level[2];
            pair_of(t, bits + 1, HALVES, down(index[slot % 2], (int)(slot / 2 * 4 + 8 * c)), &none, level);
            dot[c] = _mm512_fmadd_ps(level[0], _mm512_set1_ps(x[4 * slot + c]), dot[c]);
            dot[c] = _mm512_fmadd_ps(level[1], _mm512_set1_ps(x[4 * slot + c + 2]), dot[c]);
        }
}

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const pair_table *t, const unsigned bits,
                 const unsigned states)
{
    const __m512i multiplier_table = _mm512_loadu_si512(lsq_multipliers[a->w.mirrored]);
    panel n;
    start(&n, &a->w, p, 0, bits, a->w.scale == LSQ_SCALE_NIBBLE32 ? 8 : 16);
    const float *x = a->x;
    for (size_t g = 0; g < a->w.groups; g++, x += GROUP) {
        __m512i m[2];
        __m512 dot[2][2] = {{_mm512_setzero_ps(), _mm512_setzero_ps()}, {_mm512_setzero_ps(), _mm512_setzero_ps()}};
        prefetch(n.tile, bits, a->prefetch);
        add_vector(dot[0], t, &n, bits, states, 0, x);
        add_vector(dot[1], t, &n, bits, states, 1, x + 16);
        n.tile += 64 * bits;
        __m512 low = _mm512_add_ps(dot[0][0], dot[0][1]), high = _mm512_add_ps(dot[1][0], dot[1][1]);
        if (a->w.scale == LSQ_SCALE_BYTE32) {
            low = _mm512_mul_ps(_mm512_add_ps(low, high), next_byte_scales(&n));
        } else {
            next_multipliers(&n, &a->w, multiplier_table, m);
            low = _mm512_mul_ps(low, _mm512_cvtepi32_ps(m[0]));
            low = _mm512_fmadd_ps(high, _mm512_cvtepi32_ps(m[1]), low);
        }
        n.sum = _mm512_add_ps(n.sum, low);
    }
    _mm512_storeu_ps(y, n.sum);
}

INLINE void rows(const lsq_gemv_args *a, size_t p0, size_t p1, const unsigned bits)
{
    pair_table t;
    float_table_of(&t, a->w.levels, bits);
    float *y = a->y;
    for (size_t p = p0; p < p1; p++, y += PANEL)
        switch (a->w.states) {
        case 4:
            gemv(a, p, y, &t, bits, 4);
            break;
        case 8:
            gemv(a, p, y, &t, bits, 8);
            break;
        case 16:
            gemv(a, p, y, &t, bits, 16);
            break;
        default:
            gemv(a, p, y, &t, bits, 64);
        }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_t##bits##_f32_avx512icl_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                             \
    {                                                                                                                  \
        rows(a, p0, p1, bits);                                                                                         \
    }

WIDTH(2)
WIDTH(3)
