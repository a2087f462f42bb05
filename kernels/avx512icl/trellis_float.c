/*
 * trellis_float.c - trellis codes with floats, on AVX-512 with VBMI; 1 to 6 bits.
 *
 *     indices (trellis.h)  --shift-->  words        16 rows x 2 columns
 *     words  --permute--------------->  levels      16 rows of each column, float (avx512/pairs.h); 128 levels, of 6 bits, as bytes:
 *     indices  --vpermi2b-->  upper bytes and lower bytes  --shift, merge-->  words, each the upper half of a float
 *     levels  --fma with x----------->  dots        16 rows, float; x is one broadcast float
 */
#include "kernels/avx512/pairs.h"
#include "kernels/avx512icl/trellis.h"
#include "kernels/prefetch.h"

/* The levels as floats and parts of floats, in the order of indices. */
typedef struct float_table {
    pair_table pairs;
    table upper, lower; /* for 6 bits: the bytes of their upper halves */
} float_table;

INLINE void float_table_of(float_table *t, const lsq_levels *levels, const unsigned bits)
{
    const table order = table_of(levels, bits);
    int8_t level[128];
    float value[128];
    uint8_t upper[128], lower[128];
    _mm512_storeu_si512(level, order.lower);
    _mm512_storeu_si512(level + 64, order.upper);
    for (unsigned i = 0; i < 128; i += 16) {
        __m512 v = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)(level + i))));
        __m512i half = _mm512_srli_epi32(_mm512_castps_si512(v), 16);
        _mm512_storeu_ps(value + i, v);
        _mm_storeu_si128((void *)(lower + i), _mm512_cvtepi32_epi8(half));
        _mm_storeu_si128((void *)(upper + i), _mm512_cvtepi32_epi8(_mm512_srli_epi32(half, 8)));
    }
    pair_table_of(&t->pairs, value, bits + 1, 0);
    t->upper = (table){_mm512_loadu_si512(upper), _mm512_loadu_si512(upper + 64)};
    t->lower = (table){_mm512_loadu_si512(lower), _mm512_loadu_si512(lower + 64)};
}

/*
 * The four columns of a slot of a vector. Slots of narrow codes are shifted together with columns: the first two indices have all of
 * them.
 */
INLINE void columns_of(const float_table *t, const unsigned bits, const __m512i index[STEPS], unsigned slot,
                       __m512 level[4])
{
    const __m512i up = _mm512_set1_epi32((int)0xffff0000);
    if (bits == 6) {
        const __m512i low = _mm512_set1_epi16(255);
        __m512i upper = lookup(&t->upper, bits, index[slot]), lower = lookup(&t->lower, bits, index[slot]);
        __m512i even = _mm512_ternarylogic_epi32(low, lower, _mm512_slli_epi16(upper, 8), 0xca);
        __m512i odd = _mm512_ternarylogic_epi32(low, _mm512_srli_epi16(lower, 8), upper, 0xca);
        level[0] = _mm512_castsi512_ps(_mm512_slli_epi32(even, 16));
        level[1] = _mm512_castsi512_ps(_mm512_slli_epi32(odd, 16));
        level[2] = _mm512_castsi512_ps(_mm512_and_si512(even, up));
        level[3] = _mm512_castsi512_ps(_mm512_and_si512(odd, up));
        return;
    }
    const unsigned first = slot % 2, at = bits == 1 ? slot / 2 * 2 : slot / 2 * 4;
    const above none = {{0}};
    __m512 even[2], odd[2];
    pair_of(&t->pairs, bits + 1, HALVES, down(index[first], (int)at), &none, even);
    pair_of(&t->pairs, bits + 1, HALVES, down(index[first], (int)at + 8), &none, odd);
    level[0] = even[0];
    level[1] = odd[0];
    level[2] = even[1];
    level[3] = odd[1];
}

/* Adds the steps of vector v of a tile. Two dots for each 16 columns, so that no sum is longer than k / 4 (see LSQ_ACT_FLOAT in lsq.h). */
INLINE void add_vector(__m512 dot[2][2], const float_table *t, panel *n, const unsigned bits, const unsigned states,
                       const unsigned v, const float *x)
{
    const unsigned slots = bits >= 4 ? 2 : bits >= 2 ? 4 : 8;
    __m512i index[STEPS];
    vector_indices(n->tile, bits, states, v, n->history, index);
#pragma GCC unroll 8
    for (unsigned slot = 0; slot < 8; slot++) { /* to a constant, so that clang unrolls it, too */
        if (slot >= slots)
            break;
        const unsigned step = slots * v + slot;
        __m512 level[4];
        columns_of(t, bits, index, slot, level);
#pragma GCC unroll 4
        for (unsigned c = 0; c < 4; c++)
            dot[step / 4][c % 2] = _mm512_fmadd_ps(level[c], _mm512_set1_ps(x[4 * step + c]), dot[step / 4][c % 2]);
    }
}

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const float_table *t, const unsigned bits,
                 const unsigned states)
{
    const __m512i multiplier_table = _mm512_loadu_si512(lsq_multipliers);
    panel n;
    start(&n, &a->w, p, bits, a->w.scale == LSQ_SCALE_NIBBLE32 ? 8 : 16);
    const float *x = a->x;
    for (size_t g = 0; g < a->w.groups; g++, x += GROUP) {
        __m512i m[2];
        __m512 dot[2][2] = {{_mm512_setzero_ps(), _mm512_setzero_ps()}, {_mm512_setzero_ps(), _mm512_setzero_ps()}};
        prefetch(n.tile, bits, a->prefetch);
        add_vector(dot, t, &n, bits, states, 0, x);
        if (bits >= 2)
            add_vector(dot, t, &n, bits, states, 1, x);
        if (bits >= 4) {
            add_vector(dot, t, &n, bits, states, 2, x);
            add_vector(dot, t, &n, bits, states, 3, x);
        }
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
    float_table t;
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

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
