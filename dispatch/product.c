/*
 * product.c - which way a product goes, and what the ways share.
 */
#include "dispatch/product.h"

#include <stdlib.h>

/* A product this small costs less than a call of malloc. */
enum { STACK_SCRATCH = 8192 };

/* Transposed: columns share what was expanded, but sums of too many leave the first cache. */
enum { TRANSPOSED_COLUMNS = 16 };

const char *const lsq_route_names[ROUTES] = {"vectors", "columns", "transposed"};

const lsq_kernel *lsq_way_round(const lsq_way *way)
{
    return way->round ? way->round->kernel : NULL;
}

lsq_expander lsq_expander_of(const lsq_way *way, const lsq_product *product)
{
    const lsq_weights *w = product->w;
    const lsq_kernel *kernel = way->unpack->kernel;
    const size_t level = way->act == ACT_i8 ? 1 : way->act == ACT_i16 ? 2 : sizeof(float);
    return (lsq_expander){
        .w = lsq_weights_tiles(w),
        .tile_bytes = 64 * (size_t)w->format.bits,
        .row = w->row,
        .expand = kernel->op == OP_expand ? kernel->run.expand : NULL,
        .decode = kernel->op == OP_decode ? kernel->run.decode : NULL,
        .groups = EXPANDED_BYTES / (TILE * level),
    };
}

void lsq_expander_run(const lsq_expander *e, size_t p, size_t g0, size_t g1, void *levels)
{
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
 * One by one nothing has to be expanded: where that takes about as long as a product (signs, small plain codes, floats), it pays from two
 * quads of columns on, where it is cheap beside one (wide codes), from two columns on. With VBMI and VNNI all integers are alike.
 * Signs are not even decoded for a product with floats, so that columns cost no more one by one than together, and decoding pays late.
 */
unsigned lsq_product_expand_from(const lsq_kernel *unpack)
{
    if (unpack->act == ACT_f32)
        return unpack->codec == CODEC_b1 ? 8 * QUAD : 2 * QUAD;
    if (unpack->isa == ISA_avx512icl)
        return QUAD;
    return unpack->act == ACT_i16 ? 2 : unpack->codec <= CODEC_p4 ? 2 * QUAD : QUAD;
}

static const lsq_choice *choice(const lsq_context *ctx, const lsq_product *product, enum lsq_op op,
                                enum lsq_family codec, enum lsq_act act)
{
    return lsq_context_choice(ctx, op, codec, act, product->w->geometry.bytes, product->n);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/*
 * Multiplies by W^T straight from the codes, or is NULL. Codes are decoded anew for each column, and only those of trellises take so long
 * that two quads rather share what is expanded. A kernel of a plainer level than that for expanded levels, as in a hole of the table, would be
 * slower, unless it was measured or named.
 */
static const lsq_choice *straight_transposed(const lsq_context *ctx, const lsq_product *product, enum lsq_act act,
                                             const lsq_choice *expanded)
{
    const enum lsq_family codec = product->w->family;
    if (act != ACT_i8 || expanded->reason == REASON_forced || (codec >= CODEC_t1 && product->n >= 2 * QUAD))
        return NULL;
    const lsq_choice *gemvt = choice(ctx, product, OP_gemvt, codec, act);
    const int asked_for = gemvt->reason == REASON_tuned || gemvt->reason == REASON_forced;
    return asked_for || gemvt->kernel->isa >= expanded->kernel->isa ? gemvt : NULL;
}

lsq_way lsq_way_of(const lsq_context *ctx, lsq_transpose trans, const lsq_product *product)
{
    const lsq_weights *w = product->w;
    const lsq_geometry *geometry = &w->geometry;
    const enum lsq_act act = ctx->activation == LSQ_ACT_FLOAT ? ACT_f32 : w->format.bits <= 6 ? ACT_i8 : ACT_i16;
    const enum lsq_family expanded = act == ACT_i8 ? CODEC_e8 : act == ACT_i16 ? CODEC_e16 : CODEC_e32;
    lsq_way way = {.act = act, .unpack = choice(ctx, product, act == ACT_f32 ? OP_decode : OP_expand, w->family, act)};
    if (trans == LSQ_TRANS) {
        way.route = ROUTE_transposed;
        way.together_from = 1;
        way.multiply = choice(ctx, product, OP_gemvt, expanded, act);
        const lsq_choice *straight = straight_transposed(ctx, product, act, way.multiply);
        if (straight) {
            way.multiply = straight;
            way.unpack = NULL;
            way.prefetch = choice(ctx, product, OP_gemv, w->family, act)->tunables.value[TUNABLE_prefetch];
        }
        way.columns = least(product->n, TRANSPOSED_COLUMNS);
        way.parts = geometry->groups;
        way.part_bytes = geometry->bytes / geometry->groups;
        return way;
    }
    way.parts = (product->row + product->rows + PANEL - 1) / PANEL - product->row / PANEL;
    way.part_bytes = geometry->bytes / geometry->panels;
    /* The bits of integer products are the same either way. */
    const unsigned tuned = act == ACT_f32 ? 0 : way.unpack->tunables.value[TUNABLE_expand_from];
    way.together_from = tuned ? tuned : lsq_product_expand_from(way.unpack->kernel);
    int by_rows = 0; /* are elements of a row of B next to each other, not those of a column? */
    if (product->n > 1 && product->n >= way.together_from) {
        way.route = ROUTE_columns;
        way.multiply = choice(ctx, product, OP_gemm, expanded, act);
        way.columns = least(product->n, way.multiply->tunables.value[TUNABLE_columns]);
        by_rows = product->b.row_step != 1;
    } else {
        way.route = ROUTE_vectors;
        way.unpack = NULL;
        way.multiply = choice(ctx, product, OP_gemv, w->family, act);
        way.columns = 1;
        way.thread_bytes = way.multiply->tunables.value[TUNABLE_thread_bytes];
    }
    if (act != ACT_f32)
        way.round = lsq_context_choice(ctx, by_rows ? OP_roundt : OP_round, CODEC_x, act, 0, 1);
    return way;
}

static size_t scratch_of(const lsq_way *way, const lsq_product *product)
{
    return way->route == ROUTE_transposed ? lsq_transposed_scratch(way, product)
           : way->route == ROUTE_columns  ? lsq_columns_scratch(way, product)
                                          : lsq_vectors_scratch(way, product);
}

lsq_status lsq_product_run(const lsq_context *ctx, lsq_transpose trans, const lsq_product *product)
{
    if (product->alpha == 0.0f) {
        scale(product, trans == LSQ_TRANS ? product->w->k : product->rows);
        return LSQ_OK;
    }
    const lsq_way way = lsq_way_of(ctx, trans, product);
    const size_t bytes = scratch_of(&way, product);
    _Alignas(64) uint8_t stack[STACK_SCRATCH];
    void *scratch = bytes <= STACK_SCRATCH ? stack : aligned_alloc(64, bytes);
    if (!scratch)
        return LSQ_E_NOMEM;
    if (way.route == ROUTE_transposed)
        lsq_transposed_run(ctx, &way, product, scratch);
    else if (way.route == ROUTE_columns)
        lsq_columns_run(ctx, &way, product, scratch);
    else
        lsq_vectors_run(ctx, &way, product, scratch);
    if (scratch != stack)
        free(scratch);
    return LSQ_OK;
}
