/*
 * plain_decode.c - codes that index a table into floats, on AVX-512; 2 to 9 bits.
 *
 *     codes  --codes.h-->  indices      16 rows x 4 columns of bytes, eight times
 *     indices  --4 x 4 dwords exchanged, stored-->  16 columns of a row in each lane
 *     two of those  --spread, merge-->  words     columns c and c + 16 of a row in dword c
 *     words  --pairs.h-->  levels       16 columns, float, twice
 *     levels  --* (row * s)-->  floats
 */
#include "kernels/avx512/codes.h"
#include "kernels/avx512/pairs.h"
#include "kernels/avx512/scales.h"
#include "kernels/codec.h"

#include <string.h>

/* From columns 4 t, 4 t + 1, .. of all rows in v[t] to 16 columns of row 4 i + j in lane i of v[j]. */
INLINE void exchange(__m512i v[4])
{
    __m512i a = _mm512_unpacklo_epi32(v[0], v[1]), b = _mm512_unpackhi_epi32(v[0], v[1]);
    __m512i c = _mm512_unpacklo_epi32(v[2], v[3]), d = _mm512_unpackhi_epi32(v[2], v[3]);
    v[0] = _mm512_unpacklo_epi64(a, c);
    v[1] = _mm512_unpackhi_epi64(a, c);
    v[2] = _mm512_unpacklo_epi64(b, d);
    v[3] = _mm512_unpackhi_epi64(b, d);
}

/* The low bytes of the codes of a tile: columns c and c + 16 of row 4 i + j side by side, those of c < 8 in lane i of [j][0]. */
INLINE void tile_pairs(const uint8_t *tile, const unsigned bits, __m512i pairs[4][2])
{
    __m512i v[2][4];
#pragma GCC unroll 8
    for (unsigned t = 0; t < STEPS; t++)
        v[t / 4][t % 4] = codes_of(tile, bits, t);
    exchange(v[0]);
    exchange(v[1]);
    for (unsigned j = 0; j < 4; j++) {
        pairs[j][0] = _mm512_unpacklo_epi8(v[0][j], v[1][j]);
        pairs[j][1] = _mm512_unpackhi_epi8(v[0][j], v[1][j]);
    }
}

/* Columns c and c + 16 of a row in the words of dword c: the pair twice, the upper one moved down. */
INLINE __m512i words_of_row(const __m512i pairs[2], __m512i lane)
{
    return _mm512_srlv_epi16(_mm512_permutex2var_epi16(pairs[0], lane, pairs[1]), _mm512_set1_epi32(8 << 16));
}

/* Bit 8 of the same columns: bit t of byte c is of column 4 t + c. */
INLINE __mmask32 ninth_bits(const uint8_t *tile, unsigned r)
{
    const __m512i bytes = _mm512_set4_epi32(0x03030303, 0x02020202, 0x01010101, 0);
    const __m512i bit =
        _mm512_set_epi32(0x800008, 0x800008, 0x800008, 0x800008, 0x400004, 0x400004, 0x400004, 0x400004, 0x200002,
                         0x200002, 0x200002, 0x200002, 0x100001, 0x100001, 0x100001, 0x100001);
    int32_t row;
    memcpy(&row, tile + 8 * 64 + 4 * r, sizeof(row));
    return _mm512_test_epi16_mask(_mm512_shuffle_epi8(_mm512_set1_epi32(row), bytes), bit);
}

/* A few tiles: the codes of all rows first, then row by row, so that no more lines are written at a time than the first cache has ways. */
enum { FEW = 8 };

INLINE void decode(const lsq_decode_args *a, size_t p, size_t g0, size_t g1, const pair_table *table,
                   const unsigned bits, const int how, float *out)
{
    const __m512i words =
        _mm512_set_epi32(0x270027, 0x260026, 0x250025, 0x240024, 0x230023, 0x220022, 0x210021, 0x200020, 0x070007,
                         0x060006, 0x050005, 0x040004, 0x030003, 0x020002, 0x010001, 0);
    const size_t at = p * a->w.groups + g0, groups = g1 - g0;
    __m512i pairs[FEW][4][2];
    float scale[FEW][PANEL];
    for (size_t g = 0; g < groups; g++) {
        __m512 s = _mm512_loadu_ps(a->row);
        if (a->w.scales)
            s = _mm512_mul_ps(s, byte_scales(a->w.scales + (at + g) * 16));
        _mm512_storeu_ps(scale[g], s);
        tile_pairs(a->w.codes + (at + g) * 64 * bits, bits, pairs[g]);
    }
    for (unsigned r = a->r0; r < a->r1; r += 4, out += 4 * a->ld) {
        const __m512i lane = _mm512_add_epi16(words, _mm512_set1_epi16((int16_t)(2 * r)));
        for (size_t g = 0; g < groups; g++)
#pragma GCC unroll 4
            for (unsigned j = 0; j < 4; j++) {
                __m512i index = words_of_row(pairs[g][j], lane);
                above over = above_of(index, bits);
                __m512 level[2], s = _mm512_set1_ps(scale[g][r + j]);
                if (bits == 9)
                    over.bit[2] = ninth_bits(a->w.codes + (at + g) * 64 * bits, r + j);
                pair_of(table, bits, how, index, &over, level);
                float *to = out + j * a->ld + g * GROUP;
                _mm512_storeu_ps(to, _mm512_mul_ps(s, level[0]));
                _mm512_storeu_ps(to + 16, _mm512_mul_ps(s, level[1]));
            }
    }
}

INLINE void groups(const lsq_decode_args *a, size_t p, size_t g0, size_t g1, const unsigned bits)
{
    pair_table table;
    const int how = pair_table_of(&table, a->w.levels->f32, bits, bits > 6 && a->w.levels->unit == 1);
    float *out = a->out;
    for (size_t g = g0; g < g1; g += FEW, out += FEW * GROUP) {
        const size_t end = g1 - g < FEW ? g1 : g + FEW;
        if (how == WHOLES)
            decode(a, p, g, end, &table, bits, WHOLES, out);
        else
            decode(a, p, g, end, &table, bits, bits > 6 ? INTEGERS : HALVES, out);
    }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_decode_p##bits##_f32_avx512_r1(const lsq_decode_args *a, size_t p, size_t g0, size_t g1)                  \
    {                                                                                                                  \
        groups(a, p, g0, g1, bits);                                                                                    \
    }

WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
WIDTH(7)
WIDTH(8)
WIDTH(9)
