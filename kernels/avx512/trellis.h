/*
 * trellis.h - codes that depend on the bits before them, on AVX-512; 1 to 6 bits.
 *
 * Both slots of a byte (or four, or eight) are on paths of their own, and the history of a path is in the same bits of the vectors
 * before. So the convolution is a handful of logic operations between whole vectors, for all paths at once:
 *
 *     X = a vector of the first plane, X1, X2, ... those before it; u is the lowest bit of each slot
 *
 *     X ^ ((X1 ^ X4) & u)  ------->  V    u replaced by z1, the other bits as they are         (16 states)
 *     X2  ------------------------>  Z    z0 in u's place
 *     Z, second plane  --merge---->  M    z0, and above it the code's upper bits
 *     V, M  --shift, merge-------->  indices of each slot, whose upper bits do not matter
 */
#ifndef LSQ_KERNELS_AVX512_TRELLIS_H
#define LSQ_KERNELS_AVX512_TRELLIS_H

#include "kernels/avx512/bits.h"
#include "kernels/avx512/nibbles.h"
#include "kernels/avx512/scales.h"
#include "kernels/codec.h"

enum { MEMORY = 6 }; /* vectors of history, at most */

/* ---- History ---- */

/* V and Z of the vector at `at`, behind those before it. */
INLINE __m512i convolve(const __m512i *at, __m512i u, const unsigned states, __m512i *z)
{
    *z = states == 4 ? at[-1] : states == 64 ? _mm512_xor_si512(at[-2], at[-4]) : at[-2];
    if (states == 4)
        return _mm512_ternarylogic_epi32(at[0], at[-2], u, 0x78); /* x ^ h & u */
    __m512i oldest = states == 8 ? at[-3] : states == 16 ? at[-4] : at[-6];
    return _mm512_xor_si512(at[0], _mm512_ternarylogic_epi32(at[-1], oldest, u, 0x28)); /* (h ^ oldest) & u */
}

/* The vectors of the first plane before tile t of the matrix, the oldest first; zeros before its chain. */
INLINE void history_before(const lsq_tiles *w, size_t tile, const unsigned bits, const unsigned width,
                           __m512i h[MEMORY])
{
    size_t have = tile % (CHAIN * w->groups) * width;
#pragma GCC unroll 6
    for (unsigned back = 1; back <= MEMORY; back++) {
        size_t vector = tile * width - back;
        h[MEMORY - back] = back > have
                               ? _mm512_setzero_si512()
                               : _mm512_loadu_si512(w->codes + vector / width * 64 * bits + vector % width * 64);
    }
}

/* ---- Indices ---- */

/* Bits of the code in the first plane, and vectors of it in a tile. */
INLINE unsigned width_of(const unsigned bits)
{
    return bits >= 4 ? 4 : bits >= 2 ? 2 : 1;
}

/* Of the steps of vector v of the first plane, which is at `at`. From the lowest bit: V's slot, then z0, then the second plane's. */
INLINE void vector_indices(const uint8_t *tile, unsigned v, const __m512i *at, const unsigned bits,
                           const unsigned states, __m512i *to)
{
    const unsigned width = width_of(bits);
    const __m512i u = _mm512_set1_epi8(width == 4 ? 0x11 : width == 2 ? 0x55 : -1);
    __m512i z, m, V = convolve(at, u, states, &z);
    if (width == 4) {
        m = z;
        if (bits == 5)
            m = merge(0x11, z, down(load(tile, 4), (int)v - 1));
        if (bits == 6)
            m = merge(0x11, z, down(load(tile, 4 + v / 2), v % 2 ? 1 : -1));
        to[0] = merge(0x0f, V, down(m, -4));
        to[1] = merge(0x0f, down(V, 4), m);
    } else if (width == 2) {
        m = bits == 2 ? z : merge(0x55, z, down(load(tile, 2), (int)v - 1));
        to[0] = merge(0x33, V, down(m, -2));
        to[1] = merge(0x33, down(V, 2), m);
        to[2] = down(to[0], 4);
        to[3] = down(to[1], 4);
    } else {
        to[0] = merge(0x55, V, down(z, -1));
        to[1] = merge(0x55, down(V, 1), z);
#pragma GCC unroll 6
        for (unsigned t = 2; t < STEPS; t++)
            to[t] = down(to[t % 2], (int)t / 2 * 2);
    }
}

/* Of the eight steps of a tile; h moves on. The counts of these loops are those that clang unrolls before it looks for registers. */
INLINE void tile_indices(const uint8_t *tile, const unsigned bits, const unsigned states, __m512i h[MEMORY],
                         __m512i index[STEPS])
{
    const unsigned width = width_of(bits);
    __m512i first[MEMORY + 4]; /* h and the first plane: moved within h, they would all stay in memory */
#pragma GCC unroll 6
    for (unsigned i = 0; i < MEMORY; i++)
        first[i] = h[i];
#pragma GCC unroll 4
    for (unsigned v = 0; v < 4; v++)
        if (v < width) {
            first[MEMORY + v] = load(tile, v);
            vector_indices(tile, v, first + MEMORY + v, bits, states, index + STEPS / width * v);
        }
#pragma GCC unroll 6
    for (unsigned i = 0; i < MEMORY; i++)
        h[i] = first[width + i];
}

/* The levels in the order of those indices; `upper` are the second 64, for 6 bits. */
typedef struct alphabet {
    __m512i lower, upper;
} alphabet;

INLINE alphabet alphabet_of(const lsq_levels *levels, const unsigned bits)
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
    return (alphabet){low, high};
}

/* An eighth of the alphabet, sign-extended. */
INLINE __m512i eighth_of(const alphabet *t, unsigned i)
{
    __m512i v = i < 4 ? t->lower : t->upper;
    __m128i q = i % 4 == 0   ? _mm512_castsi512_si128(v)
                : i % 4 == 1 ? _mm512_extracti32x4_epi32(v, 1)
                : i % 4 == 2 ? _mm512_extracti32x4_epi32(v, 2)
                             : _mm512_extracti32x4_epi32(v, 3);
    return _mm512_cvtepi8_epi32(q);
}

/* ---- Scales ---- */

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
    history_before(w, tile, bits, width_of(bits), n->history);
    n->step = steps_of(w->rows + p * PANEL);
}

/* Goes on to the next tile, with the multipliers of columns [0, 16) and [16, 32) of this one. */
INLINE void next_multipliers(panel *n, const lsq_tiles *w, const nibbles *t, __m512i m[2])
{
    const int halves = w->scale == LSQ_SCALE_NIBBLE16;
    tile_multipliers(n->scales, halves, n->step, t, m);
    n->scales += halves ? 16 : 8;
}

INLINE __m512 next_byte_scales(panel *n)
{
    __m512 s = byte_scales(n->scales);
    n->scales += 16;
    return s;
}

/* ---- Products ---- */

/* Of panel p. Inlined as it is, each number of states gets code of its own. */
typedef void panel_gemv(const lsq_gemv_args *a, size_t p, float *y, const unsigned bits, const unsigned states);

INLINE void rows(const lsq_gemv_args *a, size_t p0, size_t p1, const unsigned bits, panel_gemv *gemv)
{
    float *y = a->y;
    for (size_t p = p0; p < p1; p++, y += PANEL)
        switch (a->w.states) {
        case 4:
            gemv(a, p, y, bits, 4);
            break;
        case 8:
            gemv(a, p, y, bits, 8);
            break;
        case 16:
            gemv(a, p, y, bits, 16);
            break;
        default:
            gemv(a, p, y, bits, 64);
        }
}

#endif
