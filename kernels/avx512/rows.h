/*
 * rows.h - levels of 16 bits in the order of rows, for every AVX-512 level.
 */
#ifndef LSQ_KERNELS_AVX512_ROWS_H
#define LSQ_KERNELS_AVX512_ROWS_H

#include "kernels/kernel.h"

#include <immintrin.h>

/* A step, from rows 0 and 1 of each four, and rows 2 and 3. */
INLINE void store_rows(int16_t *out, __m512i level01, __m512i level23)
{
    const __m512i first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
    const __m512i second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    _mm512_store_si512(out, _mm512_permutex2var_epi64(level01, first, level23));
    _mm512_store_si512(out + 32, _mm512_permutex2var_epi64(level01, second, level23));
}

#endif
