/*
 * trellis_decode.c - trellis codes into floats, on AVX-512 without VBMI; 1 to 6 bits.
 *
 *     indices (trellis.h) of four steps  --transposed in dwords-->  16 columns of each row, stored
 *     16 bytes  --widen, vpermi2ps-->  levels of one row, float     --* (row * s)-->  out
 *
 * 6-bit indices and longer are looked up as bytes before (byte_levels), and widened to floats then. The first part is done for all 16
 * rows whatever [r0, r1) is: it is a third of the whole.
 */
#include "kernels/avx512/trellis.h"
#include "kernels/avx512/words.h"

/* ---- Levels ---- */

/* Floats by an index of up to five bits, or pairs of bytes by an index without its highest bit. */
typedef struct lookups {
    __m512 level[2];
    __m512i even[2], odd[2];
} lookups;

/*
 * The levels of indices of 6 or 7 bits, as bytes. A word of a table has the two levels that the highest bit chooses between: for
 * even bytes the one for 0 first, for odd ones the one for 1, so that both are where they belong if the bit is 0.
 */
INLINE __m512i byte_levels(const lookups *t, const unsigned bits, __m512i index)
{
    const __m512i swap = _mm512_broadcast_i32x4(_mm_setr_epi8(1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14));
    const __m512i lower = _mm512_set1_epi16(255);
    __mmask64 highest = _mm512_test_epi8_mask(index, _mm512_set1_epi8((char)(1 << bits)));
    __m512i even = words_of(t->even, bits, index, NULL), odd = words_of(t->odd, bits, down(index, 8), NULL);
    __m512i zero = _mm512_ternarylogic_epi32(lower, even, odd, 0xca),
            one = _mm512_ternarylogic_epi32(lower, odd, even, 0xca);
    return _mm512_mask_shuffle_epi8(zero, highest, one, swap);
}

INLINE lookups lookups_of(const lsq_levels *levels, const unsigned bits)
{
    const alphabet t = alphabet_of(levels, bits);
    const __m512i one = bits == 6 ? t.upper : _mm512_shuffle_i32x4(t.lower, t.lower, 0xee);
    lookups to;
    for (unsigned i = 0; i < 2; i++) {
        to.level[i] = _mm512_cvtepi32_ps(eighth_of(&t, i));
        __m256i half[2];
        half[0] = i ? _mm512_extracti64x4_epi64(t.lower, 1) : _mm512_castsi512_si256(t.lower);
        half[1] = i ? _mm512_extracti64x4_epi64(one, 1) : _mm512_castsi512_si256(one);
        __m512i first = _mm512_cvtepu8_epi16(half[0]), second = _mm512_cvtepu8_epi16(half[1]);
        to.even[i] = _mm512_or_si512(first, _mm512_slli_epi16(second, 8));
        to.odd[i] = _mm512_or_si512(second, _mm512_slli_epi16(first, 8));
    }
    return to;
}

/* ---- Tiles ---- */

/* Bytes of four steps, so that vector i has 16 columns of each of the rows i, 4 + i, 8 + i and 12 + i. */
INLINE void transpose(const __m512i step[4], uint8_t to[4][LANES])
{
    __m512i low[2], high[2];
    for (unsigned i = 0; i < 2; i++) {
        low[i] = _mm512_unpacklo_epi32(step[2 * i], step[2 * i + 1]);
        high[i] = _mm512_unpackhi_epi32(step[2 * i], step[2 * i + 1]);
    }
    _mm512_storeu_si512(to[0], _mm512_unpacklo_epi64(low[0], low[1]));
    _mm512_storeu_si512(to[1], _mm512_unpackhi_epi64(low[0], low[1]));
    _mm512_storeu_si512(to[2], _mm512_unpacklo_epi64(high[0], high[1]));
    _mm512_storeu_si512(to[3], _mm512_unpackhi_epi64(high[0], high[1]));
}

/* The scales of the 16 rows times those of the panel's next tile, for columns [0, 16) and [16, 32). */
INLINE void tile_scales(const lsq_decode_args *a, panel *n, const nibbles *nibble, float to[2][PANEL])
{
    const __m512 row = _mm512_loadu_ps(a->row);
    __m512 s[2];
    if (a->w.scale == LSQ_SCALE_BYTE32) {
        s[0] = s[1] = next_byte_scales(n);
    } else {
        __m512i m[2];
        next_multipliers(n, &a->w, nibble, m);
        s[0] = _mm512_cvtepi32_ps(m[0]);
        s[1] = _mm512_cvtepi32_ps(m[1]);
    }
    for (unsigned half = 0; half < 2; half++)
        _mm512_storeu_ps(to[half], _mm512_mul_ps(row, s[half]));
}

/* 16 columns of a row. */
INLINE void write(float *out, const uint8_t *bytes, float scale, const lookups *t, const unsigned bits)
{
    const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)bytes);
    __m512 level = bits > 4 ? _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(v))
                            : _mm512_permutex2var_ps(t->level[0], _mm512_cvtepu8_epi32(v), t->level[1]);
    _mm512_storeu_ps(out, _mm512_mul_ps(level, _mm512_set1_ps(scale)));
}

INLINE void decode(const lsq_decode_args *a, size_t p, size_t g0, size_t g1, const unsigned bits, const unsigned states)
{
    const nibbles nibble = nibble_table(&a->w);
    const lookups t = lookups_of(a->w.levels, bits);
    panel n;
    start(&n, &a->w, p, g0, bits, a->w.scale == LSQ_SCALE_NIBBLE32 ? 8 : 16);
    const unsigned q0 = a->r0 / 4, q1 = a->r1 / 4;
    const size_t ld = a->ld;
    float *out = a->out;
    for (size_t g = g0; g < g1; g++, out += GROUP) {
        __m512i index[STEPS];
        _Alignas(64) uint8_t bytes[2][4][LANES];
        _Alignas(64) float scale[2][PANEL];
        tile_indices(n.tile, bits, states, n.history, index);
        n.tile += 64 * bits;
        for (unsigned i = 0; bits > 4 && i < STEPS; i++)
            index[i] = byte_levels(&t, bits, index[i]);
        transpose(index, bytes[0]);
        transpose(index + 4, bytes[1]);
        tile_scales(a, &n, &nibble, scale);
        float *to = out;
#pragma GCC unroll 1
        for (unsigned q = q0; q < q1; q++, to += 4 * ld)
#pragma GCC unroll 4
            for (unsigned i = 0; i < 4; i++)
                for (unsigned half = 0; half < 2; half++)
                    write(to + i * ld + 16 * half, bytes[half][i] + 16 * q, scale[half][4 * q + i], &t, bits);
    }
}

INLINE void tiles(const lsq_decode_args *a, size_t p, size_t g0, size_t g1, const unsigned bits)
{
    switch (a->w.states) {
    case 4:
        decode(a, p, g0, g1, bits, 4);
        break;
    case 8:
        decode(a, p, g0, g1, bits, 8);
        break;
    case 16:
        decode(a, p, g0, g1, bits, 16);
        break;
    default:
        decode(a, p, g0, g1, bits, 64);
    }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_decode_t##bits##_f32_avx512_r1(const lsq_decode_args *a, size_t p, size_t g0, size_t g1)                  \
    {                                                                                                                  \
        tiles(a, p, g0, g1, bits);                                                                                     \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
