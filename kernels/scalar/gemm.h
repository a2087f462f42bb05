/*
 * gemm.h - products of several columns straight from codes, as defined: gemm of what expand makes of each group.
 */
#ifndef LSQ_KERNELS_SCALAR_GEMM_H
#define LSQ_KERNELS_SCALAR_GEMM_H

#include "kernels/kernel.h"

static inline void gemm_of_codes(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, lsq_expand_fn *expand,
                                 lsq_gemm_fn *gemm)
{
    _Alignas(64) int16_t levels[TILE]; /* room for either size */
    const lsq_expand_args expanded = {a->w, levels};
    lsq_gemm_args args = *a;
    args.levels = levels;
    for (size_t g = g0; g < g1; g++) {
        expand(&expanded, p, g, g + 1);
        gemm(&args, p, g, g + 1);
    }
}

#endif
