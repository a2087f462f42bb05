/*
 * sign.c - signs with 8-bit integers, on NEON without SDOT. The product is in neon/sign.h.
 */
#include "kernels/neon/sign.h"

void lsq_gemv_b1_i8_neon_r1(const lsq_gemv_args *a, size_t p0, size_t p1)
{
    sign_rows(a, p0, p1);
}
