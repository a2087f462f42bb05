/*
 * immintrin.h - AVX-512 in terms of AVX2, so that kernels of those levels can be tested where no CPU has it: option simulate_avx512.
 *
 * SIMDe has most of the intrinsics; what Debian 12's lacks is here, lane after lane. Neither is fast.
 */
#ifndef LSQ_TESTS_SIMULATED_IMMINTRIN_H
#define LSQ_TESTS_SIMULATED_IMMINTRIN_H
#pragma GCC system_header

#include_next <immintrin.h>

#define SIMDE_ENABLE_NATIVE_ALIASES
#define SIMDE_NO_INLINE /* compiles in less than half the time */
#include <simde/x86/avx512.h>

#include <string.h>

/* A vector of 64 bytes as lanes. */
typedef union lanes {
    __m512i v;
    __m512 f;
    int16_t i16[32];
    int32_t i32[16];
    float f32[16];
    __m128i part[4];
    __m256 half[2];
} lanes;

static inline __m512 simulated_cvtepi32_ps(__m512i a)
{
    lanes from = {.v = a}, to;
    for (int i = 0; i < 16; i++)
        to.f32[i] = (float)from.i32[i];
    return to.f;
}
#define _mm512_cvtepi32_ps simulated_cvtepi32_ps

/* Half to even, by the CPU's own instruction. */
static inline __m512i simulated_cvtps_epi32(__m512 a)
{
    lanes from = {.f = a}, to;
    for (int i = 0; i < 4; i++)
        to.part[i] = _mm_cvtps_epi32(_mm_loadu_ps(&from.f32[4 * i]));
    return to.v;
}
#define _mm512_cvtps_epi32 simulated_cvtps_epi32

static inline __m512i simulated_srai_epi32(__m512i a, unsigned count)
{
    lanes from = {.v = a}, to;
    for (int i = 0; i < 4; i++)
        to.part[i] = _mm_srai_epi32(from.part[i], (int)count);
    return to.v;
}
#define _mm512_srai_epi32 simulated_srai_epi32

static inline __m512 simulated_i32gather_ps(__m512i index, const void *table, int scale)
{
    lanes at = {.v = index}, to;
    for (int i = 0; i < 16; i++)
        memcpy(&to.f32[i], (const char *)table + (long)at.i32[i] * scale, sizeof(float));
    return to.f;
}
#define _mm512_i32gather_ps simulated_i32gather_ps

static inline __m512 simulated_cvtph_ps(__m256i a)
{
    lanes to;
    to.half[0] = _mm256_cvtph_ps(_mm256_castsi256_si128(a));
    to.half[1] = _mm256_cvtph_ps(_mm256_extracti128_si256(a, 1));
    return to.f;
}
#define _mm512_cvtph_ps simulated_cvtph_ps

static inline __m512i simulated_cvtepu8_epi32(__m128i a)
{
    uint8_t from[16];
    lanes to;
    memcpy(from, &a, sizeof(from));
    for (int i = 0; i < 16; i++)
        to.i32[i] = from[i];
    return to.v;
}
#define _mm512_cvtepu8_epi32 simulated_cvtepu8_epi32

static inline __m512i simulated_cvtepi8_epi32(__m128i a)
{
    int8_t from[16];
    lanes to;
    memcpy(from, &a, sizeof(from));
    for (int i = 0; i < 16; i++)
        to.i32[i] = from[i];
    return to.v;
}
#define _mm512_cvtepi8_epi32 simulated_cvtepi8_epi32

static inline __m512i simulated_cvtepu8_epi16(__m256i a)
{
    uint8_t from[32];
    lanes to;
    memcpy(from, &a, sizeof(from));
    for (int i = 0; i < 32; i++)
        to.i16[i] = from[i];
    return to.v;
}
#define _mm512_cvtepu8_epi16 simulated_cvtepu8_epi16

static inline __m256i simulated_cvtepi32_epi16(__m512i a)
{
    lanes from = {.v = a};
    int16_t to[16];
    __m256i result;
    for (int i = 0; i < 16; i++)
        to[i] = (int16_t)from.i32[i];
    memcpy(&result, to, sizeof(result));
    return result;
}
#define _mm512_cvtepi32_epi16 simulated_cvtepi32_epi16

static inline __m128i simulated_cvtepi32_epi8(__m512i a)
{
    lanes from = {.v = a};
    int8_t to[16];
    __m128i result;
    for (int i = 0; i < 16; i++)
        to[i] = (int8_t)from.i32[i];
    memcpy(&result, to, sizeof(result));
    return result;
}
#define _mm512_cvtepi32_epi8 simulated_cvtepi32_epi8

static inline __m512i simulated_shuffle_epi32(__m512i a, int order)
{
    lanes from = {.v = a}, to;
    for (int i = 0; i < 16; i++)
        to.i32[i] = from.i32[i / 4 * 4 + (order >> i % 4 * 2 & 3)];
    return to.v;
}
#define _mm512_shuffle_epi32 simulated_shuffle_epi32

static inline __m512 simulated_permutevar_ps(__m512 a, __m512i order)
{
    lanes from = {.f = a}, by = {.v = order}, to;
    for (int i = 0; i < 16; i++)
        to.i32[i] = from.i32[i / 4 * 4 + (by.i32[i] & 3)];
    return to.f;
}
#define _mm512_permutevar_ps simulated_permutevar_ps

static inline __m256 simulated_extractf32x8_ps(__m512 a, int i)
{
    lanes from = {.f = a};
    return from.half[i & 1];
}
#define _mm512_extractf32x8_ps simulated_extractf32x8_ps

/* Words 0..3 (from = 0) or 4..7 of each 128 bits; the others stay. */
static inline __m512i simulated_shuffle_words(__m512i a, int order, int first)
{
    lanes from = {.v = a}, to = from;
    for (int i = 0; i < 16; i++)
        to.i16[i / 4 * 8 + first + i % 4] = from.i16[i / 4 * 8 + first + (order >> i % 4 * 2 & 3)];
    return to.v;
}
#define _mm512_shufflelo_epi16(a, order) simulated_shuffle_words(a, order, 0)
#define _mm512_shufflehi_epi16(a, order) simulated_shuffle_words(a, order, 4)

/* SIMDe 0.7.4 gives this name four arguments, though its function has two. */
#undef _mm512_madd_epi16
#define _mm512_madd_epi16 simde_mm512_madd_epi16

static inline __m512i simulated_maskz_loadu_epi64(unsigned mask, const void *from)
{
    lanes to = {.v = {0}};
    for (int i = 0; i < 8; i++)
        if (mask >> i & 1)
            memcpy(&to.i32[2 * i], (const char *)from + 8 * i, 8);
    return to.v;
}
#define _mm512_maskz_loadu_epi64 simulated_maskz_loadu_epi64

#define _knot_mask64(a)          (~(__mmask64)(a))

#endif
