/*
 * decode.c - rows as floats, and the product that needs them: y = alpha W^T x + beta y.
 */
#include "dispatch/product.h"

#include <string.h>

void lsq_decode_block(const lsq_context *ctx, const lsq_weights *w, size_t p, size_t g0, size_t g1, float *out)
{
    float row[PANEL];
    lsq_decode_args args = {.w = lsq_weights_tiles(w), .row = row, .r1 = PANEL, .out = out, .ld = (g1 - g0) * GROUP};
    for (unsigned r = 0; r < PANEL; r++)
        row[r] = w->row[args.w.rows[p * PANEL + r]];
    enum lsq_size_class class = lsq_size_class(&ctx->cpu, w->geometry.bytes);
    ctx->choice[OP_decode][w->family][ACT_f32][class][0]->run.decode(&args, p, g0, g1);
}

lsq_status lsq_dequantize(const lsq_context *ctx, const lsq_weights *w, size_t row, size_t rows, float *out, size_t ld)
{
    if (!w || !out || row > w->m || rows > w->m - row || ld < w->k)
        return LSQ_E_ARGUMENT;
    lsq_status status = lsq_context_resolve(&ctx);
    if (status != LSQ_OK)
        return status;
    float block[PANEL * BLOCK_COLUMNS];
    for (size_t r0 = row; r0 < row + rows;) {
        size_t p = r0 / PANEL, r1 = (p + 1) * PANEL < row + rows ? (p + 1) * PANEL : row + rows;
        for (size_t g = 0; g < w->geometry.groups; g += BLOCK_GROUPS) {
            size_t g1 = g + BLOCK_GROUPS < w->geometry.groups ? g + BLOCK_GROUPS : w->geometry.groups;
            size_t columns = (g1 - g) * GROUP, left = w->k - g * GROUP;
            lsq_decode_block(ctx, w, p, g, g1, block);
            for (size_t r = r0; r < r1; r++)
                memcpy(out + (r - row) * ld + g * GROUP, block + r % PANEL * columns,
                       (columns < left ? columns : left) * sizeof(float));
        }
        r0 = r1;
    }
    return LSQ_OK;
}

/*
 * Adds the rows of W, each times its x, panel by panel in their order: the same sums on every machine. With a sum of its own
 * for each panel, a result is rounded 16 + m / 16 times and not m times, which is what the bound in lsq.h needs.
 */
void lsq_product_transposed(const lsq_context *ctx, float alpha, const lsq_weights *w, const float *x, ptrdiff_t incx,
                            float beta, float *y, ptrdiff_t incy, void *scratch)
{
    float block[PANEL * BLOCK_COLUMNS], panel[BLOCK_COLUMNS], *sums = scratch;
    size_t width = w->geometry.groups * GROUP;
    memset(sums, 0, width * sizeof(float));
    x = incx < 0 ? x - (ptrdiff_t)(w->m - 1) * incx : x;
    y = incy < 0 ? y - (ptrdiff_t)(w->k - 1) * incy : y;
    for (size_t p = 0; p < w->geometry.panels; p++)
        for (size_t g = 0; g < w->geometry.groups; g += BLOCK_GROUPS) {
            size_t g1 = g + BLOCK_GROUPS < w->geometry.groups ? g + BLOCK_GROUPS : w->geometry.groups;
            size_t columns = (g1 - g) * GROUP;
            lsq_decode_block(ctx, w, p, g, g1, block);
            memset(panel, 0, sizeof(panel));
            for (size_t r = 0; r < PANEL && p * PANEL + r < w->m; r++) {
                float factor = x[(ptrdiff_t)(p * PANEL + r) * incx];
                for (size_t c = 0; c < columns; c++)
                    panel[c] += factor * block[r * columns + c];
            }
            for (size_t c = 0; c < columns; c++)
                sums[g * GROUP + c] += panel[c];
        }
    for (size_t c = 0; c < w->k; c++) {
        float *to = y + (ptrdiff_t)c * incy;
        *to = beta == 0.0f ? alpha * sums[c] : alpha * sums[c] + beta * *to;
    }
}
