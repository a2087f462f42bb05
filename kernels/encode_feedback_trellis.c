/*
 * encode_feedback_trellis.c - error feedback for trellis codes, path by path.
 *
 * What is fed back must be settled, and a path through a trellis is settled at its end only: to settle it tile by tile leaves it few ways to
 * go on, and the best path so far often turns out to be another one later. But the paths of a row (columns p, P + p, 2 P + p, ... for path p
 * of P) know nothing of each other. So each is searched through the whole chain, and its errors go to the columns of the paths after it: no
 * path is held back, and only inside a path errors are not fed back.
 *
 * Scales are those that the encoder without feedback found: they serve columns of all paths.
 */
#include "kernels/aligned.h"
#include "kernels/coder.h"
#include "kernels/encode.h"

#include <stdlib.h>
#include <string.h>

enum { PATHS = 32, STATES = 64 };

/* What a walk backwards needs of a tile. */
typedef struct survivors {
    _Alignas(64) uint32_t chose[GROUP][STATES / 32][PANEL];
    _Alignas(64) uint16_t rank[TILE];
    _Alignas(64) float scale[2][PANEL];
} survivors;

typedef struct search {
    _Alignas(64) float metric[PATHS * STATES * PANEL];
    const lsq_source *source;
    unsigned bits, paths, steps, path;
    size_t tile0, tiles; /* of the chain */
    survivors *survivors;
    float *errors; /* of each panel, times norm: of row r at [place * 16 + r] */
} search;

static float *errors_of(const search *f, size_t tile)
{
    const size_t groups = f->source->geometry->groups;
    return f->errors + (tile - f->tile0) / groups * groups * TILE;
}

static void find_scales(const search *f, size_t tile, float scale[2][PANEL])
{
    const lsq_source *s = f->source;
    const lsq_tiles w = {.scales = s->packed + s->geometry->scales,
                         .scale = s->format->scale,
                         .mirrored = (unsigned)lsq_mirrored(s->format)};
    const uint8_t *rows = s->packed + s->geometry->rows + tile / s->geometry->groups * PANEL;
    for (unsigned r = 0; r < PANEL; r++) {
        float half[2];
        lsq_tile_scale(&w, tile, r, rows[r], half);
        scale[0][r] = s->row[rows[r]] * half[0];
        scale[1][r] = s->row[rows[r]] * half[1];
    }
}

/* Goes on with the path through a tile. */
static void advance(search *f, size_t tile)
{
    const lsq_source *s = f->source;
    const size_t column = tile % s->geometry->groups * GROUP;
    survivors *to = &f->survivors[tile - f->tile0];
    lsq_source_tile from;
    lsq_source_load(s, tile, &from);
    for (unsigned v = 0; v < f->steps; v++) {
        const unsigned c = lsq_path_column(f->bits, f->path, v);
        if (column + c < s->k && f->path > 0)
            lsq_feedback_add(s->feedback, errors_of(f, tile), lsq_feedback_place(f->paths, s->k, column + c), 0,
                             lsq_feedback_place(f->paths, s->k, f->path), from.x + c * PANEL);
        s->encode(&(lsq_encode_args){.coder = s->coder,
                                     .x = from.x,
                                     .importance = from.importance,
                                     .scale = to->scale[c >= GROUP / 2],
                                     .path0 = f->path,
                                     .path1 = f->path + 1,
                                     .step0 = v,
                                     .step1 = v + 1,
                                     .metric = f->metric,
                                     .rank = to->rank,
                                     .chose = to->chose[0][0]});
    }
}

/* Walks backwards through a tile, writes its codes on this path and notes their errors. */
static void settle(search *f, size_t tile, uint32_t state[PANEL])
{
    const lsq_source *s = f->source;
    const size_t row = tile / s->geometry->groups * PANEL, column = tile % s->geometry->groups * GROUP;
    const survivors *from = &f->survivors[tile - f->tile0];
    for (unsigned v = f->steps; v-- > 0;) {
        const unsigned c = lsq_path_column(f->bits, f->path, v);
        const float *scale = from->scale[c >= GROUP / 2];
        for (unsigned r = 0; r < PANEL; r++) {
            const unsigned u = state[r] & 1, chose = from->chose[c][state[r] / 32][r] >> state[r] % 32 & 1;
            const unsigned before = state[r] / 2 + chose * s->coder->states / 2, z = s->coder->subset[before] ^ 2 * u;
            const unsigned q = (from->rank[c * PANEL + r] + 3 - z) / 4;
            lsq_code_put(s->packed + tile * 64 * f->bits, f->bits, r, c, 2 * q + u);
            if (column + c < s->k)
                errors_of(f, tile)[lsq_feedback_place(f->paths, s->k, column + c) * PANEL + r] =
                    lsq_feedback_error(s, row + r, column + c, scale[r] * s->coder->level[(z << (f->bits - 1)) + q]);
            state[r] = before;
        }
    }
}

static void run_path(search *f)
{
    const unsigned states = f->source->coder->states;
    float *metric = f->metric + f->path * states * PANEL;
    uint32_t state[PANEL] = {0};
    for (unsigned i = 0; i < states * PANEL; i++)
        metric[i] = i < PANEL ? 0 : 1e30f; /* paths begin at state 0 */
    for (size_t tile = f->tile0; tile < f->tile0 + f->tiles; tile++)
        advance(f, tile);
    for (unsigned r = 0; r < PANEL; r++)
        for (unsigned i = 1; i < states; i++)
            state[r] = metric[i * PANEL + r] < metric[state[r] * PANEL + r] ? i : state[r];
    for (size_t tile = f->tile0 + f->tiles; tile-- > f->tile0;)
        settle(f, tile, state);
}

int lsq_feedback_trellis(const lsq_source *s, size_t panel0, size_t panel1)
{
    const size_t groups = s->geometry->groups, tiles = (panel1 - panel0) * groups;
    const unsigned bits = s->format->bits;
    void *block = malloc(sizeof(search) + tiles * sizeof(survivors) + _Alignof(search));
    search *f = lsq_aligned(block, _Alignof(search));
    float *errors = calloc(tiles, TILE * sizeof(*errors));
    const int done = block && errors;
    if (done) {
        f->source = s;
        f->bits = bits;
        f->paths = lsq_path_count(bits);
        f->steps = lsq_path_steps(bits);
        f->tile0 = panel0 * groups;
        f->tiles = tiles;
        f->survivors = (survivors *)(f + 1);
        f->errors = errors;
        for (size_t i = 0; i < tiles; i++)
            find_scales(f, f->tile0 + i, f->survivors[i].scale);
        memset(s->packed + f->tile0 * 64 * bits, 0, tiles * 64 * bits); /* the codes without feedback */
        for (f->path = 0; f->path < f->paths; f->path++)
            run_path(f);
    }
    free(errors);
    free(block);
    return done;
}
