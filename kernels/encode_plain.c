/*
 * encode_plain.c - codecs that map each weight by itself: a search for the scale, then for each code.
 *
 * Every scale is found by trying. A group takes, of all bytes and both signs that make sense for its largest weight, the one with
 * the least squared error: the largest weight alone would cost 0.7 dB (4 bits) to 2.4 dB (2 bits), and scales up to 1.3 times the
 * one that fits it are worth another 0.5 dB at 8 bits. (With few levels some bytes are left out.) So does a row, of all row bytes;
 * one scale for the tensor is found on two grids.
 */
#include "kernels/coder.h"
#include "kernels/encode.h"

#include <math.h>
#include <string.h>

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

/* Measures tries from `first` on. */
static void measure(const lsq_source *s, const lsq_source_tile *tile, trial *t, unsigned first)
{
    s->measure(&(lsq_encode_args){.coder = s->coder,
                                  .x = tile->x,
                                  .importance = tile->importance,
                                  .scale = t->scale + first * PANEL,
                                  .tries = t->tries - first,
                                  .error = t->error + first * PANEL});
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
    for (unsigned i = 0; s->format->codec == LSQ_CLASSIC && i < TILE; i++)
        rank[i] = (uint16_t)lsq_code_of_rank(s->format, rank[i]);
    lsq_tile_put(s->packed + tile * 64 * bits, bits, rank);
}

/* ---- A byte for each group ---- */

/* The largest byte whose scale is at most q >= 0: a float's exponent and the upper bits of its mantissa, but for the smallest ones. */
static unsigned byte_below(float q)
{
    uint32_t bits;
    memcpy(&bits, &q, sizeof(bits));
    if (q < 0x1p-14f)
        return (unsigned)(q * 0x1p18f);
    return q < LSQ_SCALE_BYTE_MAX ? (bits >> 19) - 112 * 16 : 127;
}

/* Bytes of a tile's rows that are worth a try, if there are any: [first, last]. */
typedef struct reach {
    unsigned first[PANEL], last[PANEL], most; /* in a row */
} reach;

static void find_reach(const lsq_source *s, const float bytes[128], const float row[PANEL], const lsq_source_tile *from,
                       reach *to)
{
    const float top = largest_level(s), low = lowest[s->format->bits];
    float largest[PANEL];
    lsq_source_largest(from, 0, GROUP, largest);
    to->most = 0;
    for (unsigned r = 0; r < PANEL; r++) {
        const float fit = row[r] > 0 ? largest[r] / top / row[r] : 0;
        const unsigned last = byte_below(fit * highest);
        unsigned first = byte_below(fit * low);
        first += bytes[first] < fit * low;
        first = first > last ? last : first;
        to->first[r] = first ? first : 1;
        to->last[r] = last;
        const unsigned count = last + 1 - to->first[r];
        to->most = count > to->most ? count : to->most;
    }
}

/* One more scale for each row: byte `at` of the row, negated or not; none where it is not within reach. */
static void add_try(trial *t, const float bytes[128], const float row[PANEL], const reach *within,
                    const unsigned at[PANEL], const unsigned negative[PANEL])
{
    float *scale = t->scale + t->tries * PANEL;
    uint8_t *byte = t->byte[t->tries++];
    for (unsigned r = 0; r < PANEL; r++) {
        const unsigned b = at[r] >= within->first[r] && at[r] <= within->last[r] ? at[r] : 0;
        scale[r] = negative[r] ? -(bytes[b] * row[r]) : bytes[b] * row[r];
        byte[r] = (uint8_t)(b ? b | negative[r] << 7 : 0);
    }
}

static void add_sweep(trial *t, const float bytes[128], const float row[PANEL], const reach *within, unsigned start,
                      unsigned step, unsigned sign)
{
    unsigned at[PANEL], negative[PANEL];
    for (unsigned i = start; i < within->most; i += step) {
        for (unsigned r = 0; r < PANEL; r++) {
            at[r] = within->first[r] + i;
            negative[r] = sign;
        }
        add_try(t, bytes, row, within, at, negative);
    }
}

