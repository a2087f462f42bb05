/*
 * encode_rows.c - the scale of each row of a trellis format, before the encoder chooses the finer ones.
 *
 * Nibbles: a unit (16 or 32 columns under one scale) has a scale that would suit it, a share of its largest weight. A scale that is off by d
 * octaves costs about d^2 of the unit's error, which is itself as its squared scale. So each row takes the base (in quarter octaves under the
 * tensor's) and the step (1/8 to 3/8 octave) with the least sum of those.
 */
#include "kernels/encode.h"

#include <stdlib.h>
#include <string.h>

/* Weights below are zeros. */
static const float smallest = 0x1p-100f;

/* Byte scales: the largest one may be so many times what fits the largest weight. */
static const float highest = 1.15f;

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

/* The scale under which the largest level is what suits weights up to `largest`: measured as what the joint search prefers. */
static float suits(const lsq_source *s, float largest)
{
    static const float share[7] = {0, 0.5f, 0.85f, 0.95f, 1.05f, 1.05f, 1.05f};
    const float multiplier = lsq_mirrored(s->format) ? 127 : 255;
    return largest < smallest * s->norm
               ? 0
               : share[s->format->bits] * largest / (multiplier * (float)lsq_largest_level(s->format));
}

/* Sums run in so many lanes, a fixed order that suits the registers of any machine. */
enum { ABREAST = 8 };

static float largest_of(const lsq_source *s, size_t row, size_t c0, size_t c1)
{
    return lsq_largest_magnitude(s->w + row * s->ld + c0, c1 - c0) * s->norm;
}

float lsq_encode_trellis_scale(const lsq_source *s)
{
    const float largest = s->largest * s->norm;
    if (s->format->scale != LSQ_SCALE_BYTE32)
        return suits(s, largest);
    return largest < smallest * s->norm
               ? 0
               : largest * highest / ((float)lsq_largest_level(s->format) * LSQ_SCALE_BYTE_MAX);
}

/* What base and step cost a row, all in octaves; `weight` is the squared scale of a unit, zero beyond the last one. */
static float cost(const float *want, const float *weight, size_t units, float base, float step, float last)
{
    float sum[ABREAST] = {0};
    for (size_t u = 0; u < units; u += ABREAST)
        for (size_t i = 0; i < ABREAST; i++) {
            const float position = (base - want[u + i]) / step, limited = position < last ? position : last,
                        clamped = limited > 0 ? limited : 0;
            const float off = (position - (float)(int)(clamped + 0.5f)) * step;
            sum[i] += weight[u + i] * off * off * (off < 0 ? 2.0f : 1.0f); /* levels too small clip */
        }
    for (size_t i = 1; i < ABREAST; i++)
        sum[0] += sum[i];
    return sum[0];
}

static uint8_t choose_row(const float *want, const float *weight, size_t units, float tensor, int mirrored)
{
    static const float steps[2][4] = {{0.125f, 1.0f / 6, 0.25f, 0.375f}, {1.0f / 6, 0.25f, 0.375f, 0.5f}};
    float most = -1e9f, least = 1e30f;
    for (size_t i = 0; i < units; i++)
        most = weight[i] > 0 && want[i] > most ? want[i] : most;
    if (most == -1e9f)
        return 63; /* nothing but zeros */
    int from = (int)((tensor - most) * 4) - 1;
    uint8_t best = 63;
    for (int offset = from < 0 ? 0 : from; offset < 63 && offset < from + 7; offset++)
        for (unsigned step = 0; step < 4; step++) {
            float c =
                cost(want, weight, units, tensor - 0.25f * (float)offset, steps[mirrored][step], mirrored ? 7 : 15);
            if (c < least) {
                least = c;
                best = (uint8_t)(step << 6 | (unsigned)offset);
            }
        }
    return best;
}

static uint8_t choose_for_nibbles(const lsq_source *s, size_t row, size_t columns, size_t units, float *want,
                                  float *weight)
{
    for (size_t i = 0; i * columns < s->k; i++) {
        const size_t c = i * columns;
        const float d = suits(s, largest_of(s, row, c, s->k - c < columns ? s->k : c + columns));
        want[i] = d > 0 ? octaves(d) : -200;
        weight[i] = (d / s->row[0]) * (d / s->row[0]);
    }
    return choose_row(want, weight, units, octaves(s->row[0]), lsq_mirrored(s->format));
}

/* The smallest row scale under which the largest byte scale is large enough. */
static uint8_t choose_for_bytes(const lsq_source *s, size_t row)
{
    const float needs =
        largest_of(s, row, 0, s->k) * highest / ((float)lsq_largest_level(s->format) * LSQ_SCALE_BYTE_MAX);
    unsigned b = 254;
    while (b > 0 && s->row[b] < needs)
        b--;
    return needs > s->row[254] / 2 ? (uint8_t)b : 255;
}

int lsq_choose_rows(const lsq_source *s, size_t panel)
{
    const int bytes = s->format->scale == LSQ_SCALE_BYTE32;
    const size_t columns = s->format->scale == LSQ_SCALE_NIBBLE16 ? 16 : 32;
    const size_t units = ((s->k + columns - 1) / columns + ABREAST - 1) / ABREAST * ABREAST;
    float *want = calloc(2 * units, sizeof(*want)), *weight = want + units;
    if (!want)
        return 0;
    for (size_t row = panel * PANEL; row < (panel + 1) * PANEL; row++) {
        uint8_t byte = bytes ? 255 : 63;
        if (row < s->m && s->row[0] > 0)
            byte = bytes ? choose_for_bytes(s, row) : choose_for_nibbles(s, row, columns, units, want, weight);
        s->packed[s->geometry->rows + row] = byte;
    }
    free(want);
    return 1;
}
