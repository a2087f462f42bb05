/*
 * columns.c - columns side by side: rounded as for a product with one vector, in fours; or as they are, in strips of 16.
 *
 *     elements of a column next to each other  --round, a column after the other-->  a lane of a quad
 *     elements of a row next to each other     --roundt, 16 columns at a time---->  four quads
 *     either of them                           --copied-------------------------->  a strip
 *
 * Groups, and sixteen columns, are taken where they lie as far as they are whole. Where B ends in the middle of them they are copied
 * before, a group at a time, with zeros behind.
 */
#include "dispatch/columns.h"

#include "dispatch/activation.h"
#include "dispatch/threads.h"

#include <string.h>

/* Where the parts of the scratch are. Integers have room for whole strips too, as that is what roundt writes. */
typedef struct layout {
    size_t sx, bias, negative, bytes;
} layout;

static layout layout_of(enum lsq_act act, size_t groups, size_t count)
{
    const size_t columns = (count + STRIP - 1) / STRIP * STRIP;
    layout l = {.sx = lsq_padded(groups * GROUP * columns * lsq_activation_element(act))};
    l.bias = l.sx + lsq_padded(act == ACT_f32 ? 0 : columns * groups * sizeof(float));
    l.negative = l.bias + lsq_padded(act == ACT_i8 ? columns * groups * 2 * sizeof(int32_t) : 0);
    l.bytes = l.negative + lsq_padded(act == ACT_i8 ? columns * groups * 2 * sizeof(int32_t) : 0);
    return l;
}

size_t lsq_columns_bytes(enum lsq_act act, size_t groups, size_t count)
{
    return layout_of(act, groups, count).bytes;
}

/* What is filled, and from what. */
typedef struct filling {
    uint8_t *at;
    layout l;
    enum lsq_act act;
    const lsq_kernel *round; /* NULL with floats */
    size_t groups;
    lsq_operand b;
    size_t k, count;
} filling;

/* `some` of sixteen floats that lie next to each other, and zeros: by sizes that are constants, since calls would cost more. */
static inline void copy_row(float *to, const float *from, size_t some)
{
    if (some == STRIP) {
        memcpy(to, from, STRIP * sizeof(*to));
        return;
    }
    memset(to, 0, STRIP * sizeof(*to));
    if (some & 8) {
        memcpy(to, from, 8 * sizeof(*to));
        to += 8;
        from += 8;
    }
    if (some & 4) {
        memcpy(to, from, 4 * sizeof(*to));
        to += 4;
        from += 4;
    }
    for (size_t i = 0; i < some % 4; i++)
        to[i] = from[i];
}

/* ---- Rounded ---- */

/* Where a group of a quad is. */
typedef struct place {
    uint8_t *q;
    float *sx;
    int32_t *bias, *negative; /* NULL where there are none */
} place;

static place place_of(const filling *f, size_t quad, size_t g)
{
    const size_t at = (quad * f->groups + g) * QUAD;
    const int sums = f->act == ACT_i8;
    return (place){
        .q = f->at + at * GROUP * lsq_activation_element(f->act),
        .sx = (float *)(void *)(f->at + f->l.sx) + at,
        .bias = sums ? (int32_t *)(void *)(f->at + f->l.bias) + 2 * at : NULL,
        .negative = sums ? (int32_t *)(void *)(f->at + f->l.negative) + 2 * at : NULL,
    };
}

static void clear_quad(const filling *f, size_t quad)
{
    const place p = place_of(f, quad, 0);
    const size_t count = f->groups * QUAD;
    memset(p.q, 0, count * GROUP * lsq_activation_element(f->act));
    memset(p.sx, 0, count * sizeof(*p.sx));
    if (f->act == ACT_i8) {
        memset(p.bias, 0, 2 * count * sizeof(*p.bias));
        memset(p.negative, 0, 2 * count * sizeof(*p.negative));
    }
}

/* Groups [g0, g1) of column j, next to each other, into its lane of a quad. */
static void round_column(const filling *f, size_t j, size_t g0, size_t g1, const float *x)
{
    const size_t lane = j % QUAD;
    const place p = place_of(f, j / QUAD, g0);
    f->round->run.round(&(lsq_round_args){
        .x = x,
        .groups = g1 - g0,
        .lanes = QUAD,
        .q = p.q + lane * 4 * lsq_activation_element(f->act),
        .sx = p.sx + lane,
        .bias = p.bias ? p.bias + lane : NULL,
        .negative = p.negative ? p.negative + lane : NULL,
    });
}

