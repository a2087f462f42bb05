/*
 * decode.c - rows as floats.
 */
#include "dispatch/product.h"
#include "dispatch/sparse.h"

#include <string.h>

/* Rows [r0, r1) and groups [g0, g1) of panel p; r0 and r1 are multiples of 4. */
static void decode(const lsq_context *ctx, const lsq_weights *w, size_t p, unsigned r0, unsigned r1, size_t g0,
                   size_t g1, float *out, size_t ld)
{
    float row[PANEL];
    lsq_decode_args args = {.w = lsq_weights_tiles(w), .row = row, .r0 = r0, .r1 = r1, .out = out, .ld = ld};
    for (unsigned r = 0; r < PANEL; r++)
        row[r] = w->row[args.w.rows[p * PANEL + r]];
    lsq_context_choice(ctx, OP_decode, w->family, ACT_f32, w->geometry.bytes, 1)->kernel->run.decode(&args, p, g0, g1);
}

/* Rows [lo, hi) of panel p by way of a block: fours that are cut off, and a last group with fewer than 32 columns. */
static void decode_and_copy(const lsq_context *ctx, const lsq_weights *w, size_t p, unsigned lo, unsigned hi, size_t g0,
                            float *out, size_t ld)
{
    float block[PANEL * BLOCK_COLUMNS];
    const unsigned r0 = lo / 4 * 4, r1 = (hi + 3) / 4 * 4;
    for (size_t g = g0; lo < hi && g < w->geometry.groups; g += BLOCK_GROUPS) {
        size_t g1 = g + BLOCK_GROUPS < w->geometry.groups ? g + BLOCK_GROUPS : w->geometry.groups;
        size_t columns = (g1 - g) * GROUP, left = w->k - g * GROUP;
        decode(ctx, w, p, r0, r1, g, g1, block, columns);
        for (unsigned r = lo; r < hi; r++)
            memcpy(out + (r - lo) * ld + g * GROUP, block + (r - r0) * columns,
                   (columns < left ? columns : left) * sizeof(float));
    }
}

lsq_status lsq_dequantize(const lsq_context *ctx, const lsq_weights *w, size_t row, size_t rows, float *out, size_t ld)
{
    if (!w || !out || row > w->m || rows > w->m - row || ld < w->k)
        return LSQ_E_ARGUMENT;
    lsq_status status = lsq_context_resolve(&ctx);
    if (status != LSQ_OK)
        return status;
    const size_t first = row, end = row + rows, whole_groups = w->k / GROUP;
    float *const all = out;
    while (row < end) {
        /* Rows [lo, hi) of panel p; of them [a, b) are whole fours. */
        size_t p = row / PANEL, left = end - p * PANEL;
        unsigned lo = row % PANEL, hi = left < PANEL ? (unsigned)left : PANEL, a = (lo + 3) / 4 * 4, b = hi / 4 * 4;
        if (a < b) {
            if (whole_groups)
                decode(ctx, w, p, a, b, 0, whole_groups, out + (a - lo) * ld, ld);
            decode_and_copy(ctx, w, p, a, b, whole_groups, out + (a - lo) * ld, ld);
            decode_and_copy(ctx, w, p, lo, a, 0, out, ld);
            decode_and_copy(ctx, w, p, b, hi, 0, out + (b - lo) * ld, ld);
        } else {
            decode_and_copy(ctx, w, p, lo, hi, 0, out, ld);
        }
        out += (hi - lo) * ld;
        row += hi - lo;
    }
    for (size_t r = 0; w->outliers && r < rows; r++)
        lsq_sparse_add(w->outliers, first + r, all + r * ld);
    return LSQ_OK;
}
