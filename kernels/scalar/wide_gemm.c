/*
 * wide_gemm.c - codes of 7 to 9 bits times columns in fours, as defined.
 */
#include "kernels/scalar/gemm.h"

#define WIDTH(bits)                                                                                                    \
    void lsq_gemm_p##bits##_i16_scalar_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)                      \
    {                                                                                                                  \
        gemm_of_codes(a, p, g0, g1, lsq_expand_p##bits##_i16_scalar_r1, lsq_gemm_e16_i16_scalar_r1);                   \
    }

WIDTH(7)
WIDTH(8)
WIDTH(9)
