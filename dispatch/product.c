/*
 * product.c - which way a product goes, and what the ways share.
 */
#include "dispatch/product.h"

#include <stdlib.h>

/* A product this small costs less than a call of malloc. */
enum { STACK_SCRATCH = 8192 };

/* Transposed: columns share what was expanded, but sums of too many leave the first cache. */
enum { TRANSPOSED_COLUMNS = 16 };

const char *const lsq_route_names[ROUTES] = {"vectors", "direct", "columns", "transposed"};

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

int lsq_product_goes_direct(const lsq_kernel *direct, const lsq_kernel *otherwise)
{
    return direct && direct->isa >= otherwise->isa;
}

/*
 * Directly, codes are decoded anew for every four or eight columns, with VBMI and VNNI beside the multiplications. There plain codes up to 6
 * bits are as fast that way as expanded for any number of columns, and faster if a shift and a look-up are all that decodes; those that take
 * longest are not with more than eight.
 */
static unsigned expand_from_beside(const lsq_kernel *direct)
{
    if (direct->isa != ISA_avx512icl || direct->codec == CODEC_p9 || direct->codec == CODEC_t6)
        return 2 * QUAD;
    if (direct->codec == CODEC_p2 || direct->codec == CODEC_p4)
        return 128 * QUAD;
    return direct->codec >= CODEC_p2 && direct->codec <= CODEC_p6 ? 8 * QUAD : 4 * QUAD;
}

/*
 * One by one nothing has to be expanded: where that takes about as long as a product (signs, small plain codes, floats), it pays from two
 * quads of columns on, where it is cheap beside one (wide codes), from two columns on. Signs are not even decoded for a product with
 * floats, so that columns cost no more one by one than together, and decoding pays late.
 */
unsigned lsq_product_expand_from(const lsq_kernel *unpack, const lsq_kernel *direct)
{
    if (direct)
        return expand_from_beside(direct);
    if (unpack->act == ACT_f32)
        return unpack->codec == CODEC_b1 ? 8 * QUAD : 2 * QUAD;
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
 * What multiplies straight from codes, or NULL: a kernel of a plainer level than what would do it otherwise, as in a hole of the table, would be
 * slower. Kernels that were measured or named are not questioned.
 */
static const lsq_choice *direct_choice(const lsq_context *ctx, const lsq_product *product, enum lsq_op op,
                                       enum lsq_act act, const lsq_kernel *otherwise)
{
    const lsq_choice *direct = choice(ctx, product, op, product->w->family, act);
    const int asked_for = direct->reason == REASON_tuned || direct->reason == REASON_forced;
    return asked_for || lsq_product_goes_direct(direct->kernel, otherwise) ? direct : NULL;
}

/* Codes are decoded anew for each column, and only those of trellises take so long that two quads rather share what is expanded. */
static const lsq_choice *direct_transposed(const lsq_context *ctx, const lsq_product *product, enum lsq_act act,
                                           const lsq_choice *expanded)
{
    if (act != ACT_i8 || expanded->reason == REASON_forced ||
        (product->w->family >= CODEC_t1 && product->n >= 2 * QUAD))
        return NULL;
    return direct_choice(ctx, product, OP_gemvt, act, expanded->kernel);
}

static void set_transposed(lsq_way *way, const lsq_context *ctx, const lsq_product *product, enum lsq_family expanded)
{
    const lsq_weights *w = product->w;
    way->route = ROUTE_transposed;
    way->together_from = way->expand_from = 1;
    way->multiply = choice(ctx, product, OP_gemvt, expanded, way->act);
    const lsq_choice *direct = direct_transposed(ctx, product, way->act, way->multiply);
    if (direct) {
        way->multiply = direct;
        way->unpack = NULL;
        way->prefetch = choice(ctx, product, OP_gemv, w->family, way->act)->tunables.value[TUNABLE_prefetch];
    }
    way->columns = least(product->n, TRANSPOSED_COLUMNS);
    way->parts = w->geometry.groups;
    way->part_bytes = w->geometry.bytes / w->geometry.groups;
}

lsq_way lsq_way_of(const lsq_context *ctx, lsq_transpose trans, const lsq_product *product)
{
    const lsq_weights *w = product->w;
    const lsq_geometry *geometry = &w->geometry;
    const enum lsq_act act = ctx->activation == LSQ_ACT_FLOAT ? ACT_f32 : w->format.bits <= 6 ? ACT_i8 : ACT_i16;
    const enum lsq_family expanded = act == ACT_i8 ? CODEC_e8 : act == ACT_i16 ? CODEC_e16 : CODEC_e32;
    lsq_way way = {.act = act, .unpack = choice(ctx, product, act == ACT_f32 ? OP_decode : OP_expand, w->family, act)};
    if (trans == LSQ_TRANS) {
        set_transposed(&way, ctx, product, expanded);
        return way;
    }
    way.parts = (product->row + product->rows + PANEL - 1) / PANEL - product->row / PANEL;
    way.part_bytes = geometry->bytes / geometry->panels;
    /* The bits of integer products are the same whichever way. */
    const lsq_choice *direct = act == ACT_f32 ? NULL : direct_choice(ctx, product, OP_gemm, act, way.unpack->kernel);
    const unsigned tuned = act == ACT_f32 ? 0 : way.unpack->tunables.value[TUNABLE_expand_from];
    way.expand_from = tuned ? tuned : lsq_product_expand_from(way.unpack->kernel, direct ? direct->kernel : NULL);
    way.together_from = direct ? 2 : way.expand_from;
    int by_rows = 0; /* are elements of a row of B next to each other, not those of a column? */
    if (product->n > 1 && product->n >= way.together_from) {
        const int expands = product->n >= way.expand_from;
        way.route = expands ? ROUTE_columns : ROUTE_direct;
        way.unpack = expands ? way.unpack : NULL;
        way.multiply = expands ? choice(ctx, product, OP_gemm, expanded, act) : direct;
        way.columns = least(product->n, way.multiply->tunables.value[TUNABLE_columns]);
        by_rows = product->b.row_step != 1;
        if (!expands)
            way.prefetch = choice(ctx, product, OP_gemv, w->family, act)->tunables.value[TUNABLE_prefetch];
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
           : way->route == ROUTE_vectors  ? lsq_vectors_scratch(way, product)
                                          : lsq_columns_scratch(way, product);
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
    else if (way.route == ROUTE_vectors)
        lsq_vectors_run(ctx, &way, product, scratch);
    else
        lsq_columns_run(ctx, &way, product, scratch);
    if (scratch != stack)
        free(scratch);
    return LSQ_OK;
}
