/*
 * encode_trellis.c - the best path through the trellis, and the scales that make it so.
 *
 * For every path (a bit position of a byte lane, see scalar/trellis.c) the Viterbi recursion keeps, for each state, the least
 * squared error of any path that ends there. A scale serves a unit of 16 or 32 columns of a row. For each unit every sensible scale
 * is tried on from the metrics so far, and the one whose best paths grow least is kept: scale and path are chosen jointly, group by
 * group (alternating between them loses 0.8 dB). Codes come out at the end, backwards along the surviving paths.
 *
 * The 16 rows of a panel never meet, so every loop below ends in one over rows: 16 lanes that any compiler makes vectors of.
 *
 *     x / d  --nearest of 4 subsets-->  cost[4]      metric[j] + cost, metric[j + half] + cost  --min-->  metric'[2j], [2j+1]
 */
#include "kernels/encode.h"

#include <stdlib.h>
#include <string.h>

enum {
    PATHS = 32,          /* of a row: 4 lanes, up to 8 slots */
    STATES = 64,         /* at most */
    UNIT_STEPS = 4,      /* of a path in one unit, at most */
    WINDOW = CHAIN * 128 /* tiles between two walks backwards: bounds memory, and is a whole chain up to 4096 columns */
};

static const float FAR = 1e30f; /* a state that no path reaches */

typedef float rows_f[PANEL];
typedef uint32_t rows_u[PANEL];

/* Everything about the code that does not change. */
typedef struct trellis {
    unsigned bits, states, memory;
    unsigned width, slots, steps; /* of the first plane: bits, slots a byte, vectors a tile */
    unsigned units;               /* scales a row has in a tile: 1 or 2 */
    unsigned subset_size;
    float level[4][32], middle[4][32]; /* of subset 2 z1 + z0 */
    uint8_t subset[STATES];            /* of a state and u = 0; u = 1 is the subset ^ 2 */
} trellis;

/* What one unit of a panel did, for one scale a row. */
typedef struct outcome {
    rows_f metric[PATHS][STATES];
    rows_u chose[PATHS][UNIT_STEPS][STATES / 32]; /* a bit for each state: which of its two predecessors */
    rows_f growth;
    uint8_t scale[PANEL];
} outcome;

typedef struct encoder {
    trellis t;
    const lsq_source *source;
    rows_f metric[PATHS][STATES];
    outcome trial, best;
    rows_f row_scale;
    uint8_t row_byte[PANEL];
    float norm;                              /* power of two that brings the largest weight near 1 */
    rows_u (*survivors)[GROUP][STATES / 32]; /* of the tiles of the window */
} encoder;

static void trellis_init(trellis *t, const lsq_source *s)
{
    lsq_code code = lsq_code_of(s->format->states);
    t->bits = s->format->bits;
    t->states = s->format->states;
    t->memory = code.memory;
    t->width = t->bits >= 4 ? 4 : t->bits >= 2 ? 2 : 1;
    t->slots = 8 / t->width;
    t->steps = t->width;
    t->units = s->format->scale == LSQ_SCALE_NIBBLE16 ? 2 : 1;
    t->subset_size = 1u << (t->bits - 1);
    for (unsigned z = 0; z < 4; z++)
        for (unsigned q = 0; q < t->subset_size; q++) {
            t->level[z][q] = s->levels->f32[(z & 1) << t->bits | q << 1 | z >> 1];
            if (q)
                t->middle[z][q - 1] = (t->level[z][q - 1] + t->level[z][q]) / 2;
        }
    for (unsigned state = 0; state < t->states; state++) {
        unsigned z0 = (unsigned)__builtin_parity(state & code.z0), z1 = (unsigned)__builtin_parity(state & code.z1);
        t->subset[state] = (uint8_t)(2 * z1 + z0);
    }
}

/* ---- One step of a path ---- */

/* Squared error of the nearest level of each subset, scaled by d. */
static void costs(const trellis *t, const rows_f x, const rows_f d, const rows_f inverse, rows_f cost[4])
{
    for (unsigned z = 0; z < 4; z++) {
        rows_f level;
        for (unsigned r = 0; r < PANEL; r++)
            level[r] = t->level[z][0];
        for (unsigned q = 1; q < t->subset_size; q++) {
            const float middle = t->middle[z][q - 1], above = t->level[z][q];
            for (unsigned r = 0; r < PANEL; r++)
                level[r] = x[r] * inverse[r] > middle ? above : level[r];
        }
        for (unsigned r = 0; r < PANEL; r++) {
            float error = x[r] - d[r] * level[r];
            cost[z][r] = error * error;
        }
    }
}

/*
 * Add, compare, select. States 2j and 2j + 1 come from j and from j + states/2. The oldest bit is in z1 alone, so these two
 * differ in subset by 2, and so do u = 0 and u = 1.
 */
