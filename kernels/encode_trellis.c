/*
 * encode_trellis.c - the best path through the trellis, and the scales that make it so.
 *
 * For every path (a bit position of a byte lane, see scalar/trellis.h) the Viterbi recursion keeps, for each state, the least
 * squared error of any path that ends there. A scale serves a unit of 16 or 32 columns of a row. For each unit every sensible scale
 * is measured from the metrics so far, and the one whose best paths grow least is taken: scale and path are chosen jointly, unit by
 * unit (alternating between them loses 0.8 dB). Codes come out at the end, backwards along the surviving paths.
 */
#include "kernels/aligned.h"
#include "kernels/coder.h"
#include "kernels/encode.h"

#include <stdlib.h>
#include <string.h>

enum {
    PATHS = 32,  /* of a row, at most */
    STATES = 64, /* at most */
    TRIES = 256, /* of scales, at most */
    WINDOW =
        CHAIN * 128, /* tiles between two walks backwards: bounds memory, and is a whole chain up to 4096 columns */
    WORDS = STATES / 32
};

static const float FAR = 1e30f; /* a state that no path reaches */

/* What a walk backwards needs of a tile. */
typedef struct survivors {
    _Alignas(64) uint32_t chose[GROUP][WORDS][PANEL];
    _Alignas(64) uint16_t rank[TILE];
} survivors;

typedef struct encoder {
    _Alignas(64) float metric[PATHS * STATES * PANEL];
    _Alignas(64) float scale[TRIES * PANEL], error[TRIES * PANEL];
    float table[PANEL][128]; /* of the panel: the magnitudes that the finer code of a row can stand for, ascending */
    const lsq_source *source;
    unsigned bits, paths, steps;
    unsigned units;             /* scales a row has in a tile: 1 or 2 */
    unsigned magnitudes, signs; /* of scales */
    survivors *window;
} encoder;

/* ---- Scales ---- */

/* How far below the largest weight of its unit the largest level may lie, by width, and above. */
static const float lowest[7] = {0, 0.22f, 0.35f, 0.45f, 0.55f, 0.55f, 0.55f}, highest = 1.15f;

/* The byte or nibble of a scale. */
static unsigned code_of(const encoder *e, unsigned magnitude, unsigned negative)
{
    if (e->source->format->scale == LSQ_SCALE_BYTE32)
        return magnitude | negative << 7;
    return e->signs == 2 ? (7 - magnitude) * 2 + negative : 15 - magnitude;
}

static void begin_panel(encoder *e, size_t panel)
{
    const lsq_source *s = e->source;
    const uint8_t *row_byte = s->packed + s->geometry->rows + panel * PANEL;
    const int bytes = s->format->scale == LSQ_SCALE_BYTE32;
    const unsigned mirrored = (unsigned)lsq_mirrored(s->format);
    for (unsigned r = 0; r < PANEL; r++)
        for (unsigned i = 0; i < e->magnitudes; i++)
            e->table[r][i] =
                s->row[row_byte[r]] *
                (bytes ? lsq_scale_byte((uint8_t)i) : (float)lsq_multiplier(mirrored, row_byte[r], code_of(e, i, 0)));
}

static void put_scale(const encoder *e, size_t tile, unsigned u, unsigned r, unsigned code)
{
    const lsq_source *s = e->source;
    uint8_t *scales = s->packed + s->geometry->scales;
    if (s->format->scale == LSQ_SCALE_BYTE32)
        scales[tile * 16 + r] = (uint8_t)code;
    else if (s->format->scale == LSQ_SCALE_NIBBLE32)
        scales[tile * 8 + r % 8] |= (uint8_t)(code << r / 8 * 4);
    else
        scales[tile * 16 + r] |= (uint8_t)(code << u * 4);
}

/* ---- Units ---- */

/* The paths and steps of a unit: all paths and a part of the steps, or with one step a tile a part of the paths. */
static lsq_encode_args unit_of(const encoder *e, unsigned u)
{
    if (e->units == 1)
        return (lsq_encode_args){.path1 = e->paths, .step1 = e->steps};
    if (e->steps == 1)
        return (lsq_encode_args){.path0 = u * e->paths / 2, .path1 = (u + 1) * e->paths / 2, .step1 = 1};
    return (lsq_encode_args){.path1 = e->paths, .step0 = u * e->steps / 2, .step1 = (u + 1) * e->steps / 2};
}

static void encode_unit(encoder *e, size_t tile, unsigned u, const lsq_source_tile *from, survivors *to)
{
    const lsq_source *s = e->source;
    const uint8_t *row_byte = s->packed + s->geometry->rows + tile / s->geometry->groups * PANEL;
    const float top = (float)lsq_largest_level(s->format);
    const unsigned columns = GROUP / e->units;
    float largest[PANEL];
    unsigned first[PANEL], last[PANEL];
    lsq_encode_args args = unit_of(e, u);
    args.coder = s->coder;
    args.x = from->x;
    args.importance = from->importance;
    args.metric = e->metric;
    args.scale = e->scale;
    args.error = e->error;
    args.rank = to->rank;
    args.chose = to->chose[0][0];
    lsq_source_largest(from, u * columns, (u + 1) * columns, largest);
    for (unsigned r = 0; r < PANEL; r++) {
        const float fit = largest[r] / top;
        lsq_scales_between(e->table[r], e->magnitudes, fit * lowest[e->bits], fit * highest, &first[r], &last[r]);
        if (fit == 0 || s->row[row_byte[r]] == 0)
            first[r] = last[r];
        const unsigned tries = (last[r] - first[r] + 1) * e->signs;
        args.tries = tries > args.tries ? tries : args.tries;
    }
    for (unsigned i = 0; i < args.tries; i++)
        for (unsigned r = 0; r < PANEL; r++) {
            const unsigned at = first[r] + i / e->signs;
            const float scale = e->table[r][at < last[r] ? at : last[r]];
            e->scale[i * PANEL + r] = i % e->signs ? -scale : scale;
        }
    s->measure(&args);
    for (unsigned r = 0; r < PANEL; r++) {
        unsigned least = 0;
        for (unsigned i = 1; i < (last[r] - first[r] + 1) * e->signs; i++)
            least = e->error[i * PANEL + r] < e->error[least * PANEL + r] ? i : least;
        e->scale[r] = e->scale[least * PANEL + r];
        put_scale(e, tile, u, r, code_of(e, first[r] + least / e->signs, least % e->signs));
    }
    s->encode(&args);
}

