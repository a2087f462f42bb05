/*
 * gemm.c - expanded levels times columns in fours, on AVX2.
 *
 * A ymm of levels is half a step, 8 rows; the four activations of each column, or two of 16 bits, are a broadcast operand. What all
 * columns share, scales and what follows from levels alone, is made of some groups at once. Then one quad after the other takes both halves
 * of the panel, so that a broadcast serves 16 rows, and 8 dots stay in registers. Levels of 7 bits, with x + 128, 0 left out, as
 * maddubs' unsigned side:
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
 * (psignb would miss nothing, but runs where the multiplications do.) Levels of 16 bits, two neighbours of each row together:
 *
 *     pairs of levels, pairs of x  --madd, add-->  dots
 *
 * Then dots * (sx * s) --> sums, float, as in gemv.
 *
 * Bounds: 7 bits: |pair sum| <= 2 * 255 * 63 < 2^15, two may wrap, and are back within 4 * 127 * 63 < 2^15; what is taken off is at most
 * 2 * 128 * 126 < 2^15. 8 bits: |pair sum| <= 2 * 127 * 128 < 2^15. A multiplier is at most 255: |dot| <= 32 * 127 * (128 + 1) * 255
 * < 2^27. 16 bits: 32 * 16383 * 4095 < 2^31.
 */
#include "kernels/avx2/scales.h"
#include "kernels/prefetch.h"

enum { AT_ONCE = 16 /* groups: what is made of their levels leaves room in the first cache */ };

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

