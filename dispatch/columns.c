/*
 * columns.c - columns in fours: each is rounded as for a product with one vector, and laid between its neighbours.
 */
#include "dispatch/columns.h"

#include "dispatch/activation.h"

#include <string.h>

/* Where the parts of the scratch are: all columns interleaved, behind them one column as it comes. */
typedef struct layout {
    size_t element, sx, bias, negative, column, bytes;
} layout;

static layout layout_of(enum lsq_act act, size_t groups, size_t count)
{
    const size_t quads = (count + QUAD - 1) / QUAD * groups;
    layout l = {.element = act == ACT_i8 ? 1 : 2};
    l.sx = lsq_padded(quads * QUAD * GROUP * l.element);
    l.bias = l.sx + lsq_padded(quads * QUAD * sizeof(float));
    l.negative = l.bias + lsq_padded(act == ACT_i8 ? quads * 2 * QUAD * sizeof(int32_t) : 0);
    l.column = l.negative + lsq_padded(act == ACT_i8 ? quads * 2 * QUAD * sizeof(int32_t) : 0);
    l.bytes = l.column + lsq_activation_bytes(act, groups);
    return l;
}

size_t lsq_columns_bytes(enum lsq_act act, size_t groups, size_t count)
{
    return layout_of(act, groups, count).bytes;
}

/* Puts column j of a quad, four values a step, between the others. */
static void interleave(uint8_t *quad, const uint8_t *column, size_t steps, size_t j, const size_t bytes)
{
    for (size_t t = 0; t < steps; t++)
        memcpy(quad + (QUAD * t + j) * bytes, column + t * bytes, bytes);
}

void lsq_columns_set(lsq_gemm_args *args, enum lsq_act act, size_t groups, const lsq_columns *x, void *scratch)
{
    const layout l = layout_of(act, groups, x->count);
    uint8_t *at = scratch;
    float *sx = (float *)(void *)(at + l.sx);
    int32_t *bias = (int32_t *)(void *)(at + l.bias), *negative = (int32_t *)(void *)(at + l.negative);
    memset(at, 0, l.column);
    for (size_t j = 0; j < x->count; j++) {
        const size_t q = j / QUAD * groups, lane = j % QUAD;
        lsq_gemv_args one = {0};
        lsq_activation_set(&one, act, groups, x->first + (ptrdiff_t)j * x->column_step, x->row_step, x->rows,
                           at + l.column);
        if (act == ACT_i8)
            interleave(at + q * QUAD * GROUP, one.x, groups * 8, lane, 4);
        else
            interleave(at + q * QUAD * GROUP * 2, one.x, groups * 8, lane, 8);
        for (size_t g = 0; g < groups; g++)
            sx[(q + g) * QUAD + lane] = one.sx[g];
        for (size_t half = 0; act == ACT_i8 && half < 2 * groups; half++) {
            bias[(2 * q + half) * QUAD + lane] = one.bias[half];
            negative[(2 * q + half) * QUAD + lane] = one.negative[half];
        }
    }
    args->x = at;
    args->sx = sx;
    args->bias = act == ACT_i8 ? bias : NULL;
    args->negative = act == ACT_i8 ? negative : NULL;
}