/* The try of least error of each row, the first of them. */
static void find_least(const trial *t, unsigned least[PANEL])
{
    float error[PANEL];
    for (unsigned r = 0; r < PANEL; r++) {
        error[r] = t->error[r];
        least[r] = 0;
    }
    for (unsigned i = 1; i < t->tries; i++)
        for (unsigned r = 0; r < PANEL; r++) {
            const float of = t->error[i * PANEL + r];
            least[r] = of < error[r] ? i : least[r];
            error[r] = of < error[r] ? of : error[r];
        }
}

enum { STRIDE = 3, BEST = 3 };

/*
 * Up to 4 bits the error is nearly a smooth function of the scale, so that every third byte is tried, then those between the best of these
 * and its neighbours, for the best three: 0.005 dB worse than all bytes. Of more levels each scale is a lottery ticket of its own.
 */
static void try_around_best(const lsq_source *s, const lsq_source_tile *from, const float bytes[128],
                            const float row[PANEL], const reach *within, trial *t)
{
    const unsigned coarse = t->tries;
    _Alignas(64) float kept[TRIES * PANEL];
    memcpy(kept, t->error, coarse * PANEL * sizeof(float));
    for (unsigned n = 0; n < BEST; n++) {
        unsigned least[PANEL], tries = t->tries;
        t->tries = coarse;
        find_least(t, least);
        t->tries = tries;
        for (int apart = 1 - STRIDE; apart < STRIDE; apart++) {
            unsigned at[PANEL], negative[PANEL];
            if (apart == 0)
                continue;
            for (unsigned r = 0; r < PANEL; r++) {
                at[r] = (unsigned)((t->byte[least[r]][r] & 127) + apart);
                negative[r] = t->byte[least[r]][r] >> 7;
            }
            add_try(t, bytes, row, within, at, negative);
        }
        for (unsigned r = 0; r < PANEL; r++)
            t->error[least[r] * PANEL + r] = INFINITY;
    }
    memcpy(t->error, kept, coarse * PANEL * sizeof(float));
    measure(s, from, t, coarse);
}

static void encode_group(const lsq_source *s, size_t tile, const float bytes[128], const float row[PANEL], trial *t)
{
    static const unsigned nothing[PANEL];
    const unsigned signs = s->format->codec == LSQ_SCALAR ? 2 : 1;
    const unsigned step = s->format->codec == LSQ_SCALAR && s->format->bits <= 4 ? STRIDE : 1;
    _Alignas(64) float best[PANEL];
    unsigned least[PANEL];
    reach within;
    lsq_source_tile from;
    lsq_source_load(s, tile, &from);
    find_reach(s, bytes, row, &from, &within);
    t->tries = 0;
    add_try(t, bytes, row, &within, nothing, nothing); /* what a group far below the rest of its row gets */
    for (unsigned sign = 0; sign < signs; sign++)
        add_sweep(t, bytes, row, &within, sign * (step / 2), step, sign);
    measure(s, &from, t, 0);
    if (step > 1)
        try_around_best(s, &from, bytes, row, &within, t);
    find_least(t, least);
    for (unsigned r = 0; r < PANEL; r++) {
        best[r] = t->scale[least[r] * PANEL + r];
        s->packed[s->geometry->scales + tile * 16 + r] = t->byte[least[r]][r];
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
    return lsq_largest_magnitude(s->w + row * s->ld, s->k) * s->norm;
}

static void encode_groups(const lsq_source *s, size_t panel, trial *t)
{
    const float needs = highest / (largest_level(s) * LSQ_SCALE_BYTE_MAX);
    float bytes[128], row[PANEL];
    for (unsigned b = 0; b < 128; b++)
        bytes[b] = lsq_scale_byte((uint8_t)b);
    for (size_t i = panel * PANEL; i < (panel + 1) * PANEL; i++)
        s->packed[s->geometry->rows + i] = i < s->m ? row_byte(s, row_largest(s, i) * needs) : 255;
    for (unsigned r = 0; r < PANEL; r++)
        row[r] = s->row[s->packed[s->geometry->rows + panel * PANEL + r]];
    for (size_t g = 0; g < s->geometry->groups; g++)
        encode_group(s, panel * s->geometry->groups + g, bytes, row, t);
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
        measure(s, &from, t, 0);
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
        measure(s, &from, t, 0);
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
