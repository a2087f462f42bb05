/*
 * product.c - what kernels of gemv and decode are checked on.
 */
#include "tuner/product.h"

#include "dispatch/activation.h"
#include "dispatch/product.h"
#include "tuner/workshop.h"

#include <stdlib.h>
#include <string.h>

size_t product_bytes(const lsq_format *format, size_t panels, size_t groups)
{
    size_t bytes = 0;
    lsq_packed_bytes(format, panels * PANEL, groups * GROUP, &bytes);
    return bytes;
}

int product_make(product *p, const lsq_kernel *kernel, const lsq_format *format, size_t panels, size_t groups,
                 uint8_t *packed)
{
    size_t m = panels * PANEL, k = groups * GROUP;
    *p = (product){.op = kernel->op,
                   .act = (enum lsq_act)kernel->act,
                   .panels = panels,
                   .groups = groups,
                   .out_panel = kernel->op == OP_gemv ? PANEL : PANEL * k};
    p->outputs = panels * p->out_panel + GUARD;
    size_t scratch = lsq_activation_bytes(p->act, groups);
    if (!set_tensor_scale(format, m, k, packed) ||
        lsq_weights_wrap(format, m, k, packed, product_bytes(format, panels, groups), &p->weights, NULL) != LSQ_OK)
        return 0;
    p->x = calloc(k, sizeof(float));
    p->out = calloc(p->outputs, sizeof(float));
    p->scratch = aligned_alloc(64, scratch);
    if (!p->x || !p->out || !p->scratch) {
        product_free(p);
        return 0;
    }
    p->gemv.w = lsq_weights_tiles(p->weights);
    for (size_t i = 0; i < k; i++)
        p->x[i] = (float)((int)(i * 2654435761u >> 8 & 0xffff) - 0x8000) / 0x8000;
    product_round(p);
    return 1;
}

void product_round(product *p)
{
    const lsq_kernel *round = lsq_kernel_reference(OP_round, CODEC_x, p->act);
    lsq_activation_set(&p->gemv, p->act, round ? round->run.round : NULL, p->groups, p->x, 1, p->groups * GROUP,
                       p->scratch);
}

void product_free(product *p)
{
    lsq_weights_free(p->weights);
    free(p->x);
    free(p->out);
    free(p->scratch);
    *p = (product){0};
}

/* In blocks of columns, as lsq_dequantize() and transposed products call it. */
static void decode_panel(const product *p, const lsq_kernel *kernel, size_t panel)
{
    float row[PANEL];
    lsq_decode_args args = {.w = p->gemv.w, .row = row, .r1 = PANEL, .out = p->out + panel * p->out_panel};
    for (size_t r = 0; r < PANEL; r++)
        row[r] = p->weights->row[p->gemv.w.rows[panel * PANEL + r]];
    for (size_t g = 0; g < p->groups; g += BLOCK_GROUPS) {
        size_t g1 = g + BLOCK_GROUPS < p->groups ? g + BLOCK_GROUPS : p->groups;
        args.ld = (g1 - g) * GROUP;
        kernel->run.decode(&args, panel, g, g1);
        args.out += (g1 - g) * GROUP * PANEL;
    }
}

void product_run(const product *p, const lsq_kernel *kernel, size_t p0, size_t p1)
{
    if (p->op == OP_gemv) {
        lsq_gemv_args args = p->gemv;
        args.y = p->out + p0 * PANEL;
        kernel->run.gemv(&args, p0, p1);
    } else {
        for (size_t panel = p0; panel < p1; panel++)
            decode_panel(p, kernel, panel);
    }
}

float product_weight(const product *p, size_t row, size_t column)
{
    size_t block = column / BLOCK_COLUMNS * BLOCK_COLUMNS, columns = p->groups * GROUP - block;
    if (columns > BLOCK_COLUMNS)
        columns = BLOCK_COLUMNS;
    return p->out[row / PANEL * p->out_panel + block * PANEL + row % PANEL * columns + column - block];
}
