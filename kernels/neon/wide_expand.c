/*
 * wide_expand.c - codes of 7 to 9 bits into integers of 16 bits, on NEON.
 *
 *     codes  --wide.h-->  low and high bytes of levels  --zip-->  levels    4 columns of a row, 16 bit
 */
#include "kernels/neon/wide.h"

/* Four steps, of which each is 128 bytes. */
INLINE void expand_half(uint8_t *out, const table t[2], const unsigned bits, const uint8x16_t index[4],
                        const uint8x16_t ninth[4])
{
    uint8x16_t low[4], high[4];
    wide_lookup(&t[0], bits, index, ninth, low);
    wide_lookup(&t[1], bits, index, ninth, high);
    for (unsigned i = 0; i < 4; i++) {
        vst1q_u8(out + 128 * i, vzip1q_u8(low[i], high[i]));
        vst1q_u8(out + 128 * i + 16, vzip2q_u8(low[i], high[i]));
    }
}

INLINE void expand(const lsq_expand_args *a, size_t p, size_t g0, size_t g1, const unsigned bits)
{
    const uint8_t *tile = a->w.codes + (p * a->w.groups + g0) * 64 * bits;
    uint8_t *out = a->out;
    table t[2];
    wide_tables(t, a->w.levels->i16, bits);
    for (size_t g = g0; g < g1; g++, tile += 64 * bits, out += 2 * TILE) {
#pragma GCC unroll 1
        for (unsigned quarter = 0; quarter < 4; quarter++) {
            uint8x16_t index[STEPS], ninth[4] = {vdupq_n_u8(0)};
            plain_indices(tile, quarter, bits, index);
            if (bits == 9)
                ninth_bits(tile, quarter, 0, ninth);
            expand_half(out + 32 * quarter, t, bits, index, ninth);
            if (bits == 9)
                ninth_bits(tile, quarter, 1, ninth);
            expand_half(out + 32 * quarter + TILE, t, bits, index + 4, ninth);
        }
    }
}

#define WIDTH(bits)                                                                                                    \
    void lsq_expand_p##bits##_i16_neon_r1(const lsq_expand_args *a, size_t p, size_t g0, size_t g1)                    \
    {                                                                                                                  \
        expand(a, p, g0, g1, bits);                                                                                    \
    }

WIDTH(7)
WIDTH(8)
WIDTH(9)
