/*
 * sign_gemm.c - signs times columns in fours, with 8-bit integers, on AVX-512 with VBMI and VNNI.
 *
 * As any code that indexes a table (plain_gemm.h), of 128 - 1 and 128 + 1: that needs one dot for each column, where sign.c has two.
 */
#include "kernels/avx512icl/plain_gemm.h"

void lsq_gemm_b1_i8_avx512icl_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    const tables table = tables_of(_mm512_set1_epi16((int16_t)0x817f), 1);
    gemm(a, p, g0, g1, &table, 1);
}
