/*
 * gemvt.c - C = alpha W^T B + beta C: panels are added, row after row of W, each times its elements of B.
 *
 * Threads divide the columns of W, so that no sum is in two hands, and its order does not depend on their number. Columns of B share
 * what was expanded, or the codes while they are in a cache.
 */
#include "dispatch/product.h"
#include "dispatch/sparse.h"
#include "dispatch/threads.h"

#include <string.h>

/* Some columns of B on their way through the groups. */
typedef struct vectors {
    lsq_gemvt_args args;
    lsq_expander expander; /* not straight from the codes */
    int expands;
    lsq_gemvt_fn *gemvt;
    size_t count, panels;
    const float *x; /* of vector j at j * x_step: what gemvt multiplies by */
    float *y;       /* likewise */
    size_t x_step, y_step;
} vectors;

static void run_groups(const void *arg, size_t first, size_t end)
{
    const vectors *job = arg;
    /* For one column few are expanded at once: y goes through the first cache with every panel, and wants room there. */
    const size_t block = !job->expands ? end - first : job->count == 1 ? BLOCK_GROUPS : job->expander.groups;
    _Alignas(64) uint8_t levels[EXPANDED_BYTES];
    lsq_gemvt_args args = job->args;
    args.levels = levels;
    for (size_t p = 0; p < job->panels; p++)
        for (size_t g0 = first; g0 < end; g0 += block) {
            const size_t g1 = g0 + block < end ? g0 + block : end;
            if (job->expands)
                lsq_expander_run(&job->expander, p, g0, g1, levels);
            for (size_t j = 0; j < job->count; j++) {
                args.x = job->x + j * job->x_step;
                args.y = job->y + j * job->y_step;
                job->gemvt(&args, p, g0, g1);
            }
        }
}

size_t lsq_transposed_scratch(const lsq_way *way, const lsq_product *product)
{
    const lsq_geometry *geometry = &product->w->geometry;
    return way->columns * (geometry->panels * PANEL + geometry->groups * GROUP) * sizeof(float);
}

/* Column j of B as kernels want it: with integers times the scale of each row, zeros behind it. */
static void gather(float *x, const lsq_product *product, size_t j, int with_scales)
{
    const lsq_weights *w = product->w;
    const uint8_t *rows = w->packed + w->geometry.rows;
    const float *b = product->b.first + (ptrdiff_t)j * product->b.column_step;
    for (size_t i = 0; i < w->m; i++) {
        const float xi = b[(ptrdiff_t)i * product->b.row_step];
        x[i] = with_scales ? xi * (w->row[rows[i]] * w->levels.unit) : xi;
    }
    memset(x + w->m, 0, (w->geometry.panels * PANEL - w->m) * sizeof(float));
}

static void finish(const lsq_product *product, size_t j, float *y)
{
    if (product->w->outliers)
        lsq_sparse_transposed(product->w->outliers, product->w->m,
                              product->b.first + (ptrdiff_t)j * product->b.column_step, product->b.row_step, y);
    float *c = product->c + (ptrdiff_t)j * product->c_column;
    for (size_t i = 0; i < product->w->k; i++, c += product->c_row) {
        const float value = product->alpha * y[i];
        *c = product->beta == 0.0f ? value : value + product->beta * *c;
    }
}

void lsq_transposed_run(const lsq_context *ctx, const lsq_way *way, const lsq_product *product, void *scratch)
{
    const lsq_weights *w = product->w;
    const size_t x_step = w->geometry.panels * PANEL, y_step = w->geometry.groups * GROUP;
    float *y = scratch, *x = y + way->columns * y_step; /* each a whole number of 64 bytes */
    vectors job = {
        .args = {.w = lsq_weights_tiles(w), .largest = lsq_largest_level(&w->format), .prefetch = way->prefetch},
        .expands = way->unpack != NULL,
        .gemvt = way->multiply->kernel->run.gemvt,
        .panels = w->geometry.panels,
        .x = x,
        .y = y,
        .x_step = x_step,
        .y_step = y_step,
    };
    if (job.expands)
        job.expander = lsq_expander_of(way, product);
    for (size_t j0 = 0; j0 < product->n; j0 += job.count) {
        job.count = product->n - j0 < way->columns ? product->n - j0 : way->columns;
        memset(y, 0, job.count * y_step * sizeof(float));
        for (size_t j = 0; j < job.count; j++)
            gather(x + j * x_step, product, j0 + j, way->act != ACT_f32);
        lsq_for_panels(ctx, way->parts, way->part_bytes * job.count, way->thread_bytes, run_groups, &job);
        for (size_t j = 0; j < job.count; j++)
            finish(product, j0 + j, y + j * y_step);
    }
}
