/*
 * sign_gemvt.c - signs, transposed, times a vector, on AVX-512 with VBMI and VNNI.
 *
 *     codes, with bit t for step t  --gemvt.h: vpermt2b-->  bit t for steps t and t + 4, columns in qwords
 *     these  --shift, and 2----------------------------->   1 or -1, + 1             everything else: gemvt.h
 */
#include "kernels/avx512icl/gemvt.h"

INLINE void pairs(void *nothing, const uint8_t *tile, step_pairs *to)
{
    const __m512i codes = load(tile, 0);
    __m512i two[2];
    (void)nothing;
    pair(codes, down(codes, 4), two);
#pragma GCC unroll 4
    for (int t = 0; t < 4; t++)
        for (unsigned rows = 0; rows < 2; rows++)
            to->of[t][rows] = _mm512_and_si512(down(two[rows], t - 1), _mm512_set1_epi8(2));
}

void lsq_gemvt_b1_i8_avx512icl_r1(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)
{
    add_panel(a, p, g0, g1, (tile_run){tile_codes(a, p, g0, 1), 64, 4, 1, 0}, pairs, NULL);
}
