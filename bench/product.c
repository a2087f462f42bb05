#include "bench/product.h"

#include "bench/sources.h"
#include "dispatch/activation.h"
#include "dispatch/product.h"
#include "kernels/codec.h"

#include <stdlib.h>

/* Decoding goes block by block, as in the library: 16 rows of 256 columns are 16 KiB of floats, which stay in the L1 cache. */
enum { BLOCK_FLOATS = PANEL * BLOCK_COLUMNS };

size_t bench_product_rows(const lsq_format *format, size_t columns, size_t bytes)
{
    lsq_geometry one, many;
    if (lsq_geometry_of(format, PANEL, columns, &one) || one.bytes > bytes)
        return 0;
    size_t panels = bytes / one.bytes;
    while (!lsq_geometry_of(format, (panels + 1) * PANEL, columns, &many) && many.bytes <= bytes)
        panels++;
    return panels * PANEL;
}

/* A random vector, rounded as a product would round it. 0 if memory ran out. */
static int set_activations(lsq_gemv_args *args, enum lsq_act act, size_t groups, void *scratch)
{
    bench_random random = {1};
    float *x = malloc(groups * GROUP * sizeof(float));
    for (size_t i = 0; x && i < groups * GROUP; i++)
        x[i] = (float)bench_random_unit(&random) - 0.5f;
    const lsq_kernel *round = lsq_kernel_reference(OP_round, CODEC_x, act);
    if (x)
        lsq_activation_set(args, act, round ? round->run.round : NULL, groups, x, 1, groups * GROUP, scratch);
    free(x);
    return x != NULL;
}

lsq_status bench_product_make(bench_product *product, const lsq_kernel *kernel, const lsq_format *format, size_t rows,
                              size_t columns, const uint8_t *packed, unsigned threads)
{
    lsq_geometry geometry;
    const lsq_status status = lsq_geometry_of(format, rows, columns, &geometry);
    if (status)
        return status;
    const enum lsq_act act = kernel->act;
    const size_t groups = geometry.groups, x_bytes = lsq_activation_bytes(act, groups);
    const size_t y_bytes = geometry.panels * PANEL * sizeof(float);
    const size_t out_bytes = BLOCK_FLOATS * sizeof(float);
    const size_t row_bytes = PANEL * sizeof(float);
    const size_t align = 64;
    size_t total = 0, at[4];
    const size_t parts[4] = {x_bytes, y_bytes, row_bytes, threads * out_bytes};
    for (int i = 0; i < 4; i++) {
        at[i] = total;
        total += (parts[i] + align - 1) / align * align;
    }
    uint8_t *memory = aligned_alloc(align, total);
    if (!memory)
        return LSQ_E_NOMEM;
    for (size_t i = 0; i < total; i++)
        memory[i] = 0;

    *product =
        (bench_product){.kernel = kernel, .rows = rows, .columns = columns, .bytes = geometry.bytes, .memory = memory};
    lsq_levels_of(format, &product->levels);
    const lsq_tiles tiles = {
        .codes = packed,
        .scales = geometry.scale_bytes ? packed + geometry.scales : NULL,
        .rows = packed + geometry.rows,
        .groups = groups,
        .levels = &product->levels,
        .scale = format->scale,
        .states = format->states,
        .mirrored = (unsigned)lsq_mirrored(format),
    };
    float *row = (float *)(memory + at[2]);
    for (int i = 0; i < PANEL; i++)
        row[i] = 1;
    product->gemv = (lsq_gemv_args){.w = tiles, .y = (float *)(memory + at[1])};
    product->decode = (lsq_decode_args){.w = tiles, .row = row, .r1 = PANEL, .out = (float *)(memory + at[3])};
    if (!set_activations(&product->gemv, act, groups, memory)) {
        bench_product_free(product);
        return LSQ_E_NOMEM;
    }
    return LSQ_OK;
}

void bench_product_free(bench_product *product)
{
    free(product->memory);
    product->memory = NULL;
}

static void run_gemv(const void *arg, unsigned thread, size_t first, size_t end)
{
    const bench_product *product = arg;
    (void)thread;
    lsq_gemv_args part = product->gemv;
    part.y += PANEL * first;
    product->kernel->run.gemv(&part, first, end);
}

static void run_decode(const void *arg, unsigned thread, size_t first, size_t end)
{
    const bench_product *product = arg;
    lsq_decode_args part = product->decode;
    part.out += (size_t)thread * BLOCK_FLOATS;
    for (size_t p = first; p < end; p++) {
        for (size_t g = 0; g < part.w.groups; g += BLOCK_GROUPS) {
            const size_t left = part.w.groups - g;
            const size_t block = left < BLOCK_GROUPS ? left : BLOCK_GROUPS;
            part.ld = block * GROUP;
            product->kernel->run.decode(&part, p, g, g + block);
        }
    }
}

bench_work bench_product_work(const bench_product *product)
{
    return (bench_work){
        .run = product->kernel->op == OP_decode ? run_decode : run_gemv,
        .arg = product,
        .units = product->rows / PANEL,
    };
}
