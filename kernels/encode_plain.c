/*
 * encode_plain.c - codecs that map each weight by itself: a search for the scale, then for each code.
 *
 * Every scale is found by trying. A group takes, of all bytes and both signs that make sense for its largest weight, the one with
 * the least squared error: the largest weight alone would cost 0.7 dB (4 bits) to 2.4 dB (2 bits), and scales up to 1.3 times the
 * one that fits it are worth another 0.5 dB at 8 bits. So does a row, of all row bytes; one scale for the tensor is found on two grids.
 */
#include "kernels/coder.h"
#include "kernels/encode.h"

#include <math.h>

/* Where the best scale lies, as a share of the one that fits the largest weight: lower the fewer the levels. */
static const float lowest[10] = {0, 0, 0.34f, 0.44f, 0.54f, 0.64f, 0.72f, 0.78f, 0.82f, 0.84f}, highest = 1.3f;

enum { TRIES = 2 * 128 + 1 };

/* Scales to try on 16 rows, and the bytes that stand for them. */
typedef struct trial {
    _Alignas(64) float scale[TRIES * PANEL], error[TRIES * PANEL];
    uint8_t byte[TRIES][PANEL];
    unsigned tries;
} trial;

static float largest_level(const lsq_source *s)
{
    const unsigned ranks = s->format->codec == LSQ_CLASSIC ? (1u << s->format->bits) - 2 : 1u << s->format->bits;
    return fmaxf(-s->coder->level[0], s->coder->level[ranks - 1]);
}

static void measure(const lsq_source *s, const lsq_source_tile *tile, trial *t)
{
    s->measure(&(lsq_encode_args){.coder = s->coder,
                                  .x = tile->x,
                                  .importance = tile->importance,
                                  .scale = t->scale,
                                  .tries = t->tries,
                                  .error = t->error});
}

static void put_codes(const lsq_source *s, size_t tile, const lsq_source_tile *from, const float scale[PANEL])
{
    const unsigned bits = s->format->bits;
    _Alignas(64) uint16_t rank[TILE];
    if (s->feedback)
        lsq_feedback_encode(s, tile, from, scale, rank);
    else
        s->encode(&(lsq_encode_args){
            .coder = s->coder, .x = from->x, .importance = from->importance, .scale = scale, .rank = rank});
    for (unsigned i = 0; i < TILE; i++)
        rank[i] = (uint16_t)lsq_code_of_rank(s->format, rank[i]);
    lsq_tile_put(s->packed + tile * 64 * bits, bits, rank);
}

/* ---- A byte for each group ---- */

/*
 * The bytes of a row's group: `table` holds their scales, ascending. 0 is always among them: it is what a group far below the rest
 * of its row gets.
 */
static unsigned list_bytes(const lsq_source *s, const float table[128], float fit, unsigned r, trial *t)
{
    const unsigned signs = s->format->codec == LSQ_SCALAR ? 2 : 1;
    unsigned first, last, n = 1;
    lsq_scales_between(table, 128, fit * lowest[s->format->bits], fit * highest, &first, &last);
    t->scale[r] = 0;
    t->byte[0][r] = 0;
    for (unsigned b = first > 1 ? first : 1; b <= last; b++)
        for (unsigned negative = 0; negative < signs; negative++, n++) {
            t->scale[n * PANEL + r] = negative ? -table[b] : table[b];
            t->byte[n][r] = (uint8_t)(b | negative << 7);
        }
    return n;
}

static void encode_group(const lsq_source *s, size_t tile, const float bytes[128], trial *t)
{
    const uint8_t *row_byte = s->packed + s->geometry->rows + tile / s->geometry->groups * PANEL;
    const float top = largest_level(s);
    _Alignas(64) float best[PANEL];
    float largest[PANEL], table[128];
    unsigned count[PANEL];
    lsq_source_tile from;
    lsq_source_load(s, tile, &from);
    lsq_source_largest(&from, 0, GROUP, largest);
    t->tries = 1;
    for (unsigned r = 0; r < PANEL; r++) {
        for (unsigned b = 0; b < 128; b++)
            table[b] = bytes[b] * s->row[row_byte[r]];
        count[r] = list_bytes(s, table, largest[r] / top, r, t);
        t->tries = count[r] > t->tries ? count[r] : t->tries;
    }
    for (unsigned r = 0; r < PANEL; r++)
        for (unsigned i = count[r]; i < t->tries; i++)
            t->scale[i * PANEL + r] = 0;
    measure(s, &from, t);
    for (unsigned r = 0; r < PANEL; r++) {
        unsigned least = 0;
        for (unsigned i = 1; i < count[r]; i++)
            least = t->error[i * PANEL + r] < t->error[least * PANEL + r] ? i : least;
        best[r] = t->scale[least * PANEL + r];
        s->packed[s->geometry->scales + tile * 16 + r] = t->byte[least][r];
    }
    put_codes(s, tile, &from, best);
}

/* The least row scale under which byte scales reach `needs`; 255 for a row too small to matter. */
static uint8_t row_byte(const lsq_source *s, float needs)
{
    unsigned b = 254;
    while (b > 0 && s->row[b] < needs)
        b--;
    return needs > s->row[254] / 2 ? (uint8_t)b : 255;
}

static float row_largest(const lsq_source *s, size_t row)
{
    float largest = 0;
    for (size_t c = 0; c < s->k; c++) {
        const float a = fabsf(s->w[row * s->ld + c]);
        largest = a > largest ? a : largest;
    }
    return largest * s->norm;
}

