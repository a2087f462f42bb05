/*
 * trellis.c - codes that depend on the bits before them, on AVX2; 1 to 6 bits.
 *
 * Both slots of a byte (or four, or eight) are on paths of their own, and the history of a path is in the same bits of the vectors
 * before. So the convolution is a handful of logic operations between whole vectors, for all paths at once. One ymm holds 8 rows x 4
 * columns, so a panel is a low and a high half:
 *
 *     X = a vector of the first plane, X1, X2, ... those before it; u is the lowest bit of each slot
 *
 *     X ^ ((X1 ^ X4) & u)  ---------->  V       u replaced by z1, the other bits as they are      (16 states)
 *     X2  --------------------------->  Z       z0 in u's place
 *     V, Z, second plane  --merge---->  indices of up to four bits, and the bits above them as selectors
 *     indices  --pshufb, blends------>  levels  signed bytes
 *     levels, x  --maddubs, madd 1--->  dots of 16 columns     8 rows, 32 bit
 *     dots * multipliers, added  ---->  --float, * sx-->  sums 8 rows; in integers up to here
 *
 * How signs get into maddubs, and why it does not saturate: see dot.h; levels have 7 bits up to codes of 3, 8 beyond. |dot| <= 16 *
 * 127 * 127 and a multiplier is at most 255: two products stay under 2^27.
 */
#include "kernels/avx2/dot.h"
#include "kernels/avx2/scales.h"
#include "kernels/codec.h"

#include <immintrin.h>

enum { MEMORY = 6 }; /* vectors of history, at most */

INLINE __m256i load(const uint8_t *tile, unsigned vector, unsigned half)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)(tile + 64 * vector + 32 * half));
}

/* Each byte's bits moved down, or up; the caller masks off what came from the neighbour. */
INLINE __m256i down(__m256i v, int bits)
{
    return bits < 0 ? _mm256_slli_epi16(v, -bits) : bits ? _mm256_srli_epi16(v, bits) : v;
}

INLINE __m256i masked(__m256i v, int mask)
{
    return _mm256_and_si256(v, _mm256_set1_epi8((char)mask));
}

/* ---- History ---- */

/* V and Z of vector x after the vectors h[0] (the newest) to h[5]. */
INLINE __m256i convolve(__m256i x, const __m256i h[MEMORY], __m256i u, const unsigned states, __m256i *z)
{
    *z = states == 4 ? h[0] : states == 64 ? _mm256_xor_si256(h[1], h[3]) : h[1];
    __m256i old = states == 4 ? h[1] : _mm256_xor_si256(h[0], states == 8 ? h[2] : states == 16 ? h[3] : h[5]);
    return _mm256_xor_si256(x, _mm256_and_si256(old, u));
}

/* The vectors of the first plane before tile t of the matrix, zeros before its chain. */
INLINE void history_before(const lsq_tiles *w, size_t tile, unsigned half, const unsigned bits, const unsigned width,
                           __m256i h[MEMORY])
{
    size_t have = tile % (CHAIN * w->groups) * width;
    for (unsigned back = 1; back <= MEMORY; back++) {
        size_t vector = tile * width - back;
        h[back - 1] = back > have ? _mm256_setzero_si256()
                                  : load(w->codes + vector / width * 64 * bits, (unsigned)(vector % width), half);
    }
}

/* ---- Levels ---- */

/* Where a level is: a table of 16 by index, and bits 7 of select[], the lowest first, say which table. */
typedef struct where {
    __m256i index, select[3];
} where;

