/*
 * sign_gemm.c - signs times columns in fours, as defined.
 */
#include "kernels/scalar/gemm.h"

void lsq_gemm_b1_i8_scalar_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    gemm_of_codes(a, p, g0, g1, lsq_expand_b1_i8_scalar_r1, lsq_gemm_e8_i8_scalar_r1);
}
