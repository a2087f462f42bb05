/*
 * gemvt.c - expanded levels of 16 rows, transposed, times a vector, as defined in gemvt.h.
 */
#include "kernels/scalar/gemvt.h"

static inline void gemvt(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1, const int wide)
{
    for (size_t g = g0; g < g1; g++) {
        int16_t level[STEPS][LANES];
        for (unsigned i = 0; i < TILE; i++) {
            const size_t at = (g - g0) * TILE + i;
            level[i / LANES][i % LANES] = wide ? ((const int16_t *)a->levels)[at] : ((const int8_t *)a->levels)[at];
        }
        add_tile(a, p, g, level, wide ? 4095.0f : 127.0f);
    }
}

void lsq_gemvt_e8_i8_scalar_r1(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)
{
    gemvt(a, p, g0, g1, 0);
}

void lsq_gemvt_e16_i16_scalar_r1(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)
{
    gemvt(a, p, g0, g1, 1);
}
