/*
 * plain.c - codes that index a table, on AVX-512 with VBMI and VNNI; 2 to 6 bits.
 *
 * One zmm holds 16 rows x 4 columns of bytes, so a panel is one vector wide, and a step one instruction deep:
 *
 *     codes  --shift, merge-->  indices   the low bits of each byte; vpermb does not look at the upper two, and the table repeats
 *     indices  --vpermb-->      levels    + 128, unsigned
 *     levels   --vpdpbusd--->   dots      16 rows, 32 bit; x is one broadcast dword
 *     dots * (sx * s)  ------>  sums      16 rows, float
 *
 * The 128 too much of each level is taken back before it comes: dots start at -128 * sum(x). |dot| < 32 * 255 * 127 < 2^20.
 */
#include "kernels/avx512/scales.h"
#include "kernels/avx512icl/bits.h"
#include "kernels/prefetch.h"

#include <immintrin.h>

/*
 * Indices of step t. The first plane's bits are `slot` * p up; bits of the second plane are placed to match (codec.h), so that
 * one shift brings them above those of the first.
 */
INLINE __m512i indices(const uint8_t *tile, unsigned bits, unsigned t)
{
    if (bits == 2)
        return down(load(tile, t / 4), (int)(t % 4) * 2);
    if (bits == 3) { /* merged for two slots at a time, two bits and one in each half of a byte */
        int v = (int)t / 4, slot = (int)t % 4;
        __m512i two = down(load(tile, (unsigned)v), slot % 2 * 2);
        return down(merge(0x33, two, down(load(tile, 2), slot % 2 ? v : v - 2)), slot / 2 * 4);
    }
    int j = (int)t / 2, slot = (int)t % 2;
    __m512i four = down(load(tile, (unsigned)j), slot * 4);
    if (bits == 4)
        return four;
    if (bits == 5)
        return merge(0x0f, four, down(load(tile, 4), slot ? j : j - 4));
    return merge(0x0f, four, down(load(tile, 4 + (unsigned)j / 2), j % 2 * 2 - (slot ? 0 : 4)));
}

/* `panels` panels at once: loads of x are shared, and their dots do not wait for each other. */
INLINE void gemv(const lsq_gemv_args *a, size_t p, const unsigned panels, const unsigned bits, const int scaled)
{
    const size_t groups = a->w.groups, stride = groups * 64 * bits;
    const uint8_t *tile = a->w.codes + p * stride, *scales = scaled ? a->w.scales + p * groups * 16 : NULL;
    const __m512i table = _mm512_xor_si512(_mm512_loadu_si512(a->w.levels->i8), _mm512_set1_epi8(-128));
    const int8_t *x = a->x;
    __m512 sum[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
    for (size_t g = 0; g < groups; g++, tile += 64 * bits, x += GROUP) {
        __m512i dot[2];
        if (panels == 1) /* two streams at once gain nothing by it */
            prefetch(tile, bits, a->prefetch);
        dot[0] = dot[1] = _mm512_add_epi32(_mm512_set1_epi32(a->bias[2 * g]), _mm512_set1_epi32(a->bias[2 * g + 1]));
#pragma GCC unroll 8
        for (unsigned t = 0; t < 8; t++) {
            __m512i xt = _mm512_set1_epi32(((const int32_t *)(const void *)x)[t]);
            for (unsigned i = 0; i < panels; i++) {
                __m512i level = _mm512_permutexvar_epi8(indices(tile + i * stride, bits, t), table);
                dot[i] = _mm512_dpbusd_epi32(dot[i], level, xt);
            }
        }
        const __m512 sx = _mm512_set1_ps(a->sx[g]);
        for (unsigned i = 0; i < panels; i++) {
            __m512 s = scaled ? _mm512_mul_ps(sx, byte_scales(scales + (i * groups + g) * 16)) : sx;
            __m512 d = _mm512_cvtepi32_ps(dot[i]);
            sum[i] = _mm512_add_ps(sum[i], _mm512_mul_ps(d, s));
        }
    }
    for (unsigned i = 0; i < panels; i++)
        _mm512_storeu_ps(a->y + i * PANEL, sum[i]);
}

INLINE void rows(const lsq_gemv_args *a, size_t p0, size_t p1, const unsigned panels, const unsigned bits)
{
    lsq_gemv_args rest = *a;
    for (size_t p = p0; p < p1; rest.y += PANEL * panels, p += panels) {
        const int pair = panels == 2 && p + 1 < p1;
        if (rest.w.scales)
            pair ? gemv(&rest, p, 2, bits, 1) : gemv(&rest, p, 1, bits, 1);
        else
            pair ? gemv(&rest, p, 2, bits, 0) : gemv(&rest, p, 1, bits, 0);
    }
}

/* The two rows of a width: one panel at a time, and two. */
#define WIDTH(bits)                                                                                                    \
    void lsq_gemv_p##bits##_i8_avx512icl_r1(const lsq_gemv_args *a, size_t p0, size_t p1)                              \
    {                                                                                                                  \
        rows(a, p0, p1, 1, bits);                                                                                      \
    }                                                                                                                  \
    void lsq_gemv_p##bits##_i8_avx512icl_r2(const lsq_gemv_args *a, size_t p0, size_t p1)                              \
    {                                                                                                                  \
        rows(a, p0, p1, 2, bits);                                                                                      \
    }

WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