/* Columns [j, j + some), and zeros in the rest of the last quad. */
static void round_columns(const filling *f, size_t j, size_t some)
{
    const size_t whole = f->k / GROUP, end = j + some;
    if (some % QUAD)
        clear_quad(f, end / QUAD);
    for (; j < end; j++) {
        const float *x = f->b.first + (ptrdiff_t)j * f->b.column_step;
        if (whole)
            round_column(f, j, 0, whole, x);
        if (whole < f->groups) {
            float copy[GROUP] = {0};
            memcpy(copy, x + whole * GROUP, (f->k - whole * GROUP) * sizeof(*copy));
            round_column(f, j, whole, f->groups, copy);
        }
    }
}

/* Groups [g0, g1) of sixteen columns from j on, whose rows are ld apart. */
static void round_strip(const filling *f, size_t j, size_t g0, size_t g1, const float *x, size_t ld)
{
    const place p = place_of(f, j / QUAD, g0);
    f->round->run.roundt(&(lsq_roundt_args){
        .x = x,
        .ld = ld,
        .groups = g1 - g0,
        .all = f->groups,
        .q = p.q,
        .sx = p.sx,
        .bias = p.bias,
        .negative = p.negative,
    });
}

/* Columns [j, j + some), and zeros in the rest of sixteen. */
static void round_rows(const filling *f, size_t j, size_t some)
{
    const size_t ld = (size_t)f->b.row_step, whole = some == STRIP ? f->k / GROUP : 0;
    const float *x = f->b.first + j;
    if (whole)
        round_strip(f, j, 0, whole, x, ld);
    for (size_t g = whole; g < f->groups; g++) {
        const size_t left = f->k - g * GROUP, rows = left < GROUP ? left : GROUP;
        float copy[GROUP][STRIP];
        for (size_t c = 0; c < rows; c++)
            copy_row(copy[c], x + (g * GROUP + c) * ld, some);
        memset(copy[rows], 0, (GROUP - rows) * sizeof(*copy));
        round_strip(f, j, g, g + 1, copy[0], STRIP);
    }
}

/* ---- As they are ---- */

/* Columns [j, j + some) into a strip, and zeros. */
static void copy_strip(const filling *f, size_t j, size_t some)
{
    const lsq_operand *b = &f->b;
    float *to = (float *)(void *)f->at + j * f->groups * GROUP;
    for (size_t c = 0; c < f->k; c++, to += STRIP) {
        const float *from = b->first + (ptrdiff_t)c * b->row_step + (ptrdiff_t)j * b->column_step;
        if (b->column_step == 1) {
            copy_row(to, from, some);
        } else {
            if (some < STRIP)
                memset(to, 0, STRIP * sizeof(*to));
            for (size_t i = 0; i < some; i++)
                to[i] = from[(ptrdiff_t)i * b->column_step];
        }
    }
    memset(to, 0, (f->groups * GROUP - f->k) * STRIP * sizeof(*to));
}

/* ---- Strips of 16 columns, over threads -------------------------------------------------------------------------- */

static void fill_strips(const void *arg, size_t first, size_t end)
{
    const filling *f = arg;
    for (size_t strip = first; strip < end; strip++) {
        const size_t j = strip * STRIP, some = f->count - j < STRIP ? f->count - j : STRIP;
        if (f->act == ACT_f32)
            copy_strip(f, j, some);
        else if (f->round->op == OP_roundt)
            round_rows(f, j, some);
        else
            round_columns(f, j, some);
    }
}

/* One strip. */
static size_t strip_bytes(size_t k)
{
    return STRIP * k * sizeof(float);
}

size_t lsq_columns_threads(const lsq_context *ctx, size_t k, size_t count)
{
    return lsq_panel_threads(ctx, (count + STRIP - 1) / STRIP, strip_bytes(k), 0);
}

void lsq_columns_set(const lsq_context *ctx, lsq_gemm_args *args, enum lsq_act act, const lsq_kernel *round,
                     size_t groups, const lsq_operand *b, size_t k, size_t count, void *scratch)
{
    const filling f = {scratch, layout_of(act, groups, count), act, round, groups, *b, k, count};
    lsq_for_panels(ctx, (count + STRIP - 1) / STRIP, strip_bytes(k), 0, fill_strips, &f);
    args->x = f.at;
    args->sx = act == ACT_f32 ? NULL : (const float *)(void *)(f.at + f.l.sx);
    args->bias = act == ACT_i8 ? (const int32_t *)(void *)(f.at + f.l.bias) : NULL;
    args->negative = act == ACT_i8 ? (const int32_t *)(void *)(f.at + f.l.negative) : NULL;
}
