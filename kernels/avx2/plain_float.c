/*
 * plain_float.c - codes that index a table with floats, on AVX2; 2 to 9 bits.
 *
 * Up to 6 bits, 8 rows x 4 columns at once, by float_levels.h:
 *
 *     codes  --pshufb-------->  halves of levels    4 rows x 4 columns a vector, 16 bits each
 *     halves --shift, and---->  levels              4 rows x 2: columns 0 and 2; columns 1 and 3
 *     levels --fma with x---->  dots                4 rows x 2; x is a broadcast pair
 *     dots * s  ------------->  sums                4 rows x 2, which only the end of the panel adds up
 *
 * Wider codes, 2 rows x 4 columns, by wide_levels.h:
 *
 *     codes  --loads--------->  levels              a row in each half of a vector
 *     levels --fma with x---->  dots                x is 4 broadcast floats
 *     dots  --hadd, * s------>  sums                8 rows
 *
 * Four dots a row and tile, one for each column of a step, so that no sum is longer than k / 4 (see LSQ_ACT_FLOAT in lsq.h).
 */
#include "kernels/avx2/float_levels.h"
#include "kernels/avx2/scales.h"
#include "kernels/avx2/wide_levels.h"
#include "kernels/prefetch.h"

/* Pairs of x for each step of a group: columns 0 and 2, columns 1 and 3. */
typedef struct x_pairs {
    double even[8], odd[8];
} x_pairs;

INLINE void pairs_of(x_pairs *pairs, const float *x)
{
    for (unsigned t = 0; t < 8; t += 2) {
        __m128 a = _mm_loadu_ps(x + 4 * t), b = _mm_loadu_ps(x + 4 * t + 4);
        _mm_storeu_pd(pairs->even + t, _mm_castps_pd(_mm_shuffle_ps(a, b, 0x88)));
        _mm_storeu_pd(pairs->odd + t, _mm_castps_pd(_mm_shuffle_ps(a, b, 0xdd)));
    }
}

INLINE __m256 add_pair(__m256 dot, __m256i level, const double *x)
{
    dot = _mm256_fmadd_ps(_mm256_castsi256_ps(level), _mm256_castpd_ps(_mm256_broadcast_sd(x)), dot);
    __asm__("" : "+x"(dot)); /* now: gcc would look up all levels of a tile first, and spill them */
    return dot;
}

/* Dots of rows 0, 1, 4, 5 of a half in the first vector, of 2, 3, 6, 7 in the second one. */
INLINE void dots(__m256 dot[2], const byte_tables *table, view from, const x_pairs *x, const unsigned bits,
                 const int is_short)
{
    __m256 even[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()}, odd[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
#pragma GCC unroll 8
    for (unsigned t = 0; t < 8; t++) {
        const halves level = levels_of(table, from, bits, t, is_short);
        for (unsigned i = 0; i < 2; i++) {
            __m256i u = i ? level.upper.high : level.upper.low, l = i ? level.lower.high : level.lower.low;
            __m256i columns02 = _mm256_slli_epi32(u, 16), columns13 = _mm256_and_si256(u, _mm256_set1_epi32(-65536));
            if (!is_short) {
                columns02 = _mm256_blend_epi16(columns02, l, 0x55);
                columns13 = _mm256_blend_epi16(u, _mm256_srli_epi32(l, 16), 0x55);
            }
            even[i] = add_pair(even[i], columns02, x->even + t);
            odd[i] = add_pair(odd[i], columns13, x->odd + t);
        }
    }
    for (unsigned i = 0; i < 2; i++)
        dot[i] = _mm256_add_ps(even[i], odd[i]);
}

INLINE void gemv(const lsq_gemv_args *a, size_t p, float *y, const byte_tables *table, const unsigned bits,
                 const int is_short)
{
    const uint8_t *tile = a->w.codes + p * a->w.groups * 64 * bits;
    const float *x = a->x;
    __m256 sum[2][2] = {{_mm256_setzero_ps(), _mm256_setzero_ps()}, {_mm256_setzero_ps(), _mm256_setzero_ps()}};
    for (size_t g = 0; g < a->w.groups; g++, tile += 64 * bits, x += GROUP) {
        x_pairs pairs;
        pairs_of(&pairs, x);
        prefetch(tile, bits, a->prefetch);
        for (unsigned half = 0; half < 2; half++) {
            __m256 dot[2], s = half_scales(&a->w, p * a->w.groups + g, half);
            dots(dot, table, (view){tile, 32 * half, 0}, &pairs, bits, is_short);
            sum[half][0] = _mm256_fmadd_ps(dot[0], _mm256_unpacklo_ps(s, s), sum[half][0]);
            sum[half][1] = _mm256_fmadd_ps(dot[1], _mm256_unpackhi_ps(s, s), sum[half][1]);
        }
    }
    for (unsigned half = 0; half < 2; half++)
        _mm256_storeu_ps(y + 8 * half, _mm256_hadd_ps(sum[half][0], sum[half][1]));
}

INLINE void narrow(const lsq_gemv_args *a, size_t p0, size_t p1, const unsigned bits)
{
    const byte_tables table = byte_tables_of(a->w.levels->f32, bits);
    const int is_short = levels_short(&table, bits);
    for (size_t p = p0; p < p1; p++) {
        float *y = a->y + (p - p0) * PANEL;
        is_short ? gemv(a, p, y, &table, bits, 1) : gemv(a, p, y, &table, bits, 0);
    }
}

#define NARROW(bits)                                                                                                   \
    void lsq_gemv_p##bits##_f32_avx2_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                  \
    {                                                                                                                  \
        narrow(a, p0, p1, bits);                                                                                       \
    }

NARROW(2)
NARROW(3)
NARROW(4)
NARROW(5)
NARROW(6)

/* ---- 7 to 9 bits ---- */

INLINE void gemv_wide(const lsq_gemv_args *a, size_t p, float *y, const unsigned bits)
{
    const uint8_t *tile = a->w.codes + p * a->w.groups * 64 * bits;
    const float *x = a->x, *levels = a->w.levels->f32;
    __m256 sum[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    for (size_t g = 0; g < a->w.groups; g++, tile += 64 * bits, x += GROUP) {
        prefetch(tile, bits, a->prefetch);
        for (unsigned half = 0; half < 2; half++) {
            indices room;
            const uint8_t *index = indices_of(&room, (view){tile, 32 * half, 0}, bits);
            __m256 dot[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
            for (unsigned t = 0; t < 8; t++) {
                const __m256 xt = _mm256_broadcast_ps((const __m128 *)(const void *)(x + 4 * t));
#pragma GCC unroll 4
                for (unsigned r = 0; r < 4; r++)
                    dot[r] = _mm256_fmadd_ps(wide_levels(levels, index, bits, 0, t, r), xt, dot[r]);
            }
            __m256 all = _mm256_hadd_ps(_mm256_hadd_ps(dot[0], dot[1]), _mm256_hadd_ps(dot[2], dot[3]));
            sum[half] = _mm256_fmadd_ps(all, half_scales(&a->w, p * a->w.groups + g, half), sum[half]);
        }
    }
    _mm256_storeu_ps(y, sum[0]);
    _mm256_storeu_ps(y + 8, sum[1]);
}

#define WIDE(bits)                                                                                                     \
    void lsq_gemv_p##bits##_f32_avx2_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                                  \
    {                                                                                                                  \
        for (size_t p = p0; p < p1; p++)                                                                               \
            gemv_wide(a, p, a->y + (p - p0) * PANEL, bits);                                                            \
    }

WIDE(7)
WIDE(8)
WIDE(9)
