/*
 * gemm.c - expanded levels times columns in fours, on AVX2.
 *
 * A ymm of levels is a step of 8 rows; the four activations of each column are a broadcast operand. Up to 8 columns at once, half a panel
 * after the other, so that their dots stay in registers. Levels of 7 bits, with x + 128, 0 left out, as maddubs' unsigned side:
 *
 *     x + 128, levels  --maddubs-->  pair sums of a step          8 rows x 2, 16 bit
 *     two steps added, 128 * their levels taken off --------->  exact pair sums; the same is taken off for every column
 *     pair sums, multipliers  --madd, add------------------>  dots    8 rows, 32 bit; multipliers are 1 without nibble scales
 *
 * Levels of 8 bits, as in dot.h: |x| is the unsigned side, level ^ -1 stands for -level where x < 0, and dots start at what that misses.
 *
 *     |x|, levels ^ (x < 0)  --maddubs-->  pair sums  --madd with multipliers, add-->  dots
 *
 * Levels of 16 bits:
 *
 *     levels, four activations  --madd, add-->  dots of even and odd pairs of columns of W  --hadd-->  dots
 *
 * Then dots * (sx * s) --> sums, float, as in gemv.
 *
 * Bounds: 7 bits: |pair sum| <= 2 * 255 * 63 < 2^15, two may wrap, and are back within 4 * 127 * 63 < 2^15. 8 bits: |pair sum| <=
 * 2 * 127 * 128 < 2^15. A multiplier is at most 255: |dot| <= 32 * 127 * 128 * 255 < 2^27. 16 bits: 32 * 16383 * 4095 < 2^31.
 */
#include "kernels/avx2/scales.h"
#include "kernels/prefetch.h"

enum { MOST = 8 /* columns at once */ };

/* The scales of a group's rows, 8 and 8: multipliers for columns [0, 16) and [16, 32), as words; floats. */
typedef struct group_scales {
    __m256i m[2][2];
    __m256 s[2];
} group_scales;

INLINE void scales_of(group_scales *to, const lsq_tiles *w, size_t tile, const multiplier_maker *maker)
{
    const int nibbles = w->scale == LSQ_SCALE_NIBBLE32 || w->scale == LSQ_SCALE_NIBBLE16;
    const __m256i all = nibbles ? multipliers(w, tile, maker) : _mm256_setzero_si256();
#pragma GCC unroll 2
    for (unsigned half = 0; half < 2; half++) {
        for (unsigned c = 0; c < 2; c++)
            to->m[half][c] = nibbles ? multipliers_at(w, all, half, c, 1) : _mm256_set1_epi16(1);
        to->s[half] = w->scales && !nibbles ? byte_scales(w->scales + tile * 16 + 8 * half) : _mm256_set1_ps(1);
    }
}

/* One more group of 8 rows of a column. */
INLINE void add_group(float *sum, __m256i dot, float sx, __m256 s)
{
    const __m256 product = _mm256_mul_ps(_mm256_cvtepi32_ps(dot), _mm256_mul_ps(_mm256_set1_ps(sx), s));
    _mm256_store_ps(sum, _mm256_add_ps(_mm256_load_ps(sum), product));
}

INLINE void clear(float *sums, const unsigned columns)
{
    for (unsigned i = 0; i < columns * PANEL; i += 8)
        _mm256_store_ps(sums + i, _mm256_setzero_ps());
}

INLINE __m256i loaded(const void *from)
{
    return _mm256_loadu_si256((const __m256i *)from);
}

INLINE __m256i dword(const int32_t *x)
{
    return _mm256_set1_epi32(*x);
}

/* Adds to a dot here and now: sums in any other order would need more registers than there are. */
INLINE void add_to(__m256i *dot, __m256i product)
{
    *dot = _mm256_add_epi32(*dot, product);
    __asm__("" : "+x"(*dot));
}

/* ---- 8 bits ---- */

