/*
 * gemm.c - expanded levels times columns in fours, on AVX2.
 *
 * A ymm of levels is half a step, 8 rows; the four activations of each column are a broadcast operand. What all columns share, scales and
 * what follows from levels alone, is made of some groups at once. Then one quad after the other takes both halves of the panel, so that a
 * broadcast serves 16 rows, and 8 dots stay in registers. Levels of 7 bits, with x + 128, 0 left out, as maddubs' unsigned side:
 *
 *     x + 128, levels  --maddubs-->  pair sums of a step          8 rows x 2, 16 bit
 *     two steps added, 128 * their levels taken off --------->  exact pair sums; the same is taken off for every column
 *     pair sums, multipliers  --madd, add------------------>  dots    8 rows, 32 bit; multipliers are 1 without nibble scales
 *
 * Levels of 8 bits: magnitudes are the unsigned side, and x ^ -1 = -x - 1 stands for -x where a level is negative. What that misses,
 * the magnitudes of negative levels times multipliers, is the same for every column: dots start there.
 *
 *     magnitudes, x ^ (level < 0)  --maddubs-->  pair sums  --madd with multipliers, add-->  dots
 *
 * (psignb would miss nothing, but runs where the multiplications do.) Levels of 16 bits:
 *
 *     levels, four activations  --madd, add-->  dots of even and odd pairs of columns of W  --hadd-->  dots
 *
 * Then dots * (sx * s) --> sums, float, as in gemv.
 *
 * Bounds: 7 bits: |pair sum| <= 2 * 255 * 63 < 2^15, two may wrap, and are back within 4 * 127 * 63 < 2^15; what is taken off is at most
 * 2 * 128 * 126 < 2^15. 8 bits: |pair sum| <= 2 * 127 * 128 < 2^15. A multiplier is at most 255: |dot| <= 32 * 127 * (128 + 1) * 255 < 2^27.
 * 16 bits: 32 * 16383 * 4095 < 2^31.
 */
#include "kernels/avx2/scales.h"
#include "kernels/prefetch.h"

INLINE __m256i loaded(const void *from)
{
    return _mm256_loadu_si256((const __m256i *)from);
}

INLINE __m256i dword(const int32_t *x)
{
    return _mm256_set1_epi32(*x);
}

/* ---- Scales ---- */

enum scales { NONE, BYTES, NIBBLES };

/* The scales of a block of groups, the same for all columns: of group g0 + i floats in of[i][0], or each half's multipliers, as two words. */
typedef struct block_scales {
    _Alignas(32) int32_t of[GEMM_GROUPS][2][PANEL];
} block_scales;

INLINE void set_scales(block_scales *to, const lsq_tiles *w, size_t p, size_t g0, size_t g1, const enum scales kind)
{
    if (kind == BYTES) {
        for (size_t g = g0; g < g1; g++) {
            for (unsigned half = 0; half < 2; half++)
                _mm256_store_ps((float *)to->of[g - g0][0] + 8 * half,
                                byte_scales(w->scales + (p * w->groups + g) * 16 + 8 * half));
        }
    } else if (kind == NIBBLES) {
        const multiplier_maker maker = multipliers_of(w, p);
        for (size_t g = g0; g < g1; g++) {
            const __m256i all = multipliers(w, p * w->groups + g, &maker);
            for (unsigned i = 0; i < 4; i++)
                _mm256_store_si256((__m256i *)(void *)to->of[g - g0] + i, multipliers_at(w, all, i % 2, i / 2, 1));
        }
    }
}

/* The multipliers of 8 rows in a step of group g0 + i. */
INLINE __m256i multipliers_of_step(const block_scales *s, size_t i, unsigned t, unsigned half, const enum scales kind)
{
    return kind == NIBBLES ? loaded(s->of[i][t / 4] + 8 * half) : _mm256_set1_epi16(1);
}

/* One more group of 8 rows of a column. */
INLINE void add_group(float *sum, __m256i dot, __m256 sx, const int32_t *s, const enum scales kind)
{
    const __m256 factor = kind == BYTES ? _mm256_mul_ps(sx, _mm256_load_ps((const float *)s)) : sx;
    const __m256 product = _mm256_mul_ps(_mm256_cvtepi32_ps(dot), factor);
    _mm256_store_ps(sum, _mm256_add_ps(_mm256_load_ps(sum), product));
}

INLINE void clear(float *sums, const unsigned columns)
{
    for (unsigned i = 0; i < columns * PANEL; i += 8)
        _mm256_store_ps(sums + i, _mm256_setzero_ps());
}

