/*
 * trellis_gemvt.c - trellis codes, transposed, times a vector, on AVX-512 with VBMI and VNNI; 1 to 6 bits.
 *
 *     codes  --trellis.h-->  indices  --gemvt.h: vpermt2b-->  of two steps, columns in qwords
 *     these  --shift, vpermb----------------------------->    levels + 128                      everything else: gemvt.h
 */
#include "kernels/avx512icl/gemvt.h"
#include "kernels/avx512icl/trellis.h"

typedef struct decoder {
    table levels;
    __m512i history[MEMORY];
} decoder;

/* Up to 3 bits the vectors of two pairs have the other two above. */
INLINE void pairs_of(decoder *d, const uint8_t *tile, step_pairs *to, const unsigned bits, const unsigned states)
{
    const unsigned vectors = bits >= 4 ? 4 : 2;
    __m512i index[STEPS], two[4][2];
    tile_indices(tile, bits, states, d->history, index);
    for (unsigned i = 0; i < vectors; i++)
        pair(index[bits >= 4 ? 2 * i : i], index[bits >= 4 ? 2 * i + 1 : i + 4], two[i]);
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; i++)
        for (unsigned rows = 0; rows < 2; rows++) {
            const int shift = i < vectors ? 0 : bits == 1 ? 2 : 4;
            to->of[i][rows] = lookup(&d->levels, bits, down(two[i % vectors][rows], shift));
        }
}

INLINE decoder begin(const lsq_gemvt_args *a, size_t p, size_t g0, const unsigned bits)
{
    const __m512i bias = _mm512_set1_epi8(-128);
    decoder d = {.levels = table_of(a->w.levels, bits)};
    d.levels.lower = _mm512_xor_si512(d.levels.lower, bias); /* + 128 */
    d.levels.upper = _mm512_xor_si512(d.levels.upper, bias);
    history_before(&a->w, p * a->w.groups + g0, bits, bits >= 4 ? 4 : bits >= 2 ? 2 : 1, d.history);
    return d;
}

#define STATES(bits, states)                                                                                           \
    INLINE void pairs##bits##_##states(void *d, const uint8_t *tile, step_pairs *to)                                   \
    {                                                                                                                  \
        pairs_of(d, tile, to, bits, states);                                                                           \
    }

#define WIDTH(bits)                                                                                                    \
    STATES(bits, 4)                                                                                                    \
    STATES(bits, 8)                                                                                                    \
    STATES(bits, 16)                                                                                                   \
    STATES(bits, 64)                                                                                                   \
                                                                                                                       \
    void lsq_gemvt_t##bits##_i8_avx512icl_r1(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)                  \
    {                                                                                                                  \
        const tile_run run = {tile_codes(a, p, g0, bits), 64 * bits, bits >= 4 ? 1 : 4, 128, 1};                       \
        decoder d = begin(a, p, g0, bits);                                                                             \
        if (a->w.states == 4)                                                                                          \
            add_panel(a, p, g0, g1, run, pairs##bits##_4, &d);                                                         \
        else if (a->w.states == 8)                                                                                     \
            add_panel(a, p, g0, g1, run, pairs##bits##_8, &d);                                                         \
        else if (a->w.states == 16)                                                                                    \
            add_panel(a, p, g0, g1, run, pairs##bits##_16, &d);                                                        \
        else                                                                                                           \
            add_panel(a, p, g0, g1, run, pairs##bits##_64, &d);                                                        \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
