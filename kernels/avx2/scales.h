/*
 * scales.h - byte scales as floats, and nibble scales as integers.
 */
#ifndef LSQ_KERNELS_AVX2_SCALES_H
#define LSQ_KERNELS_AVX2_SCALES_H

#include "kernels/avx2/bits.h"
#include "kernels/codec.h"

#include <immintrin.h>

/* The byte scales of 8 rows: bits of a half float, once the sign has moved from bit 7 to bit 15 and the rest to 12..6. */
INLINE __m256 byte_scales(const uint8_t *scales)
{
    __m128i b = _mm_slli_epi16(_mm_cvtepi8_epi16(_mm_loadl_epi64((const __m128i *)(const void *)scales)), 6);
    return _mm256_cvtph_ps(_mm_and_si128(b, _mm_set1_epi16((int16_t)0x9fc0)));
}

/* Those of rows 8 half .. 8 half + 7 of a tile; 1 where the format has none. */
INLINE __m256 half_scales(const lsq_tiles *w, size_t tile, unsigned half)
{
    return w->scales ? byte_scales(w->scales + tile * 16 + 8 * half) : _mm256_set1_ps(1);
}

/*
 * Multipliers of a tile's rows, a byte each: both lanes have those of columns [0, 16) in their first eight bytes and of [16, 32) in the
 * others; the low lane of rows 0..3 and 8..11, the high lane of rows 4..7 and 12..15, so that half a panel is next to itself.
 */
typedef struct multiplier_maker {
    __m256i step, odd;    /* bit 1, and bit 0, of each row's choice of 16 as bit 7 */
    __m256i order, shift; /* where the nibbles are: dwords, and how far up */
} multiplier_maker;

INLINE multiplier_maker multipliers_of(const lsq_tiles *w, size_t p)
{
    const __m256i order = _mm256_setr_epi32(0, 2, 0, 2, 1, 3, 1, 3);
    __m128i rows = _mm_loadu_si128((const __m128i *)(const void *)(w->rows + p * PANEL));
    multiplier_maker n = {.order = order, .shift = _mm256_setr_epi32(0, 0, 4, 4, 0, 0, 4, 4)};
    n.step = _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(rows), order);
    n.odd = _mm256_slli_epi16(n.step, 1);
    if (w->scale == LSQ_SCALE_NIBBLE32) { /* rows 0..7 in the low nibbles */
        n.order = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
        n.shift = _mm256_setr_epi32(0, 4, 0, 4, 0, 4, 0, 4);
    }
    return n;
}

INLINE __m256i multipliers(const lsq_tiles *w, size_t tile, const multiplier_maker *n)
{
    __m128i nibbles = w->scale == LSQ_SCALE_NIBBLE16
                          ? _mm_loadu_si128((const __m128i *)(const void *)(w->scales + tile * 16))
                          : _mm_loadl_epi64((const __m128i *)(const void *)(w->scales + tile * 8));
    __m256i index = _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(nibbles), n->order), m[4];
    index = masked(_mm256_srlv_epi32(index, n->shift), 15);
    for (unsigned i = 0; i < 4; i++) {
        __m128i table = _mm_loadu_si128((const __m128i *)(const void *)lsq_multipliers[w->mirrored][i]);
        m[i] = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(table), index);
    }
    return blend(blend(m[0], m[1], n->odd), blend(m[2], m[3], n->odd), n->step);
}

/*
 * Those of half a panel for columns [16 c, 16 c + 16): each in its row's dword or, if `twice`, in both of its words. Those with a sign
 * are put into every byte, and shifted down with it.
 */
INLINE __m256i multipliers_at(const lsq_tiles *w, __m256i m, unsigned half, unsigned c, const int twice)
{
    const unsigned at = 4 * half + 8 * c, every = 0x01010101;
    const unsigned empty = w->mirrored ? 0 : twice ? 0x80008000 : 0x80808000;
    const unsigned one = w->mirrored ? every : twice ? 0x10001 : 1;
    const __m128i control = _mm_setr_epi32((int)(empty | at * one), (int)(empty | (at + 1) * one),
                                           (int)(empty | (at + 2) * one), (int)(empty | (at + 3) * one));
    const __m256i placed = _mm256_shuffle_epi8(m, _mm256_broadcastsi128_si256(control));
    if (!w->mirrored)
        return placed;
    return twice ? _mm256_srai_epi16(placed, 8) : _mm256_srai_epi32(placed, 24);
}

#endif