static inline void advance(const trellis *t, unsigned states, rows_f *restrict from, rows_f cost[4],
                           rows_f *restrict to, rows_u chose[STATES / 32])
{
    memset(chose, 0, STATES / 32 * sizeof(rows_u));
    for (unsigned j = 0; j < states / 2; j++)
        for (unsigned u = 0; u < 2; u++) {
            const float *near = cost[t->subset[j] ^ (u << 1)], *far = cost[t->subset[j] ^ (u << 1) ^ 2];
            uint32_t bit = 1u << (2 * j + u) % 32, *chosen = chose[(2 * j + u) / 32];
            for (unsigned r = 0; r < PANEL; r++) {
                float a = from[j][r] + near[r], b = from[j + states / 2][r] + far[r];
                chosen[r] |= bit & (0u - (b < a));
                to[2 * j + u][r] = b < a ? b : a;
            }
        }
}

static void step(const trellis *t, rows_f *from, rows_f cost[4], rows_f *to, rows_u chose[STATES / 32])
{
    switch (t->states) { /* constant trip counts for the compiler */
    case 4:
        advance(t, 4, from, cost, to, chose);
        break;
    case 8:
        advance(t, 8, from, cost, to, chose);
        break;
    case 16:
        advance(t, 16, from, cost, to, chose);
        break;
    default:
        advance(t, 64, from, cost, to, chose);
    }
}

/* ---- One unit under one scale a row ---- */

/* Column of step v of path (lane, slot). */
static unsigned column_of(const trellis *t, unsigned v, unsigned path)
{
    return 4 * (v * t->slots + path / 4) + path % 4;
}

/* The paths and steps of a unit: all paths and a part of the steps, or with one step a tile a part of the paths. */
typedef struct unit {
    unsigned path0, path1, v0, v1;
} unit;

static unit unit_of(const trellis *t, unsigned u)
{
    unsigned paths = 4 * t->slots;
    if (t->units == 1)
        return (unit){0, paths, 0, t->steps};
    if (t->steps == 1)
        return (unit){u * paths / 2, (u + 1) * paths / 2, 0, 1};
    return (unit){0, paths, u * t->steps / 2, (u + 1) * t->steps / 2};
}

static void try_scales(encoder *e, unit n, rows_f *x, const rows_f d)
{
    const trellis *t = &e->t;
    rows_f inverse, cost[4], half[2][STATES];
    memset(e->trial.growth, 0, sizeof(e->trial.growth));
    for (unsigned r = 0; r < PANEL; r++)
        inverse[r] = d[r] > 0 ? 1 / d[r] : 0;
    for (unsigned path = n.path0; path < n.path1; path++) {
        rows_f *from = e->metric[path];
        for (unsigned v = n.v0; v < n.v1; v++) {
            rows_f *to = v + 1 == n.v1 ? e->trial.metric[path] : half[v % 2];
            costs(t, x[column_of(t, v, path)], d, inverse, cost);
            step(t, from, cost, to, e->trial.chose[path][v - n.v0]);
            from = to;
        }
        rows_f least;
        memcpy(least, from[0], sizeof(least));
        for (unsigned s = 1; s < t->states; s++)
            for (unsigned r = 0; r < PANEL; r++)
                least[r] = from[s][r] < least[r] ? from[s][r] : least[r];
        for (unsigned r = 0; r < PANEL; r++)
            e->trial.growth[r] += least[r];
    }
}

/* Takes the trial over for the rows in which it is better. */
static void keep_better(encoder *e, unit n)
{
    const trellis *t = &e->t;
    int32_t better[PANEL];
    for (unsigned r = 0; r < PANEL; r++) {
        better[r] = e->trial.growth[r] < e->best.growth[r] ? -1 : 0;
        e->best.growth[r] = better[r] ? e->trial.growth[r] : e->best.growth[r];
        e->best.scale[r] = better[r] ? e->trial.scale[r] : e->best.scale[r];
    }
    for (unsigned path = n.path0; path < n.path1; path++) {
        for (unsigned i = 0; i < t->states; i++)
            for (unsigned r = 0; r < PANEL; r++) {
                float new = e->trial.metric[path][i][r], old = e->best.metric[path][i][r];
                e->best.metric[path][i][r] = better[r] ? new : old;
            }
        for (unsigned v = 0; v < n.v1 - n.v0; v++)
            for (unsigned i = 0; i < STATES / 32; i++)
                for (unsigned r = 0; r < PANEL; r++) {
                    uint32_t new = e->trial.chose[path][v][i][r], old = e->best.chose[path][v][i][r];
                    e->best.chose[path][v][i][r] = better[r] ? new : old;
                }
    }
}

