/*
 * trellis.c - codes that depend on the bits before them, as defined: one weight after the other.
 *
 *     code = q << 1 | u      history = the u of the same bit in the vectors before, newest lowest
 *     z0 = parity(history & Z0)      z1 = u ^ parity(history & Z1)      level = table[z0 * 2^C + q << 1 | z1]
 *
 * A path is a bit position of a byte lane in the first plane. It runs through the vectors of that plane, tile after tile, panel after
 * panel, and starts from zeros at the first tile of a chain.
 *
 * Bounds: 16 products stay under 16 * 127 * 127 < 2^18; times a multiplier of 8 bits, and two of them, under 2^27.
 */
#include "kernels/codec.h"

/* The newest `memory` bits u before vector v (counted through the tiles) of the path that weight (row, column) is on. */
static unsigned history(const lsq_tiles *w, unsigned bits, lsq_code code, size_t tile, unsigned row, unsigned column)
{
    unsigned width = bits >= 4 ? 4 : bits >= 2 ? 2 : 1; /* of the first plane */
    unsigned slots = 8 / width, slot = column / 4 % slots, per_tile = width;
    size_t chain = tile - tile % (CHAIN * w->groups), v = tile * per_tile + column / 4 / slots, h = 0;
    for (unsigned back = 1; back <= code.memory && v >= chain * per_tile + back; back++) {
        size_t before = v - back;
        const uint8_t *vector = w->codes + before / per_tile * 64 * bits + before % per_tile * 64;
        h |= (size_t)(vector[row * 4 + column % 4] >> slot * width & 1) << (back - 1);
    }
    return (unsigned)h;
}

static unsigned parity(unsigned x)
{
    x ^= x >> 4;
    x ^= x >> 2;
    return (x ^ x >> 1) & 1;
}

/* Where the level of weight (row, column) of a tile is in the table. */
static unsigned index_of(const lsq_tiles *w, unsigned bits, size_t tile, unsigned row, unsigned column)
{
    lsq_code code = lsq_code_of(w->states);
    unsigned h = history(w, bits, code, tile, row, column);
    unsigned c = lsq_code_get(w->codes + tile * 64 * bits, bits, row, column);
    return parity(h & code.z0) << bits | (c ^ parity(h & code.z1));
}

static inline void gemv_int(const lsq_gemv_args *a, size_t p0, size_t p1, unsigned bits)
{
    const lsq_tiles *w = &a->w;
    const int8_t *x = a->x;
    for (size_t p = p0; p < p1; p++)
        for (unsigned r = 0; r < PANEL; r++) {
            float acc = 0;
            for (size_t g = 0; g < w->groups; g++) {
                size_t tile = p * w->groups + g;
                int32_t dot[2] = {0, 0};
                for (unsigned c = 0; c < GROUP; c++)
                    dot[c / 16] += w->levels->i8[index_of(w, bits, tile, r, c)] * x[g * GROUP + c];
                float s[2];
                lsq_tile_scale(w, tile, r, w->rows[p * PANEL + r], s);
                if (w->scale == LSQ_SCALE_BYTE32)
                    acc += (float)(dot[0] + dot[1]) * (a->sx[g] * s[0]);
                else
                    acc += (float)(dot[0] * (int32_t)s[0] + dot[1] * (int32_t)s[1]) * a->sx[g];
            }
            a->y[(p - p0) * PANEL + r] = acc;
        }
}

static inline void gemv_float(const lsq_gemv_args *a, size_t p0, size_t p1, unsigned bits)
{
    const lsq_tiles *w = &a->w;
    const float *x = a->x;
    for (size_t p = p0; p < p1; p++)
        for (unsigned r = 0; r < PANEL; r++) {
            float acc = 0;
            for (size_t g = 0; g < w->groups; g++) {
                size_t tile = p * w->groups + g;
                float dot[2] = {0, 0}, s[2];
                for (unsigned c = 0; c < GROUP; c++)
                    dot[c / 16] += w->levels->f32[index_of(w, bits, tile, r, c)] * x[g * GROUP + c];
                lsq_tile_scale(w, tile, r, w->rows[p * PANEL + r], s);
                acc += dot[0] * s[0] + dot[1] * s[1];
            }
            a->y[(p - p0) * PANEL + r] = acc;
        }
}

static inline void decode(const lsq_decode_args *a, size_t p, size_t g0, size_t g1, unsigned bits)
{
    const lsq_tiles *w = &a->w;
    size_t ld = GROUP * (g1 - g0);
    for (size_t g = g0; g < g1; g++)
        for (unsigned r = 0; r < PANEL; r++) {
            size_t tile = p * w->groups + g;
            float s[2];
            lsq_tile_scale(w, tile, r, w->rows[p * PANEL + r], s);
            for (unsigned c = 0; c < GROUP; c++)
                a->out[r * ld + (g - g0) * GROUP + c] =
                    a->row[r] * s[c / 16] * w->levels->f32[index_of(w, bits, tile, r, c)];
        }
}

/* The rows of a width. */
#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_t##bits##_i8_scalar_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                 \
    {                                                                                                                  \
        gemv_int(a, p0, p1, bits);                                                                                     \
    }                                                                                                                  \
    void lsq_gemv_t##bits##_f32_scalar_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                \
    {                                                                                                                  \
        gemv_float(a, p0, p1, bits);                                                                                   \
    }                                                                                                                  \
    void lsq_decode_t##bits##_f32_scalar_r1(const lsq_decode_args *a, size_t p, size_t g0, size_t g1)                  \
    {                                                                                                                  \
        decode(a, p, g0, g1, bits);                                                                                    \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