/* Adds to a dot here and now: sums in any other order would need more registers than there are. */
INLINE void add_to(__m256i *dot, __m256i product)
{
    *dot = _mm256_add_epi32(*dot, product);
    __asm__("" : "+x"(*dot));
}

/* ---- 8 bits ---- */

enum { AT_ONCE = 16 /* groups: what is made of their levels leaves room in the first cache */ };

/* What all columns share of some groups. */
typedef struct shared {
    block_scales scales;
    _Alignas(32) uint8_t over[AT_ONCE][TILE / 2];                       /* 7 bits: 128 * levels of two steps, words */
    _Alignas(32) uint8_t magnitude[AT_ONCE][TILE], sign[AT_ONCE][TILE]; /* 8 bits */
    _Alignas(32) int32_t missing[AT_ONCE][PANEL];                       /* 8 bits: what dots start at */
} shared;

INLINE void share7(shared *to, size_t i, const uint8_t *level, unsigned half)
{
    for (unsigned t = 0; t < STEPS; t += 2) {
        const __m256i two = _mm256_add_epi8(load(level, t, half), load(level, t + 1, half));
        store(to->over[i], t / 2, half, _mm256_maddubs_epi16(_mm256_set1_epi8(-128), two));
    }
}

INLINE void share8(shared *to, size_t i, const uint8_t *level, unsigned half, const enum scales kind)
{
    __m256i missing = _mm256_setzero_si256();
    for (unsigned t = 0; t < STEPS; t++) {
        const __m256i l = load(level, t, half), magnitude = _mm256_abs_epi8(l);
        const __m256i sign = _mm256_cmpgt_epi8(_mm256_setzero_si256(), l);
        const __m256i pairs = _mm256_maddubs_epi16(_mm256_and_si256(magnitude, sign), _mm256_set1_epi8(1));
        missing =
            _mm256_add_epi32(missing, _mm256_madd_epi16(pairs, multipliers_of_step(&to->scales, i, t, half, kind)));
        store(to->magnitude[i], t, half, magnitude);
        store(to->sign[i], t, half, sign);
    }
    _mm256_store_si256((__m256i *)(void *)to->missing[i] + half, missing);
}

/* x + 128 of a group of a quad. */
INLINE void add_128(int32_t to[STEPS * QUAD], const int32_t *x)
{
    for (unsigned v = 0; v < STEPS * QUAD; v += 8)
        _mm256_store_si256((__m256i *)(void *)(to + v), _mm256_xor_si256(loaded(x + v), _mm256_set1_epi8(-128)));
}

/* Levels of 7 bits; what is shared is of group i. */
INLINE void dots7(__m256i dot[2][QUAD], const shared *of, size_t i, const uint8_t *level, const int32_t *x,
                  const enum scales kind)
{
#pragma GCC unroll 4
    for (unsigned j = 0; j < QUAD; j++)
        dot[0][j] = dot[1][j] = _mm256_setzero_si256();
#pragma GCC unroll 4
    for (unsigned t = 0; t < STEPS; t += 2) {
#pragma GCC unroll 4
        for (unsigned j = 0; j < QUAD; j++) {
            const __m256i x0 = dword(x + t * QUAD + j), x1 = dword(x + t * QUAD + QUAD + j);
#pragma GCC unroll 2
            for (unsigned half = 0; half < 2; half++) {
                __m256i pairs = _mm256_add_epi16(_mm256_maddubs_epi16(x0, load(level, t, half)),
                                                 _mm256_maddubs_epi16(x1, load(level, t + 1, half)));
                pairs = _mm256_sub_epi16(pairs, load(of->over[i], t / 2, half));
                add_to(&dot[half][j], _mm256_madd_epi16(pairs, multipliers_of_step(&of->scales, i, t, half, kind)));
            }
        }
    }
}

/* Levels of 8 bits. */
INLINE void dots8(__m256i dot[2][QUAD], const shared *of, size_t i, const int32_t *x, const enum scales kind)
{
#pragma GCC unroll 4
    for (unsigned j = 0; j < QUAD; j++) {
        dot[0][j] = loaded(of->missing[i]);
        dot[1][j] = loaded(of->missing[i] + 8);
    }
#pragma GCC unroll 8
    for (unsigned t = 0; t < STEPS; t++) {
#pragma GCC unroll 4
        for (unsigned j = 0; j < QUAD; j++) {
            const __m256i xt = dword(x + t * QUAD + j);
#pragma GCC unroll 2
            for (unsigned half = 0; half < 2; half++) {
                const __m256i turned = _mm256_xor_si256(xt, load(of->sign[i], t, half));
                const __m256i pairs = _mm256_maddubs_epi16(load(of->magnitude[i], t, half), turned);
                add_to(&dot[half][j], _mm256_madd_epi16(pairs, multipliers_of_step(&of->scales, i, t, half, kind)));
            }
        }
    }
}