/* ---- Windows, chains ---- */

/* Walks backwards from the best last states over the tiles [tile0, tile1) and writes their codes. */
static void trace(encoder *e, size_t tile0, size_t tile1)
{
    const lsq_source *s = e->source;
    const lsq_coder *coder = s->coder;
    const unsigned states = coder->states;
    uint32_t state[PATHS][PANEL];
    uint8_t above[2 * STATES]; /* of the transition from s by u at 2 s + u: how far ranks are rounded up */
    for (unsigned i = 0; i < 2 * states; i++)
        above[i] = (uint8_t)(3 - (coder->subset[i / 2] ^ 2 * (i & 1)));
    for (unsigned path = 0; path < e->paths; path++)
        for (unsigned r = 0; r < PANEL; r++) {
            float *metric = e->metric + path * states * PANEL + r;
            unsigned best = 0;
            for (unsigned i = 1; i < states; i++)
                best = metric[i * PANEL] < metric[best * PANEL] ? i : best;
            state[path][r] = best;
            /* What comes after this window goes on from here. */
            for (unsigned i = 0; i < states; i++)
                metric[i * PANEL] = i == best ? 0 : FAR;
        }
    for (size_t tile = tile1; tile-- > tile0;) {
        const survivors *from = &e->window[tile - tile0];
        uint16_t code[TILE];
        for (unsigned column = GROUP; column-- > 0;) {
            uint32_t *now = state[column % e->paths];
            for (unsigned word = 0; tile > tile0 && word * 32 < states; word++)
                __builtin_prefetch(from[-1].chose[column][word]); /* no longer in a cache of this core */
            if (tile > tile0)
                __builtin_prefetch(from[-1].rank + column * PANEL);
            for (unsigned r = 0; r < PANEL; r++) {
                const unsigned chose = from->chose[column][now[r] / 32][r] >> now[r] % 32 & 1;
                const unsigned transition = now[r] + chose * states, rank = from->rank[column * PANEL + r];
                code[column * PANEL + r] = (uint16_t)((rank + above[transition]) / 4 * 2 + transition % 2);
                now[r] = transition / 2;
            }
        }
        lsq_tile_put(s->packed + tile * 64 * e->bits, e->bits, code);
    }
}

static int encode_chain(encoder *e, size_t panel0, size_t panel1)
{
    const lsq_source *s = e->source;
    const size_t groups = s->geometry->groups, end = panel1 * groups;
    for (unsigned i = 0; i < e->paths * s->coder->states; i++)
        for (unsigned r = 0; r < PANEL; r++)
            e->metric[i * PANEL + r] = i % s->coder->states ? FAR : 0;
    for (size_t panel = panel0; panel < panel1; panel++)
        if (!lsq_choose_rows(s, panel))
            return 0;
    for (size_t start = panel0 * groups; start < end; start += WINDOW) {
        const size_t stop = end - start < WINDOW ? end : start + WINDOW;
        for (size_t tile = start; tile < stop; tile++) {
            lsq_source_tile from;
            if (tile % groups == 0)
                begin_panel(e, tile / groups);
            lsq_source_load(s, tile, &from);
            for (unsigned u = 0; u < e->units; u++)
                encode_unit(e, tile, u, &from, &e->window[tile - start]);
        }
        trace(e, start, stop);
    }
    return s->feedback ? lsq_feedback_trellis(s, panel0, panel1) : 1;
}

size_t lsq_encode_trellis_bytes(const lsq_geometry *geometry)
{
    const size_t chain = (geometry->panels < CHAIN ? geometry->panels : CHAIN) * geometry->groups;
    return sizeof(encoder) + (chain < WINDOW ? chain : WINDOW) * sizeof(survivors) + _Alignof(encoder);
}

int lsq_encode_trellis(const lsq_source *s, size_t c0, size_t c1)
{
    const size_t panels = s->geometry->panels;
    void *block = malloc(lsq_encode_trellis_bytes(s->geometry));
    encoder *e = lsq_aligned(block, _Alignof(encoder));
    int done = block != NULL;
    if (done) {
        const unsigned bits = s->format->bits;
        e->source = s;
        e->bits = bits;
        e->paths = lsq_path_count(bits);
        e->steps = lsq_path_steps(bits);
        e->signs = s->format->scale == LSQ_SCALE_BYTE32 || lsq_mirrored(s->format) ? 2 : 1;
        e->magnitudes = s->format->scale == LSQ_SCALE_BYTE32 ? 128 : 16 / e->signs;
        e->units = s->format->scale == LSQ_SCALE_NIBBLE16 ? 2 : 1;
        e->window = (survivors *)(e + 1);
    }
    for (size_t c = c0; done && c < c1; c++)
        done = encode_chain(e, c * CHAIN, (c + 1) * CHAIN < panels ? (c + 1) * CHAIN : panels);
    free(block);
    return done;
}