static void encode_groups(const lsq_source *s, size_t panel, trial *t)
{
    const float reach = highest / (largest_level(s) * LSQ_SCALE_BYTE_MAX);
    float bytes[128];
    for (unsigned b = 0; b < 128; b++)
        bytes[b] = lsq_scale_byte((uint8_t)b);
    for (size_t row = panel * PANEL; row < (panel + 1) * PANEL; row++)
        s->packed[s->geometry->rows + row] = row < s->m ? row_byte(s, row_largest(s, row) * reach) : 255;
    for (size_t g = 0; g < s->geometry->groups; g++)
        encode_group(s, panel * s->geometry->groups + g, bytes, t);
}

/* ---- A scale for each row, or for the tensor ---- */

/* The row byte with the least error. */
static void choose_row_bytes(const lsq_source *s, size_t panel, trial *t)
{
    double error[TRIES * PANEL] = {0};
    float ascending[255];
    unsigned first[PANEL], last[PANEL];
    lsq_source_tile from;
    for (unsigned b = 0; b < 255; b++)
        ascending[b] = s->row[254 - b];
    t->tries = 0;
    for (unsigned r = 0; r < PANEL; r++) {
        const size_t row = panel * PANEL + r;
        const float fit = row < s->m ? row_largest(s, row) / largest_level(s) : 0;
        lsq_scales_between(ascending, 255, fit * lowest[s->format->bits], fit * highest, &first[r], &last[r]);
        t->tries = last[r] - first[r] + 1 > t->tries ? last[r] - first[r] + 1 : t->tries;
        t->byte[0][r] = fit * highest < ascending[0] / 2 ? 255 : 0; /* too small to matter */
    }
    for (unsigned i = 0; i < t->tries; i++)
        for (unsigned r = 0; r < PANEL; r++)
            t->scale[i * PANEL + r] = ascending[first[r] + i < last[r] ? first[r] + i : last[r]];
    for (size_t g = 0; g < s->geometry->groups; g++) {
        lsq_source_load(s, panel * s->geometry->groups + g, &from);
        measure(s, &from, t);
        for (unsigned i = 0; i < t->tries * PANEL; i++)
            error[i] += (double)t->error[i];
    }
    for (unsigned r = 0; r < PANEL; r++) {
        unsigned least = 0;
        for (unsigned i = 1; i <= last[r] - first[r]; i++)
            least = error[i * PANEL + r] < error[least * PANEL + r] ? i : least;
        s->packed[s->geometry->rows + panel * PANEL + r] = t->byte[0][r] ? 255 : (uint8_t)(254 - (first[r] + least));
    }
}

static void encode_rows(const lsq_source *s, size_t panel, trial *t)
{
    _Alignas(64) float scale[PANEL];
    if (s->format->scale == LSQ_SCALE_ROW)
        choose_row_bytes(s, panel, t);
    for (unsigned r = 0; r < PANEL; r++)
        scale[r] = s->row[s->packed[s->geometry->rows + panel * PANEL + r]];
    for (size_t g = 0; g < s->geometry->groups; g++) {
        lsq_source_tile from;
        lsq_source_load(s, panel * s->geometry->groups + g, &from);
        put_codes(s, panel * s->geometry->groups + g, &from, scale);
    }
}

/* The scale of least error for all weights, of a grid of scales from `low` to `high`. */
static float best_of_grid(const lsq_source *s, float low, float high, trial *t)
{
    enum { GRID = 24 };
    double error[GRID] = {0};
    unsigned least = 0;
    t->tries = GRID;
    for (unsigned i = 0; i < GRID * PANEL; i++)
        t->scale[i] = low + (high - low) * (float)(i / PANEL) / (GRID - 1);
    for (size_t tile = 0; tile < s->geometry->panels * s->geometry->groups; tile++) {
        lsq_source_tile from;
        lsq_source_load(s, tile, &from);
        measure(s, &from, t);
        for (unsigned i = 0; i < GRID * PANEL; i++)
            error[i / PANEL] += (double)t->error[i];
    }
    for (unsigned i = 1; i < GRID; i++)
        least = error[i] < error[least] ? i : least;
    return t->scale[least * PANEL];
}

static float tensor_scale(const lsq_source *s)
{
    trial t;
    const float fit = s->largest * s->norm / largest_level(s), low = fit * lowest[s->format->bits];
    const float step = (fit * highest - low) / 23, best = best_of_grid(s, low, fit * highest, &t);
    return best_of_grid(s, best - step, best + step, &t);
}

/* ---- Whole panels ---- */

float lsq_encode_plain_scale(const lsq_source *s)
{
    switch (s->format->scale) {
    case LSQ_SCALE_NONE:
        return 1;
    case LSQ_SCALE_TENSOR:
        return tensor_scale(s);
    case LSQ_SCALE_ROW:
        return s->largest * s->norm * highest / largest_level(s);
    default:
        return s->largest * s->norm * highest / (largest_level(s) * LSQ_SCALE_BYTE_MAX);
    }
}

void lsq_encode_plain(const lsq_source *s, size_t p0, size_t p1)
{
    trial t;
    for (size_t p = p0; p < p1; p++) {
        if (s->feedback)
            s->feedback->done = 0;
        if (s->format->scale == LSQ_SCALE_BYTE32)
            encode_groups(s, p, &t);
        else
            encode_rows(s, p, &t);
    }
}
