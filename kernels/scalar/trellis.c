/*
 * trellis.c - codes that depend on the bits before them, as defined: tile after tile, step after step, lane after lane.
 *
 *     code = q << 1 | u      u[-h] = the bit in u's place in the h-th vector of the first plane before this one
 *     z0 = xor of the u[-h] in Z0      z1 = u ^ xor of the u[-h] in Z1      level = table[z0 * 2^C + (q << 1 | z1)]
 *
 * A path is a bit position of a byte lane in the first plane. It runs through the vectors of that plane, tile after tile, panel after
 * panel, and starts from zeros at the first tile of a chain.
 *
 * Bounds: 16 products stay under 16 * 127 * 127 < 2^18; times a multiplier of 8 bits, and two of them, under 2^27.
 */
#include "kernels/codec.h"

#include <string.h>

/* The vector of the first plane `back` vectors before vector v of a tile, or zeros before the chain. */
static const uint8_t *vector_before(const lsq_tiles *w, unsigned bits, unsigned width, size_t tile, unsigned v,
                                    unsigned back)
{
    static const uint8_t zeros[LANES];
    size_t chain = tile - tile % (CHAIN * w->groups), now = (tile - chain) * width + v;
    if (now < back)
        return zeros;
    return w->codes + (chain + (now - back) / width) * 64 * bits + (now - back) % width * 64;
}

/* Where the levels of a tile's weights are in the table. */
static void tile_indices(const lsq_tiles *w, unsigned bits, size_t tile, uint16_t index[STEPS][LANES])
{
    lsq_code code = lsq_code_of(w->states);
    unsigned width = bits >= 4 ? 4 : bits >= 2 ? 2 : 1, slots = 8 / width; /* of the first plane */
    lsq_tile_codes(w->codes + tile * 64 * bits, bits, index);
    for (unsigned t = 0; t < STEPS; t++)
        for (unsigned back = 1; back <= code.memory; back++) {
            unsigned flip = (code.z0 >> (back - 1) & 1) << bits | (code.z1 >> (back - 1) & 1);
            const uint8_t *before = vector_before(w, bits, width, tile, t / slots, back);
            for (unsigned lane = 0; flip && lane < LANES; lane++)
                index[t][lane] ^= (uint16_t)((before[lane] >> t % slots * width & 1) * flip);
        }
}

/* The two scales of each row of a tile. */
static void scales_of(const lsq_tiles *w, size_t p, size_t g, float s[PANEL][2])
{
    for (unsigned r = 0; r < PANEL; r++)
        lsq_tile_scale(w, p * w->groups + g, r, w->rows[p * PANEL + r], s[r]);
}

static inline void gemv_int(const lsq_gemv_args *a, size_t p0, size_t p1, unsigned bits)
{
    const lsq_tiles *w = &a->w;
    const int8_t *level = w->levels->i8, *x = a->x;
    memset(a->y, 0, (p1 - p0) * PANEL * sizeof(float));
    for (size_t p = p0; p < p1; p++)
        for (size_t g = 0; g < w->groups; g++) {
            uint16_t index[STEPS][LANES];
            int32_t dot[2][PANEL] = {{0}};
            float s[PANEL][2], *y = a->y + (p - p0) * PANEL;
            tile_indices(w, bits, p * w->groups + g, index);
            for (unsigned t = 0; t < STEPS; t++)
                for (unsigned lane = 0; lane < LANES; lane++)
                    dot[t / 4][lane / 4] += level[index[t][lane]] * x[g * GROUP + 4 * t + lane % 4];
            scales_of(w, p, g, s);
            for (unsigned r = 0; r < PANEL; r++)
                if (w->scale == LSQ_SCALE_BYTE32)
                    y[r] += (float)(dot[0][r] + dot[1][r]) * (a->sx[g] * s[r][0]);
                else
                    y[r] += (float)(dot[0][r] * (int32_t)s[r][0] + dot[1][r] * (int32_t)s[r][1]) * a->sx[g];
        }
}

static inline void gemv_float(const lsq_gemv_args *a, size_t p0, size_t p1, unsigned bits)
{
    const lsq_tiles *w = &a->w;
    const float *x = a->x;
    memset(a->y, 0, (p1 - p0) * PANEL * sizeof(float));
    for (size_t p = p0; p < p1; p++)
        for (size_t g = 0; g < w->groups; g++) {
            uint16_t index[STEPS][LANES];
            float dot[2][PANEL] = {{0}}, s[PANEL][2];
            tile_indices(w, bits, p * w->groups + g, index);
            for (unsigned t = 0; t < STEPS; t++)
                for (unsigned lane = 0; lane < LANES; lane++)
                    dot[t / 4][lane / 4] += w->levels->f32[index[t][lane]] * x[g * GROUP + 4 * t + lane % 4];
            scales_of(w, p, g, s);
            for (unsigned r = 0; r < PANEL; r++)
                a->y[(p - p0) * PANEL + r] += dot[0][r] * s[r][0] + dot[1][r] * s[r][1];
        }
}

static inline void decode(const lsq_decode_args *a, size_t p, size_t g0, size_t g1, unsigned bits)
{
    const lsq_tiles *w = &a->w;
    size_t ld = GROUP * (g1 - g0);
    for (size_t g = g0; g < g1; g++) {
        uint16_t index[STEPS][LANES];
        float s[PANEL][2];
        tile_indices(w, bits, p * w->groups + g, index);
        scales_of(w, p, g, s);
        for (unsigned t = 0; t < STEPS; t++)
            for (unsigned lane = 0; lane < LANES; lane++)
                a->out[lane / 4 * ld + (g - g0) * GROUP + 4 * t + lane % 4] =
                    a->row[lane / 4] * s[lane / 4][t / 4] * w->levels->f32[index[t][lane]];
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
