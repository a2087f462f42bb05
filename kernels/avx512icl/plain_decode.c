/*
 * plain_decode.c - codes of 7 to 9 bits into floats, on AVX-512 with VBMI.
 *
 *     codes  --codes.h-->  indices      16 rows x 4 columns of bytes, eight times
 *     four of those  --lanes exchanged-->  indices    4 rows x 4 columns in each lane, 16 columns in all
 *     indices  --planes.h-->  levels    16 columns of each of the four rows
 *     levels  --* (row * s)-->  floats
 */
#include "kernels/avx512/scales.h"
#include "kernels/avx512icl/planes.h"
#include "kernels/codec.h"

/* Lane i of v[j] becomes lane j of v[i]. */
INLINE void exchange(__m512i v[4])
{
    __m512i a = _mm512_shuffle_i32x4(v[0], v[1], 0x44), b = _mm512_shuffle_i32x4(v[0], v[1], 0xee);
    __m512i c = _mm512_shuffle_i32x4(v[2], v[3], 0x44), d = _mm512_shuffle_i32x4(v[2], v[3], 0xee);
    v[0] = _mm512_shuffle_i32x4(a, c, 0x88);
    v[1] = _mm512_shuffle_i32x4(a, c, 0xdd);
    v[2] = _mm512_shuffle_i32x4(b, d, 0x88);
    v[3] = _mm512_shuffle_i32x4(b, d, 0xdd);
}

/* Four rows and 16 columns, `low` their indices. */
INLINE wide_index index_of_rows(const uint8_t *tile, const unsigned bits, __m512i low, unsigned half, unsigned four)
{
    wide_index i = {.low = low};
    if (bits > 7)
        i.bit7 = _mm512_movepi8_mask(low);
    if (bits == 9) { /* bit t of the last vector's bytes is of step t */
        const __m512i steps = _mm512_set_epi32(0x08080808, 0x08080808, 0x08080808, 0x08080808, 0x04040404, 0x04040404,
                                               0x04040404, 0x04040404, 0x02020202, 0x02020202, 0x02020202, 0x02020202,
                                               0x01010101, 0x01010101, 0x01010101, 0x01010101);
        const __m512i bytes = _mm512_broadcast_i32x4(_mm_loadu_si128((const void *)(tile + 8 * 64 + 16 * four)));
        i.bit8 = _mm512_test_epi8_mask(bytes, half ? _mm512_slli_epi16(steps, 4) : steps);
    }
    return i;
}

/* A few tiles: indices of all rows first, then row by row, so that no more lines are written at a time than the first cache has ways. */
enum { FEW = 8 };

INLINE void decode(const lsq_decode_args *a, size_t p, size_t g0, size_t g1, const plane_table *table,
                   const unsigned bits, const unsigned planes, float *out)
{
    const size_t at = p * a->w.groups + g0, groups = g1 - g0;
    const uint8_t *codes = a->w.codes + at * 64 * bits;
    __m512i index[FEW][2][4];
    float scale[FEW][PANEL];
    for (size_t g = 0; g < groups; g++) {
        __m512 s = _mm512_loadu_ps(a->row);
        if (a->w.scales)
            s = _mm512_mul_ps(s, byte_scales(a->w.scales + (at + g) * 16));
        _mm512_storeu_ps(scale[g], s);
#pragma GCC unroll 2
        for (unsigned half = 0; half < 2; half++) {
            __m512i v[4];
#pragma GCC unroll 4
            for (unsigned t = 0; t < 4; t++)
                v[t] = codes_of(codes + g * 64 * bits, bits, 4 * half + t);
            exchange(v);
            for (unsigned i = 0; i < 4; i++)
                index[g][half][i] = v[i];
        }
    }
    for (unsigned r = a->r0; r < a->r1; r += 4, out += 4 * a->ld)
        for (size_t g = 0; g < groups; g++)
#pragma GCC unroll 2
            for (unsigned half = 0; half < 2; half++) {
                wide_index i = index_of_rows(codes + g * 64 * bits, bits, index[g][half][r / 4], half, r / 4);
                __m512 level[4];
                levels_of(table, bits, planes, &i, level);
#pragma GCC unroll 4
                for (unsigned j = 0; j < 4; j++)
                    _mm512_storeu_ps(out + j * a->ld + g * GROUP + 16 * half,
                                     _mm512_mul_ps(_mm512_set1_ps(scale[g][r + j]), level[j]));
            }
}

INLINE void groups(const lsq_decode_args *a, size_t p, size_t g0, size_t g1, const unsigned bits, const unsigned planes)
{
    plane_table table;
    plane_table_of(&table, a->w.levels, bits, planes);
    float *out = a->out;
    for (size_t g = g0; g < g1; g += FEW, out += FEW * GROUP)
        decode(a, p, g, g1 - g < FEW ? g1 : g + FEW, &table, bits, planes, out);
}

#define WIDTH(bits)                                                                                                    \
    void lsq_decode_p##bits##_f32_avx512icl_r1(const lsq_decode_args *a, size_t p, size_t g0, size_t g1)               \
    {                                                                                                                  \
        a->w.levels->unit == 1 ? groups(a, p, g0, g1, bits, 2) : groups(a, p, g0, g1, bits, 4);                        \
    }

WIDTH(7)
WIDTH(8)
WIDTH(9)
