/*
 * encode.c - what all encoders do: the scale of the tensor, tiles in and out.
 */
#include "kernels/encode.h"

#include <math.h>
#include <string.h>

void lsq_put_tensor_scale(uint8_t *packed, const lsq_geometry *geometry, float t)
{
    uint32_t bits;
    memcpy(&bits, &t, sizeof(bits));
    for (unsigned i = 0; i < 4; i++)
        packed[geometry->tensor + i] = (uint8_t)(bits >> 8 * i);
}

/* The power of two that brings it into [1/2, 1), as far as floats go. */
static float power_for(float largest)
{
    int exponent;
    frexpf(largest, &exponent);
    return ldexpf(1, exponent < -100 ? 100 : -exponent);
}

void lsq_encode_begin(lsq_source *s)
{
    s->norm = s->format->scale == LSQ_SCALE_NONE ? 1 : power_for(s->largest);
    const unsigned codec = s->format->codec;
    const float t = codec == LSQ_TRELLIS ? lsq_encode_trellis_scale(s)
                    : codec == LSQ_SIGN  ? lsq_encode_sign_scale(s)
                                         : lsq_encode_plain_scale(s);
    lsq_put_tensor_scale(s->packed, s->geometry, t / s->norm);
    lsq_row_scales(s->format, t / s->norm, s->row);
    for (unsigned b = 0; b < 256; b++)
        s->row[b] *= s->norm;
}

float lsq_largest_magnitude(const float *x, size_t n)
{
    uint32_t largest = 0;
    float magnitude;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof(bits));
        bits &= 0x7fffffff;
        largest = bits > largest ? bits : largest;
    }
    memcpy(&magnitude, &largest, sizeof(magnitude));
    return magnitude;
}

void lsq_source_load(const lsq_source *s, size_t tile, lsq_source_tile *to)
{
    const size_t row = tile / s->geometry->groups * PANEL, column = tile % s->geometry->groups * GROUP;
    const size_t rows = s->m - row < PANEL ? s->m - row : PANEL;
    const size_t columns = s->k - column < GROUP ? s->k - column : GROUP;
    if (rows < PANEL || columns < GROUP)
        memset(to, 0, sizeof(*to));
    for (size_t r = 0; r < rows; r++) {
        const float *w = s->w + (row + r) * s->ld + column;
        for (size_t c = 0; c < columns; c++)
            to->x[c * PANEL + r] = w[c] * s->norm;
        for (size_t c = 0; !s->importance && c < columns; c++)
            to->importance[c * PANEL + r] = 1;
        for (size_t c = 0; s->importance && c < columns; c++)
            to->importance[c * PANEL + r] = s->importance[(row + r) * s->importance_ld + column + c];
    }
    if (s->feedback && s->feedback->errors)
        lsq_feedback_load(s, tile % s->geometry->groups, to);
}

void lsq_source_largest(const lsq_source_tile *tile, unsigned c0, unsigned c1, float largest[PANEL])
{
    for (unsigned r = 0; r < PANEL; r++)
        largest[r] = 0;
    for (unsigned c = c0; c < c1; c++)
        for (unsigned r = 0; r < PANEL; r++) {
            const float a = fabsf(tile->x[c * PANEL + r]);
            largest[r] = a > largest[r] ? a : largest[r];
        }
}

void lsq_tile_put(uint8_t *tile, unsigned bits, const uint16_t code[TILE])
{
    lsq_plane planes[3];
    const unsigned count = lsq_planes(bits, planes);
    for (unsigned t = 0; t < STEPS; t++) {
        uint16_t lane[LANES];
        for (unsigned r = 0; r < PANEL; r++)
            for (unsigned c = 0; c < 4; c++)
                lane[r * 4 + c] = code[(4 * t + c) * PANEL + r];
        for (unsigned i = 0, shift = 0; i < count; shift += planes[i++].width) {
            unsigned byte, bit, mask = (1u << planes[i].width) - 1;
            lsq_plane_place(planes[0].width, planes[i], t, &byte, &bit);
            uint8_t *restrict to = tile + byte;
            for (unsigned l = 0; l < LANES; l++)
                to[l] |= (uint8_t)((lane[l] >> shift & mask) << bit);
        }
    }
}

void lsq_scales_between(const float *table, unsigned count, float low, float high, unsigned *first, unsigned *last)
{
    unsigned below = 0, beyond = count; /* table[below] is not above high, or is the first */
    while (beyond - below > 1) {
        const unsigned middle = (below + beyond) / 2;
        if (table[middle] <= high)
            below = middle;
        else
            beyond = middle;
    }
    *first = *last = below;
    while (*first > 0 && table[*first - 1] >= low)
        --*first;
    *last += table[below] < low && below + 1 < count;
}
