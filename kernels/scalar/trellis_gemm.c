/*
 * trellis_gemm.c - trellis codes times columns in fours, as defined.
 */
#include "kernels/scalar/gemm.h"

#define WIDTH(bits)                                                                                                    \
    void lsq_gemm_t##bits##_i8_scalar_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)                       \
    {                                                                                                                  \
        gemm_of_codes(a, p, g0, g1, lsq_expand_t##bits##_i8_scalar_r1, lsq_gemm_e8_i8_scalar_r1);                      \
    }

WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