/* Goes on from the best outcome; metrics are brought back to a minimum of 0. */
static void commit(encoder *e, unit n, rows_u (*survivors)[STATES / 32])
{
    const trellis *t = &e->t;
    for (unsigned path = n.path0; path < n.path1; path++) {
        rows_f least;
        memcpy(least, e->best.metric[path][0], sizeof(least));
        for (unsigned s = 1; s < t->states; s++)
            for (unsigned r = 0; r < PANEL; r++)
                least[r] = e->best.metric[path][s][r] < least[r] ? e->best.metric[path][s][r] : least[r];
        for (unsigned s = 0; s < t->states; s++)
            for (unsigned r = 0; r < PANEL; r++)
                e->metric[path][s][r] = e->best.metric[path][s][r] - least[r];
        for (unsigned v = n.v0; v < n.v1; v++)
            memcpy(survivors[column_of(t, v, path)], e->best.chose[path][v - n.v0], sizeof(*survivors));
    }
}

/* ---- Scales ---- */

/* How far below the largest weight of its unit the largest level may lie, by width. */
static const float lowest[7] = {0, 0.22f, 0.35f, 0.45f, 0.55f, 0.55f, 0.55f};
static const float highest = 1.15f;

/* Scale number i of a row, largest first; the multipliers and bytes as they are decoded. */
static float scale_value(const lsq_source *s, uint8_t row_byte, unsigned i)
{
    if (s->format->scale == LSQ_SCALE_BYTE32)
        return lsq_scale_byte((uint8_t)(127 - i));
    return lsq_multipliers[row_byte >> 6][i];
}

static unsigned scale_count(const lsq_source *s)
{
    return s->format->scale == LSQ_SCALE_BYTE32 ? 128 : 16;
}

static void put_scale(const encoder *e, size_t tile, unsigned u, unsigned row, unsigned i)
{
    const lsq_source *s = e->source;
    uint8_t *scales = s->packed + s->geometry->scales + tile * s->geometry->scale_bytes;
    if (s->format->scale == LSQ_SCALE_BYTE32)
        scales[row] = (uint8_t)(127 - i);
    else if (s->format->scale == LSQ_SCALE_NIBBLE32)
        scales[row % 8] |= (uint8_t)(i << row / 8 * 4);
    else
        scales[row] |= (uint8_t)(i << u * 4);
}

static void encode_unit(encoder *e, size_t tile, unsigned u, rows_f *x, rows_u (*survivors)[STATES / 32])
{
    const lsq_source *s = e->source;
    unit n = unit_of(&e->t, u);
    unsigned first[PANEL], last[PANEL], count = scale_count(s), tries = 1;
    for (unsigned r = 0; r < PANEL; r++) {
        float largest = 0;
        for (unsigned path = n.path0; path < n.path1; path++)
            for (unsigned v = n.v0; v < n.v1; v++) {
                float w = x[column_of(&e->t, v, path)][r];
                largest = w > largest ? w : -w > largest ? -w : largest;
            }
        float top = e->row_scale[r] * (float)lsq_largest_level(s->format); /* largest level under a scale of 1 */
        for (first[r] = 0; first[r] + 1 < count; first[r]++)
            if (top * scale_value(s, e->row_byte[r], first[r]) <= highest * largest)
                break;
        for (last[r] = first[r]; last[r] + 1 < count; last[r]++)
            if (top * scale_value(s, e->row_byte[r], last[r] + 1) < lowest[e->t.bits] * largest)
                break;
        last[r] = top > 0 && largest > 0 ? last[r] : first[r];
        tries = last[r] - first[r] + 1 > tries ? last[r] - first[r] + 1 : tries;
        e->best.growth[r] = FAR;
    }
    for (unsigned i = 0; i < tries; i++) {
        rows_f d;
        for (unsigned r = 0; r < PANEL; r++) {
            unsigned mine = first[r] + i < last[r] ? first[r] + i : last[r];
            e->trial.scale[r] = (uint8_t)mine;
            d[r] = e->row_scale[r] * scale_value(s, e->row_byte[r], mine);
        }
        try_scales(e, n, x, d);
        keep_better(e, n);
    }
    commit(e, n, survivors);
    for (unsigned r = 0; r < PANEL; r++)
        put_scale(e, tile, u, r, e->best.scale[r]);
}

/* ---- Tiles, windows, chains ---- */

static void load(const encoder *e, size_t tile, rows_f x[GROUP])
{
    const lsq_source *s = e->source;
    size_t row = tile / s->geometry->groups * PANEL, column = tile % s->geometry->groups * GROUP;
    for (unsigned c = 0; c < GROUP; c++)
        for (unsigned r = 0; r < PANEL; r++)
            x[c][r] = row + r < s->m && column + c < s->k ? s->w[(row + r) * s->ld + column + c] * e->norm : 0;
}