/* Of the eight steps of half a tile; h moves on. */
INLINE void tile_indices(const uint8_t *tile, unsigned half, const unsigned bits, const unsigned states,
                         __m256i h[MEMORY], where to[STEPS])
{
    const unsigned width = bits >= 4 ? 4 : bits >= 2 ? 2 : 1, slots = 8 / width;
    const __m256i u = _mm256_set1_epi8(width == 4 ? 0x11 : width == 2 ? 0x55 : -1);
#pragma GCC unroll 4
    for (unsigned v = 0; v < width; v++) {
        __m256i x = load(tile, v, half), z, code = convolve(x, h, u, states, &z);
        where *step = to + slots * v;
        for (unsigned i = MEMORY - 1; i > 0; i--)
            h[i] = h[i - 1];
        h[0] = x;
        if (width == 4) {
            for (unsigned s = 0; s < 2; s++) {
                unsigned n = 0;
                int slot = 4 * (int)s;
                step[s].index = masked(down(code, slot), 15);
                if (bits == 5)
                    step[s].select[n++] = down(load(tile, 4, half), slot + (int)v - 7);
                if (bits == 6) {
                    step[s].select[n++] = down(load(tile, 4 + v / 2, half), slot + (int)v % 2 * 2 - 7);
                    step[s].select[n++] = down(load(tile, 4 + v / 2, half), slot + (int)v % 2 * 2 - 6);
                }
                step[s].select[n] = down(z, slot - 7);
            }
        } else if (width == 2) { /* two slots at a time: code, then q1 (3 bits), then z0 */
            __m256i evens = masked(code, 0x33), odds = masked(down(code, 2), 0x33);
            if (bits == 3) {
                __m256i one = load(tile, 2, half); /* at bit 2 s + v */
                evens = _mm256_or_si256(evens, masked(down(one, (int)v - 2), 0x44));
                odds = _mm256_or_si256(odds, masked(down(one, (int)v), 0x44));
            }
            const int z0 = bits == 3 ? 3 : 2;
            evens = _mm256_or_si256(evens, masked(down(z, -z0), 0x11 << z0));
            odds = _mm256_or_si256(odds, masked(down(z, 2 - z0), 0x11 << z0));
            step[0].index = masked(evens, 15);
            step[1].index = masked(odds, 15);
            step[2].index = masked(down(evens, 4), 15);
            step[3].index = masked(down(odds, 4), 15);
        } else {
            __m256i evens = _mm256_or_si256(masked(code, 0x55), masked(down(z, -1), 0xaa));
            __m256i odds = _mm256_or_si256(masked(down(code, 1), 0x55), masked(z, 0xaa));
            for (unsigned t = 0; t < STEPS; t++)
                step[t].index = masked(down(t % 2 ? odds : evens, (int)t / 2 * 2), 3);
        }
    }
}

INLINE __m256i blend(__m256i a, __m256i b, __m256i by)
{
    return _mm256_blendv_epi8(a, b, by);
}

/* Tables in the order of memory: bits above the index are q3 q4 z0, as far as the width has them. */
INLINE __m256i levels(const __m256i *table, const unsigned bits, const where *at)
{
    const unsigned tables = bits <= 3 ? 1 : 1u << (bits - 3);
    __m256i level[8];
    for (unsigned i = 0; i < tables; i++)
        level[i] = _mm256_shuffle_epi8(table[i], at->index);
    for (unsigned n = 0; 1u << n < tables; n++)
        for (unsigned i = 0; i < tables >> (n + 1); i++)
            level[i] = blend(level[2 * i], level[2 * i + 1], at->select[n]);
    return level[0];
}

/* ---- Scales ---- */

/* Multipliers of 16 rows: for nibbles of columns [0, 16) in the low half, [16, 32) in the high half. */
INLINE __m256i multipliers(const lsq_tiles *w, size_t tile, __m256i step)
{
    __m128i nibbles;
    if (w->scale == LSQ_SCALE_NIBBLE16) {
        nibbles = _mm_loadu_si128((const __m128i *)(const void *)(w->scales + tile * 16));
    } else { /* rows 0..7 in the low nibbles: both halves the same */
        __m128i eight = _mm_loadl_epi64((const __m128i *)(const void *)(w->scales + tile * 8));
        nibbles = _mm_and_si128(_mm_unpacklo_epi64(eight, _mm_srli_epi16(eight, 4)), _mm_set1_epi8(15));
        nibbles = _mm_or_si128(nibbles, _mm_slli_epi16(nibbles, 4));
    }
    __m256i index = masked(_mm256_inserti128_si256(_mm256_castsi128_si256(nibbles), _mm_srli_epi16(nibbles, 4), 1), 15),
            m[4];
    for (unsigned i = 0; i < 4; i++) {
        __m128i table = _mm_loadu_si128((const __m128i *)(const void *)lsq_multipliers[i]);
        m[i] = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(table), index);
    }
    __m256i odd = _mm256_slli_epi16(step, 1); /* step is in bits 7 and 6 */
    return blend(blend(m[0], m[1], odd), blend(m[2], m[3], odd), step);
}

