/*
 * trellis.h - codes that depend on the bits before them, on AVX-512 with VBMI and VNNI; 1 to 6 bits.
 *
 * Both slots of a byte (or four, or eight) are on paths of their own, and the history of a path is in the same bits of the vectors
 * before. So the convolution is a handful of logic operations between whole vectors, for all paths at once:
 *
 *     X = a vector of the first plane, X1, X2, ... those before it; u is the lowest bit of each slot
 *
 *     X ^ ((X1 ^ X4) & u)  ------->  V    u replaced by z1, the other bits as they are         (16 states)
 *     X2  ------------------------>  Z    z0 in u's place
 *     Z, second plane  --merge---->  M    z0, and above it the code's upper bits
 *     V, M  --shift, merge-------->  indices of each slot     --vpermb-->  levels
 *
 * vpermb looks at six bits of an index, vpermi2b (6-bit codes) at seven: tables repeat, so the bits above need no masking.
 */
#ifndef LSQ_KERNELS_AVX512ICL_TRELLIS_H
#define LSQ_KERNELS_AVX512ICL_TRELLIS_H

#include "kernels/avx512/scales.h"
#include "kernels/avx512icl/bits.h"
#include "kernels/codec.h"

#include <immintrin.h>

enum { MEMORY = 6 }; /* vectors of history, at most */

/* ---- History ---- */

/* V and Z of vector v of the tile, which then is the newest of h, the vectors before it. */
INLINE __m512i convolve(const uint8_t *tile, unsigned v, __m512i h[MEMORY], __m512i u, const unsigned states,
                        __m512i *z)
{
    __m512i flip = h[1];
    *z = states == 4 ? h[0] : states == 64 ? _mm512_xor_si512(h[1], h[3]) : h[1];
    if (states > 4)
        flip = _mm512_xor_si512(h[0], states == 8 ? h[2] : states == 16 ? h[3] : h[5]);
    h[5] = h[4];
    h[4] = h[3];
    h[3] = h[2];
    h[2] = h[1];
    h[1] = h[0];
    h[0] = load(tile, v);
    return _mm512_ternarylogic_epi32(flip, h[0], u, 0x6c); /* x ^ flip & u */
}

/* The vectors of the first plane before tile t of the matrix, zeros before its chain. */
INLINE void history_before(const lsq_tiles *w, size_t tile, const unsigned bits, const unsigned width,
                           __m512i h[MEMORY])
{
    size_t have = tile % (CHAIN * w->groups) * width;
    for (unsigned back = 1; back <= MEMORY; back++) {
        size_t vector = tile * width - back;
        h[back - 1] = back > have ? _mm512_setzero_si512()
                                  : _mm512_loadu_si512(w->codes + vector / width * 64 * bits + vector % width * 64);
    }
}

/* ---- Indices ---- */

/* Of the steps in vector v of a tile. Bits of an index, from the lowest: V's slot, then z0, then the second plane's. */
INLINE void vector_indices(const uint8_t *tile, unsigned v, const unsigned bits, const unsigned states,
                           __m512i h[MEMORY], __m512i *to)
{
    const unsigned width = bits >= 4 ? 4 : bits >= 2 ? 2 : 1;
    const __m512i u = _mm512_set1_epi8(width == 4 ? 0x11 : width == 2 ? 0x55 : -1);
    __m512i z, m, V = convolve(tile, v, h, u, states, &z);
    if (width == 4) {
        m = z;
        if (bits == 5)
            m = merge(0xee, down(load(tile, 4), (int)v - 1), z);
        else if (bits == 6)
            m = merge(0xee, down(load(tile, 4 + v / 2), v % 2 ? 1 : -1), z);
        to[0] = merge(0xf0, down(m, -4), V);
        to[1] = merge(0x0f, down(V, 4), m);
    } else if (width == 2) {
        m = bits == 2 ? z : merge(0xaa, down(load(tile, 2), (int)v - 1), z);
        to[0] = merge(0xcc, down(m, -2), V);
        to[1] = merge(0x33, down(V, 2), m);
        to[2] = down(to[0], 4);
        to[3] = down(to[1], 4);
    } else {
        to[0] = merge(0xaa, down(z, -1), V);
        to[1] = merge(0x55, down(V, 1), z);
        for (unsigned t = 2; t < STEPS; t++)
            to[t] = down(to[t % 2], (int)t / 2 * 2);
    }
}

