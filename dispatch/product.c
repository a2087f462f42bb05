/*
 * product.c - which way a product goes, and what the ways share.
 */
#include "dispatch/product.h"

#include <stdlib.h>

/* A product this small costs less than a call of malloc. */
enum { STACK_SCRATCH = 8192 };

enum lsq_act lsq_product_act(const lsq_context *ctx, const lsq_weights *w)
{
    return ctx->activation == LSQ_ACT_FLOAT ? ACT_f32 : w->format.bits <= 6 ? ACT_i8 : ACT_i16;
}

const lsq_choice *lsq_product_choice(const lsq_context *ctx, const lsq_product *product, enum lsq_op op,
                                     enum lsq_family codec, enum lsq_act act)
{
    return lsq_context_choice(ctx, op, codec, act, product->w->geometry.bytes, product->n);
}

lsq_round_fn *lsq_product_round(const lsq_context *ctx, enum lsq_act act)
{
    return act == ACT_f32 ? NULL : lsq_context_choice(ctx, OP_round, CODEC_x, act, 0, 1)->kernel->run.round;
}

lsq_expander lsq_expander_of(const lsq_context *ctx, const lsq_product *product, enum lsq_act act)
{
    const lsq_weights *w = product->w;
    lsq_expander e = {.w = lsq_weights_tiles(w), .tile_bytes = 64 * (size_t)w->format.bits, .row = w->row};
    const size_t level = act == ACT_i8 ? 1 : act == ACT_i16 ? 2 : sizeof(float);
    e.groups = EXPANDED_BYTES / (TILE * level);
    if (act == ACT_f32)
        e.decode = lsq_product_choice(ctx, product, OP_decode, w->family, ACT_f32)->kernel->run.decode;
    else
        e.expand = lsq_product_choice(ctx, product, OP_expand, w->family, act)->kernel->run.expand;
    return e;
}

/* Asks for what will be wanted next, the codes behind these: while they are multiplied with, nobody else would. */
static void ask_for_next(const lsq_expander *e, size_t p, size_t g0, size_t g1)
{
    const uint8_t *next = e->w.codes + (p * e->w.groups + g1) * e->tile_bytes;
    for (size_t at = 0; at < (g1 - g0) * e->tile_bytes; at += 64)
        __builtin_prefetch(next + at);
}

void lsq_expander_run(const lsq_expander *e, size_t p, size_t g0, size_t g1, void *levels)
{
    ask_for_next(e, p, g0, g1);
    if (e->expand) {
        const lsq_expand_args args = {e->w, levels};
        e->expand(&args, p, g0, g1);
    } else {
        float row[PANEL];
        const lsq_decode_args args = {
            .w = e->w, .row = row, .r0 = 0, .r1 = PANEL, .out = levels, .ld = (g1 - g0) * GROUP};
        for (unsigned r = 0; r < PANEL; r++)
            row[r] = e->row[e->w.rows[p * PANEL + r]];
        e->decode(&args, p, g0, g1);
    }
}

static void scale(const lsq_product *product, size_t rows)
{
    for (size_t j = 0; j < product->n && product->beta != 1.0f; j++)
        for (size_t i = 0; i < rows; i++) {
            float *c = product->c + (ptrdiff_t)i * product->c_row + (ptrdiff_t)j * product->c_column;
            *c = product->beta == 0.0f ? 0.0f : product->beta * *c;
        }
}

/*
 * One by one nothing has to be expanded: where that takes about as long as a product (small plain codes, floats), it pays from two
 * quads of columns on, where it is cheap beside one (wide codes), from two columns on.
 */
unsigned lsq_product_expand_from(enum lsq_family family, enum lsq_act act)
{
    if (act == ACT_i16)
        return 2;
    return act == ACT_f32 || family <= CODEC_p4 ? 2 * QUAD : QUAD;
}

/* Do columns go together? The bits of integer products are the same either way. */
static int together(const lsq_context *ctx, const lsq_product *product)
{
    if (product->n <= 1)
        return 0;
    const enum lsq_family family = product->w->family;
    const enum lsq_act act = lsq_product_act(ctx, product->w);
    const unsigned tuned =
        act == ACT_f32 ? 0
                       : lsq_product_choice(ctx, product, OP_expand, family, act)->tunables.value[TUNABLE_expand_from];
    return product->n >= (tuned ? tuned : lsq_product_expand_from(family, act));
}

lsq_status lsq_product_run(const lsq_context *ctx, lsq_transpose trans, const lsq_product *product)
{
    if (product->alpha == 0.0f) {
        scale(product, trans == LSQ_TRANS ? product->w->k : product->rows);
        return LSQ_OK;
    }
    const int expand = together(ctx, product);
    const size_t bytes = trans == LSQ_TRANS ? lsq_transposed_scratch(product)
                         : expand           ? lsq_columns_scratch(ctx, product)
                                            : lsq_vectors_scratch(ctx, product);
    _Alignas(64) uint8_t stack[STACK_SCRATCH];
    void *scratch = bytes <= STACK_SCRATCH ? stack : aligned_alloc(64, bytes);
    if (!scratch)
        return LSQ_E_NOMEM;
    if (trans == LSQ_TRANS)
        lsq_transposed_run(ctx, product, scratch);
    else if (expand)
        lsq_columns_run(ctx, product, scratch);
    else
        lsq_vectors_run(ctx, product, scratch);
    if (scratch != stack)
        free(scratch);
    return LSQ_OK;
}