/* Scales: of group g0 + i floats in of[i][0], or multipliers of each half, as two words. */
typedef struct block_scales {
    _Alignas(32) int32_t of[AT_ONCE][2][PANEL];
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

INLINE void clear(float *sums)
{
    for (unsigned i = 0; i < QUAD * PANEL; i += 8)
        _mm256_store_ps(sums + i, _mm256_setzero_ps());
}

/* Adds to a dot here and now: sums in any other order would need more registers than there are. */
INLINE void add_to(__m256i *dot, __m256i product)
{
    *dot = _mm256_add_epi32(*dot, product);
    __asm__("" : "+x"(*dot));
}

/* ---- What all columns share ---- */

typedef struct shared {
    block_scales scales;
    union {
        /* 7 bits: 128 * levels of two steps, words. */
        _Alignas(32) uint8_t over[AT_ONCE][TILE / 2];
        /* 8 bits; dots start at what is missing. */
        struct {
            _Alignas(32) uint8_t magnitude[AT_ONCE][TILE], sign[AT_ONCE][TILE];
            _Alignas(32) int32_t missing[AT_ONCE][PANEL];
        };
        /* 16 bits: the levels of each row in columns 0 and 1, and 2 and 3, of a step. */
        _Alignas(32) int32_t pair[AT_ONCE][STEPS][2][PANEL];
    };
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

INLINE void share16(shared *to, size_t i, const uint8_t *level, unsigned half)
{
    for (unsigned t = 0; t < STEPS; t++) {
        const __m256 low = _mm256_castsi256_ps(load(level, 2 * t + half, 0));
        const __m256 high = _mm256_castsi256_ps(load(level, 2 * t + half, 1));
        const __m256i first = _mm256_castps_si256(_mm256_shuffle_ps(low, high, 0x88)); /* rows 0 1 4 5 2 3 6 7 */
        const __m256i second = _mm256_castps_si256(_mm256_shuffle_ps(low, high, 0xdd));
        _mm256_store_si256((__m256i *)(void *)to->pair[i][t][0] + half, _mm256_permute4x64_epi64(first, 0xd8));
        _mm256_store_si256((__m256i *)(void *)to->pair[i][t][1] + half, _mm256_permute4x64_epi64(second, 0xd8));
    }
}

/* ---- Dots of a quad and group i ---- */

/* x + 128. */
INLINE void add_128(int32_t to[STEPS * QUAD], const int32_t *x)
{
    for (unsigned v = 0; v < STEPS * QUAD; v += 8)
        _mm256_store_si256((__m256i *)(void *)(to + v), _mm256_xor_si256(loaded(x + v), _mm256_set1_epi8(-128)));
}

/* Levels of 7 bits. */
INLINE void dots7(__m256i dot[2][QUAD], const shared *of, size_t i, const uint8_t *level, const int32_t *x,
                  const enum scales kind)
{
    _Alignas(32) int32_t raised[STEPS * QUAD];
    add_128(raised, x);
    __asm__("" : "+m"(raised)); /* broadcasts are loads, not what compilers make of the vectors stored here */
#pragma GCC unroll 4
    for (unsigned j = 0; j < QUAD; j++)
        dot[0][j] = dot[1][j] = _mm256_setzero_si256();
#pragma GCC unroll 4
    for (unsigned t = 0; t < STEPS; t += 2) {
#pragma GCC unroll 4
        for (unsigned j = 0; j < QUAD; j++) {
            const __m256i x0 = dword(raised + t * QUAD + j), x1 = dword(raised + t * QUAD + QUAD + j);
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

/* Levels of 16 bits. */
INLINE void dots16(__m256i dot[2][QUAD], const shared *of, size_t i, const int32_t *x)
{
#pragma GCC unroll 4
    for (unsigned j = 0; j < QUAD; j++)
        dot[0][j] = dot[1][j] = _mm256_setzero_si256();
#pragma GCC unroll 16
    for (unsigned t = 0; t < 2 * STEPS; t++) {
#pragma GCC unroll 4
        for (unsigned j = 0; j < QUAD; j++) {
            const __m256i xt = dword(x + t / 2 * 2 * QUAD + 2 * j + t % 2);
#pragma GCC unroll 2
            for (unsigned half = 0; half < 2; half++)
                add_to(&dot[half][j], _mm256_madd_epi16(loaded(of->pair[i][t / 2][t % 2] + 8 * half), xt));
        }
    }
}

/* ---- Products ---- */

enum way { SEVEN, EIGHT, SIXTEEN /* bits */ };

/* Quad q and the groups from g on that are shared. */
INLINE void quad(const lsq_gemm_args *a, const shared *of, const uint8_t *level, size_t q, size_t g, size_t some,
                 const enum scales kind, const enum way way)
{
    const unsigned x_dwords = STEPS * QUAD * (way == SIXTEEN ? 2 : 1);
    const int32_t *x = (const int32_t *)a->x + (q * a->w.groups + g) * x_dwords;
    const float *sx = a->sx + (q * a->w.groups + g) * QUAD;
    float *sums = a->sums + q * QUAD * PANEL;
    if (!g)
        clear(sums);
    for (size_t i = 0; i < some; i++, x += x_dwords, sx += QUAD) {
        __m256i dot[2][QUAD];
        if (way == SEVEN)
            dots7(dot, of, i, level + i * TILE, x, kind);
        else if (way == EIGHT)
            dots8(dot, of, i, x, kind);
        else
            dots16(dot, of, i, x);
        __asm__("" : "+r"(sums)); /* registers are for dots: sums are not kept from group to group */
#pragma GCC unroll 4
        for (unsigned j = 0; j < QUAD; j++) {
            const __m256 factor = _mm256_set1_ps(sx[j]);
            for (unsigned half = 0; half < 2; half++)
                add_group(sums + j * PANEL + 8 * half, dot[half][j], factor, of->scales.of[i][0] + 8 * half, kind);
        }
    }
}

INLINE void quads(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, const enum scales kind, const enum way way)
{
    const size_t bytes = TILE * (way == SIXTEEN ? sizeof(int16_t) : 1);
    shared of;
    for (size_t g = g0; g < g1; g += AT_ONCE) {
        const size_t some = g1 - g < AT_ONCE ? g1 - g : AT_ONCE;
        const uint8_t *level = (const uint8_t *)a->levels + (g - g0) * bytes;
        set_scales(&of.scales, &a->w, p, g, g + some, kind);
        for (size_t i = 0; i < some; i++) {
            for (unsigned half = 0; half < 2; half++) {
                if (way == SEVEN)
                    share7(&of, i, level + i * bytes, half);
                else if (way == EIGHT)
                    share8(&of, i, level + i * bytes, half, kind);
                else
                    share16(&of, i, level + i * bytes, half);
            }
        }
        for (size_t q = 0; q < a->quads; q++) {
            for (size_t i = q; i < some; i += a->quads)
                prefetch_block(a, p, g0, g1, g + i);
            quad(a, &of, level, q, g, some, kind, way);
        }
    }
}

INLINE void panel8(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1, const enum way way)
{
    if (!a->w.scales)
        quads(a, p, g0, g1, NONE, way);
    else if (a->w.scale == LSQ_SCALE_BYTE32)
        quads(a, p, g0, g1, BYTES, way);
    else
        quads(a, p, g0, g1, NIBBLES, way);
}

void lsq_gemm_e8_i8_avx2_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    a->largest <= 63 ? panel8(a, p, g0, g1, SEVEN) : panel8(a, p, g0, g1, EIGHT);
}

void lsq_gemm_e16_i16_avx2_r1(const lsq_gemm_args *a, size_t p, size_t g0, size_t g1)
{
    a->w.scales ? quads(a, p, g0, g1, BYTES, SIXTEEN) : quads(a, p, g0, g1, NONE, SIXTEEN);
}