static void start_panel(encoder *e, size_t panel, const float table[256])
{
    const lsq_source *s = e->source;
    for (unsigned r = 0; r < PANEL; r++) {
        e->row_byte[r] = s->packed[s->geometry->rows + panel * PANEL + r];
        e->row_scale[r] = table[e->row_byte[r]] * e->norm;
    }
}

/* The code of a weight on a path that goes from state `before` to one whose newest bit is u. */
static unsigned code_of(const trellis *t, unsigned before, unsigned u, float x, float d)
{
    unsigned z = t->subset[before] ^ (u << 1), q = 0;
    float inverse = d > 0 ? 1 / d : 0;
    while (q + 1 < t->subset_size && x * inverse > t->middle[z][q])
        q++;
    return q << 1 | u;
}

/* Walks back from the best last states over the tiles [tile0, tile1) and writes their codes. */
static void trace(encoder *e, size_t tile0, size_t tile1, const float table[256])
{
    const trellis *t = &e->t;
    const lsq_source *s = e->source;
    uint8_t state[PATHS][PANEL];
    lsq_tiles tiles = {.scales = s->packed + s->geometry->scales, .scale = s->format->scale};
    for (unsigned path = 0; path < 4 * t->slots; path++)
        for (unsigned r = 0; r < PANEL; r++) {
            unsigned best = 0;
            for (unsigned i = 1; i < t->states; i++)
                best = e->metric[path][i][r] < e->metric[path][best][r] ? i : best;
            state[path][r] = (uint8_t)best;
            /* What comes after this window goes on from here. */
            for (unsigned i = 0; i < t->states; i++)
                e->metric[path][i][r] = i == best ? 0 : FAR;
        }
    for (size_t tile = tile1; tile-- > tile0;) {
        rows_f x[GROUP];
        load(e, tile, x);
        start_panel(e, tile / s->geometry->groups, table);
        for (unsigned r = 0; r < PANEL; r++) {
            float scale[2];
            lsq_tile_scale(&tiles, tile, r, e->row_byte[r], scale);
            for (unsigned path = 0; path < 4 * t->slots; path++)
                for (unsigned v = t->steps; v-- > 0;) {
                    unsigned column = column_of(t, v, path), after = state[path][r];
                    uint32_t chose = e->survivors[tile - tile0][column][after / 32][r] >> after % 32 & 1;
                    unsigned before = after >> 1 | chose << (t->memory - 1);
                    unsigned code = code_of(t, before, after & 1, x[column][r], e->row_scale[r] * scale[column / 16]);
                    lsq_code_put(s->packed + tile * 64 * t->bits, t->bits, r, column, code);
                    state[path][r] = (uint8_t)before;
                }
        }
    }
}

static void encode_chain(encoder *e, size_t tile0, size_t tile1, const float table[256])
{
    const lsq_source *s = e->source;
    for (unsigned path = 0; path < PATHS; path++)
        for (unsigned i = 0; i < STATES; i++)
            for (unsigned r = 0; r < PANEL; r++)
                e->metric[path][i][r] = i ? FAR : 0;
    for (size_t start = tile0; start < tile1; start += WINDOW) {
        size_t end = tile1 - start < WINDOW ? tile1 : start + WINDOW;
        for (size_t tile = start; tile < end; tile++) {
            rows_f x[GROUP];
            load(e, tile, x);
            start_panel(e, tile / s->geometry->groups, table);
            for (unsigned u = 0; u < e->t.units; u++)
                encode_unit(e, tile, u, x, e->survivors[tile - start]);
        }
        trace(e, start, end, table);
    }
}

int lsq_encode_trellis(const lsq_source *s)
{
    const lsq_geometry *g = s->geometry;
    size_t tiles = g->panels * g->groups, chain = CHAIN * g->groups;
    encoder *e = malloc(sizeof(*e));
    if (e)
        e->survivors = malloc((tiles < chain ? tiles : chain < WINDOW ? chain : WINDOW) * sizeof(*e->survivors));
    if (!e || !e->survivors || !lsq_choose_rows(s)) {
        if (e)
            free(e->survivors);
        free(e);
        return 0;
    }
    e->source = s;
    trellis_init(&e->t, s);
    float table[256], t = lsq_tensor_scale(s->packed, g);
    lsq_row_scales(s->format, t, table);
    e->norm = 1;
    while (t * e->norm * 16384 < 0.5f && t > 0)
        e->norm *= 2;
    while (t * e->norm * 16384 > 1)
        e->norm /= 2;
    for (size_t tile = 0; tile < tiles; tile += chain)
        encode_chain(e, tile, tiles - tile < chain ? tiles : tile + chain, table);
    free(e->survivors);
    free(e);
    return 1;
}
