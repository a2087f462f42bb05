/*
 * columns.c - columns side by side: rounded as for a product with one vector, in fours; or as they are, in strips of 16.
 *
 *     columns whose elements are next to each other  --------------------->  round, whole groups where they lie
 *     other ones, and the rest of k  --copied, 16 columns x 8 groups at a time-->  round, or into the strip
 */
#include "dispatch/columns.h"

#include "dispatch/activation.h"

#include <string.h>

enum { GROUPS = 8 /* copied at once */ };

/* Where the parts of the scratch are. */
typedef struct layout {
    size_t sx, bias, negative, bytes;
} layout;

static layout layout_of(enum lsq_act act, size_t groups, size_t count)
{
    const size_t quads = (count + QUAD - 1) / QUAD, strips = (count + STRIP - 1) / STRIP;
    layout l = {.sx = lsq_padded(
                    groups * GROUP *
                    (act == ACT_f32 ? strips * STRIP * sizeof(float) : quads * QUAD * lsq_activation_element(act)))};
    l.bias = l.sx + lsq_padded(act == ACT_f32 ? 0 : quads * groups * QUAD * sizeof(float));
    l.negative = l.bias + lsq_padded(act == ACT_i8 ? quads * groups * 2 * QUAD * sizeof(int32_t) : 0);
    l.bytes = l.negative + lsq_padded(act == ACT_i8 ? quads * groups * 2 * QUAD * sizeof(int32_t) : 0);
    return l;
}

size_t lsq_columns_bytes(enum lsq_act act, size_t groups, size_t count)
{
    return layout_of(act, groups, count).bytes;
}

/* What is being filled. */
typedef struct filling {
    uint8_t *at;
    layout l;
    enum lsq_act act;
    lsq_round_fn *round;
    size_t groups;
} filling;

/* Groups [g0, g1) of column j, next to each other, into its lane of a quad. */
static void round_column(const filling *f, size_t j, size_t g0, size_t g1, const float *x)
{
    const size_t first = j / QUAD * f->groups + g0, lane = j % QUAD;
    const lsq_round_args args = {
        .x = x,
        .groups = g1 - g0,
        .lanes = QUAD,
        .q = f->at + (first * 8 * QUAD + lane) * 4 * lsq_activation_element(f->act),
        .sx = (float *)(void *)(f->at + f->l.sx) + first * QUAD + lane,
        .bias = f->act == ACT_i8 ? (int32_t *)(void *)(f->at + f->l.bias) + first * 2 * QUAD + lane : NULL,
        .negative = f->act == ACT_i8 ? (int32_t *)(void *)(f->at + f->l.negative) + first * 2 * QUAD + lane : NULL,
    };
    f->round(&args);
}

/* Rows [c0, c1) of columns [j0, j0 + count), at most 16 of them from a multiple of 16 on, and zeros where B ends. */
static void copy_rounded(const filling *f, const lsq_operand *b, size_t k, size_t j0, size_t count, size_t g0,
                         size_t g1)
{
    float copy[STRIP][GROUPS * GROUP];
    const size_t c0 = g0 * GROUP, c1 = g1 * GROUP, end = c1 < k ? c1 : k;
    for (size_t c = c0; c < end; c++) {
        const float *from = b->first + (ptrdiff_t)c * b->row_step + (ptrdiff_t)j0 * b->column_step;
        for (size_t j = 0; j < count; j++)
            copy[j][c - c0] = from[(ptrdiff_t)j * b->column_step];
    }
    for (size_t j = 0; j < count; j++) {
        memset(&copy[j][end - c0], 0, (c1 - end) * sizeof(float));
        round_column(f, j0 + j, g0, g1, copy[j]);
    }
}

static void copy_floats(const filling *f, const lsq_operand *b, size_t k, size_t j0, size_t count)
{
    float *to = (float *)(void *)f->at + j0 * f->groups * GROUP;
    for (size_t c = 0; c < k; c++) {
        const float *from = b->first + (ptrdiff_t)c * b->row_step + (ptrdiff_t)j0 * b->column_step;
        for (size_t j = 0; j < count; j++)
            to[c * STRIP + j] = from[(ptrdiff_t)j * b->column_step];
    }
}

void lsq_columns_set(lsq_gemm_args *args, enum lsq_act act, lsq_round_fn *round, size_t groups, const lsq_operand *b,
                     size_t k, size_t count, void *scratch)
{
    const filling f = {scratch, layout_of(act, groups, count), act, round, groups};
    const size_t whole = b->row_step == 1 ? k / GROUP : 0;
    /* Zeros for columns that nobody asked for, and for what rows the last group lacks. */
    if (act == ACT_f32 || count % QUAD)
        memset(f.at, 0, f.l.bytes);
    for (size_t j = 0; act != ACT_f32 && whole && j < count; j++)
        round_column(&f, j, 0, whole, b->first + (ptrdiff_t)j * b->column_step);
    for (size_t j = 0; j < count; j += STRIP) {
        const size_t some = count - j < STRIP ? count - j : STRIP;
        if (act == ACT_f32)
            copy_floats(&f, b, k, j, some);
        for (size_t g = whole; act != ACT_f32 && g < groups; g += GROUPS)
            copy_rounded(&f, b, k, j, some, g, g + GROUPS < groups ? g + GROUPS : groups);
    }
    args->x = f.at;
    args->sx = act == ACT_f32 ? NULL : (const float *)(void *)(f.at + f.l.sx);
    args->bias = act == ACT_i8 ? (const int32_t *)(void *)(f.at + f.l.bias) : NULL;
    args->negative = act == ACT_i8 ? (const int32_t *)(void *)(f.at + f.l.negative) : NULL;
}
