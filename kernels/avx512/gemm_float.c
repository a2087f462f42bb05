/*
 * gemm_float.c - decoded weights times columns in strips of 16, on AVX-512: a strip is a zmm.
 *
 *     x of column c of W, 16 columns of B  --fma with the weight of each row, a broadcast-->  16 sums, a row each
 *     16 sums  --after 64 columns of W-->  added to what is there
 *
 * So a result is rounded once for each column of a part and once for each part, of which there are at most k / 32: that is 33 times if k is
 * 32, and beyond at most 64 + k / 32 <= k / 4 + 60 times. Sixteen chains are enough for two FMAs a cycle of four cycles each.
 *
 * Where only 4 or 8 columns of a strip are wanted, a zmm has those of 4 or 2 columns of W:
 *
 *     weights of a row, 4 or 2 neighbours  --vpermilps-->  each as often as there are columns of B  --fma with x-->  16 sums
 *     16 sums  --after 64 columns of W, parts of a zmm added-->  added to what is there; rounded less often than above
 */
#include "kernels/codec.h"

#include <immintrin.h>
#include <string.h>

enum { PART = 64 };

/* The weights of 16 rows, `row` apart. */
typedef struct rows {
    const float *w0, *w4, *w8, *w12;
    size_t row;
} rows;

INLINE rows rows_at(const float *weight, size_t row)
{
    return (rows){weight, weight + 4 * row, weight + 8 * row, weight + 12 * row, row};
}

INLINE const float *row_of(const rows *at, unsigned r)
{
    const float *const four[PANEL / 4] = {at->w0, at->w4, at->w8, at->w12};
    return four[r / 4] + r % 4 * at->row;
}

INLINE void advance(rows *at, unsigned columns)
{
    at->w0 += columns, at->w4 += columns, at->w8 += columns, at->w12 += columns;
    /* Four pointers stay four: compilers would make an address of each row, which are too many for the registers. */
    __asm__("" : "+r"(at->w0), "+r"(at->w4), "+r"(at->w8), "+r"(at->w12));
}

/* ---- Strips ---- */

/* Adds the products of some columns of W. */
INLINE void strip(float *sums, rows at, const float *x, size_t columns, int first)
{
    __m512 sum[PANEL];
    for (unsigned r = 0; r < PANEL; r++)
        sum[r] = _mm512_setzero_ps();
    for (const float *end = x + columns * STRIP; x < end; x += STRIP, advance(&at, 1)) {
        const __m512 xc = _mm512_load_ps(x);
#pragma GCC unroll 16
        for (unsigned r = 0; r < PANEL; r++)
            sum[r] = _mm512_fmadd_ps(_mm512_set1_ps(*row_of(&at, r)), xc, sum[r]);
    }
    for (unsigned r = 0; r < PANEL; r++) {
        if (!first)
            sum[r] = _mm512_add_ps(_mm512_load_ps(sums + r * STRIP), sum[r]);
        _mm512_store_ps(sums + r * STRIP, sum[r]);
    }
}

/* ---- Strips of which 4 or 8 columns are wanted ---- */

INLINE __m512 several_x(const float *x, const unsigned width)
{
    __m512 to;
    if (width == 8)
        return _mm512_insertf32x8(_mm512_castps256_ps512(_mm256_load_ps(x)), _mm256_load_ps(x + STRIP), 1);
    to = _mm512_insertf32x4(_mm512_castps128_ps512(_mm_load_ps(x)), _mm_load_ps(x + STRIP), 1);
    to = _mm512_insertf32x4(to, _mm_load_ps(x + 2 * STRIP), 2);
    return _mm512_insertf32x4(to, _mm_load_ps(x + 3 * STRIP), 3);
}

INLINE __m512 several_weights(const float *w, const unsigned width)
{
    const __m512i two = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1),
                  four = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    if (width == 8) {
        int64_t pair;
        memcpy(&pair, w, sizeof(pair));
        return _mm512_permutevar_ps(_mm512_castsi512_ps(_mm512_set1_epi64(pair)), two);
    }
    return _mm512_permutevar_ps(_mm512_broadcast_f32x4(_mm_load_ps(w)), four);
}

INLINE void add_several(float *to, __m512 sum, const unsigned width, int first)
{
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(sum), _mm512_extractf32x8_ps(sum, 1));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    if (width == 8)
        _mm256_store_ps(to, first ? eight : _mm256_add_ps(_mm256_load_ps(to), eight));
    else
        _mm_store_ps(to, first ? four : _mm_add_ps(_mm_load_ps(to), four));
}

INLINE void narrow(float *sums, rows at, const float *x, size_t columns, const unsigned width, int first)
{
    const unsigned several = STRIP / width;
    __m512 sum[PANEL];
    for (unsigned r = 0; r < PANEL; r++)
        sum[r] = _mm512_setzero_ps();
    for (const float *end = x + columns * STRIP; x < end; x += several * STRIP, advance(&at, several)) {
        const __m512 xc = several_x(x, width);
#pragma GCC unroll 16
        for (unsigned r = 0; r < PANEL; r++)
            sum[r] = _mm512_fmadd_ps(several_weights(row_of(&at, r), width), xc, sum[r]);
    }
    for (unsigned r = 0; r < PANEL; r++)
        add_several(sums + r * STRIP, sum[r], width, first);
}

void lsq_gemm_e32_f32_avx512_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    (void)p; /* weights of any panel are alike */
    const size_t columns = (g1 - g0) * GROUP, k = a->w.groups * GROUP;
    for (size_t q = 0; q < a->quads; q += STRIP / QUAD) {
        float *sums = a->sums + q * QUAD * PANEL;
        for (size_t c = 0; c < columns; c += PART) {
            const rows at = rows_at((const float *)a->levels + c, columns);
            const float *x = (const float *)a->x + q * QUAD * k + (g0 * GROUP + c) * STRIP;
            const size_t left = columns - c, part = left < PART ? left : PART;
            const int first = g0 + c == 0;
            if (a->quads - q == 1)
                narrow(sums, at, x, part, 4, first);
            else if (a->quads - q == 2)
                narrow(sums, at, x, part, 8, first);
            else
                strip(sums, at, x, part, first);
        }
    }
}
