/*
 * encode_sign.c - weights as signs under a scale: nothing is searched for.
 *
 * Under a scale s > 0 and signs that are those of the weights, the error is the sum of importance * (|w| - s)^2: a
 * parabola in s whose lowest point is the mean of |w|. So that mean, weighted by importance, is the scale of the
 * tensor; rows and groups have the one of their bytes that is nearest to it.
 */
#include "kernels/encode.h"

#include <math.h>
#include <string.h>

/* Sums over the columns of 16 rows, in the order of columns. */
typedef struct sums {
    double magnitude[PANEL], importance[PANEL];
} sums;

static void add_tile(sums *to, const lsq_source_tile *tile)
{
    for (unsigned c = 0; c < GROUP; c++)
        for (unsigned r = 0; r < PANEL; r++) {
            const double importance = (double)tile->importance[c * PANEL + r];
            to->magnitude[r] += importance * (double)fabsf(tile->x[c * PANEL + r]);
            to->importance[r] += importance;
        }
}

/* 0 if nothing counts. */
static float mean(double magnitude, double importance)
{
    return importance > 0 ? (float)(magnitude / importance) : 0;
}

static void means_of(const sums *s, float means[PANEL])
{
    for (unsigned r = 0; r < PANEL; r++)
        means[r] = mean(s->magnitude[r], s->importance[r]);
}

static void tile_means(const lsq_source_tile *tile, float means[PANEL])
{
    sums of = {{0}, {0}};
    add_tile(&of, tile);
    means_of(&of, means);
}

/* ---- Bytes ---- */

/* Row byte 255 is a scale of 0, the nearest one of a row that is small beside the largest weight. */
static uint8_t nearest_row_byte(const lsq_source *s, float wanted)
{
    unsigned best = 0;
    for (unsigned b = 1; b < 256; b++)
        if (fabsf(s->row[b] - wanted) < fabsf(s->row[best] - wanted))
            best = b;
    return (uint8_t)best;
}

/* The byte whose scale is nearest to q >= 0: a float's exponent and the upper bits of its mantissa, but for small q. */
static uint8_t nearest_byte(float q)
{
    uint32_t bits;
    memcpy(&bits, &q, sizeof(bits));
    if (q < 0x1p-14f)
        return (uint8_t)(q * 0x1p18f + 0.5f);
    return q < LSQ_SCALE_BYTE_MAX ? (uint8_t)(((bits + (1u << 18)) >> 19) - 112 * 16) : 127;
}

/* Groups may have means above those of the weights as they are: by as much as error feedback adds to them. */
static const float room = 2;

/* The least row scale under which bytes reach `largest`, the largest mean of the row's groups, and more. */
static uint8_t row_byte_for(const lsq_source *s, float largest)
{
    const float needs = largest * room / LSQ_SCALE_BYTE_MAX;
    unsigned b = 254;
    while (b > 0 && s->row[b] < needs)
        b--;
    return needs > s->row[254] / 2 ? (uint8_t)b : 255;
}

/* ---- Panels ---- */

static void put_codes(const lsq_source *s, size_t tile, const lsq_source_tile *from, const float scale[PANEL])
{
    _Alignas(64) uint16_t code[TILE];
    if (s->feedback)
        lsq_feedback_encode(s, tile, from, scale, code);
    else
        s->encode(&(lsq_encode_args){
            .coder = s->coder, .x = from->x, .importance = from->importance, .scale = scale, .rank = code});
    lsq_tile_put(s->packed + tile * 64, 1, code);
}

/* The row bytes of a panel, where they are not the tensor's alone. */
static void choose_row_bytes(const lsq_source *s, size_t panel)
{
    const int bytes = s->format->scale == LSQ_SCALE_BYTE32;
    float wanted[PANEL], largest[PANEL] = {0};
    sums all = {{0}, {0}};
    lsq_source_tile tile;
    for (size_t g = 0; g < s->geometry->groups; g++) {
        lsq_source_load(s, panel * s->geometry->groups + g, &tile);
        add_tile(&all, &tile);
        tile_means(&tile, wanted);
        for (unsigned r = 0; r < PANEL; r++)
            largest[r] = wanted[r] > largest[r] ? wanted[r] : largest[r];
    }
    means_of(&all, wanted);
    for (unsigned r = 0; r < PANEL; r++)
        s->packed[s->geometry->rows + panel * PANEL + r] =
            bytes ? row_byte_for(s, largest[r]) : nearest_row_byte(s, wanted[r]);
}

static void encode_tile(const lsq_source *s, size_t tile, const float row[PANEL])
{
    _Alignas(64) float scale[PANEL];
    float means[PANEL];
    lsq_source_tile from;
    lsq_source_load(s, tile, &from);
    memcpy(scale, row, sizeof(scale));
    if (s->format->scale == LSQ_SCALE_BYTE32) {
        tile_means(&from, means);
        for (unsigned r = 0; r < PANEL; r++) {
            const uint8_t byte = nearest_byte(row[r] > 0 ? means[r] / row[r] : 0);
            s->packed[s->geometry->scales + tile * PANEL + r] = byte;
            scale[r] = lsq_scale_byte(byte) * row[r];
        }
    }
    put_codes(s, tile, &from, scale);
}

void lsq_encode_sign(const lsq_source *s, size_t p0, size_t p1)
{
    for (size_t p = p0; p < p1; p++) {
        float row[PANEL];
        if (s->feedback)
            s->feedback->done = 0;
        if (s->format->scale != LSQ_SCALE_TENSOR)
            choose_row_bytes(s, p);
        for (unsigned r = 0; r < PANEL; r++)
            row[r] = s->row[s->packed[s->geometry->rows + p * PANEL + r]];
        for (size_t g = 0; g < s->geometry->groups; g++)
            encode_tile(s, p * s->geometry->groups + g, row);
    }
}

/* ---- The tensor ---- */

/* Row after row, so that a matrix of any size is added up to the end. */
static float tensor_mean(const lsq_source *s)
{
    double magnitude = 0, importance = 0;
    for (size_t p = 0; p < s->geometry->panels; p++) {
        sums of = {{0}, {0}};
        lsq_source_tile tile;
        for (size_t g = 0; g < s->geometry->groups; g++) {
            lsq_source_load(s, p * s->geometry->groups + g, &tile);
            add_tile(&of, &tile);
        }
        for (unsigned r = 0; r < PANEL; r++) {
            magnitude += of.magnitude[r];
            importance += of.importance[r];
        }
    }
    return mean(magnitude, importance);
}

float lsq_encode_sign_scale(const lsq_source *s)
{
    const float largest = s->largest * s->norm;
    return s->format->scale == LSQ_SCALE_TENSOR ? tensor_mean(s)
           : s->format->scale == LSQ_SCALE_ROW  ? largest
                                                : largest * room / LSQ_SCALE_BYTE_MAX;
}