/* The activations of a group of two quads, as maddubs takes them; of step t of column j at [j / 4][t][j % 4]. */
typedef struct activations {
    int32_t x[2][STEPS][QUAD], negative[2][STEPS][QUAD];
    int32_t start[2][QUAD]; /* both halves' sums of -x where x < 0 */
} activations;

INLINE void prepare(activations *to, const lsq_gemm_args *a, size_t quad, unsigned i, const int seven)
{
    const uint8_t *x = (const uint8_t *)a->x + quad * STEPS * 16;
    for (unsigned v = 0; v < STEPS / 2; v++) {
        const __m256i two = loaded(x + 32 * v);
        __m256i *at = (__m256i *)(void *)to->x[i][2 * v], *sign = (__m256i *)(void *)to->negative[i][2 * v];
        _mm256_storeu_si256(at, seven ? _mm256_xor_si256(two, _mm256_set1_epi8(-128)) : _mm256_abs_epi8(two));
        if (!seven)
            _mm256_storeu_si256(sign, _mm256_cmpgt_epi8(_mm256_setzero_si256(), two));
    }
    if (!seven) {
        const __m256i both = loaded(a->negative + quad * 2 * QUAD);
        const __m128i high = _mm_slli_epi32(_mm256_extracti128_si256(both, 1), 16);
        _mm_storeu_si128((__m128i *)(void *)to->start[i], _mm_or_si128(_mm256_castsi256_si128(both), high));
    }
}

/* Levels of 7 bits. */
INLINE void dots7(__m256i dot[MOST], const uint8_t *level, const activations *x, const __m256i m[2],
                  const unsigned columns)
{
    const __m256i much = _mm256_set1_epi8(-128);
#pragma GCC unroll 8
    for (unsigned j = 0; j < columns; j++)
        dot[j] = _mm256_setzero_si256();
#pragma GCC unroll 4
    for (unsigned t = 0; t < STEPS; t += 2) {
        const __m256i l0 = loaded(level + LANES * t), l1 = loaded(level + LANES * t + LANES);
        const __m256i over = _mm256_add_epi16(_mm256_maddubs_epi16(much, l0), _mm256_maddubs_epi16(much, l1));
#pragma GCC unroll 8
        for (unsigned j = 0; j < columns; j++) {
            const __m256i x0 = dword(&x->x[j / QUAD][t][j % QUAD]), x1 = dword(&x->x[j / QUAD][t + 1][j % QUAD]);
            __m256i pairs = _mm256_add_epi16(_mm256_maddubs_epi16(x0, l0), _mm256_maddubs_epi16(x1, l1));
            pairs = _mm256_sub_epi16(pairs, over);
            add_to(&dot[j], _mm256_madd_epi16(pairs, m[t / 4]));
        }
    }
}

/* Levels of 8 bits. */
INLINE void dots8(__m256i dot[MOST], const uint8_t *level, const activations *x, const __m256i m[2],
                  const unsigned columns)
{
    const __m256i both = _mm256_blend_epi16(m[0], m[1], 0xaa);
#pragma GCC unroll 8
    for (unsigned j = 0; j < columns; j++)
        dot[j] = _mm256_madd_epi16(dword(&x->start[j / QUAD][j % QUAD]), both);
#pragma GCC unroll 8
    for (unsigned t = 0; t < STEPS; t++) {
        const __m256i l = loaded(level + LANES * t);
#pragma GCC unroll 8
        for (unsigned j = 0; j < columns; j++) {
            const __m256i turned = _mm256_xor_si256(l, dword(&x->negative[j / QUAD][t][j % QUAD]));
            const __m256i pairs = _mm256_maddubs_epi16(dword(&x->x[j / QUAD][t][j % QUAD]), turned);
            add_to(&dot[j], _mm256_madd_epi16(pairs, m[t / 4]));
        }
    }
}

