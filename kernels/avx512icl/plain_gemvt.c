/*
 * plain_gemvt.c - codes that index a table, transposed, times a vector, on AVX-512 with VBMI and VNNI; 2 to 6 bits.
 *
 *     codes, or with two planes indices  --gemvt.h: vpermt2b-->  of two steps, columns in qwords
 *     these  --shift, levels.h: vpermb------------------------>  levels + 128                     everything else: gemvt.h
 */
#include "kernels/avx512icl/gemvt.h"
#include "kernels/avx512icl/levels.h"

/* How far apart the steps of a pair are: as far as vectors are that have several steps each. */
INLINE unsigned apart_of(const unsigned bits)
{
    return bits <= 3 ? 4 : bits == 4 ? 2 : 1;
}

/* Up to 4 bits two or four pairs, one after the other, are in the same vectors. */
INLINE unsigned shared_by(const unsigned bits)
{
    return bits == 2 ? 4 : bits <= 4 ? 2 : 1;
}

/* The vectors that pair i is in. */
INLINE void paired(const uint8_t *tile, const unsigned bits, unsigned i, __m512i to[2])
{
    if (bits == 2 || bits == 4)
        pair(_mm512_loadu_si512(tile + 64 * i), _mm512_loadu_si512(tile + 64 * (i + 1)), to);
    else if (bits == 3)
        pair(index_of(tile, bits, i), index_of(tile, bits, i + 4), to);
    else
        pair(index_of(tile, bits, 2 * i), index_of(tile, bits, 2 * i + 1), to);
}

INLINE void pairs_of(const tables *table, const uint8_t *tile, step_pairs *to, const unsigned bits)
{
    __m512i two[2];
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; i++) {
        const int shift = bits == 2 && i == 3 ? 2 : bits == 4 ? (int)i % 2 * 4 : 0;
        if (i % shared_by(bits) == 0)
            paired(tile, bits, i, two);
        for (unsigned rows = 0; rows < 2; rows++)
            to->of[i][rows] = look_up(table, bits, bits >= 5 ? 2 * i : i, down(two[rows], shift));
    }
}

INLINE tables biased_tables(const lsq_gemvt_args *a, const unsigned bits)
{
    return tables_of(_mm512_xor_si512(_mm512_loadu_si512(a->w.levels->i8), _mm512_set1_epi8(-128)), bits); /* + 128 */
}

#define WIDTH(bits)                                                                                                    \
    INLINE void pairs##bits(void *table, const uint8_t *tile, step_pairs *to)                                          \
    {                                                                                                                  \
        pairs_of(table, tile, to, bits);                                                                               \
    }                                                                                                                  \
                                                                                                                       \
    void lsq_gemvt_p##bits##_i8_avx512icl_r1(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)                  \
    {                                                                                                                  \
        const tile_run run = {tile_codes(a, p, g0, bits), 64 * bits, apart_of(bits), 128, 0};                          \
        tables table = biased_tables(a, bits);                                                                         \
        add_panel(a, p, g0, g1, run, pairs##bits, &table);                                                             \
    }

WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
