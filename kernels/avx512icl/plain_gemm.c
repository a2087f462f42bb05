/*
 * plain_gemm.c - codes that index a table times columns in fours, on AVX-512 with VBMI and VNNI; 2 to 6 bits: see plain_gemm.h.
 */
#include "kernels/avx512icl/plain_gemm.h"

#define WIDTH(bits)                                                                                                    \
    void lsq_gemm_p##bits##_i8_avx512icl_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)                    \
    {                                                                                                                  \
        const __m512i level = _mm512_loadu_si512(a->w.levels->i8);                                                     \
        const tables table = tables_of(_mm512_xor_si512(level, _mm512_set1_epi8(-128)), bits); /* + 128 */             \
        gemm(a, p, g0, g1, &table, bits);                                                                              \
    }

WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
