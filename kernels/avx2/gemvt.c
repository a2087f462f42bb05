/*
 * gemvt.c - expanded levels of 16 rows, transposed, times a vector, on AVX2.
 *
 * First the vector, for up to 32 spans at once: columns that share its scales, a group or half of one. Without scales all spans are alike.
 *
 *     x * s  --rounding.h-->  q, amax / L      8 rows and 8 rows, 32 bit
 *
 * Then the levels, 16 columns at a time. 8 bits, as in dot.h: |q| is maddubs' unsigned side, level ^ -1 stands for -level where q < 0,
 * and dots start at what that misses. A ymm is 8 rows of a step, 4 x 4 in each half:
 *
 *     level ^ (q < 0)  --pshufb-->  column after column     4 columns x 4 rows
 *             |q|, these  --maddubs-->  pair sums           4 columns x 2 rows, 16 bit; with levels of 7 bits two are added
 *             --madd 1, add-->  dots                        4 columns of rows 0..3, 8..11 | 4..7, 12..15
 *
 * 16 bits, 4 rows in a ymm:
 *
 *     level  --pshufb-->  column after column  --madd by q, add-->  dots
 *
 *     dots of two steps, halves added  -->  dots of 8 columns  --float, * (amax / L)-->  added to y
 *
 * Bounds. |level ^ -1| <= 64 or 128: |pair sum| <= 2 * 127 * 128 < 2^15, and with 7 bits 4 * 127 * 64 < 2^15. |dot| < 2^19, so that adding
 * the bits of 1.5 * 2^23 makes a float of it. 16 bits: 16 * 16383 * 4095 < 2^31. Where amax is no number q is anything that does no
 * harm: a scale of NaN makes NaN of every dot.
 */
#include "kernels/avx2/rounding.h"
#include "kernels/avx2/scales.h"

enum { SPANS = 32, MAGIC = 0x4b400000 /* bits of 1.5 * 2^23 */ };

/* Stages of a computation one after the other, eight vectors wide: what waits for its operands must not fill the scheduler. */
INLINE void finish(__m256i v[8])
{
    __asm__("" : "+x"(v[0]), "+x"(v[1]), "+x"(v[2]), "+x"(v[3]), "+x"(v[4]), "+x"(v[5]), "+x"(v[6]), "+x"(v[7]));
}

/* ---- The vector ---- */

typedef struct spans {
    __m256 v[SPANS][2];
    __m256i largest[SPANS], below[SPANS]; /* of v, in any lane; sums of -q where q < 0, in all lanes together */
    __m256i q[SPANS][2], sign[SPANS][2];  /* as products take them */
    _Alignas(32) float inverse[SPANS], scale[SPANS];
    _Alignas(32) int32_t start[SPANS]; /* of dots */
} spans;

INLINE void put(spans *to, size_t i, const __m256 x[2], __m256 s0, __m256 s1)
{
    const __m256 v0 = _mm256_mul_ps(x[0], s0), v1 = _mm256_mul_ps(x[1], s1);
    to->v[i][0] = v0;
    to->v[i][1] = v1;
    to->largest[i] = _mm256_max_epi32(magnitude_bits(v0), magnitude_bits(v1));
}

INLINE __m256 multiplier(const lsq_tiles *w, __m256i all, unsigned half, unsigned c)
{
    return _mm256_cvtepi32_ps(multipliers_at(w, all, half, c, 0));
}

/* Of `count` tiles from `tile` on, `each` a tile: x times scales. */
INLINE void multiply(spans *to, const lsq_gemvt_args *a, size_t p, size_t tile, size_t count, const unsigned each)
{
    const lsq_tiles *w = &a->w;
    const __m256 one = _mm256_set1_ps(1),
                 x[2] = {_mm256_load_ps(a->x + p * PANEL), _mm256_load_ps(a->x + p * PANEL + 8)};
    if (!w->scales) {
        put(to, 0, x, one, one);
    } else if (w->scale == LSQ_SCALE_BYTE32) {
        for (size_t i = 0; i < count; i++)
            put(to, i, x, half_scales(w, tile + i, 0), half_scales(w, tile + i, 1));
    } else {
        const multiplier_maker maker = multipliers_of(w, p);
        for (size_t i = 0; i < count; i++) {
            const __m256i all = multipliers(w, tile + i, &maker);
            for (unsigned c = 0; c < each; c++)
                put(to, each * i + c, x, multiplier(w, all, 0, c), multiplier(w, all, 1, c));
        }
    }
}