/* `columns` columns from quad q on. */
INLINE void block8(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, size_t q, const unsigned columns,
                   const int seven)
{
    const size_t groups = a->w.groups;
    const multiplier_maker maker = multipliers_of(&a->w, p);
    const uint8_t *level = a->levels;
    float *sums = a->sums + q * QUAD * PANEL;
    activations x;
    group_scales s;
    if (!g0)
        clear(sums, columns);
    for (size_t g = g0; g < g1; g++, level += TILE) {
        if (q == 0)
            prefetch_block(a, p, g0, g1, g);
        for (unsigned i = 0; i < columns / QUAD; i++)
            prepare(&x, a, (q + i) * groups + g, i, seven);
        scales_of(&s, &a->w, p * groups + g, &maker);
#pragma GCC unroll 1
        for (unsigned half = 0; half < 2; half++) {
            __m256i dot[MOST];
            __asm__("" : "+m"(x)); /* broadcasts of each half are loads of their own, not 64 registers */
            if (seven)
                dots7(dot, level + 32 * half, &x, s.m[half], columns);
            else
                dots8(dot, level + 32 * half, &x, s.m[half], columns);
#pragma GCC unroll 8
            for (unsigned j = 0; j < columns; j++)
                add_group(sums + j * PANEL + 8 * half, dot[j], a->sx[((q + j / QUAD) * groups + g) * QUAD + j % QUAD],
                          s.s[half]);
        }
    }
}

INLINE void quads8(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, const int seven)
{
    size_t q = 0;
    for (; q + 2 <= a->quads; q += 2)
        block8(a, p, g0, g1, q, 8, seven);
    if (q < a->quads)
        block8(a, p, g0, g1, q, 4, seven);
}

void lsq_gemm_e8_i8_avx2_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    a->largest <= 63 ? quads8(a, p, g0, g1, 1) : quads8(a, p, g0, g1, 0);
}

/* ---- 16 bits ---- */

/* A quad and 8 rows. */
INLINE void half16(float *sums, const int16_t *level, const int64_t *x, const float *sx, __m256 s)
{
    __m256i low[QUAD], high[QUAD]; /* rows 0 to 3, and 4 to 7 */
    for (unsigned j = 0; j < QUAD; j++)
        low[j] = high[j] = _mm256_setzero_si256();
#pragma GCC unroll 8
    for (unsigned t = 0; t < STEPS; t++) {
        const __m256i l = loaded(level + LANES * t), h = loaded(level + LANES * t + 16);
#pragma GCC unroll 4
        for (unsigned j = 0; j < QUAD; j++) {
            const __m256i xt = _mm256_set1_epi64x(x[t * QUAD + j]);
            add_to(&low[j], _mm256_madd_epi16(l, xt));
            add_to(&high[j], _mm256_madd_epi16(h, xt));
        }
    }
#pragma GCC unroll 4
    for (unsigned j = 0; j < QUAD; j++) {
        const __m256i dot = _mm256_hadd_epi32(low[j], high[j]); /* rows 0 1 4 5 2 3 6 7 */
        add_group(sums + j * PANEL, _mm256_permute4x64_epi64(dot, 0xd8), sx[j], s);
    }
}

void lsq_gemm_e16_i16_avx2_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    const size_t groups = a->w.groups;
    const multiplier_maker maker = multipliers_of(&a->w, p);
    for (size_t q = 0; q < a->quads; q++) {
        float *sums = a->sums + q * QUAD * PANEL;
        if (!g0)
            clear(sums, QUAD);
        for (size_t g = g0; g < g1; g++) {
            const size_t at = q * groups + g;
            group_scales s;
            if (q == 0)
                prefetch_block(a, p, g0, g1, g);
            scales_of(&s, &a->w, p * groups + g, &maker);
#pragma GCC unroll 1
            for (unsigned half = 0; half < 2; half++) {
                const int64_t *x = (const int64_t *)a->x + at * STEPS * QUAD;
                __asm__("" : "+r"(x)); /* broadcasts of each half are loads of their own, not 32 registers */
                half16(sums + 8 * half, (const int16_t *)a->levels + (g - g0) * TILE + 32 * half, x, a->sx + at * QUAD,
                       s.s[half]);
            }
        }
    }
}