/* Of the eight steps of a tile; h moves on. */
INLINE void tile_indices(const uint8_t *tile, const unsigned bits, const unsigned states, __m512i h[MEMORY],
                         __m512i index[STEPS])
{
    vector_indices(tile, 0, bits, states, h, index);
    if (bits >= 2)
        vector_indices(tile, 1, bits, states, h, index + (bits >= 4 ? 2 : 4));
    if (bits >= 4) {
        vector_indices(tile, 2, bits, states, h, index + 4);
        vector_indices(tile, 3, bits, states, h, index + 6);
    }
}

/* The levels in the order of those indices; `upper` are the second 64, for 6 bits. */
typedef struct table {
    __m512i lower, upper;
} table;

INLINE table table_of(const lsq_levels *levels, const unsigned bits)
{
    /* In memory z0 is above the bits of the second plane: 3 bits z0 q1 | q0 z1, 5 bits z0 q3 | .., 6 bits z0 q4 q3 | .. */
    __m512i low = _mm512_loadu_si512(levels->i8), high = _mm512_loadu_si512(levels->i8 + 64);
    if (bits == 3)
        low = _mm512_shuffle_epi32(low, 0xd8);
    if (bits == 5)
        low = _mm512_shuffle_i32x4(low, low, 0xd8);
    if (bits == 6) { /* lanes of 16 levels: q4 q3 z0 from z0 q4 q3 */
        __m512i both = _mm512_permutex2var_epi64(low, _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), high);
        high = _mm512_permutex2var_epi64(low, _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15), high);
        low = both;
    }
    return (table){low, high};
}

INLINE __m512i lookup(const table *t, const unsigned bits, __m512i index)
{
    return bits == 6 ? _mm512_permutex2var_epi8(t->lower, index, t->upper) : _mm512_permutexvar_epi8(index, t->lower);
}

/* ---- Scales ---- */

/* Multipliers of 16 rows for nibbles in the low bytes; step is the row's choice of 16, in bits 4 and 5 of the low bytes. */
INLINE __m512i multipliers(__m512i nibbles, __m512i step, __m512i values, const unsigned mirrored)
{
    const __m512i low = _mm512_set1_epi32(15);
    __m512i index = _mm512_ternarylogic_epi32(nibbles, low, step, 0xea); /* nibbles & low | step */
    if (mirrored)                                                        /* with a sign: through the top byte */
        return _mm512_srai_epi32(_mm512_permutexvar_epi8(_mm512_slli_epi32(index, 24), values), 24);
    return _mm512_maskz_permutexvar_epi8(0x1111111111111111, index, values);
}

/* A panel on its way: where it is, and what it carries from tile to tile. */
typedef struct panel {
    const uint8_t *tile, *scales;
    __m512i history[MEMORY], step;
    __m512 sum;
} panel;

INLINE void start(panel *n, const lsq_tiles *w, size_t p, size_t g, const unsigned bits, size_t scale_bytes)
{
    size_t tile = p * w->groups + g;
    n->tile = w->codes + tile * 64 * bits;
    n->scales = w->scales + tile * scale_bytes;
    n->sum = _mm512_setzero_ps();
    history_before(w, tile, bits, bits >= 4 ? 4 : bits >= 2 ? 2 : 1, n->history);
    __m512i rows = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)(w->rows + p * PANEL)));
    n->step = _mm512_slli_epi32(_mm512_srli_epi32(rows, 6), 4);
}

/* Goes on to the next tile, with the multipliers of columns [0, 16) and [16, 32) of this one. */
INLINE void next_multipliers(panel *n, const lsq_tiles *w, __m512i multiplier_table, __m512i m[2])
{
    __m512i nibbles, low, high;
    if (w->scale == LSQ_SCALE_NIBBLE16) {
        nibbles = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)n->scales));
        n->scales += 16;
        low = multipliers(nibbles, n->step, multiplier_table, w->mirrored);
        high = multipliers(_mm512_srli_epi32(nibbles, 4), n->step, multiplier_table, w->mirrored);
    } else { /* rows 0..7 in the low nibbles */
        __m128i eight = _mm_loadl_epi64((const __m128i *)(const void *)n->scales);
        nibbles = _mm512_cvtepu8_epi32(_mm_unpacklo_epi64(eight, _mm_srli_epi16(eight, 4)));
        n->scales += 8;
        low = high = multipliers(nibbles, n->step, multiplier_table, w->mirrored);
    }
    m[0] = low; /* in one place: clang would keep them in memory */
    m[1] = high;
}

INLINE __m512 next_byte_scales(panel *n)
{
    __m512 s = byte_scales(n->scales);
    n->scales += 16;
    return s;
}

#endif