/* Eight rows and eight rows of 32 bits as rows 0..3, 8..11 | 4..7, 12..15 of 16. */
INLINE void sides16(spans *s, size_t i, __m256i q0, __m256i q1)
{
    s->q[i][0] = _mm256_packs_epi32(q0, q1);
}

/* |q| of four rows for each column; q < 0 of each row for all columns. */
INLINE void sides8(spans *s, size_t i, __m256i q0, __m256i q1)
{
    const __m256i low = _mm256_set1_epi32(0x0c080400), zero = _mm256_setzero_si256();
    s->q[i][0] = _mm256_shuffle_epi8(_mm256_abs_epi32(q0), low);
    s->q[i][1] = _mm256_shuffle_epi8(_mm256_abs_epi32(q1), low);
    s->sign[i][0] = _mm256_srai_epi32(q0, 31);
    s->sign[i][1] = _mm256_srai_epi32(q1, 31);
    s->below[i] = _mm256_sub_epi32(zero, _mm256_add_epi32(_mm256_min_epi32(q0, zero), _mm256_min_epi32(q1, zero)));
}

INLINE void round_all(spans *s, size_t count, const int largest)
{
    for (size_t i = count; i % EIGHT; i++)
        s->largest[i] = s->below[i] = _mm256_setzero_si256();
    for (size_t i = 0; i < count; i += EIGHT) {
        const scaling of = scaling_of(lanes_joined(s->largest + i, 0), largest == 16383 ? 4095 : 127);
        _mm256_store_ps(s->inverse + i, of.inverse);
        _mm256_store_ps(s->scale + i, of.scale);
    }
    for (size_t i = 0; i < count; i++) {
        const __m256 inverse = _mm256_set1_ps(s->inverse[i]);
        const __m256i q0 = rounded(s->v[i][0], inverse), q1 = rounded(s->v[i][1], inverse);
        largest == 16383 ? sides16(s, i, q0, q1) : sides8(s, i, q0, q1);
    }
    for (size_t i = 0; i < count && largest != 16383; i += EIGHT)
        _mm256_store_si256((__m256i *)(void *)(s->start + i),
                           _mm256_add_epi32(lanes_joined(s->below + i, 1), _mm256_set1_epi32(MAGIC)));
}

/* ---- Products ---- */

INLINE __m256i loaded(const void *levels, unsigned i)
{
    return _mm256_load_si256((const __m256i *)levels + i);
}

/* Of each of two steps both halves. */
INLINE __m256i halves_added(__m256i even, __m256i odd)
{
    return _mm256_add_epi32(_mm256_blend_epi32(even, odd, 0xf0), _mm256_permute2x128_si256(even, odd, 0x21));
}

INLINE void add_to(float *y, __m256 dots, const float *scale)
{
    _mm256_store_ps(y, _mm256_add_ps(_mm256_load_ps(y), _mm256_mul_ps(dots, _mm256_broadcast_ss(scale))));
}

/* Four steps. */
INLINE void columns8(float *y, const int8_t *level, const spans *s, size_t i, const __m256i q[2], const __m256i sign[2],
                     const int largest)
{
    const __m256i one = _mm256_set1_epi16(1),
                  by_column =
                      _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    __m256i v[8];
#pragma GCC unroll 8
    for (unsigned j = 0; j < 8; j++)
        v[j] = _mm256_xor_si256(loaded(level, j), sign[j % 2]);
    finish(v);
#pragma GCC unroll 8
    for (unsigned j = 0; j < 8; j++)
        v[j] = _mm256_shuffle_epi8(v[j], by_column);
    finish(v);
#pragma GCC unroll 8
    for (unsigned j = 0; j < 8; j++)
        v[j] = _mm256_maddubs_epi16(q[j % 2], v[j]);
    finish(v);
    __m256i dots[4]; /* of each step */
    if (largest == 63) {
#pragma GCC unroll 4
        for (unsigned j = 0; j < 4; j++)
            dots[j] = _mm256_madd_epi16(_mm256_add_epi16(v[2 * j], v[2 * j + 1]), one);
    } else {
#pragma GCC unroll 8
        for (unsigned j = 0; j < 8; j++)
            v[j] = _mm256_madd_epi16(v[j], one);
        finish(v);
#pragma GCC unroll 4
        for (unsigned j = 0; j < 4; j++)
            dots[j] = _mm256_add_epi32(v[2 * j], v[2 * j + 1]);
    }
#pragma GCC unroll 2
    for (unsigned j = 0; j < 2; j++) {
        const __m256i eight =
            _mm256_add_epi32(halves_added(dots[2 * j], dots[2 * j + 1]), _mm256_set1_epi32(s->start[i]));
        add_to(y + 8 * j, _mm256_sub_ps(_mm256_castsi256_ps(eight), _mm256_set1_ps(0x1.8p23f)), &s->scale[i]);
    }
}

