/*
 * plain.c - codes that index a table, as defined: one weight after the other.
 *
 *     code  --table-->  level      dot = sum of level * x over a group      acc += (float)dot * (sx * s)
 *
 * Bounds: |level * x| <= 127 * 127 with 8 bits and <= 16383 * 4095 with 16; 32 of them stay under 2^31.
 */
#include "kernels/codec.h"

static inline void gemv_int(const lsq_gemv_args *a, size_t p0, size_t p1, unsigned bits, int wide)
{
    const lsq_tiles *w = &a->w;
    for (size_t p = p0; p < p1; p++)
        for (unsigned r = 0; r < PANEL; r++) {
            float acc = 0;
            for (size_t g = 0; g < w->groups; g++) {
                size_t tile = p * w->groups + g;
                int32_t dot = 0;
                for (unsigned c = 0; c < GROUP; c++) {
                    unsigned code = lsq_code_get(w->codes + tile * 64 * bits, bits, r, c);
                    dot += wide ? w->levels->i16[code] * ((const int16_t *)a->x)[g * GROUP + c]
                                : w->levels->i8[code] * ((const int8_t *)a->x)[g * GROUP + c];
                }
                float s[2];
                lsq_tile_scale(w, tile, r, 0, s);
                acc += (float)dot * (a->sx[g] * s[0]);
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
                float dot = 0, s[2];
                for (unsigned c = 0; c < GROUP; c++)
                    dot += w->levels->f32[lsq_code_get(w->codes + tile * 64 * bits, bits, r, c)] * x[g * GROUP + c];
                lsq_tile_scale(w, tile, r, 0, s);
                acc += dot * s[0];
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
            lsq_tile_scale(w, tile, r, 0, s);
            for (unsigned c = 0; c < GROUP; c++)
                a->out[r * ld + (g - g0) * GROUP + c] =
                    a->row[r] * s[0] * w->levels->f32[lsq_code_get(w->codes + tile * 64 * bits, bits, r, c)];
        }
}

/* The rows of a width: integer products (wide: 16 bits), float products, decoding. */
#define WIDTH(bits, act, wide)                                                                                         \
    void lsq_gemv_p##bits##_##act##_scalar_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                            \
    {                                                                                                                  \
        gemv_int(a, p0, p1, bits, wide);                                                                               \
    }                                                                                                                  \
    void lsq_gemv_p##bits##_f32_scalar_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                \
    {                                                                                                                  \
        gemv_float(a, p0, p1, bits);                                                                                   \
    }                                                                                                                  \
    void lsq_decode_p##bits##_f32_scalar_r1(const lsq_decode_args *a, size_t p, size_t g0, size_t g1)                  \
    {                                                                                                                  \
        decode(a, p, g0, g1, bits);                                                                                    \
    }

WIDTH(2, i8, 0)
WIDTH(3, i8, 0)
WIDTH(4, i8, 0)
WIDTH(5, i8, 0)
WIDTH(6, i8, 0)
WIDTH(7, i16, 1)
WIDTH(8, i16, 1)
WIDTH(9, i16, 1)
