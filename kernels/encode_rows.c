/*
 * encode_rows.c - the base and the step of each row's nibble scales, before a trellis encoder chooses the nibbles.
 *
 * A unit (16 or 32 columns under one scale) has a scale that would suit it, a share of its largest weight. A scale that is off by d octaves costs about d^2 of the unit's error, which is itself as its squared scale. So each row takes
 * the base (in quarter octaves under the tensor's) and the step (1/8 to 3/8 octave) with the least sum of those.
 */
#include "kernels/encode.h"

#include <stdlib.h>
#include <string.h>

/* log2 of a positive float to 1 %: enough to compare octaves, and the same everywhere. */
static float octaves(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof(bits));
    int exponent = (int)(bits >> 23) - 127;
    bits = (bits & 0x7fffff) | 0x3f800000;
    memcpy(&x, &bits, sizeof(x));
    return (float)exponent + (x - 1) * (1.3465f - 0.3465f * (x - 1));
}

/* The largest level that suits n weights: measured as what the joint search prefers. */
static float suits(const float *w, size_t n, unsigned bits)
{
    static const float share[7] = {0, 0.5f, 0.85f, 0.95f, 1.05f, 1.05f, 1.05f};
    float largest = 0;
    for (size_t i = 0; i < n; i++) {
        float a = w[i] < 0 ? -w[i] : w[i];
        largest = a > largest ? a : largest;
    }
    return largest < 0x1p-100f ? 0 : share[bits] * largest;
}

/* What base and step cost a row, all in octaves; `weight` is the squared scale of a unit. */
static float cost(const float *want, const float *weight, size_t units, float base, float step)
{
    float sum = 0;
    for (size_t i = 0; i < units; i++) {
        float position = (base - want[i]) / step, nearest = (float)(int)(position + 0.5f);
        nearest = position < 0 ? 0 : nearest > 15 ? 15 : nearest;
        float off = (position - nearest) * step;
        sum += weight[i] * off * off * (off < 0 ? 2.0f : 1.0f); /* levels too small clip */
    }
    return sum;
}

static uint8_t choose_row(const float *want, const float *weight, size_t units, float tensor)
{
    static const float steps[4] = {0.125f, 1.0f / 6, 0.25f, 0.375f};
    float most = -1e9f, least = 1e30f;
    for (size_t i = 0; i < units; i++)
        most = weight[i] > 0 && want[i] > most ? want[i] : most;
    if (most == -1e9f)
        return 63; /* nothing but zeros */
    int from = (int)((tensor - most) * 4) - 1;
    uint8_t best = 63;
    for (int offset = from < 0 ? 0 : from; offset < 63 && offset < from + 7; offset++)
        for (unsigned step = 0; step < 4; step++) {
            float c = cost(want, weight, units, tensor - 0.25f * (float)offset, steps[step]);
            if (c < least) {
                least = c;
                best = (uint8_t)(step << 6 | (unsigned)offset);
            }
        }
    return best;
}

/* Byte scales: the smallest row scale under which the largest one of them is large enough. */
static void choose_for_bytes(const lsq_source *s, float highest)
{
    float table[256], t = 0;
    for (size_t r = 0; r < s->m; r++) {
        float needs = lsq_row_largest(s, r, 0, s->k) * highest;
        t = needs > t ? needs : t;
    }
    t = t < 0x1p-100f * highest ? 0 : t; /* as suits() */
    lsq_put_tensor_scale(s, t);
    lsq_row_scales(s->format, t, table);
    for (size_t r = 0; r < s->m; r++) {
        float needs = lsq_row_largest(s, r, 0, s->k) * highest;
        unsigned b = 254;
        while (b > 0 && table[b] < needs)
            b--;
        s->packed[s->geometry->rows + r] = needs > table[254] / 2 && t > 0 ? (uint8_t)b : 255;
    }
}

int lsq_choose_rows(const lsq_source *s)
{
    const float top = 255.0f * (float)lsq_largest_level(s->format);
    unsigned columns = s->format->scale == LSQ_SCALE_NIBBLE16 ? 16 : 32;
    size_t units = (s->k + columns - 1) / columns;
    memset(s->packed + s->geometry->rows, s->format->scale == LSQ_SCALE_BYTE32 ? 255 : 63, s->geometry->panels * PANEL);
    if (s->format->scale == LSQ_SCALE_BYTE32) {
        choose_for_bytes(s, 1.15f / ((float)lsq_largest_level(s->format) * LSQ_SCALE_BYTE_MAX));
        return 1;
    }
    float *want = malloc(2 * units * sizeof(*want)), *weight = want + units, t = 0;
    if (!want)
        return 0;
    for (size_t r = 0; r < s->m; r++)
        for (size_t i = 0; i < units; i++) {
            size_t c = i * columns, n = s->k - c < columns ? s->k - c : columns;
            float d = suits(s->w + r * s->ld + c, n, s->format->bits) / top;
            t = d > t ? d : t;
        }
    lsq_put_tensor_scale(s, t);
    for (size_t r = 0; r < s->m && t > 0; r++) {
        for (size_t i = 0; i < units; i++) {
            size_t c = i * columns, n = s->k - c < columns ? s->k - c : columns;
            float d = suits(s->w + r * s->ld + c, n, s->format->bits) / top;
            want[i] = d > 0 ? octaves(d) : -200;
            weight[i] = (d / t) * (d / t);
        }
        s->packed[s->geometry->rows + r] = choose_row(want, weight, units, octaves(t));
    }
    free(want);
    return 1;
}