/* Two steps. */
INLINE void columns16(float *y, const int16_t *level, const float *scale, const __m256i q[4])
{
    const __m256i by_column =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15));
    __m256i v[8];
#pragma GCC unroll 8
    for (unsigned j = 0; j < 8; j++)
        v[j] = _mm256_shuffle_epi8(loaded(level, j), by_column);
    finish(v);
#pragma GCC unroll 8
    for (unsigned j = 0; j < 8; j++)
        v[j] = _mm256_madd_epi16(v[j], q[j % 4]);
    finish(v);
#pragma GCC unroll 2
    for (unsigned j = 0; j < 8; j += 4)
        v[j] = _mm256_add_epi32(_mm256_add_epi32(v[j], v[j + 1]), _mm256_add_epi32(v[j + 2], v[j + 3]));
    add_to(y, _mm256_cvtepi32_ps(halves_added(v[0], v[4])), scale);
}

/* Span i, of so many columns. */
INLINE void span(float *y, const void *levels, const spans *s, size_t i, const unsigned columns, const int largest)
{
    if (largest == 16383) {
        const __m256i of = s->q[i][0], first = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
        __m256i q[4]; /* where sides16() left rows 0..3, 4..7, ... in pairs */
        for (int j = 0; j < 4; j++)
            q[j] = _mm256_permutevar8x32_epi32(of, _mm256_add_epi32(first, _mm256_set1_epi32(j % 2 * 4 + j / 2 * 2)));
#pragma GCC unroll 4
        for (unsigned c = 0; c < columns; c += 8)
            columns16(y + c, (const int16_t *)levels + c * PANEL, &s->scale[i], q);
    } else {
        const __m256i q[2] = {s->q[i][0], s->q[i][1]}, sign[2] = {s->sign[i][0], s->sign[i][1]};
#pragma GCC unroll 2
        for (unsigned c = 0; c < columns; c += 16)
            columns8(y + c, (const int8_t *)levels + c * PANEL, s, i, q, sign, largest);
    }
}

INLINE void gemvt(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1, const unsigned each, const int largest)
{
    const unsigned columns = GROUP / each;
    const size_t step = columns * PANEL * (largest == 16383 ? 2 : 1);
    const int alike = !a->w.scales;
    const uint8_t *levels = a->levels;
    float *y = a->y + g0 * GROUP;
    spans s;
    for (size_t g = g0; g < g1; g += SPANS / each) {
        const size_t left = g1 - g, count = left < SPANS / each ? left : SPANS / each;
        if (!alike || g == g0) {
            multiply(&s, a, p, p * a->w.groups + g, count, each);
            round_all(&s, alike ? 1 : count * each, largest);
        }
        for (size_t i = 0; i < count * each; i++, levels += step, y += columns)
            span(y, levels, &s, alike ? 0 : i, columns, largest);
    }
}

INLINE void gemvt_of(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1, const int largest)
{
    a->w.scale == LSQ_SCALE_NIBBLE16 ? gemvt(a, p, g0, g1, 2, largest) : gemvt(a, p, g0, g1, 1, largest);
}

void lsq_gemvt_e8_i8_avx2_r1(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)
{
    a->largest <= 63 ? gemvt_of(a, p, g0, g1, 63) : gemvt_of(a, p, g0, g1, 127);
}

void lsq_gemvt_e16_i16_avx2_r1(const lsq_gemvt_args *a, size_t p, size_t g0, size_t g1)
{
    gemvt_of(a, p, g0, g1, 16383);
}