/* dot0 * m0 + dot1 * m1 for 8 rows, whose multipliers are the bytes [8 half, 8 half + 8) of each half of m. */
INLINE __m256i scaled(__m256i dot0, __m256i dot1, __m256i m, unsigned half)
{
    __m128i low = _mm256_castsi256_si128(m), high = _mm256_extracti128_si256(m, 1);
    __m256i m0 = _mm256_cvtepu8_epi32(half ? _mm_unpackhi_epi64(low, low) : low);
    __m256i m1 = _mm256_cvtepu8_epi32(half ? _mm_unpackhi_epi64(high, high) : high);
    return _mm256_add_epi32(_mm256_mullo_epi32(dot0, m0), _mm256_mullo_epi32(dot1, m1));
}

/* ---- Products ---- */

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const unsigned bits, const unsigned states)
{
    const unsigned width = bits >= 4 ? 4 : bits >= 2 ? 2 : 1;
    const int seven = bits <= 3; /* bits of a level */
    size_t tile = p * a->w.groups;
    const int32_t *x = a->x;
    __m256i table[8], history[2][MEMORY];
    __m256 sum[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    for (unsigned i = 0; i < 8; i++) { /* shorter tables repeat, so that every one of them is there */
        __m128i part = _mm_loadu_si128((const __m128i *)(const void *)(a->w.levels->i8 + 16 * i));
        table[i] = _mm256_broadcastsi128_si256(_mm_add_epi8(part, _mm_set1_epi8((char)offset_of(seven))));
    }
    for (unsigned half = 0; half < 2; half++)
        history_before(&a->w, tile, half, bits, width, history[half]);
    const __m256i step =
        _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)(a->w.rows + p * PANEL)));
    for (size_t g = 0; g < a->w.groups; g++, tile++, x += STEPS) {
        const int bytes = a->w.scale == LSQ_SCALE_BYTE32;
        const __m256i m = bytes ? _mm256_setzero_si256() : multipliers(&a->w, tile, step);
        for (unsigned half = 0; half < 2; half++) {
            where at[STEPS];
            __m256i dot[2] = {_mm256_set1_epi32(start_of(a, 2 * g, seven)),
                              _mm256_set1_epi32(start_of(a, 2 * g + 1, seven))};
            tile_indices(a->w.codes + tile * 64 * bits, half, bits, states, history[half], at);
#pragma GCC unroll 8
            for (unsigned t = 0; t < STEPS; t++)
                dot[t / 4] = add_step(dot[t / 4], levels(table, bits, &at[t]), _mm256_set1_epi32(x[t]), seven);
            __m256 s = _mm256_set1_ps(a->sx[g]);
            if (bytes)
                s = _mm256_mul_ps(s, byte_scales(a->w.scales + tile * 16 + 8 * half));
            __m256i d = bytes ? _mm256_add_epi32(dot[0], dot[1]) : scaled(dot[0], dot[1], m, half);
            sum[half] = _mm256_add_ps(sum[half], _mm256_mul_ps(_mm256_cvtepi32_ps(d), s));
        }
    }
    _mm256_storeu_ps(y, sum[0]);
    _mm256_storeu_ps(y + 8, sum[1]);
}

INLINE void rows(const lsq_gemv_args *a, size_t p0, size_t p1, const unsigned bits)
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

#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_t##bits##_i8_avx2_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                   \
    {                                                                                                                  \
        rows(a, p0, p1, bits);                                                                                         \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