/* Quad q and the groups from g on that are shared. */
INLINE void quad8(const lsq_gemm_args *a, const shared *of, const uint8_t *level, size_t q, size_t g, size_t some,
                  const enum scales kind, const int seven)
{
    float *sums = a->sums + q * QUAD * PANEL;
    const int32_t *x = (const int32_t *)a->x + (q * a->w.groups + g) * STEPS * QUAD;
    const float *sx = a->sx + (q * a->w.groups + g) * QUAD;
    if (!g)
        clear(sums, QUAD);
    for (size_t i = 0; i < some; i++, level += TILE, x += STEPS * QUAD, sx += QUAD) {
        __m256i dot[2][QUAD];
        if (seven) {
            _Alignas(32) int32_t raised[STEPS * QUAD];
            add_128(raised, x);
            __asm__("" : "+m"(raised)); /* broadcasts are loads, not what compilers make of the vectors stored here */
            dots7(dot, of, i, level, raised, kind);
        } else {
            dots8(dot, of, i, x, kind);
        }
        __asm__("" : "+r"(sums)); /* registers are for dots: sums are not kept from group to group */
#pragma GCC unroll 4
        for (unsigned j = 0; j < QUAD; j++) {
            const __m256 factor = _mm256_set1_ps(sx[j]);
            for (unsigned half = 0; half < 2; half++)
                add_group(sums + j * PANEL + 8 * half, dot[half][j], factor, of->scales.of[i][0] + 8 * half, kind);
        }
    }
}

INLINE void quads8(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, const enum scales kind, const int seven)
{
    shared of;
    for (size_t g = g0; g < g1; g += AT_ONCE) {
        const size_t some = g1 - g < AT_ONCE ? g1 - g : AT_ONCE;
        const uint8_t *level = (const uint8_t *)a->levels + (g - g0) * TILE;
        set_scales(&of.scales, &a->w, p, g, g + some, kind);
        for (size_t i = 0; i < some; i++) {
            for (unsigned half = 0; half < 2; half++)
                seven ? share7(&of, i, level + i * TILE, half) : share8(&of, i, level + i * TILE, half, kind);
        }
        for (size_t q = 0; q < a->quads; q++) {
            for (size_t i = q; i < some; i += a->quads)
                prefetch_block(a, p, g0, g1, g + i);
            quad8(a, &of, level, q, g, some, kind, seven);
        }
    }
}

INLINE void panel8(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, const int seven)
{
    if (!a->w.scales)
        quads8(a, p, g0, g1, NONE, seven);
    else if (a->w.scale == LSQ_SCALE_BYTE32)
        quads8(a, p, g0, g1, BYTES, seven);
    else
        quads8(a, p, g0, g1, NIBBLES, seven);
}

void lsq_gemm_e8_i8_avx2_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    a->largest <= 63 ? panel8(a, p, g0, g1, 1) : panel8(a, p, g0, g1, 0);
}

/* ---- 16 bits ---- */

/* A quad and 8 rows. */
INLINE void half16(float *sums, const int16_t *level, const int64_t *x, const float *sx, const int32_t *s,
                   const enum scales kind)
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
        add_group(sums + j * PANEL, _mm256_permute4x64_epi64(dot, 0xd8), _mm256_set1_ps(sx[j]), s, kind);
    }
}

INLINE void quads16(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, const enum scales kind)
{
    const size_t groups = a->w.groups;
    block_scales scales;
    set_scales(&scales, &a->w, p, g0, g1, kind);
    for (size_t q = 0; q < a->quads; q++) {
        float *sums = a->sums + q * QUAD * PANEL;
        if (!g0)
            clear(sums, QUAD);
        for (size_t g = g0; g < g1; g++) {
            const size_t at = q * groups + g;
            if (q == 0)
                prefetch_block(a, p, g0, g1, g);
#pragma GCC unroll 1
            for (unsigned half = 0; half < 2; half++) {
                const int64_t *x = (const int64_t *)a->x + at * STEPS * QUAD;
                __asm__("" : "+r"(x)); /* broadcasts of each half are loads of their own, not 32 registers */
                half16(sums + 8 * half, (const int16_t *)a->levels + (g - g0) * TILE + 32 * half, x, a->sx + at * QUAD,
                       &scales.of[g - g0][0][8 * half], kind);
            }
        }
    }
}

void lsq_gemm_e16_i16_avx2_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    a->w.scales ? quads16(a, p, g0, g1, BYTES) : quads16(a, p, g0, g1, NONE);
}
